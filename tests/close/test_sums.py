"""Sums of money in each currency are the simulator's books to the last decimal, whoever adds them up."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from connector import open_warehouse
from connector.close import CurrencySheet, Month, close_month
from connector.dataset.store import Store
from connector.money import EXACT
from connector.partitions import Windows
from connector.query import ReportQuery
from connector.simulator import Simulator
from connector.simulator.books.entries import Entry, Totals
from connector.simulator.reports.fees import OWN_FEES
from tests.conftest import ClientFor, Pull
from tests.support.clock import ManualClock
from tests.support.months import REPORTS

BALANCE, ACTIVITY, PAYOUTS, CONTENTS = REPORTS
FEES = "all_fees_balance_transaction_created_itemized"

#: By table: what is added up, and by which columns.
TABLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    BALANCE: (("net_amount",), ("currency", "category")),
    ACTIVITY: (("gross", "fee", "net"), ("currency", "reporting_category")),
    PAYOUTS: (("gross", "fee", "net"), ("currency", "reporting_category")),
    CONTENTS: (("net",), ("currency",)),
    FEES: (("amount", "tax"), ("currency",)),
}

#: What each amount is: the table and the column, or the line of the balance; the currency; the category.
Key = tuple[str, ...]

Sums = dict[Key, Decimal]


@dataclass(frozen=True)
class Books:
    """Windows in files, and the books that they are of.

    Attributes:
        bounds: the seconds at which each window begins, and the last one ends.
    """

    store: Store
    simulator: Simulator
    months: tuple[Month, ...]
    bounds: tuple[int, ...]

    @property
    def entries(self) -> list[Entry]:
        """All that moved the balance."""
        ledger = self.simulator.ledger()
        return list(ledger.entries(self.bounds[0], self.bounds[-1], as_of=self._as_of))

    def balances(self) -> Iterator[tuple[int, dict[str, Totals], dict[str, Decimal]]]:
        """Each bound, with what the balance is made of then, and what of it cannot be paid out yet."""
        ledger = self.simulator.ledger()
        for at in self.bounds:
            waiting = ledger.not_yet_available(at, as_of=self._as_of)
            yield at, ledger.totals(at, as_of=self._as_of), waiting

    def contents(self) -> Iterator[Entry]:
        """What the payouts that left are made of."""
        ledger = self.simulator.ledger()
        for payout in ledger.arriving(self.bounds[0], self.bounds[-1], as_of=self._as_of):
            yield from ledger.contents(payout)

    @property
    def _as_of(self) -> int:
        return int(self.simulator.now().timestamp())


@pytest.fixture(params=[
    pytest.param(("daily", "2023-06", 1), id="days-of-a-month"),
    pytest.param(("daily", "2023-12", 3), id="days-of-a-leap-winter", marks=pytest.mark.long),
    pytest.param(("monthly", "2023-06", 36), id="three-years", marks=pytest.mark.long),
])  # fmt: skip
def books(
    request: pytest.FixtureRequest, clock: ManualClock, client_for: ClientFor, pull: Pull, store: Store
) -> Books:
    """Whole months, window by window. With a live key, as fees exist in live mode only."""
    window, first, count = request.param
    clock.move_to(datetime(2026, 8, 8, 13, tzinfo=UTC))
    simulator = Simulator(clock, seed=11, volume=1, opening=date(2023, 5, 20), run_seconds=0)
    client = client_for(simulator.handle, api_key="sk_live_sums")
    months = [Month.of(first)]
    while len(months) < count:
        months.append(months[-1].following)
    windows = Windows(window).between(months[0].first, months[-1].following.first)
    for report in (*REPORTS, "all_fees.balance_transaction_created.itemized.2"):
        pull(ReportQuery.of(report, window=window), windows, client=client)
    intervals = [each.interval for each in windows if each.interval]
    bounds = [intervals[0].start, *(each.end for each in intervals)]
    return Books(store, simulator, tuple(months), tuple(int(each.timestamp()) for each in bounds))


def added(amounts: Iterable[tuple[Key, Decimal]]) -> Sums:
    """The exact sums that are not zero."""
    found: Sums = {}
    for key, amount in amounts:
        found[key] = EXACT.add(found.get(key, Decimal(0)), amount)
    return {key: amount for key, amount in found.items() if amount}


# What the books say


def booked(books: Books) -> Iterator[tuple[Key, Decimal]]:
    yield from booked_balances(books)
    for entry in books.entries:
        table, seen = (PAYOUTS, entry.at_the_bank) if entry.is_payout else (ACTIVITY, entry)
        for name in ("gross", "fee", "net"):
            yield (table, name, entry.currency, entry.category), getattr(seen, name)
        if not entry.is_payout:
            charged = EXACT.subtract(entry.fee, entry.gross) if entry.category in OWN_FEES else entry.fee
            yield (ACTIVITY, "charged", entry.currency), charged
            yield (FEES, "charged", entry.currency), charged
    for entry in books.contents():
        yield (CONTENTS, "net", entry.currency), entry.net


def booked_balances(books: Books) -> Iterator[tuple[Key, Decimal]]:
    balances = list(books.balances())
    firsts = {
        int(datetime(each.first.year, each.first.month, 1, tzinfo=UTC).timestamp()) for each in books.months
    }
    for (start, before, waiting), (end, after, _) in pairwise(balances):
        for currency, totals in before.items():
            available = EXACT.subtract(totals.balance, waiting.get(currency, Decimal(0)))
            yield (BALANCE, "starting_balance", currency), totals.balance
            yield (BALANCE, "starting_balance_available", currency), available
            yield ("months", "opening", currency), totals.balance if start in firsts else Decimal(0)
        for currency, totals in after.items():
            yield (BALANCE, "ending_balance", currency), totals.balance
            is_last = end in firsts or end == books.bounds[-1]
            yield ("months", "closing", currency), totals.balance if is_last else Decimal(0)
            moved = totals.minus(before.get(currency, Totals()))
            for line in ("activity", "topups", "payouts"):
                yield (BALANCE, line, currency), getattr(moved, line)
                yield (BALANCE, f"{line}_gross", currency), getattr(moved, f"{line}_gross")
                yield (BALANCE, f"{line}_fee", currency), EXACT.minus(getattr(moved, f"{line}_fee"))


# Who adds up


def keyed(table: str, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Key, Decimal]]:
    """Rows of a table's groups and their sums. What is charged is a fee and its tax."""
    columns, by = TABLES[table]
    for row in rows:
        currency, *category = row[: len(by)]
        for column, amount in zip(columns, row[len(by) :], strict=True):
            if table == BALANCE:
                yield (table, category[0], currency), amount
            else:
                yield (table, "charged" if table == FEES else column, currency, *category), amount


