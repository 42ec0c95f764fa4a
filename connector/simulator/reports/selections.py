"""Which balance transactions a report lists: one function for each kind of report.

Parameters are those of the run as Stripe echoes them: unix seconds, half-open intervals. Every selection is
in order of time; those of payouts are in order of time within each payout.

Source: https://docs.stripe.com/reports/select-a-report
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from connector.simulator.books.entries import Entry
from connector.simulator.reports.columns import Books

Parameters = Mapping[str, Any]
Selection = Callable[[Books, Parameters], Iterable[Entry]]


def activity(books: Books, parameters: Parameters) -> Iterator[Entry]:
    """Everything but payouts, by creation."""
    return (entry for entry in _effective(books, parameters) if not entry.is_payout)


def payouts(books: Books, parameters: Parameters) -> Iterator[Entry]:
    """Payouts by arrival, and failed payouts by the second of their failure, as the bank sees them: what is
    paid out is positive, what comes back or is debited negative."""
    return (entry.at_the_bank for entry in _effective(books, parameters) if entry.is_payout)


def paid_out(books: Books, parameters: Parameters) -> Iterator[Entry]:
    """The contents of the automatic payouts that take effect in the interval, payout by payout."""
    start, end = parameters["interval_start"], parameters["interval_end"]
    for payout in books.ledger.arriving(start, end, as_of=books.as_of):
        yield from books.ledger.contents(payout)


def one_payout(books: Books, parameters: Parameters) -> Iterable[Entry]:
    """The contents of the payout named; nothing if it is another account's."""
    payout = books.ledger.payout(parameters["payout"], as_of=books.as_of)
    return books.ledger.contents(payout) if payout else ()


def ending_balance(books: Books, parameters: Parameters) -> Iterable[Entry]:
    """What makes up the balance at the end: booked by then, and not in a payout that has left."""
    return books.ledger.outstanding(parameters["interval_end"], as_of=books.as_of)


def _effective(books: Books, parameters: Parameters) -> Iterator[Entry]:
    return books.ledger.entries(parameters["interval_start"], parameters["interval_end"], as_of=books.as_of)
