"""The files of a bucket for DuckDB, which reads them through here and not by itself.

Its own reader of buckets is an extension that has to be fetched, takes other credentials than the connector,
and asks for one file after the other. Here the connector reads: what it fetched to see which files count is
not fetched again, and each file is of one version.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import duckdb
import fsspec
import pyarrow as pa

from connector.dataset.store import Store

#: So many files are waited for at once, which is no work.
_AT_ONCE = 32

_ESCAPED = re.compile(r"\[(.)\]")

#: DuckDB compares it to find out whether what it remembers of a file still holds; it remembers nothing.
_UNKNOWN = datetime.fromtimestamp(0, UTC)


def register(connection: duckdb.DuckDBPyConnection, store: Store, names: Iterable[str]) -> None:
    """Let a connection read these files of a bucket, and no others.

    Args:
        names: the paths of files, with the bucket's scheme before them.
    """
    connection.register_filesystem(_Files(store, frozenset(names)))
    connection.execute(f"SET threads = {_AT_ONCE}")
    # A file may be another one by the next query.
    connection.execute("SET parquet_metadata_cache = false")
    connection.execute("SET enable_external_file_cache = false")


class _Files(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """As much of a file system as DuckDB asks for."""

    cachable = False

    def __init__(self, store: Store, names: frozenset[str]) -> None:
        super().__init__()
        self.protocol = store.scheme
        self._store = store
        self._names = names
        self._sizes: dict[str, int] = {}

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path

    def open(self, path: str, mode: str = "rb", **_options: Any) -> pa.NativeFile:
        """Raises OSError where it is not there, or is to be written."""
        if mode != "rb":
            raise PermissionError(f"{path} can only be read")
        if path not in self._names:
            raise FileNotFoundError(f"{path} is not a file of these tables")
        try:
            file = self._store.open_bytes(path.partition("://")[2])
            self._sizes[path] = file.size()
        except OSError as error:
            raise OSError(f"{path}: {self._store.explain(error)}") from None
        return file

    def glob(self, path: str, **_options: Any) -> list[str]:
        """The file of that name: DuckDB takes every name for a pattern."""
        name = _ESCAPED.sub(r"\1", path)
        return [name] if name in self._names else []

    def exists(self, path: str, **_options: Any) -> bool:
        return path in self._names

    def info(self, path: str, **_options: Any) -> dict[str, Any]:
        """What is known of a file that is open."""
        return {"name": path, "size": self._sizes[path], "type": "file"}

    def modified(self, _path: str) -> datetime:
        return _UNKNOWN
