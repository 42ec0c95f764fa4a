"""The bytes of a report, as in Stripe's files of 2025 and 2026.

Commas; one header row; every value that is not null in double quotes, with quotes inside doubled; null is a
bare empty field, unlike an empty text; LF after every row, also the last; UTF-8 without a byte order mark.

Source: https://docs.stripe.com/connect/network-cost-passthrough-platforms (the sample file)
"""

from collections.abc import Iterable


def row(cells: Iterable[str | None]) -> bytes:
    """One row with its line end."""
    return (",".join("" if cell is None else _quoted(cell) for cell in cells) + "\n").encode()


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def document(header: Iterable[str], rows: Iterable[Iterable[str | None]]) -> bytes:
    """A whole file; without rows it is the header alone."""
    return b"".join([row(header), *map(row, rows)])
