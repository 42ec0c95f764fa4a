"""The first rows of a partition as Markdown, without personal data and free text.

Dagster stores the preview for good, so it shows ids, codes, times and amounts alone.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from assets.reports.configured import ConfiguredReport
from connector.catalogue import Column, ColumnType, Granularity
from connector.catalogue.columns import is_known
from connector.checks import OpenFile
from connector.money import money_text
from connector.text import visible

_ITEMS = 5

#: A summary is read as a whole; few have more rows than this.
_LINES = 200

_LONGEST = 48


def first_rows(report: ConfiguredReport, file: OpenFile) -> pa.Table:
    """The rows that are shown of a partition, as they are stored: all of a summary, else a few.

    Raises StoreError where they cannot be read.
    """
    return file.head(_LINES if report.query.spec.granularity is Granularity.SUMMARY else _ITEMS)


def preview(report: ConfiguredReport, rows: pa.Table, columns: Sequence[Column], total: int) -> str:
    """A Markdown table of a partition's first rows.

    Args:
        rows: by `first_rows`.
        columns: what is known of the columns of the file.
        total: how many rows the file has.
    """
    if not rows.num_rows:
        return "No rows."
    chosen = {column.name for column in report.query.columns}
    shown = [
        column
        for column in columns
        if column.stored_name in rows.column_names
        and not (column.personal or column.free_text)
        and (column.name in chosen or is_known(column.name))
    ]
    lines = [
        "| " + " | ".join(visible(column.stored_name) for column in shown) + " |",
        "|" + "|".join(" ---: " if _is_number(column) else " --- " for column in shown) + "|",
        *("| " + " | ".join(_cell(column, row) for column in shown) + " |" for row in rows.to_pylist()),
    ]
    if total > rows.num_rows:
        lines += ["", f"{rows.num_rows} of {total:,} rows."]
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
    text = visible(" ".join(str(value).split()))
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    # In Markdown these would become markup, and a bar another cell.
    return "".join(f"\\{each}" if each in "\\|`*_<[" else each for each in text)


def _currency_column(column: Column, row: dict[str, Any]) -> str:
    """The column that names an amount's currency: `x_currency` beside `x_amount`, else `currency`."""
    own = f"{column.stored_name.removesuffix('amount')}currency"
    return own if own in row else "currency"
