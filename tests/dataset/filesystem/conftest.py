"""One place for files after the other, each as any number of machines see it."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from connector.dataset.filesystem.bucket import Bucket
from connector.dataset.filesystem.clouds import open_root
from connector.dataset.filesystem.place import Place
from connector.dataset.filesystem.root import Root
from tests.support.buckets import new_bucket
from tests.support.memory_bucket import bucket

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
