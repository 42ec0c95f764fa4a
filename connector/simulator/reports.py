"""From the ledger to rows: one function per report.

Parameters are those of the run as Stripe echoes them: `columns` in the order asked for, the interval as unix
seconds, half-open.

Source: https://docs.stripe.com/reports/report-types/balance
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from connector.simulator.columns import Sheet, reader, stamp
from connector.simulator.currencies import EXACT, printed
from connector.simulator.entries import Entry, Totals

Parameters = Mapping[str, Any]
Rows = Iterator[Iterable[str | None]]


def balance_change_itemized(sheet: Sheet, parameters: Parameters) -> Rows:
    """Every balance transaction but payouts, by the second of its creation."""
    entries = sheet.ledger.entries(
        parameters["interval_start"], parameters["interval_end"], as_of=sheet.as_of
    )
    return _itemized(sheet, parameters, (entry for entry in entries if not entry.is_payout))


def _itemized(sheet: Sheet, parameters: Parameters, entries: Iterable[Entry]) -> Rows:
    readers = [reader(column) for column in parameters["columns"]]
    currency, category = parameters.get("currency"), parameters.get("reporting_category")
    for entry in entries:
        if currency in {None, entry.currency} and category in {None, entry.category}:
            yield [read(entry, sheet) for read in readers]


def balance_summary(sheet: Sheet, parameters: Parameters) -> Rows:
    """Opening balance, what moved it, closing balance; a block of rows for each settlement currency.

    Payouts count on the day they arrive. The dates in the descriptions are in the zone of the run, and the
    last one is inclusive, as it is in Stripe's files.
    """
    start, end = parameters["interval_start"], parameters["interval_end"]
    opening = sheet.ledger.totals(start, as_of=sheet.as_of)
    closing = sheet.ledger.totals(end, as_of=sheet.as_of)
    held = sheet.ledger.not_yet_available(start, as_of=sheet.as_of) if sheet.extra_categories else {}
    first_day, last_day = stamp(start, sheet.zone)[:10], stamp(end - 1, sheet.zone)[:10]
    for currency in sorted(closing):
        if parameters.get("currency") not in {None, currency}:
            continue
        before = opening.get(currency, Totals())
        amounts = _summary_amounts(before, closing[currency], held.get(currency, Decimal(0)))
        for category, (text, amount) in amounts.items():
            if category in _EXTRA and not sheet.extra_categories:
                continue
            nameless = category.startswith("payouts") and sheet.payouts_without_currency
            cells = {
                "category": category,
                "description": text.format(first=first_day, last=last_day),
                "net_amount": printed(amount, currency),
                "currency": None if nameless else currency,
            }
            yield [cells[column] for column in parameters["columns"]]


_EXTRA = frozenset(
    {"starting_balance_available", "activity_gross", "activity_fee", "payouts_gross", "payouts_fee"}
)
"""Categories seen in exports of 2026 and documented nowhere; which version prints them is not known."""


def _summary_amounts(before: Totals, after: Totals, held: Decimal) -> dict[str, tuple[str, Decimal]]:
    moved = after.minus(before)
    fees, payout_fees = EXACT.minus(moved.activity_fee), EXACT.minus(moved.payouts_fee)
    return {
        "starting_balance": ("Starting balance ({first})", before.balance),
        "starting_balance_available": (
            "Starting balance, available ({first})",
            EXACT.subtract(before.balance, held),
        ),
        "activity_gross": ("Account activity before fees", moved.activity_gross),
        "activity_fee": ("Fees on account activity", fees),
        "activity": ("Account activity, net", moved.activity),
        "payouts_gross": ("Payouts before fees", moved.payouts_gross),
        "payouts_fee": ("Fees on payouts", payout_fees),
        "payouts": ("Payouts to your bank, net", moved.payouts),
        "ending_balance": ("Ending balance ({last})", after.balance),
    }
