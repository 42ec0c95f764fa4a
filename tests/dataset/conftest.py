"""Files that are put into a store as the last step of a pull does."""

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore

from connector.dataset.filesystem.bucket import Bucket
from connector.dataset.filesystem.clouds import open_root
from connector.dataset.filesystem.place import Place
from connector.dataset.filesystem.root import Root
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from tests.support.buckets import new_bucket
from tests.support.datasets import DATASET, Publish, write
from tests.support.memory_bucket import bucket


@pytest.fixture
def publish(store: Store, tmp_path: Path) -> Publish:
    """Put a one-row file into the store, as the last step of a pull does."""

    def put(source: Provenance, dataset: Dataset = DATASET, over: Provenance | None = None) -> Any:
        staged = tmp_path / f"staged-{threading.get_ident()}.parquet"
        write(staged, source)
        return store.publish(staged, dataset, source, over=over)

    return put


#: The same place, for one more machine.
Machine = Callable[[], Root]


@pytest.fixture(params=["directory", "memory", "moto", pytest.param("seaweed", marks=pytest.mark.long)])
def machine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if request.param == "directory":
        return lambda: open_root(tmp_path / "data")
    if request.param == "memory":
        objects = MemoryStore()
        return lambda: bucket(objects)
    served = new_bucket(request.getfixturevalue(request.param))
    return lambda: Bucket(Place.of(served.url), served.store())
