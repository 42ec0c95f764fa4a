"""Rows for reports whose facts are not in the ledger: right in kind, made up in content, always the same.

A report is a set of columns, each with the kind of its cells; the rows of a UTC day follow from the seed, the
account and the day, so an interval holds what its days hold. Nothing here agrees with any other report.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from connector.simulator.columns import Sheet, stamp
from connector.simulator.currencies import major, printed
from connector.simulator.draws import base62, draws
from connector.simulator.entries import DAY
from connector.simulator.reports import Rows
from connector.simulator.selections import Parameters

ROWS_A_DAY = 3
_FILTERS = ("customer", "invoice", "invoice_line_item")
"""Parameters that keep the rows of one thing; here every row is about the thing asked for."""


@dataclass(frozen=True, slots=True)
class Row:
    """What the cells of one row are drawn from. `second` is the moment the row is about."""

    sheet: Sheet
    rng: random.Random
    second: int
    currency: str


Kind = Callable[[Row], str | None]


def plausible(report: str, kinds: Mapping[str, Kind]) -> Rows:
    """The rows of `report`; without an interval, of the last full day known."""

    def rows(sheets: Sequence[Sheet], parameters: Parameters) -> Iterator[list[str | None]]:
        only = {f"{name}_id": parameters[name] for name in _FILTERS if name in parameters}
        for sheet in sheets:
            end = parameters.get("interval_end", sheet.as_of // DAY * DAY)
            start = max(parameters.get("interval_start", end - DAY), sheet.ledger.opening)
            for row in _rows(report, sheet, start, end):
                # Every cell is drawn, so that the columns asked for do not change each other.
                cells = {column: kind(row) for column, kind in kinds.items()} | only
                yield [cells[column] for column in parameters["columns"]]

    return rows


def _rows(report: str, sheet: Sheet, start: int, end: int) -> Iterator[Row]:
    for day in range(start // DAY, (end - 1) // DAY + 1):
        for number in range(ROWS_A_DAY):
            path = (sheet.seed, report, sheet.owner.account, int(sheet.owner.livemode), day, number)
            rng = draws(*path)
            second = day * DAY + rng.randrange(DAY // ROWS_A_DAY) + number * (DAY // ROWS_A_DAY)
            if start <= second < end:
                yield Row(sheet, rng, second, rng.choice(("usd", "eur", "jpy", "kwd")))


def ident(prefix: str) -> Kind:
    """An id of Stripe's."""
    return lambda row: f"{prefix}_1{base62(row.rng.getrandbits(140), 23)}"


def sometimes(kind: Kind) -> Kind:
    """Null in half of the rows."""

    def cell(row: Row) -> str | None:
        drawn = kind(row)
        return drawn if row.rng.random() < 0.5 else None

    return cell


def one_of(*texts: str | None) -> Kind:
    return lambda row: row.rng.choice(texts)


def truth(row: Row) -> str:
    return row.rng.choice(("true", "false"))


def money(row: Row) -> str:
    """An amount in whole minor units of the row's currency."""
    return printed(major(row.rng.randrange(1, 500_000), row.currency), row.currency)


def millionths(row: Row) -> str:
    """An amount with six decimals, as costs of card networks have."""
    return f"{Decimal(row.rng.randrange(1, 9_999_999)).scaleb(-6):f}"


def currency(row: Row) -> str:
    return row.currency


def account(row: Row) -> str:
    return row.sheet.owner.account


def livemode(row: Row) -> str:
    return "true" if row.sheet.owner.livemode else "false"


def moment(row: Row) -> str:
    """A time in UTC."""
    return stamp(row.second)


def day(row: Row) -> str:
    return stamp(row.second)[:10]


def month(row: Row) -> str:
    """An accounting period."""
    return stamp(row.second)[:7]


def still_open(row: Row) -> str:
    """A period is open until the next has begun."""
    now = datetime.fromtimestamp(row.sheet.as_of, row.sheet.zone)
    return "true" if month(row) == f"{now:%Y-%m}" else "false"
