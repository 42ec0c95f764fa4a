"""The bytes of a report, as in Stripe's files of 2025 and 2026.

Commas; one header row; every value that is not null in double quotes, with quotes inside doubled; null is a
bare empty field, unlike an empty text; LF after every row, also the last; UTF-8 without a byte order mark.

Source: https://docs.stripe.com/connect/network-cost-passthrough-platforms (the sample file)
"""

import re
from collections.abc import Iterable


def row(cells: Iterable[str | None]) -> bytes:
    """One row with its line end."""
    return (",".join("" if cell is None else _quoted(cell) for cell in cells) + "\n").encode()


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def document(header: Iterable[str], rows: Iterable[Iterable[str | None]]) -> bytes:
    """A whole file; without rows it is the header alone."""
    return b"".join([row(header), *map(row, rows)])


_FIELD = re.compile(r'(?:"((?:[^"]|"")*)")?([,\n])')


def rows_of(body: bytes) -> list[list[str | None]]:
    """All rows of a file in this dialect, the header first; null and empty text stay apart.

    Raises:
        ValueError: `body` is in another dialect, or ends within a row.
    """
    text = body.decode()
    rows: list[list[str | None]] = []
    cells: list[str | None] = []
    at = 0
    while at < len(text):
        field = _FIELD.match(text, at)
        if field is None:
            raise ValueError(f"there is no quoted or empty field at character {at}")
        cells.append(None if field[1] is None else field[1].replace('""', '"'))
        if field[2] == "\n":
            rows.append(cells)
            cells = []
        at = field.end()
    if cells:
        raise ValueError("the last row does not end with a line feed")
    return rows
