"""Files that are put into a store as the last step of a pull does."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore

from connector.dataset.filesystem.access import Access
from connector.dataset.filesystem.bucket import Bucket
from connector.dataset.filesystem.clouds import open_root
from connector.dataset.filesystem.place import Place
from connector.dataset.filesystem.root import Root
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from tests.support.azurite import Azurite, azurite_server
from tests.support.buckets import free_port, new_bucket
from tests.support.datasets import DATASET, Publish, write
from tests.support.google_storage import google_storage, write_credentials
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


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Azure's stand-in, for tests that `make soak` runs, since npm brings it."""
    with azurite_server(tmp_path_factory.mktemp("azurite"), free_port()) as server:
        yield server


@pytest.fixture(
    params=[
        *("directory", "memory", "moto"),
        *(pytest.param(each, marks=pytest.mark.long) for each in ("google", "seaweed")),
        pytest.param("azurite", marks=pytest.mark.soak),
    ]
)
def machine(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machine]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if request.param == "directory":
        yield lambda: open_root(tmp_path / "data")
    elif request.param == "memory":
        objects = MemoryStore()
        yield lambda: bucket(objects)
    elif request.param == "google":
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(write_credentials(tmp_path / "account.json")))
        with google_storage("bucket") as endpoint:
            yield lambda: open_root(Place.of("gs://bucket/reports", Access(endpoint)))
    elif request.param == "azurite":
        azurite: Azurite = request.getfixturevalue("azurite")
        for name, value in azurite.environment().items():
            monkeypatch.setenv(name, value)
        url = azurite.new_container()
        yield lambda: open_root(Place.of(url, Access(azurite.endpoint)))
    else:
        served = new_bucket(request.getfixturevalue(request.param))
        yield lambda: Bucket(Place.of(served.url), served.store())
