"""A root that is a directory of this machine: files are renamed into place and synced.

    <root>/.staging/locks/…                        a file for each table, locked while it is written to

Locks hold among the processes of one machine.
"""

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pyarrow.fs as pafs
from filelock import FileLock, Timeout

from connector.dataset.filesystem.disk import everything_below, files_at_depth, move_durably
from connector.dataset.filesystem.place import Place
from connector.dataset.filesystem.root import Opened, Root, Version
from connector.errors import StoreError

_LOCK_TIMEOUT = 60.0
_LOCK_POLL = 0.01

T = TypeVar("T")
R = TypeVar("R")


class Directory(Root):
    """Files below a directory; see `Root`."""

    def __init__(self, place: Place, path: str) -> None:
        super().__init__(place, str(Path(path).absolute()))
        self.filesystem = pafs.LocalFileSystem()

    @property
    def directory(self) -> Path:
        return Path(self._base or "/")

    def read(self, path: str) -> tuple[bytes, Version] | None:
        try:
            return Path(path).read_bytes(), _version(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.failure("read", path, error) from None

    @contextlib.contextmanager
    def opened(
        self,
        path: str,
        known: Version | None = None,
        *,
        whole: bool = False,  # noqa: ARG002 - the disk is near
    ) -> Iterator[Opened]:
        with self.filesystem.open_input_file(path) as file:
            yield Opened(file, known or _version(path))

    def each(self, read: Callable[[T], R], items: Sequence[T]) -> list[R]:
        return [read(item) for item in items]

    def listed(self, directory: str) -> list[str]:
        selector = pafs.FileSelector(directory, allow_not_found=True)
        return [info.path for info in self._infos(selector)]

    def at_depth(self, directory: str, depth: int, name: str) -> Iterator[tuple[str, Version | None]]:
        try:
            yield from ((path, None) for path in files_at_depth(directory, depth, name))
        except OSError as error:
            raise self.failure("list", directory, error) from None

    def everything_below(self, directory: str, *, through: Collection[str]) -> list[str]:
        try:
            return list(everything_below(directory, through))
        except OSError as error:
            raise self.failure("list", directory, error) from None

    def _infos(self, selector: pafs.FileSelector) -> list[pafs.FileInfo]:
        try:
            return list(self.filesystem.get_file_info(selector))
        except OSError as error:
            raise self.failure("list", selector.base_dir, error) from None

    @contextlib.contextmanager
    def lock(self, relative: str) -> Iterator[None]:
        path = self.path(relative)
        lock = self._staging / "locks" / hashlib.sha256(relative.encode()).hexdigest()[:32]
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            held = FileLock(lock)
            held.acquire(timeout=_LOCK_TIMEOUT, poll_interval=_LOCK_POLL)
        except Timeout:
            raise StoreError(
                f"could not write {path}: another process has held it for {_LOCK_TIMEOUT:.0f} s; try again"
            ) from None
        except OSError as error:
            raise self.failure("write", path, error) from None
        # Errors from here on are the caller's to name: only the caller knows what it was writing.
        try:
            yield
        finally:
            held.release()

    def prepare(self, staged: Path) -> None:
        with staged.open("rb") as file:
            os.fsync(file.fileno())

    def put(self, path: str, content: Path | bytes, *, replacing: Version | None) -> bool:
        if _version_or_none(path) != replacing:
            return False
        if isinstance(content, Path):
            move_durably(content, path)
            return True
        staged = self._staging / f"{uuid.uuid4().hex}.json"
        try:
            staged.parent.mkdir(parents=True, exist_ok=True)
            staged.write_bytes(content)
            self.prepare(staged)
            move_durably(staged, path)
        finally:
            staged.unlink(missing_ok=True)
        return True

    def set_aside(self, path: str, name: str, *, seen: Version, most: int) -> Version | None:
        if _version_or_none(path) != seen:
            return None
        place = Path(name).parent
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, name)
        for each in sorted(map(str, place.iterdir()))[:-most]:
            self.remove(each)
        return seen

    def remove(self, path: str) -> None:
        Path(path).unlink(missing_ok=True)

    def remove_all(self, relative: str) -> int:
        directory = self.path(relative)
        selector = pafs.FileSelector(directory, allow_not_found=True)
        files = [info.path for info in self._infos(selector) if info.type == pafs.FileType.File]
        for path in files:
            try:
                self.remove(path)
            except OSError as error:
                raise self.failure("remove", path, error) from None
        # One that is linked, or holds something else, stays.
        with contextlib.suppress(OSError):
            Path(directory).rmdir()
        return len(files)

    @property
    def _staging(self) -> Path:
        return self.directory / ".staging"


def _version(path: str) -> Version:
    found = os.stat(path)  # noqa: PTH116 - a thousand of them take a third of the time
    tag = f"{found.st_dev}-{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"
    return Version(tag, modified=datetime.fromtimestamp(found.st_mtime, UTC))


def _version_or_none(path: str) -> Version | None:
    try:
        return _version(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
