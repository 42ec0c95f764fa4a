"""Files below one root, a directory or an object store: put into place whole, or not at all.

    <root>/.staging/…                              unfinished work, read by nobody
    <root>/.staging/locks/…                        who is writing where

On a disk a file is renamed into place and synced; to an object store it is uploaded beside its place and
copied. Locks hold among the processes of one machine.
"""

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
from filelock import FileLock, Timeout

from connector.errors import ConfigurationError, StoreError

_ORPHAN_AFTER = 600.0
_LOCK_TIMEOUT = 60.0
_STAGING = re.compile(r"[0-9a-f]{32}")


class Root:
    """A place for files: a directory, or a URL such as `s3://bucket/prefix`.

    Paths given and returned are those of `filesystem`. All methods raise StoreError naming the path when the
    file system refuses.

    Raises:
        ConfigurationError: nothing can be at such a place.
    """

    def __init__(self, place: str | Path) -> None:
        self.place = str(place)
        try:
            if "://" in self.place:
                self.filesystem, self._base = pafs.FileSystem.from_uri(self.place)
            else:
                self.filesystem, self._base = pafs.LocalFileSystem(), str(Path(self.place).absolute())
        except (pa.ArrowException, OSError, ValueError) as error:
            raise ConfigurationError(f"reports root {self.place}: {error}") from None

    @property
    def directory(self) -> Path | None:
        """The root on this machine's disk; None for an object store."""
        return Path(self._base) if isinstance(self.filesystem, pafs.LocalFileSystem) else None

    def path(self, relative: str) -> str:
        """Where a file is below the root."""
        return f"{self._base.rstrip('/')}/{relative}"

    def uri(self, relative: str) -> str:
        """The same for people and other programs: a path, or a URL for an object store."""
        return self.path(relative) if self.directory else f"{self.place.rstrip('/')}/{relative}"

    # Reading

    def read(self, path: str) -> bytes | None:
        """The whole of a small file; None where there is none."""
        try:
            with self.filesystem.open_input_stream(path) as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise failure("read", path, error) from None

    def listed(self, directory: str, *, recursive: bool = False) -> list[str]:
        """The paths of what is in a directory; none where there is no such directory."""
        selector = pafs.FileSelector(directory, recursive=recursive, allow_not_found=True)
        try:
            return [info.path for info in self.filesystem.get_file_info(selector)]
        except OSError as error:
            raise failure("list", directory, error) from None

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
            _sweep(base)
            lock = FileLock(place.with_suffix(".lock"))
            with lock:
                place.mkdir()
                try:
                    yield place
                finally:
                    shutil.rmtree(place, ignore_errors=True)
                    Path(lock.lock_file).unlink(missing_ok=True)
        except OSError as error:
            raise failure("write", str(place), error) from None

    @contextlib.contextmanager
    def lock(self, path: str) -> Iterator[None]:
        """Keep other processes on this machine from writing to the same place."""
        name = hashlib.sha256(path.encode()).hexdigest()[:32]
        lock = self._staging / "locks" / name
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            held = FileLock(lock, timeout=_LOCK_TIMEOUT)
            held.acquire()
        except Timeout:
            raise StoreError(
                f"could not write {path}: another process has held it for {_LOCK_TIMEOUT:.0f} s; try again"
            ) from None
        except OSError as error:
            raise failure("write", path, error) from None
        # What goes wrong from here on is told by whoever holds the lock, who knows what was being done.
        try:
            yield
        finally:
            held.release()

    def put(self, staged: Path, target: str, *, holding: AbstractContextManager[None] | None = None) -> None:
        """Move a staged file to its place at once, and make sure it survives a power cut.

        Args:
            holding: entered for the moment of the move itself, on a disk; what it raises prevents the move.

        Raises OSError as the file system does.
        """
        if not self.directory:
            self._upload(staged, target)
            return
        directory = Path(target).parent
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        with holding or contextlib.nullcontext():
            directory.mkdir(parents=True, exist_ok=True)
            staged.replace(target)
        with contextlib.suppress(FileNotFoundError):  # its table has another name by now
            sync_directory(directory)

    def write(self, path: str, content: bytes) -> None:
        """Put a small file into place."""
        staged = self._staging / f"{uuid.uuid4().hex}.json"
        try:
            staged.write_bytes(content)
            self.put(staged, path)
        except OSError as error:
            raise failure("write", path, error, needed=len(content)) from None
        finally:
            staged.unlink(missing_ok=True)

    def rehearse(self) -> None:
        """Put a passing file into place as publishing does, read it back and remove it.

        For whoever wants to know beforehand. Raises StoreError as publishing would.
        """
        path, content = self.path(".staging/rehearsal"), uuid.uuid4().bytes
        with self.lock(path):
            self.write(path, content)
            found = self.read(path)
            try:
                self.filesystem.delete_file(path)
            except OSError as error:
                raise failure("remove", path, error) from None
        if found != content:
            raise StoreError(f"{path} reads otherwise than it was written")

    def set_aside(self, path: str, name: str, *, most: int) -> None:
        """Copy a file that is about to be replaced, keeping the last `most` beside the copy, by name.

        Raises OSError as the file system does.
        """
        place = name.rpartition("/")[0]
        self.filesystem.create_dir(place, recursive=True)
        self.filesystem.copy_file(path, name)
        older = sorted(info.path for info in self.filesystem.get_file_info(pafs.FileSelector(place)))
        for each in older[:-most]:
            self.filesystem.delete_file(each)

    @property
    def _staging(self) -> Path:
        """On the disk of the root, so that a rename is enough; anywhere for an object store."""
        if self.directory:
            return self.directory / ".staging"
        return Path(tempfile.gettempdir()) / "stripe-reports"

    def _upload(self, staged: Path, target: str) -> None:
        """Through a key of its own: an upload that breaks off still ends as an object, and would be read."""
        passing = self.path(f".staging/{uuid.uuid4().hex}")
        try:
            with staged.open("rb") as source, self.filesystem.open_output_stream(passing) as sink:
                shutil.copyfileobj(source, sink, 1 << 22)
            self.filesystem.copy_file(passing, target)
        finally:
            with contextlib.suppress(OSError):
                self.filesystem.delete_file(passing)


def sync_directory(directory: Path) -> None:
    """Make sure that what was renamed into or within a directory survives a power cut."""
    if os.name == "posix":
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def failure(verb: str, path: str, error: OSError, *, needed: int | None = None) -> StoreError:
    """What the file system refused, where, and how many bytes it would have taken."""
    reason = error.strerror or str(error)
    room = f"; {needed:,} bytes are needed" if needed is not None else ""
    return StoreError(f"could not {verb} {path}: {reason}{room}. What was there before is untouched.")


def _sweep(base: Path) -> None:
    """Remove what killed processes left: directories nobody holds the lock of, or that have none.

    The lock is there before its directory, and goes after it.
    """
    for lock in base.glob("*.lock"):
        with contextlib.suppress(OSError, Timeout):
            # A process that is just starting has made its lock file and not yet taken it.
            if time.time() - lock.stat().st_mtime < _ORPHAN_AFTER:
                continue
            with FileLock(lock, timeout=0):
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink(missing_ok=True)
    for place in base.iterdir():
        if _STAGING.fullmatch(place.name) and not place.with_suffix(".lock").exists():
            shutil.rmtree(place, ignore_errors=True)
