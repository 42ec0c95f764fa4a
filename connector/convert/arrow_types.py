"""Which Arrow type a column is stored as: the one table for writing, reading, checks and Dagster.

DuckDB reads these as DECIMAL(18,6), DECIMAL(36,18), TIMESTAMP WITH TIME ZONE, TIMESTAMP, BIGINT, DATE,
BOOLEAN and VARCHAR.

Money is held in one of two types, the same in all files of a table, whose pin says which. New tables hold it
in 18 digits, 6 of them behind the point. Measured with 3 million rows, two columns of money and a currency,
on one core, in seconds:

    type               in Parquet  bytes   DuckDB  Polars  Arrow   Arrow-backed pandas can
    decimal128(18, 6)  int64       22.0 M  0.080   0.048   0.127   + - * /, 20 additions in a row
    decimal128(24, 6)  11 bytes    21.8 M  0.122   0.069   0.211   + -; no product, not even by 100
    decimal128(36, 18) 16 bytes    34.9 M  0.095   0.086   0.188   + - twice in a row

The times are of a sum by currency. Products and quotients of the first have 37 or 38 digits, the most there
are; BigQuery's NUMERIC holds it, too. What it does not hold is an error, never rounded: see
`connector.dataset.widening`.
"""

from collections.abc import Mapping

import pyarrow as pa

from connector.api.models import DEFAULT_TIMEZONE
from connector.catalogue.spec import Column, ColumnType
from connector.clock import is_utc
from connector.money import NARROW, WIDE

#: Money in new tables: `connector.money.NARROW`.
MONEY = pa.decimal128(18, 6)
#: Numbers that are not money, such as rates of exchange, which Stripe prints with 16 decimals; and money
#: where it needs more room: `connector.money.WIDE`. Not precision 38, at which Arrow-backed pandas cannot
#: even subtract.
NUMBER = pa.decimal128(36, 18)
_MONEY = {NARROW: MONEY, WIDE: NUMBER}

INSTANT = pa.timestamp("us", "UTC")
WALL_CLOCK = pa.timestamp("us")

_STORED: Mapping[ColumnType, pa.DataType] = {
    ColumnType.TEXT: pa.string(),
    ColumnType.MONEY: MONEY,
    ColumnType.NUMBER: NUMBER,
    ColumnType.INTEGER: pa.int64(),
    ColumnType.TIMESTAMP: INSTANT,
    ColumnType.DATE: pa.date32(),
    ColumnType.BOOLEAN: pa.bool_(),
}

#: Every type a column may be stored as, by its name.
BY_NAME: Mapping[str, pa.DataType] = {str(each): each for each in (*_STORED.values(), WALL_CLOCK)}


def is_wall_clock(column: Column, timezone: str | None) -> bool:
    """Whether a column holds what the clock showed in the run's `timezone`, instead of instants."""
    return column.type is ColumnType.TIMESTAMP and column.local and not is_utc(timezone)


def arrow_type(column: Column, timezone: str | None, money: str = NARROW) -> pa.DataType:
    """The type a column of a run with that `timezone` is stored as; None means UTC.

    Args:
        money: how the table holds money: `NARROW` or `WIDE` of `connector.money`.
    """
    if column.type is ColumnType.MONEY:
        return _MONEY[money]
    return WALL_CLOCK if is_wall_clock(column, timezone) else _STORED[column.type]


def zone_of(column: Column, timezone: str | None) -> str:
    """The IANA zone whose clock the times of a column are by."""
    return str(timezone) if is_wall_clock(column, timezone) else DEFAULT_TIMEZONE


def is_stored_as(column: Column, stored: pa.DataType) -> bool:
    """Whether an Arrow type is one for such a column, whatever its precision or zone."""
    return bool(stored.id == _STORED[column.type].id)
