"""From the ledger to rows: itemized reports, summaries by category, balance summaries.

Each takes a sheet for every account that the report is about: one for an account's own reports, several for
those about connected accounts. Summaries add accounts up; itemized reports give one after the other.

Sources: https://docs.stripe.com/reports/report-types/balance,
https://docs.stripe.com/reports/report-types/connect
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.simulator.books.currencies import EXACT, printed
from connector.simulator.books.entries import Entry, Totals
from connector.simulator.reports.columns import Reader, Sheet, reader, stamp
from connector.simulator.reports.selections import Parameters, Selection

Cells = Sequence[str | None]
Rows = Callable[[Sequence[Sheet], Parameters], Iterable[Cells]]
"""How a report is written; `columns` in the parameters are the header."""


def itemized(select: Selection, read: Callable[[str], Reader] = reader) -> Rows:
    """One row for each entry selected. `read` gives the reader of a column."""

    def rows(sheets: Sequence[Sheet], parameters: Parameters) -> Iterator[Cells]:
        readers = [read(column) for column in parameters["columns"]]
        for sheet in sheets:
            for entry in _asked_for(select(sheet, parameters), parameters):
                yield [cell(entry, sheet) for cell in readers]

    return rows


def _asked_for(entries: Iterable[Entry], parameters: Parameters) -> Iterator[Entry]:
    currency, category = parameters.get("currency"), parameters.get("reporting_category")
    for entry in entries:
        if currency in {None, entry.currency} and category in {None, entry.category}:
            yield entry


@dataclass(slots=True)
class _Sum:
    """A line of a summary, while it is being added up."""

    count: int = 0
    gross: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)

    def add(self, entry: Entry) -> None:
        self.count += 1
        self.gross = EXACT.add(self.gross, entry.gross)
        self.fee = EXACT.add(self.fee, entry.fee)

    def cells(self, category: str, currency: str) -> dict[str, str]:
        return {
            "reporting_category": category,
            "currency": currency,
            "count": str(self.count),
            "gross": printed(self.gross, currency),
            "fee": printed(self.fee, currency),
            "net": printed(EXACT.subtract(self.gross, self.fee), currency),
        }


def summary(select: Selection) -> Rows:
    """One row for each reporting category and currency among the entries selected, all accounts together."""

    def rows(sheets: Sequence[Sheet], parameters: Parameters) -> Iterator[Cells]:
        sums: dict[tuple[str, str], _Sum] = {}
        for sheet in sheets:
            for entry in _asked_for(select(sheet, parameters), parameters):
                sums.setdefault((entry.category, entry.currency), _Sum()).add(entry)
        for key in sorted(sums):
            cells = sums[key].cells(*key)
            yield [cells[column] for column in parameters["columns"]]

    return rows


def balance_summary(sheets: Sequence[Sheet], parameters: Parameters) -> Iterator[Cells]:
    """Opening balance, what moved it, closing balance; a block of rows for each settlement currency.

    Payouts count on the day they arrive. The dates in the descriptions are in the zone of the run, and the
    last one is inclusive, as it is in Stripe's files.
    """
    start, end = parameters["interval_start"], parameters["interval_end"]
    opening = _together(sheet.ledger.totals(start, as_of=sheet.as_of) for sheet in sheets)
    closing = _together(sheet.ledger.totals(end, as_of=sheet.as_of) for sheet in sheets)
    extra = any(sheet.extra_categories for sheet in sheets)
    held = _held(sheets, start) if extra else {}
    for currency in sorted(closing):
        if parameters.get("currency") not in {None, currency}:
            continue
        before = opening.get(currency, Totals())
        amounts = _summary_amounts(before, closing[currency], held.get(currency, Decimal(0)))
        shown = {name: amount for name, amount in amounts.items() if extra or name not in _EXTRA}
        for cells in _summary_rows(shown, currency, parameters, sheets[0]):
            yield [cells[column] for column in parameters["columns"]]


def _summary_rows(
    amounts: dict[str, tuple[str, Decimal]], currency: str, parameters: Parameters, sheet: Sheet
) -> Iterator[dict[str, str | None]]:
    first_day = stamp(parameters["interval_start"], sheet.zone)[:10]
    last_day = stamp(parameters["interval_end"] - 1, sheet.zone)[:10]
    for category, (text, amount) in amounts.items():
        nameless = category.startswith("payouts") and sheet.payouts_without_currency
        yield {
            "category": category,
            "description": text.format(first=first_day, last=last_day),
            "net_amount": printed(amount, currency),
            "currency": None if nameless else currency,
        }


def _together(accounts: Iterable[dict[str, Totals]]) -> dict[str, Totals]:
    sums: dict[str, Totals] = {}
    for account in accounts:
        for currency, totals in account.items():
            sums[currency] = sums.get(currency, Totals()).joined(totals)
    return sums


def _held(sheets: Iterable[Sheet], at: int) -> dict[str, Decimal]:
    """Activity that was not available yet, over all accounts."""
    sums: dict[str, Decimal] = {}
    for sheet in sheets:
        for currency, amount in sheet.ledger.not_yet_available(at, as_of=sheet.as_of).items():
            sums[currency] = EXACT.add(sums.get(currency, Decimal(0)), amount)
    return sums


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
