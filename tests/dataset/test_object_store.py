"""A root that is a bucket: no disk of ours, and no rename."""

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from connector.dataset.filesystem.bucket import Bucket
from connector.dataset.filesystem.place import Place
from connector.dataset.store import Store
from connector.errors import DatasetMismatchError
from tests.support.datasets import DATASET, provenance, write
from tests.support.memory_bucket import bucket

PERIOD = "2026-06-01"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Staged below a directory of the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Store(bucket())


def test_a_file_is_uploaded_whole(store: Store, tmp_path: Path) -> None:
    staged = tmp_path / "staged.parquet"
    write(staged, provenance())

    published = store.publish(staged, DATASET, provenance())

    assert published.uri == f"memory://bucket/prefix/{DATASET.file_path(PERIOD)}"
    assert store.provenance(DATASET, PERIOD) == provenance()
    assert store.arrow_dataset(DATASET).to_table().num_rows == 1
    assert store._root.listed(store._root.path(".staging")) == []


def test_what_is_published_replaces_what_was_there(store: Store, tmp_path: Path) -> None:
    staged = tmp_path / "staged.parquet"
    for run in ("frr_1", "frr_2"):
        write(staged, provenance(run))
        store.publish(staged, DATASET, provenance(run))

    assert [str(run) for run in store.arrow_dataset(DATASET).to_table()["_report_run_id"]] == ["frr_2"]


def test_it_is_rehearsed_with_a_passing_key(store: Store, tmp_path: Path) -> None:
    store._root.rehearse()

    assert store._root.listed(store._root.path(".staging")) == []
    assert list((tmp_path / "stripe-reports").glob("*.json")) == []


def test_what_was_published_is_found_again_many_partitions_at_once(store: Store, tmp_path: Path) -> None:
    staged = tmp_path / "staged.parquet"
    write(staged, provenance())
    store.publish(staged, DATASET, provenance())

    assert store.provenances(DATASET) == {PERIOD: provenance()}
    assert store.provenances(DATASET, ["2026-06-02", PERIOD]) == {"2026-06-02": None, PERIOD: provenance()}


def test_what_lies_beside_the_partitions_is_found_too(store: Store, tmp_path: Path) -> None:
    staged = tmp_path / "staged.parquet"
    write(staged, provenance())
    store.publish(staged, DATASET, provenance())
    store._root.put(store._path(f"{DATASET.path}/copy/x.parquet"), b"PAR1", replacing=None)

    files, (stray,) = store.contents(DATASET)

    assert files == {PERIOD: provenance()}
    assert stray.path == store._path(f"{DATASET.path}/copy")
    assert store.keys(DATASET) == (PERIOD,)
    root = store._root
    for name in ("a/b/report.parquet", "a/b/other.parquet", "a/report.parquet"):
        root.put(root.path(f"t/{name}"), b"PAR1", replacing=None)
    found = dict(root.at_depth(root.path("t"), 2, "report.parquet"))
    assert list(found) == [root.path("t/a/b/report.parquet")]
    assert root.everything_below("bucket/prefix/none", through=()) == []


def test_what_stands_for_a_directory_is_not_a_file(tmp_path: Path) -> None:
    """Consoles make such objects, with a slash at the end of the name that the library does not show."""
    objects, staged = MemoryStore(), tmp_path / "staged.parquet"
    store = Store(bucket(objects))
    write(staged, provenance())
    store.publish(staged, DATASET, provenance())
    for key in (
        DATASET.path,
        DATASET.files_path,
        f"{DATASET.files_path}/period={PERIOD}",
        f"{DATASET.path}/new",
    ):
        objects.put(f"prefix/{key}", b"")

    assert store.contents(DATASET) == ({PERIOD: provenance()}, [])
    assert store.datasets() == (DATASET,)
    assert store.unusable_tables() == {}
    assert store._root.listed(store._path("test")) == [
        store._path("test/_datasets"),
        store._path(DATASET.path),
    ]


def test_what_is_left_in_the_bucket_for_a_day_is_removed_by_the_next_process() -> None:
    """By earlier versions, or by a rehearsal that was killed."""
    objects, now = MemoryStore(), datetime.now(UTC)
    objects.put("prefix/.staging/left", b"half")
    objects.put("prefix/other", b"theirs")
    for later, left in ((timedelta(hours=23), 2), (timedelta(hours=25), 1)):
        root = Bucket(Place.of("memory://bucket/prefix"), objects, now=partial(now.__add__, later))
        with root.staging():
            assert len(objects.list().collect()) == left


def test_a_pin_of_something_else_is_removed_by_people_where_no_lock_would_tell(
    store: Store, tmp_path: Path
) -> None:
    """On a disk it is replaced, where the table has no files."""
    staged = tmp_path / "staged.parquet"
    write(staged, provenance())
    store.publish(staged, DATASET, provenance())
    store.forget(DATASET, PERIOD)

    with pytest.raises(DatasetMismatchError) as caught:
        store.check(replace(DATASET, window="monthly"))

    assert str(caught.value) == (
        "table balance_summary has no files, and its pin is of a different report configuration: window is "
        "daily there and monthly here. Give this one a `name` of its own, or remove "
        "memory://bucket/prefix/test/_datasets/balance_summary.json."
    )
