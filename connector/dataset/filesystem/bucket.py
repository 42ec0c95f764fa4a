"""A root that is a bucket of an object store: every write is one request, under a condition on what was seen.

An object is put whole, in one request: an upload that breaks off leaves nothing. Object stores take up to
5 GB that way (Azure 5,000 MiB).
"""

import contextlib
import mmap
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.fs as pafs
from obstore.exceptions import BaseError, NotSupportedError, PreconditionError

from connector.dataset.filesystem.disk import private_directory
from connector.dataset.filesystem.object_requests import (
    COPIES,
    body_of,
    copies_in,
    if_match,
    is_marker,
    key_of,
    version_of,
)
from connector.dataset.filesystem.objects import END, WHOLE, End, Memory, ObjectFile, ObjectFiles
from connector.dataset.filesystem.place import Place
from connector.dataset.filesystem.refusals import explain
from connector.dataset.filesystem.root import Opened, Root, Version
from connector.dataset.filesystem.snapshot import Snapshot
from connector.dataset.filesystem.store_errors import FINAL, ReplacedError, os_errors

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import ObjectStore

#: Objects read at once: each read is a request.
_AT_ONCE = 32

#: A file is opened again so many times where others keep replacing it.
_OPENED_AGAIN = 5

#: Unfinished work of earlier versions, and of rehearsals that were killed.
_ORPHAN_AFTER = timedelta(days=1)

