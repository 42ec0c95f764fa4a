"""The first rows of a partition as Markdown, money in its currency's digits, personal data left out."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from connector.catalogue import Column, ColumnType
from connector.money import money_text

ROWS = 5

_LONGEST = 48


def markdown(table: pa.Table, columns: Sequence[Column]) -> str:
    """A Markdown table of the first rows.

    Args:
        table: rows as they are stored.
        columns: what they mean. Personal ones are not shown: Dagster keeps what it is told.
    """
    shown = [column for column in columns if not column.personal and column.stored_name in table.column_names]
    if table.num_rows == 0:
        return "No rows."
    lines = [
        "| " + " | ".join(column.stored_name for column in shown) + " |",
        "|" + "|".join(" ---: " if _is_number(column) else " --- " for column in shown) + "|",
    ]
    lines += [
        "| " + " | ".join(_cell(column, row) for column in shown) + " |"
        for row in table.slice(0, ROWS).to_pylist()
    ]
    return "\n".join(lines)


def _is_number(column: Column) -> bool:
    return column.type in {ColumnType.MONEY, ColumnType.NUMBER, ColumnType.INTEGER}


def _cell(column: Column, row: dict[str, Any]) -> str:
    value = row[column.stored_name]
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return money_text(value, row.get(_currency_column(column, row)))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    text = " ".join(str(value).split())
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    # In Markdown these would become markup, and a bar another cell.
    return "".join(f"\\{each}" if each in "\\|`*_<[" else each for each in text)


def _currency_column(column: Column, row: dict[str, Any]) -> str:
    """The column that names an amount's currency: `x_currency` beside `x_amount`, else `currency`."""
    own = f"{column.stored_name.removesuffix('amount')}currency"
    return own if own in row else "currency"
