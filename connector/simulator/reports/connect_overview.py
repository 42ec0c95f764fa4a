"""Balances, refunds and disputes of the connected accounts, last week and the week before.

Computed from the accounts' own books, one row for each account and currency. Stripe's page describes little
but the columns: here debits are negative, changes are in percent, and null where there was nothing before.

Source: https://docs.stripe.com/reports/report-types/connect
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from connector.simulator.books.currencies import EXACT, printed
from connector.simulator.books.entries import DAY, Entry, Totals
from connector.simulator.books.people import merchant
from connector.simulator.reports.columns import Books
from connector.simulator.reports.selections import Parameters

WEEK = 7 * DAY
_TROUBLE = {"refunded": ("refund", "refund_failure"), "disputed": ("dispute",)}


def overview(accounts: Sequence[Books], parameters: Parameters) -> Iterator[Sequence[str | None]]:
    """As of the end of the interval."""
    for books in accounts:
        balances = books.ledger.totals(parameters["interval_end"], as_of=books.as_of)
        for currency in sorted(balances):
            cells = _cells(books, currency, balances[currency], parameters["interval_end"])
            yield [cells[column] for column in parameters["columns"]]


def _cells(books: Books, currency: str, now: Totals, end: int) -> dict[str, str | None]:
    def money(amount: Decimal) -> str:
        return printed(amount, currency)

    def since(start: int, until: int, *categories: str) -> list[Entry]:
        entries = books.ledger.entries(start, until, as_of=books.as_of)
        return [e for e in entries if e.currency == currency and (e.category in categories or not categories)]

    name, country = merchant(books.seed, books.account)
    change = _net(since(end - DAY, end))
    debits = _net(entry for entry in since(end - DAY, end, "refund", "dispute") if entry.net < 0)
    amounts = {
        f"{what}_amount_{label}": -_net(since(first, last, *categories))
        for what, categories in _TROUBLE.items()
        for label, first, last in (("7d", end - WEEK, end), ("7d_prev", end - 2 * WEEK, end - WEEK))
    }
    return {
        "account_id": books.account,
        "business_name": name,
        "country": country,
        "currency": currency,
        "balance": money(now.balance),
        "balance_24hr_net_change": money(change),
        "has_24hr_negative_balance_change": _yes(change < 0),
        "pending_debits": money(debits),
        "balance_excluding_pending_debits": money(EXACT.subtract(now.balance, debits)),
        **{name: money(amount) for name, amount in amounts.items()},
        "refund_pct_change": _percent(amounts["refunded_amount_7d"], amounts["refunded_amount_7d_prev"]),
        "dispute_pct_change": _percent(amounts["disputed_amount_7d"], amounts["disputed_amount_7d_prev"]),
        "has_high_refunds": _yes(amounts["refunded_amount_7d"] > 2 * amounts["refunded_amount_7d_prev"]),
        "has_high_disputes": _yes(amounts["disputed_amount_7d"] > 2 * amounts["disputed_amount_7d_prev"]),
    }


def _net(entries: Iterable[Entry]) -> Decimal:
    total = Decimal(0)
    for entry in entries:
        total = EXACT.add(total, entry.net)
    return total


def _yes(fact: bool) -> str:
    return "true" if fact else "false"


def _percent(now: Decimal, before: Decimal) -> str | None:
    if not before:
        return None
    return f"{((now - before) / before * 100).quantize(Decimal('0.01')):f}"
