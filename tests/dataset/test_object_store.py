"""A root that is a bucket: no disk of ours, and no rename."""

import tempfile
from pathlib import Path

import pytest

from connector.dataset.store import Store
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
    found = list(root.at_depth(root.path("t"), 2, "report.parquet"))
    assert found == [root.path("t/a/b/report.parquet")]
    assert root.everything_below("bucket/prefix/none", through=()) == []
