"""`<table>_movements`: the rows of a summary that are neither balances nor sums of other rows."""

from collections.abc import Sequence

import pyarrow as pa

from connector.catalogue import ColumnType, RowKind, columns_by_header
from connector.convert.decode import ROW_KIND
from connector.sql.quoting import literal, quoted
from connector.sql.source import Source, money

#: What each row of the table is compared with.
IS_MOVEMENT = f"{ROW_KIND} = {literal(RowKind.MOVEMENT.value)}"

#: What the name of the view ends with.
ENDING = "_movements"


def select_movements(sources: Sequence[Source]) -> str | None:
    """The query of the view on one table; None where its rows have no kinds."""
    (source,) = sources
    if not source.has(ROW_KIND):
        return None
    header = {name for footer in source.footers if footer.provenance for name in footer.provenance.header}
    amounts = {
        each.stored_name
        for each in columns_by_header(source.spec, sorted(header))
        if each.type is ColumnType.MONEY and _is_decimal(source, each.stored_name)
    }
    shown = ", ".join(
        f"{money(quoted(name), sources, name)} AS {quoted(name)}" if name in amounts else quoted(name)
        for name in source.columns
    )
    return f"SELECT {shown} FROM {source.name} WHERE {IS_MOVEMENT}"  # noqa: S608 - all quoted


def _is_decimal(source: Source, name: str) -> bool:
    return name in source.columns and pa.types.is_decimal(source.columns[name])
