"""A root that is an object store, as Arrow's file system in memory is one: no disk of ours, and no rename."""

import tempfile
from pathlib import Path

import pytest

from connector.dataset.filesystem.root import Root
from connector.dataset.store import Store
from connector.errors import StoreError
from tests.support.datasets import DATASET, provenance, write

PERIOD = "2026-06-01"
FOLDERS = (".staging", "test/_datasets", str(Path(DATASET.file_path(PERIOD)).parent))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Staged below a directory of the test. A file system in memory needs its folders; a bucket does not."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    store = Store("mock:///bucket/prefix")
    with_folders(store._root)
    return store


def with_folders(root: Root) -> Root:
    for folder in FOLDERS:
        root.filesystem.create_dir(root.path(folder), recursive=True)
    return root


def test_a_file_is_uploaded_beside_its_place_and_copied_there(store: Store, tmp_path: Path) -> None:
    staged = tmp_path / "staged.parquet"
    write(staged, provenance())

    published = store.publish(staged, DATASET, provenance())

    assert published.uri == f"mock:///bucket/prefix/{DATASET.file_path(PERIOD)}"
    assert store.provenance(DATASET, PERIOD) == provenance()
    assert store.arrow_dataset(DATASET).to_table().num_rows == 1
    assert store._root.listed(store._root.path(".staging"), recursive=True) == []


def test_what_is_published_replaces_what_was_there(store: Store, tmp_path: Path) -> None:
    staged = tmp_path / "staged.parquet"
    for run in ("frr_1", "frr_2"):
        write(staged, provenance(run))
        store.publish(staged, DATASET, provenance(run))

    assert [str(run) for run in store.arrow_dataset(DATASET).to_table()["_report_run_id"]] == ["frr_2"]


def test_it_is_rehearsed_with_a_passing_key(store: Store, tmp_path: Path) -> None:
    store._root.rehearse()

    assert store._root.listed(store._root.path(".staging"), recursive=True) == []
    assert list((tmp_path / "stripe-reports").glob("*.json")) == []


def test_a_store_that_refuses_is_named(store: Store) -> None:
    store._fs.delete_dir(store._root.path(".staging"))

    with pytest.raises(StoreError, match=r"could not write .*\.staging/rehearsal"):
        store._root.rehearse()


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
    store._root.filesystem.create_dir(store._path(f"{DATASET.path}/copy/empty"), recursive=True)
    with store._root.filesystem.open_output_stream(store._path(f"{DATASET.path}/copy/x.parquet")) as sink:
        sink.write(b"PAR1")

    files, (stray,) = store.contents(DATASET)

    assert files == {PERIOD: provenance()}
    assert stray.path == store._path(f"{DATASET.path}/copy")
    assert store.keys(DATASET) == (PERIOD,)
    root = store._root
    for name in ("a/b/report.parquet", "a/b/other.parquet", "a/report.parquet"):
        root.filesystem.create_dir(root.path(f"t/{name}").rpartition("/")[0], recursive=True)
        with root.filesystem.open_output_stream(root.path(f"t/{name}")) as sink:
            sink.write(b"PAR1")
    found = list(root.at_depth(root.path("t"), 2, "report.parquet"))
    assert found == [root.path("t/a/b/report.parquet")]
    assert Root("mock:///bucket").everything_below("bucket/none", through=()) == []
