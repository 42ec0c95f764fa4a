"""Files that are put into a store as the last step of a pull does."""

import threading
from pathlib import Path
from typing import Any

import pytest

from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from tests.support.datasets import DATASET, Publish, write


@pytest.fixture
def publish(store: Store, tmp_path: Path) -> Publish:
    """Put a one-row file into the store, as the last step of a pull does."""

    def put(source: Provenance, dataset: Dataset = DATASET, over: Provenance | None = None) -> Any:
        staged = tmp_path / f"staged-{threading.get_ident()}.parquet"
        write(staged, source)
        return store.publish(staged, dataset, source, over=over)

    return put
