"""The rows of a query as people and programs read them: amounts in the digits of their currency.

What has six decimals or more is an amount, as tables and views have them: it gets the decimals of the
currency that stands in the same row, and more only where they are not zero. What was cast to fewer stays as
it is.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import duckdb

from connector.money import money_text
from connector.sql.source import DECIMALS
from connector.terminal.console import DisplayTable
from connector.terminal.lines import json_value
from connector.terminal.tables import table


def rows_of(relation: duckdb.DuckDBPyRelation, *, exact: bool = False) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, with amounts in the digits of their currency.

    The currency of `x_amount` is that of `x_currency` where there is one, else that of `currency`.

    Args:
        exact: leave every decimal that the type has.
    """
    currencies = [_currency_of(name, relation.columns) for name in relation.columns]
    for row in relation.fetchall():
        cells = zip(row, currencies, strict=True)
        shown = tuple(_legible(value, None if at is None else row[at]) for value, at in cells)
        yield row if exact else shown


def render(
    relation: duckdb.DuckDBPyRelation, *, title: str | None = None, exact: bool = False
) -> DisplayTable:
    """The rows of a query as a table for people. It fetches them all: limit what may be long."""
    kinds = [str(kind) for kind in relation.types]
    numbers = [name for name, kind in zip(relation.columns, kinds, strict=True) if _is_number(kind)]
    shown = table(*relation.columns, title=title, numbers=numbers)
    for row in rows_of(relation, exact=exact):
        shown.add_row(*map(_shown, row))
    return shown


def _is_number(kind: str) -> bool:
    return "INT" in kind or kind.startswith("DECIMAL") or kind in {"DOUBLE", "FLOAT"}


def _currency_of(name: str, columns: Sequence[str]) -> int | None:
    """Where the currency of an amount stands in the row; None where nothing says."""
    for candidate in (re.sub(r"amount$", "currency", name), "currency"):
        if candidate != name and candidate in columns:
            return list(columns).index(candidate)
    return None


def _legible(value: Any, currency: Any) -> Any:
    """The value, in which amounts have as many digits as they need; also inside lists and structs."""
    match value:
        case Decimal() if _scale(value) >= DECIMALS:
            return Decimal(money_text(value, currency if isinstance(currency, str) else None))
        case dict():
            own = value.get("currency", currency)
            return {key: _legible(each, own) for key, each in value.items()}
        case list() | tuple():
            return [_legible(each, currency) for each in value]
    return value


def _scale(value: Decimal) -> int:
    """The decimals that its type has."""
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _shown(value: Any) -> str | None:
    """As in CSV: null is an empty cell, an empty text `""`, and lists and objects are JSON."""
    match value:
        case None:
            return None
        case "":
            return '""'
        case bool():
            return str(value).lower()
        case Decimal():
            return f"{value:f}"
        case dict() | list() | tuple():
            return json_value(value)
    return str(value)
