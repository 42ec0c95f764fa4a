"""Files below one root, a directory or an object store: put into place whole, or not at all.

    <root>/.staging/…                              unfinished work, never read
    <root>/.staging/locks/…                        a file for each table, locked while it is written to

On a disk a file is renamed into place and synced; to an object store it is uploaded under a passing name
and copied. Locks hold among the processes of one machine.
"""

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.fs as pafs
from filelock import FileLock, Timeout

from connector.dataset.filesystem.disk import (
    PRIVATE,
    everything_below,
    files_at_depth,
    move_durably,
    private_directory,
    sweep,
)
from connector.dataset.filesystem.place import Place
from connector.errors import ConfigurationError, StoreError

_LOCK_TIMEOUT = 60.0
_LOCK_POLL = 0.01

#: Files read at once where each read is a journey.
_AT_ONCE = 8

T = TypeVar("T")
R = TypeVar("R")


class Root:
    """A place for files: a directory, or a URL such as `s3://bucket/prefix`.

    Paths given and returned are those of `filesystem`. All methods raise StoreError naming the path when the
    file system refuses.

    Raises:
        ConfigurationError: nothing can be at such a place.
    """

    def __init__(self, place: str | Path | Place) -> None:
        self.place = Place.of(place)
        refusal = None
        try:
            if "://" in self.place.real:
                self.filesystem, self._base = pafs.FileSystem.from_uri(self.place.real)
            else:
                self.filesystem, self._base = pafs.LocalFileSystem(), str(Path(self.place.real).absolute())
        except (pa.ArrowException, OSError, ValueError) as error:
            refusal = self.explain(error)
        # Raised here, it does not carry Arrow's own error, which quotes the URL.
        if refusal is not None:
            raise ConfigurationError(f"reports root {self.place}: {refusal}")

    @property
    def directory(self) -> Path | None:
        """The root on this machine's disk; None for an object store."""
        return Path(self._base) if isinstance(self.filesystem, pafs.LocalFileSystem) else None

    def path(self, relative: str) -> str:
        """Where a file is below the root."""
        return f"{self._base.rstrip('/')}/{relative}"

    def uri(self, relative: str) -> str:
        """The same for people and other programs: a path, or a URL for an object store, without its
        credentials."""
        return self.path(relative) if self.directory else self.place.uri(relative)

    # Reading

    def read(self, path: str) -> bytes | None:
        """The whole of a small file; None where there is none."""
        try:
            with self.filesystem.open_input_stream(path) as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.failure("read", path, error) from None

    def each(self, read: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """What `read` makes of each, in their order; several at a time where each is a journey."""
        if self.directory:
            return [read(item) for item in items]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(read, items))

    def listed(self, directory: str, *, recursive: bool = False) -> list[str]:
        """The paths of what is in a directory; none where there is no such directory."""
        selector = pafs.FileSelector(directory, recursive=recursive, allow_not_found=True)
        return [info.path for info in self._infos(selector)]

    def at_depth(self, directory: str, depth: int, name: str) -> Iterator[str]:
        """The paths of the files of that name that lie `depth` directories below one; links are followed."""
        if not self.directory:
            listed = self.listed(directory, recursive=True)
            below = directory.count("/") + depth + 1
            yield from (p for p in listed if p.endswith(f"/{name}") and p.count("/") == below)
            return
        try:
            yield from files_at_depth(directory, depth, name)
        except OSError as error:
            raise self.failure("list", directory, error) from None

    def everything_below(self, directory: str, *, through: Collection[str]) -> list[str]:
        """The paths of all files below a directory, and of links to directories that were not followed.

        Args:
            through: links to directories that are followed.
        """
        if not self.directory:
            selector = pafs.FileSelector(directory, recursive=True, allow_not_found=True)
            return [info.path for info in self._infos(selector) if info.type == pafs.FileType.File]
        try:
            return list(everything_below(directory, through))
        except OSError as error:
            raise self.failure("list", directory, error) from None

    def _infos(self, selector: pafs.FileSelector) -> list[pafs.FileInfo]:
        try:
            return list(self.filesystem.get_file_info(selector))
        except OSError as error:
            raise self.failure("list", selector.base_dir, error) from None

    # Writing

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A directory of this process for unfinished files, gone afterwards.

        What a killed process left there is removed by the next one.
        """
        base = self._staging
        place = base / uuid.uuid4().hex
        try:
            base.mkdir(parents=True, exist_ok=True)
            sweep(base)
            lock = FileLock(place.with_suffix(".lock"))
            with lock:
                place.mkdir(mode=PRIVATE)
                try:
                    yield place
                finally:
                    shutil.rmtree(place, ignore_errors=True)
                    Path(lock.lock_file).unlink(missing_ok=True)
        except OSError as error:
            raise self.failure("write", str(place), error) from None

    @contextlib.contextmanager
    def lock(self, relative: str) -> Iterator[None]:
        """Keep others on this machine from writing to the same place below the root, a table say."""
        path = self.path(relative)
        # Elsewhere than on the root's own disk, the locks of all roots lie together.
        name = hashlib.sha256((relative if self.directory else path).encode()).hexdigest()[:32]
        lock = self._staging / "locks" / name
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

    @contextlib.contextmanager
    def prepared(self, staged: Path) -> Iterator[Callable[[str], object]]:
        """Bring a staged file so far that one step puts it into place: the function this yields.

        On a disk it is synced, so that it survives a power cut; to an object store it is uploaded under a key
        of its own, since an upload that breaks off still ends as an object that readers would see.

        Raises OSError as the file system does.
        """
        if self.directory:
            with staged.open("rb") as file:
                os.fsync(file.fileno())
            yield partial(move_durably, staged)
            return
        passing = self.path(f".staging/{uuid.uuid4().hex}")
        try:
            with staged.open("rb") as source, self.filesystem.open_output_stream(passing) as sink:
                shutil.copyfileobj(source, sink, 1 << 22)
            yield partial(self.filesystem.copy_file, passing)
        finally:
            with contextlib.suppress(OSError):
                self.filesystem.delete_file(passing)

    def write(self, path: str, content: bytes) -> None:
        """Put a small file into place."""
        staged = self._staging / f"{uuid.uuid4().hex}.json"
        try:
            staged.parent.mkdir(parents=True, exist_ok=True)
            staged.write_bytes(content)
            with self.prepared(staged) as move:
                move(path)
        except OSError as error:
            raise self.failure("write", path, error, needed=len(content)) from None
        finally:
            staged.unlink(missing_ok=True)

    def rehearse(self) -> None:
        """Publish a small file, read it back and remove it.

        Shows beforehand whether publishing would work; raises StoreError as publishing would.
        """
        relative, content = ".staging/rehearsal", uuid.uuid4().bytes
        path = self.path(relative)
        with self.lock(relative):
            self.write(path, content)
            found = self.read(path)
            try:
                self.filesystem.delete_file(path)
            except OSError as error:
                raise self.failure("remove", path, error) from None
        if found != content:
            raise StoreError(f"{path} does not read back as it was written")

    def set_aside(self, path: str, name: str, *, most: int) -> None:
        """Copy a file that is about to be replaced to `name`; only the last `most` copies stay, by name.

        Raises OSError as the file system does.
        """
        place = name.rpartition("/")[0]
        self.filesystem.create_dir(place)
        self.filesystem.copy_file(path, name)
        older = sorted(info.path for info in self.filesystem.get_file_info(pafs.FileSelector(place)))
        for each in older[:-most]:
            self.filesystem.delete_file(each)

    def remove_all(self, relative: str) -> int:
        """Remove the files in a directory below the root, and the directory once it is empty; how many there
        were. Directories inside it, and what they hold, stay."""
        directory = self.path(relative)
        selector = pafs.FileSelector(directory, allow_not_found=True)
        files = [info.path for info in self._infos(selector) if info.type == pafs.FileType.File]
        for path in files:
            try:
                self.filesystem.delete_file(path)
            except OSError as error:
                raise self.failure("remove", path, error) from None
        if self.directory:
            # One that is linked, or holds something else, stays.
            with contextlib.suppress(OSError):
                Path(directory).rmdir()
        return len(files)

    def failure(self, verb: str, path: str, error: OSError, *, needed: int | None = None) -> StoreError:
        """What the file system refused, where, and how many bytes it would have taken."""
        reason = self.explain(error)
        room = f"; {needed:,} bytes are needed" if needed is not None else ""
        return StoreError(f"could not {verb} {path}: {reason}{room}. What was there before is untouched.")

    def explain(self, error: BaseException) -> str:
        """What another program says of the root or of a file below it, in a line and without credentials.

        Whoever catches an error of Arrow's, DuckDB's or the system's gets its text here.
        """
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return self.place.hide(said).splitlines()[0]

    @property
    def _staging(self) -> Path:
        """On the disk of the root, so that a rename is enough; anywhere for an object store."""
        return self.directory / ".staging" if self.directory else private_directory()
