"""The files of tables for DuckDB, which reads them through here and not by their paths.

DuckDB opens a file several times: for its footer, then for its rows, and again for the next query. Where it
is replaced in between, the footer of one would be applied to the rows of another. Here a connection reads
each file as it was when it first opened it; a small one as it was when its footer was read, to see whether it
counts. Small files are held in memory, and the last of the large ones are held open; another one that was
replaced since is refused.

In a bucket the connector reads: DuckDB's own reader is an extension that has to be fetched, takes other
credentials, and asks for one file after the other. What was fetched to see which files count is not fetched
again.
"""

import io
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import duckdb
import fsspec
import pyarrow as pa

from connector.dataset.store import Store

#: What stands before the paths of these files in DuckDB.
PROTOCOL = "reports://"

#: The end of a file, which has its footer or the most of it.
_END = 1 << 16

#: So many files of a bucket are waited for at once, which is no work.
_AT_ONCE = 32

#: DuckDB compares it to find out whether what it remembers of a file still holds; it remembers nothing.
_UNKNOWN = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a connection holds.

    Attributes:
        small: up to this size a file is read at once.
        in_memory: so many bytes of small files are held.
        open: so many large files are held open.
    """

    small: int = 1 << 20
    in_memory: int = 256 << 20
    open: int = 64


def register(
    connection: duckdb.DuckDBPyConnection,
    store: Store,
    tables: Mapping[str, Mapping[str, bytes | None]],
    limits: Limits | None = None,
) -> None:
    """Let a connection read these files of a store, and no others, by their names in `PROTOCOL`; all of a
    table by the name of that, which keeps statements short.

    Args:
        tables: the files of each by path, as `scheme://path` in a bucket; with all of a file that was read
            already.
    """
    connection.register_filesystem(_Files(_Held(store, tables, limits or Limits())))
    if store.directory is None:
        connection.execute(f"SET threads = {_AT_ONCE}")
    # A file may be another one by the next query.
    connection.execute("SET parquet_metadata_cache = false")
    connection.execute("SET enable_external_file_cache = false")


class _Shared:
    """A file that is read whole where it is small, and is held open where it is not."""

    def __init__(self, file: pa.NativeFile, small: int) -> None:
        self._lock = Lock()
        self._file = file
        self.size = file.size()
        self.whole = bytes(file.read()) if self.size <= small else None
        if self.whole is not None:
            file.close()
        # The footer says which report run it is of, and when the file was made.
        start = max(self.size - _END, 0)
        self.version = (self.size, hash(self.read_at(start, self.size - start)))

    def read_at(self, position: int, count: int) -> bytes:
        if self.whole is not None:
            return self.whole[position : position + count]
        with self._lock:
            self._file.seek(position)
            return bytes(self._file.read(count))

    def reader(self) -> io.IOBase:
        """For one who reads it, at a position of its own."""
        # Written in C: of a thousand small files, asking Python takes longer than reading.
        return _Reader(self) if self.whole is None else io.BytesIO(self.whole)


class _Reader(io.RawIOBase):
    """One who reads a file that is held open."""

    def __init__(self, shared: _Shared) -> None:
        self._shared = shared
        self._at = 0

    def read(self, size: int | None = -1) -> bytes:
        left = max(self._shared.size - self._at, 0)
        found = self._shared.read_at(self._at, left if size is None or size < 0 else min(size, left))
        self._at += len(found)
        return found

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._shared.size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


class _Held:
    """The files of some tables, as they were when each was first opened; for any number of threads."""

    def __init__(
        self, store: Store, tables: Mapping[str, Mapping[str, bytes | None]], limits: Limits
    ) -> None:
        self.tables = {name: list(files) for name, files in tables.items()}
        self.paths = frozenset(path for files in tables.values() for path in files)
        self._store = store
        self._limits = limits
        self._lock = Lock()
        self._held: OrderedDict[str, _Shared] = OrderedDict()
        self._bytes = self._large = 0
        self._versions: dict[str, tuple[int, int]] = {}
        for files in tables.values():
            for path, whole in files.items():
                if whole is not None:
                    self._hold(path, _Shared(pa.BufferReader(whole), len(whole)))

    def get(self, path: str) -> _Shared:
        """Raises OSError where it is not there, or was replaced."""
        with self._lock:
            if path in self._held:
                return self._held[path]
        try:
            opened = _Shared(self._store.open_bytes(path), self._limits.small)
        except OSError as error:
            raise OSError(f"could not read {path}: {self._store.explain(error)}") from None
        with self._lock:
            return self._hold(path, opened)

    def _hold(self, path: str, opened: _Shared) -> _Shared:
        """Raises OSError where it was another one before."""
        if self._versions.setdefault(path, opened.version) != opened.version:
            raise OSError(f"{path} was replaced while it was read. Open the warehouse again")
        held = self._held.setdefault(path, opened)
        if held is opened:
            self._count(opened, 1)
            self._let_go()
        return held

    def _let_go(self) -> None:
        """Of those that were opened first, where too many are held. Who reads one still has it."""
        while len(self._held) > 1 and (
            self._bytes > self._limits.in_memory or self._large > self._limits.open
        ):
            _, shared = self._held.popitem(last=False)
            self._count(shared, -1)

    def _count(self, shared: _Shared, sign: int) -> None:
        if shared.whole is None:
            self._large += sign
        else:
            self._bytes += sign * shared.size


class _Files(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """As much of a file system as DuckDB asks for."""

    protocol = PROTOCOL.removesuffix("://")
    cachable = False

    def __init__(self, held: _Held) -> None:
        super().__init__()
        self._held = held

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix(PROTOCOL)

    def open(self, path: str, mode: str = "rb", **_options: Any) -> io.IOBase:
        """Raises OSError where it is not there, was replaced, or is to be written."""
        path = self._strip_protocol(path)
        if mode != "rb":
            raise PermissionError(f"{path} can only be read")
        if path not in self._held.paths:
            raise FileNotFoundError(f"{path} is not a file of these tables")
        return self._held.get(path).reader()

    def glob(self, path: str, **_options: Any) -> list[str]:
        """The files of the table of that name, or the file: DuckDB takes every name for a pattern."""
        name = self._strip_protocol(path)
        found = self._held.tables.get(name, [name] if name in self._held.paths else [])
        return [f"{PROTOCOL}{each}" for each in found]

    def exists(self, path: str, **_options: Any) -> bool:
        return self._strip_protocol(path) in self._held.paths

    def info(self, path: str, **_options: Any) -> dict[str, Any]:
        """What is known of a file, which DuckDB asks while it is open."""
        return {"name": path, "size": self._held.get(self._strip_protocol(path)).size, "type": "file"}

    def modified(self, _path: str) -> datetime:
        return _UNKNOWN