def by_pyarrow(books: Books) -> Iterator[tuple[Key, Decimal]]:
    for table, (columns, by) in TABLES.items():
        sums = rows_of(books, table).group_by(list(by)).aggregate([(each, "sum") for each in columns])
        names = [*by, *(f"{each}_sum" for each in columns)]
        yield from keyed(table, zip(*(sums[name].to_pylist() for name in names), strict=True))


def by_pandas(books: Books) -> Iterator[tuple[Key, Decimal]]:
    for table, (columns, by) in TABLES.items():
        frame = rows_of(books, table).to_pandas(types_mapper=pd.ArrowDtype)
        sums = frame.groupby(list(by))[list(columns)].sum().reset_index()
        yield from keyed(table, sums.itertuples(index=False, name=None))


def by_polars(books: Books) -> Iterator[tuple[Key, Decimal]]:
    for table, (columns, by) in TABLES.items():
        frame = pl.DataFrame(pl.from_arrow(rows_of(books, table)))
        yield from keyed(table, frame.group_by(by).agg(pl.col(*columns).sum()).iter_rows())


def rows_of(books: Books, table: str) -> pa.Table:
    (dataset,) = (each for each in books.store.datasets() if each.table == table)
    columns, by = TABLES[table]
    return books.store.arrow_dataset(dataset).to_table(columns=[*by, *columns])


def by_duckdb(books: Books) -> Iterator[tuple[Key, Decimal]]:
    with open_warehouse(books.store.root) as warehouse:
        for table, (columns, by) in TABLES.items():
            sums = ", ".join([*by, *(f"sum({each})" for each in columns)])
            rows = f"SELECT {sums} FROM {table} GROUP BY ALL"  # noqa: S608 - our own
            yield from keyed(table, warehouse.sql(rows).fetchall())


