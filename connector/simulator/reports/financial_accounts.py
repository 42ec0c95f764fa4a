"""The financial account of an account: payouts in dollars come in, and cards spend a part of each.

Nobody has published a file of these reports. The columns and categories are those that a public program reads
of its own account; every account has one financial account here.

Source: https://docs.stripe.com/reports/report-types/financial-accounts
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.simulator.books.currencies import EXACT, printed
from connector.simulator.reports.columns import Books, stamp
from connector.simulator.reports.selections import Parameters

_CURRENCY = "usd"
_SPENT = Decimal("0.4")
_SIX_HOURS = 21_600


@dataclass(frozen=True, slots=True)
class Movement:
    """One transaction of a financial account; money that comes in is positive."""

    created: int
    category: str
    amount: Decimal
    description: str


def _movements(books: Books, start: int, end: int) -> Iterator[Movement]:
    """Those of [start, end), in order of time."""
    made = [
        each
        for payout in books.ledger.arriving(0, end, as_of=books.as_of)
        if payout.currency == _CURRENCY and payout.failed_at is None
        for each in (
            Movement(payout.arrival, "received_credit", payout.amount, "Funds from payments balance"),
            Movement(
                payout.arrival + _SIX_HOURS,
                "received_debit",
                -(payout.amount * _SPENT).quantize(Decimal("0.01")),
                "Card purchases",
            ),
        )
    ]
    return (each for each in sorted(made, key=lambda each: each.created) if start <= each.created < end)


def _total(movements: Iterable[Movement]) -> Decimal:
    total = Decimal(0)
    for each in movements:
        total = EXACT.add(total, each.amount)
    return total


def _interval(parameters: Parameters) -> tuple[int, int]:
    return parameters["interval_start"], parameters["interval_end"]


def itemized(accounts: Sequence[Books], parameters: Parameters) -> Iterator[list[str | None]]:
    """One row for each transaction."""
    for books in accounts:
        for each in _movements(books, *_interval(parameters)):
            cells = {
                "created": stamp(each.created, books.zone),
                "category": each.category,
                "status": "posted",
                "amount": printed(each.amount, _CURRENCY),
                "available_balance_impact": printed(each.amount, _CURRENCY),
                "currency": _CURRENCY,
                "description": each.description,
                "connected_account": books.account,
            }
            yield [cells[column] for column in parameters["columns"]]


def summary(accounts: Sequence[Books], parameters: Parameters) -> Iterator[list[str | None]]:
    """One row for each account and category."""
    for books in accounts:
        found = list(_movements(books, *_interval(parameters)))
        for category in sorted({each.category for each in found}):
            some = [each for each in found if each.category == category]
            cells = {
                "category": category,
                "currency": _CURRENCY,
                "count": str(len(some)),
                "amount": printed(_total(some), _CURRENCY),
                "connected_account": books.account,
            }
            yield [cells[column] for column in parameters["columns"]]


def balance(accounts: Sequence[Books], parameters: Parameters) -> Iterator[list[str | None]]:
    """Opening balance, activity and closing balance of each account."""
    start, end = _interval(parameters)
    for books in accounts:
        opening, moved = _total(_movements(books, 0, start)), _total(_movements(books, start, end))
        lines = {
            "starting_balance": ("Starting balance", opening),
            "activity": ("Activity", moved),
            "ending_balance": ("Ending balance", EXACT.add(opening, moved)),
        }
        for category, (description, amount) in lines.items():
            cells = {
                "category": category,
                "description": description,
                "amount": printed(amount, _CURRENCY),
                "currency": _CURRENCY,
                "connected_account": books.account,
            }
            yield [cells[column] for column in parameters["columns"]]
