"""A root is a directory or a URL; what is unfinished there is gone afterwards, whoever was killed."""

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from connector.dataset.filesystem.clouds import open_root
from connector.dataset.filesystem.directory import Directory
from connector.dataset.filesystem.place import Place
from connector.dataset.filesystem.root import Root, Version
from connector.dataset.store import Store
from connector.errors import ConfigurationError, StoreError
from tests.support.datasets import DATASET, Publish, provenance, write

LONG = "x" * 300


def test_a_root_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    store = Store(tmp_path / "data")

    with pytest.raises(StoreError, match="data"), store.staging():
        pass


def test_an_unknown_kind_of_root_is_refused() -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"^reports root nowhere://bucket/prefix: nowhere:// is not known; there are s3",
    ):
        Store("nowhere://bucket/prefix")


def test_a_root_may_be_a_url(tmp_path: Path) -> None:
    store = Store(f"file://{tmp_path}/data")
    staged = tmp_path / "staged.parquet"
    write(staged, provenance())

    store.publish(staged, DATASET, provenance())

    assert Store(tmp_path / "data").provenance(DATASET, "2026-06-01") == provenance()


def test_a_directory_that_cannot_be_listed_is_named(
    store: Store, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(provenance())

    def refuse(path: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    with monkeypatch.context() as disk:
        disk.setattr(os, "scandir", refuse)
        with pytest.raises(StoreError, match=r"could not list .*balance_summary.*: Permission denied"):
            store.keys(DATASET)


def test_staging_is_gone_afterwards_also_when_the_work_failed(store: Store) -> None:
    places = []

    def work() -> None:
        with store.staging() as place:
            places.append(place)
            (place / "half.parquet").write_bytes(b"x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()

    assert not places[0].exists()
    assert not list(places[0].parent.glob("*.lock"))


def test_what_a_killed_process_left_is_swept_and_what_a_live_one_holds_is_not(
    store: Store, tmp_path: Path
) -> None:
    base = tmp_path / "data" / ".staging"
    for name in ("dead", "alive", "starting"):
        (base / name).mkdir(parents=True)
        (base / f"{name}.lock").touch()
    (base / "empty.lock").touch()
    for name in ("dead", "alive", "empty"):
        os.utime(base / f"{name}.lock", (0, 0))
    with FileLock(base / "alive.lock"):
        os.utime(base / "alive.lock", (0, 0))
        with store.staging():
            left = {path.name for path in base.iterdir() if path.is_dir()}

    assert {"alive", "starting"} <= left
    assert "dead" not in left
    assert {path.name for path in base.glob("*.lock")} == {"alive.lock", "starting.lock"}


def test_a_directory_whose_lock_is_gone_is_swept_and_what_is_not_ours_stays(
    store: Store, tmp_path: Path
) -> None:
    base = tmp_path / "data" / ".staging"
    for name in ("0" * 32, "theirs"):
        (base / name).mkdir(parents=True)

    with store.staging() as own:
        left = {path.name for path in base.iterdir() if path.is_dir()}

    assert left == {own.name, "theirs"}


class Lossy(Directory):
    """A root that loses the last byte of a file."""

    def put(self, path: str, content: Path | bytes, *, replacing: Version | None) -> bool:
        assert isinstance(content, bytes)
        return super().put(path, content[:-1], replacing=replacing)


class Forgetful(Directory):
    """A root that puts whatever is there."""

    def put(self, path: str, content: Path | bytes, *, replacing: Version | None) -> bool:
        found = self.read(path)
        assert replacing is None or found
        return super().put(path, content, replacing=found[1] if found else None)


def test_a_rehearsal_fails_where_a_file_does_not_read_back(tmp_path: Path) -> None:
    open_root(tmp_path).rehearse()

    with pytest.raises(StoreError, match=r"rehearsal-[0-9a-f]+ does not read back as it was written"):
        Lossy(Place.of(tmp_path), str(tmp_path)).rehearse()


def test_a_rehearsal_fails_where_what_is_there_is_replaced_unseen(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="replaced by who had not seen what was there: the store does not"):
        Forgetful(Place.of(tmp_path), str(tmp_path)).rehearse()


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda root: root.read(root.path("dir")), "read {root}/dir: .*directory.*"),
        (lambda root: root.listed(root.path("file")), "list {root}/file: .*directory.*"),
        (
            lambda root: list(root.at_depth(root.path(LONG), 1, "x")),
            f"list {{root}}/{LONG}: File name too long",
        ),
        (
            lambda root: root.everything_below(root.path(LONG), through=()),
            f"list {{root}}/{LONG}: File name too long",
        ),
        (lambda root: root.lock("t").__enter__(), "write {root}/t: Not a directory"),
        (lambda root: root.staging().__enter__(), "write {root}/\\.staging/[0-9a-f]+: File exists"),
        (lambda root: root.remove_all("file"), "list {root}/file: .*directory.*"),
    ],
    ids=["read", "list", "at-depth", "everything", "lock", "staging", "remove"],
)
def test_what_the_disk_refuses_is_named_with_the_path(
    tmp_path: Path, act: Callable[[Root], object], said: str
) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "file").touch()
    root = open_root(tmp_path)
    if "staging" in said or "/t:" in said:
        (tmp_path / ".staging").touch()

    with pytest.raises(StoreError) as caught:
        act(root)

    expected = f"could not {said.format(root=re.escape(str(tmp_path)))}. What was there before is untouched."
    assert re.fullmatch(expected, str(caught.value))


def test_a_staging_directory_that_somebody_has_removed_is_gone_all_the_same(store: Store) -> None:
    with store.staging() as place:
        place.rmdir()
        place.with_suffix(".lock").unlink()

    assert not place.exists()
