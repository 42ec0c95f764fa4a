"""Names and texts as DuckDB reads them."""

from connector.catalogue import Column


def stored(column: str | Column) -> str:
    """A column's name in the file; text is one already."""
    return column if isinstance(column, str) else column.stored_name


def quoted(column: str | Column) -> str:
    """A column's name as SQL has it."""
    return '"' + stored(column).replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"
