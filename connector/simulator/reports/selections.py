"""Which balance transactions a report shows: one function for each kind of report.

Parameters are those of the run as Stripe echoes them; seconds are unix seconds, intervals half-open. Every
selection is in order of time, within payouts where it goes by payouts.

Source: https://docs.stripe.com/reports/select-a-report
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from connector.simulator.books.entries import Entry
from connector.simulator.reports.columns import Sheet

Parameters = Mapping[str, Any]
Selection = Callable[[Sheet, Parameters], Iterable[Entry]]


def activity(sheet: Sheet, parameters: Parameters) -> Iterator[Entry]:
    """Everything but payouts, by the second of its creation."""
    return (entry for entry in _effective(sheet, parameters) if not entry.is_payout)


def payouts(sheet: Sheet, parameters: Parameters) -> Iterator[Entry]:
    """Payouts by their arrival, and those that came back by the second they did."""
    return (entry for entry in _effective(sheet, parameters) if entry.is_payout)


def paid_out(sheet: Sheet, parameters: Parameters) -> Iterator[Entry]:
    """What automatic payouts hold that take effect in the interval, payout by payout."""
    start, end = parameters["interval_start"], parameters["interval_end"]
    for payout in sheet.ledger.arriving(start, end, as_of=sheet.as_of):
        yield from sheet.ledger.contents(payout)


def one_payout(sheet: Sheet, parameters: Parameters) -> Iterable[Entry]:
    """What the payout named holds; nothing if it is another account's."""
    payout = sheet.ledger.payout(parameters["payout"], as_of=sheet.as_of)
    return sheet.ledger.contents(payout) if payout else ()


def still_here(sheet: Sheet, parameters: Parameters) -> Iterable[Entry]:
    """What makes up the balance at the end: settled by then, and in no payout that has left."""
    return sheet.ledger.outstanding(parameters["interval_end"], as_of=sheet.as_of)


def _effective(sheet: Sheet, parameters: Parameters) -> Iterator[Entry]:
    return sheet.ledger.entries(parameters["interval_start"], parameters["interval_end"], as_of=sheet.as_of)