def by_views(books: Books) -> Iterator[tuple[Key, Decimal]]:
    with open_warehouse(books.store.root) as warehouse:
        for (table, *names), query in VIEWS.items():
            for currency, *amounts in warehouse.sql(query).fetchall():
                for name, amount in zip(names, amounts, strict=True):
                    yield (table, name, currency), amount
        for table, view in ((BALANCE, f"{BALANCE}_movements"), (ACTIVITY, "daily_net")):
            columns, by = TABLES[table]
            rows = f"SELECT {', '.join([*by, *columns])} FROM {view}"  # noqa: S608 - our own
            yield from keyed(table, warehouse.sql(rows).fetchall())


#: Queries of views that have a row for each currency, and what they say.
VIEWS = {
    (BALANCE, "starting_balance", "ending_balance", "activity", "payouts", "topups", "other"): (
        "SELECT currency, opening, closing, activity, payouts, topups, other FROM balances"
    ),
    (ACTIVITY, "charged"): "SELECT currency, fee FROM fees_by_category",
    (CONTENTS, "net"): "SELECT currency, net FROM payout_contents",
}


def by_month_close(books: Books) -> Iterator[tuple[Key, Decimal]]:
    for month in books.months:
        closing = close_month(books.store, books.store.datasets(), month)
        assert closing.problems == ()
        for sheet in closing.sheets:
            yield from on_the_sheet(sheet)


def on_the_sheet(sheet: CurrencySheet) -> Iterator[tuple[Key, Decimal]]:
    currency = sheet.currency
    yield ("months", "opening", currency), sheet.opening
    yield ("months", "closing", currency), sheet.closing
    for each in sheet.movements:
        yield (BALANCE, each.name, currency), each.net
        yield (BALANCE, f"{each.name}_gross", currency), each.gross or Decimal(0)
        yield (BALANCE, f"{each.name}_fee", currency), each.fee or Decimal(0)
    for table, categories in ((ACTIVITY, sheet.categories), (PAYOUTS, sheet.payouts)):
        for row in categories or ():
            for name in ("gross", "fee", "net"):
                yield (table, name, currency, row.category), getattr(row, name)
    for tied in sheet.tied or ():
        yield (CONTENTS, "net", currency), tied.contents or Decimal(0)
    yield (ACTIVITY, "charged", currency), sheet.fees.ledger or Decimal(0)
    yield (FEES, "charged", currency), sheet.fees.listed or Decimal(0)
    yield (FEES, "charged", currency), sheet.fees.tax or Decimal(0)


Add = Callable[[Books], Iterator[tuple[Key, Decimal]]]

MONTHS = {("months", "opening"), ("months", "closing")}
IN_FILES = {*MONTHS, (ACTIVITY, "charged")}

#: Who adds up, with what they do not say.
WAYS: Mapping[str, tuple[Add, set[tuple[str, str]]]] = {
    "PyArrow": (by_pyarrow, IN_FILES),
    "pandas": (by_pandas, IN_FILES),
    "Polars": (by_polars, IN_FILES),
    "DuckDB": (by_duckdb, IN_FILES),
    "views": (
        by_views,
        {
            *MONTHS,
            *((PAYOUTS, name) for name in ("gross", "fee", "net")),
            (BALANCE, "starting_balance_available"),
            (FEES, "charged"),
        },
    ),
    "month close": (
        by_month_close,
        {(BALANCE, name) for name in ("starting_balance", "starting_balance_available", "ending_balance")},
    ),
}


def test_all_who_add_up_get_what_the_books_say(books: Books) -> None:
    said = added(booked(books))

    found = {name: added(add(books)) for name, (add, _) in WAYS.items()}

    assert {currency for _, _, currency, *_ in said} == {"eur", "jpy", "kwd", "usd"}
    assert any(each.gross % Decimal("0.01") for each in books.entries if each.currency == "usd")
    for name, (_, silent) in WAYS.items():
        assert found[name] == {key: amount for key, amount in said.items() if key[:2] not in silent}, name
