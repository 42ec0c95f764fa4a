"""Files below one root, put into place whole or not at all: the contract of a directory and of a bucket.

    <root>/.staging/…                              unfinished work, never read

What every root does, whatever else reads and writes beside it:

- A file is there whole or not at all: a reader sees the old one or the new one, a write that fails or is
  killed leaves the old one, and what it left is removed by a later process.
- `put` replaces the version that was seen, or nothing where nothing was seen. Where something else is there
  by now it writes nothing and says so: who writes then looks again, and decides again.
- What was put is what the next `read`, `opened` and listing find.

On a directory, `put` compares and renames while a lock of the table is held, among the processes of one
machine. A bucket has no lock and needs none: the store compares and puts in one step, for all machines.
"""

import contextlib
import shutil
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.fs as pafs
from filelock import FileLock

from connector.dataset.filesystem.disk import PRIVATE, sweep
from connector.dataset.filesystem.place import Place
from connector.errors import StoreError

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Version:
    """Which of the files that were at a path one after the other was seen.

    Attributes:
        tag: equal for equal files: the ETag in a bucket, what the disk knows of the file elsewhere.
        number: the generation, in stores that count them.
        modified: when it was written, in UTC.
        copies: of earlier ones, which `set_aside` has made, where they are counted.
    """

    tag: str | None
    number: str | None = field(default=None, compare=False)
    modified: datetime | None = field(default=None, compare=False)
    copies: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is open for reading, all of it of one version."""

    bytes: pa.NativeFile
    version: Version


class Root(ABC):
    """A place for files. Paths given and returned are those of `filesystem`.

    All methods raise StoreError naming the path when the file system refuses, unless they say otherwise.

    Attributes:
        filesystem: for Arrow, to read with.
    """

    filesystem: pafs.FileSystem

    def __init__(self, place: Place, base: str) -> None:
        self.place = place
        self._base = base.rstrip("/")

    @property
    @abstractmethod
    def directory(self) -> Path | None:
        """The root on this machine's disk; None for a bucket."""

    def path(self, relative: str) -> str:
        """Where a file is below the root."""
        return f"{self._base}/{relative}"

    def uri(self, relative: str) -> str:
        """The same for people and other programs: a path, or a URL for a bucket, without its credentials."""
        return self.path(relative) if self.directory else self.place.uri(relative)

    # Reading

    def snapshot(self, directories: Collection[str]) -> AbstractContextManager[None]:  # noqa: ARG002
        """Reads, of files and of lists of these directories, are of one moment meanwhile, where asking again
        would be a request. Nothing is to be written meanwhile."""
        return contextlib.nullcontext()

    @abstractmethod
    def read(self, path: str) -> tuple[bytes, Version] | None:
        """The whole of a small file; None where there is none."""

    @abstractmethod
    def opened(
        self, path: str, known: Version | None = None, *, whole: bool = False
    ) -> AbstractContextManager[Opened]:
        """Open a file. Raises OSError, as reading from it does; FileNotFoundError where there is none.

        Args:
            known: the version that a listing has just shown; what is remembered of it is not read again.
            whole: more than the end of it will be read.
        """

    @abstractmethod
    def each(self, read: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """What `read` makes of each, in their order; many at a time where each is a request."""

    @abstractmethod
    def listed(self, directory: str) -> list[str]:
        """The paths of what is in a directory; none where there is no such directory."""

    @abstractmethod
    def at_depth(self, directory: str, depth: int, name: str) -> Iterator[tuple[str, Version | None]]:
        """The paths of the files of that name that lie `depth` directories below one, and the version of each
        where the listing shows it; links are followed."""

    @abstractmethod
    def everything_below(self, directory: str, *, through: Collection[str]) -> list[str]:
        """The paths of all files below a directory, and of links to directories that were not followed.

        Args:
            through: links to directories that are followed.
        """

    # Writing

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A directory of this process for unfinished files, on this machine, gone afterwards.

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

    @abstractmethod
    def lock(self, relative: str) -> AbstractContextManager[None]:
        """Keep others from writing to the same place below the root, a table say, where `put` needs that."""

    @abstractmethod
    def prepare(self, staged: Path) -> None:
        """Bring a staged file so far that one step puts it into place; what takes long comes before the lock.

        Raises OSError as the file system does.
        """

    @abstractmethod
    def put(self, path: str, content: Path | bytes, *, replacing: Version | None) -> bool:
        """Put a prepared file, or a small one, into place; whether it is there now.

        False where another version is there than the one to be replaced (None: where anything is): nothing
        was written. A small file is put durably. Raises OSError as the file system does.
        """

    @abstractmethod
    def set_aside(self, path: str, name: str, *, seen: Version, most: int) -> Version | None:
        """Copy a file that is about to be replaced to `name`. The last `most` copies stay, by name; where
        removing is a request, fewer than twice as many do.

        Returns what `put` is to replace; None where another version than the one `seen` is there by now: then
        there is no copy of it under that name. Raises OSError as the file system does.
        """

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file, if it is there. Raises OSError as the file system does."""

    @abstractmethod
    def remove_all(self, relative: str) -> int:
        """Remove the files in a directory below the root, and the directory once it is empty; how many there
        were. Directories inside it, and what they hold, stay."""

    def rehearse(self) -> None:
        """Put a small file, replace it, read it back and remove it.

        Shows beforehand whether publishing would work, and whether what was not seen is replaced; raises
        StoreError as publishing would.
        """
        relative, contents = f".staging/rehearsal-{uuid.uuid4().hex}", [uuid.uuid4().bytes for _ in range(4)]
        path, verb = self.path(relative), "write"
        with self.lock(".staging/rehearsal"):
            try:
                done = [self.put(path, contents[0], replacing=None)]
                first = self.read(path)
                seen = first and first[1]
                done += [self.put(path, content, replacing=seen) for content in contents[1:3]]
                done += [self.put(path, contents[3], replacing=None)]
                found = self.read(path)
                verb = "remove"
                self.remove(path)
            except OSError as error:
                raise self.failure(verb, path, error) from None
        if done[2] or done[3]:
            raise StoreError(f"{path} was replaced by who had not seen what was there: {_OLD}")
        if found is None or found[0] != contents[1]:
            raise StoreError(f"{path} does not read back as it was written")

    def failure(self, verb: str, path: str, error: OSError, *, needed: int | None = None) -> StoreError:
        """What the file system refused, where, and how many bytes it would have taken."""
        reason = self.explain(error)
        room = f"; {needed:,} bytes are needed" if needed is not None else ""
        return StoreError(f"could not {verb} {path}: {reason}{room}. What was there before is untouched.")

    def explain(self, error: BaseException) -> str:
        """What Arrow, DuckDB, the store or the system says of a file here, in a line, without credentials."""
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return self.place.hide(said).splitlines()[0]

    @property
    @abstractmethod
    def _staging(self) -> Path:
        """On the disk of the root, so that a rename is enough; anywhere for a bucket."""


_OLD = (
    "the store does not honour conditional writes (If-Match, If-None-Match), without which two machines may "
    "publish over each other. Use a store, or a version of it, that does"
)
