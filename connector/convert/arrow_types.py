"""Which Arrow type a column is stored as: the one table for writing, reading, checks and Dagster.

DuckDB reads these as DECIMAL(36,18), TIMESTAMP WITH TIME ZONE, TIMESTAMP, BIGINT, DATE, BOOLEAN and VARCHAR.
"""

from collections.abc import Mapping

import pyarrow as pa

from connector.api.models import DEFAULT_TIMEZONE
from connector.catalogue.spec import Column, ColumnType
from connector.clock import is_utc

#: Exact money: Stripe prints up to 18 decimals, and 18 digits before the point are a quintillion. Not
#: precision 38, at which Arrow-backed pandas cannot even subtract.
MONEY = pa.decimal128(36, 18)

INSTANT = pa.timestamp("us", "UTC")
WALL_CLOCK = pa.timestamp("us")

_STORED: Mapping[ColumnType, pa.DataType] = {
    ColumnType.TEXT: pa.string(),
    ColumnType.MONEY: MONEY,
    ColumnType.NUMBER: MONEY,
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


def arrow_type(column: Column, timezone: str | None) -> pa.DataType:
    """The type a column of a run with that `timezone` is stored as; None means UTC."""
    return WALL_CLOCK if is_wall_clock(column, timezone) else _STORED[column.type]


def zone_of(column: Column, timezone: str | None) -> str:
    """The IANA zone whose clock the times of a column are by."""
    return str(timezone) if is_wall_clock(column, timezone) else DEFAULT_TIMEZONE


def is_stored_as(column: Column, stored: pa.DataType) -> bool:
    """Whether an Arrow type is one for such a column, whatever its precision or zone."""
    return bool(stored.id == _STORED[column.type].id)
