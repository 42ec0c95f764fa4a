"""A search for a secret in what was left behind."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path


def holding(place: Path, secret: str) -> list[str]:
    """The files below a place that contain a secret, also compressed in an SQLite database."""
    files = [path for path in place.rglob("*") if path.is_file()]
    found = [str(path) for path in files if secret.encode() in path.read_bytes()]
    for path in files:
        if path.read_bytes().startswith(b"SQLite format 3"):
            found += [f"{path} {table}" for table, cell in cells(path) if secret.encode() in cell]
    return found


def cells(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every value in a database with its table, and decompressed where it is compressed."""
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - our own database
                for value in row:
                    raw = value if isinstance(value, bytes) else str(value).encode()
                    yield table, raw
                    with suppress(zlib.error):
                        yield table, zlib.decompress(raw)