T = TypeVar("T")
R = TypeVar("R")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Bucket(Root):
    """Files below a prefix of a bucket; see `Root`. Paths begin with the bucket's name."""

    def __init__(
        self,
        place: Place,
        store: "ObjectStore",
        base: str | None = None,
        *,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """As `open_root` does it for a URL.

        Args:
            store: the bucket, without a prefix. Only its methods are called.
            now: what time it is, as the store has it.
            base: the name of the bucket, then the prefix, as in `bucket/a/prefix`; by default as in the URL.
        """
        super().__init__(place, place.base.partition("://")[2].rpartition("@")[2] if base is None else base)
        self._store = store
        self._now = now
        self._memory = Memory()
        self._snapshot: Snapshot | None = None
        scheme = place.base.partition("://")[0]
        self.filesystem = pafs.PyFileSystem(ObjectFiles(self._open_for_arrow, scheme))

    @property
    def directory(self) -> None:
        return None

    def explain(self, error: BaseException) -> str:
        return self.place.hide(explain(error))

    # Reading

    @contextlib.contextmanager
    def snapshot(self, directories: Collection[str]) -> Iterator[None]:
        before, self._snapshot = self._snapshot, Snapshot(directories, self._list)
        try:
            yield
        finally:
            self._snapshot = before

    def read(self, path: str) -> tuple[bytes, Version] | None:
        snapshot = self._snapshot
        return snapshot.small(path, partial(self._read, path)) if snapshot else self._read(path)

    def _read(self, path: str) -> tuple[bytes, Version] | None:
        try:
            with os_errors():
                found = self._store.get(key_of(path))
                return bytes(found.bytes()), version_of(found.meta)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.failure("read", path, error) from None

    @contextlib.contextmanager
    def opened(self, path: str, known: Version | None = None, *, whole: bool = False) -> Iterator[Opened]:
        if self._snapshot and known is None:
            known = self._snapshot.version(path)
        end = self._memory.get(path, known) or self._fetch_end(path)
        if whole:
            opened, end = self._with_rest(path, end)
        else:
            opened = self._file(path, end)
        with pa.PythonFile(opened, mode="r") as file:
            yield Opened(file, end.version)

    def each(self, read: Callable[[T], R], items: Sequence[T]) -> list[R]:
        if len(items) < 2:
            return [read(item) for item in items]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(read, items))

    def listed(self, directory: str) -> list[str]:
        if self._snapshot and (below := self._snapshot.below(directory)) is not None:
            start = len(directory) + 1
            return sorted({f"{directory}/{path[start:].partition('/')[0]}" for path in below})
        try:
            with os_errors():
                found = self._store.list_with_delimiter(key_of(directory))
        except OSError as error:
            raise self.failure("list", directory, error) from None
        objects = [each["path"] for each in found["objects"] if not is_marker(each)]
        return sorted(map(self._path, [*found["common_prefixes"], *objects]))

    def at_depth(self, directory: str, depth: int, name: str) -> Iterator[tuple[str, Version | None]]:
        below = directory.count("/") + depth + 1
        for path, version in self._below(directory).items():
            if path.endswith(f"/{name}") and path.count("/") == below:
                yield path, version

    def everything_below(self, directory: str, *, through: Collection[str]) -> list[str]:  # noqa: ARG002 - no links here
        return list(self._below(directory))

    def _below(self, directory: str) -> dict[str, Version]:
        """All objects below a directory."""
        found = self._snapshot.below(directory) if self._snapshot else None
        return self._list(directory) if found is None else found

    def _list(self, directory: str) -> dict[str, Version]:
        """The same, listed now. One request for a thousand."""
        try:
            with os_errors():
                return {
                    self._path(each["path"]): version_of(each)
                    for page in self._store.list(key_of(directory) or None, chunk_size=1000)
                    for each in page
                    if not is_marker(each)
                }
        except OSError as error:
            raise self.failure("list", directory, error) from None

    def _fetch_end(self, path: str) -> End:
        """The end of the object that is there now. Raises OSError."""
        key = key_of(path)
        with os_errors():
            try:
                found = self._store.get(key, options={"range": {"suffix": END}})
            except (NotSupportedError, BaseError) as error:
                if isinstance(error, FINAL):
                    raise
                found = self._get_end_by_size(key)
            version = replace(version_of(found.meta), copies=copies_in(found.attributes))
            end = End(bytes(found.bytes()), found.meta["size"], version)
        self._memory.put(path, end)
        return end

    def _get_end_by_size(self, key: str) -> "GetResult":
        """The same where no range from the end is given: by Azure, and by S3 of an empty object."""
        for _ in range(_OPENED_AGAIN):
            meta = self._store.head(key)
            size, options = meta["size"], if_match(version_of(meta))
            if size:
                options |= {"range": (max(size - END, 0), size)}
            with contextlib.suppress(PreconditionError):
                return self._store.get(key, options=options)
        raise ReplacedError(f"{key} was replaced each time it was read; read it again")

    def _fetch(self, path: str, version: Version) -> Callable[[int, int], bytes]:
        def fetch(start: int, stop: int) -> bytes:
            try:
                with os_errors():
                    options: Any = {"range": (start, stop)} | if_match(version)
                    return bytes(self._store.get(key_of(path), options=options).bytes())
            except ReplacedError:
                raise ReplacedError(f"{path} was replaced while it was read; read it again") from None

        return fetch

    def _file(self, path: str, end: End) -> ObjectFile:
        return ObjectFile(end, self._fetch(path, end.version))

    def _open_for_arrow(self, path: str) -> ObjectFile:
        """A file of the version that was read last, or that is there if it is very large. All of a smaller
        one is fetched before Arrow sees any, so that it may be replaced meanwhile."""
        end = self._memory.latest(path)
        if end is None or end.size > WHOLE:
            end = self._fetch_end(path)
        return self._with_rest(path, end)[0]

    def _with_rest(self, path: str, end: End) -> tuple[ObjectFile, End]:
        """A file all of which is here already, if it is not very large: of another version where that has
        replaced this one."""
        for _ in range(_OPENED_AGAIN):
            file = self._file(path, end)
            try:
                file.get_rest()
            except ReplacedError:
                end = self._fetch_end(path)
            else:
                break
        return file, end

    # Writing

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        self._sweep()
        with super().staging() as place:
            yield place

    def _sweep(self) -> None:
        """Remove what processes of earlier versions, and killed rehearsals, left in the bucket."""
        directory = self.path(".staging")
        before = self._now() - _ORPHAN_AFTER
        for path, version in self._below(directory).items():
            if version.modified and version.modified < before:
                with contextlib.suppress(OSError):
                    self.remove(path)

    @contextlib.contextmanager
    def lock(self, relative: str) -> Iterator[None]:  # noqa: ARG002 - `put` needs none
        yield

    def prepare(self, staged: Path) -> None:
        """Nothing: the one request that puts it is all there is."""

    def put(self, path: str, content: Path | bytes, *, replacing: Version | None) -> bool:
        mode: Any = "create"
        attributes: Any = None
        if replacing is not None:
            mode = {"e_tag": replacing.tag, "version": replacing.number}
            mode = {name: value for name, value in mode.items() if value is not None}
            attributes = {COPIES: str(replacing.copies)} if replacing.copies else None
        try:
            with os_errors():
                self._store.put(
                    key_of(path), body_of(content), mode=mode, attributes=attributes, use_multipart=False
                )
        except (ReplacedError, FileExistsError):
            return False
        except FileNotFoundError:
            if replacing is None:  # there is no such bucket
                raise
            return False
        return True

    def set_aside(self, path: str, name: str, *, seen: Version, most: int) -> Version | None:
        place, copies = name.rpartition("/")[0], seen.copies + 1
        with tempfile.TemporaryFile(dir=private_directory()) as large:
            try:
                body = self._whole(path, seen, large)
            except (ReplacedError, FileNotFoundError):
                return None
            with os_errors():
                self._store.put(key_of(name), body, use_multipart=False)
                if copies >= 2 * most:
                    # The list also has those that no count knows of: of who was killed, or overtaken.
                    listed = self._store.list_with_delimiter(key_of(place))["objects"]
                    self._delete(sorted(each["path"] for each in listed)[:-most])
                    copies = most
        return replace(seen, copies=copies)

    def _whole(self, path: str, version: Version, large: Any) -> "bytes | mmap.mmap":
        """All of an object of this version; from the disk where it is large."""
        end = self._memory.get(path, version)
        if end and end.is_whole:
            return end.bytes
        with os_errors():
            found = self._store.get(key_of(path), options=if_match(version))
            if found.meta["size"] <= WHOLE:
                return bytes(found.bytes())
            for chunk in found.stream(min_chunk_size=1 << 20):
                large.write(chunk)
        large.flush()
        return mmap.mmap(large.fileno(), 0, access=mmap.ACCESS_READ)

    def remove(self, path: str) -> None:
        with os_errors(), contextlib.suppress(FileNotFoundError):
            self._store.delete(key_of(path))

    def _delete(self, keys: Sequence[str]) -> None:
        """Remove objects, if they are there. Google's and Azure's stores refuse where one is not."""
        try:
            if keys:
                self._store.delete(keys)
        except FileNotFoundError:
            for key in keys:
                with contextlib.suppress(FileNotFoundError):
                    self._store.delete(key)

    def remove_all(self, relative: str) -> int:
        directory = self.path(relative)
        verb = "list"
        try:
            with os_errors():
                found = self._store.list_with_delimiter(key_of(directory))["objects"]
                verb = "remove"
                keys = [each["path"] for each in found]
                self._delete(keys)
        except OSError as error:
            raise self.failure(verb, directory, error) from None
        return len(keys)

    @property
    def _staging(self) -> Path:
        return private_directory()

    def _path(self, key: str) -> str:
        return f"{self._base.partition('/')[0]}/{key}"
