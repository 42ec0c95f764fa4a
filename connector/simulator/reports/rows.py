"""The rows of itemized reports, summaries by category and balance summaries.

Each takes the books of every account that the report is about: one for an account's own reports, several for
those about connected accounts. Summaries add accounts up; itemized reports list one after the other.

Signs, totals and the order of lines are as in exports and programs of real accounts: a fee is positive in
itemized files and negative in sums by category; money paid out is negative where the balance is told and
positive in the report of payouts. No file of sums of payouts or of connected accounts was seen: they are
printed as their siblings here.

Source: https://docs.stripe.com/reports/report-types/balance,
https://docs.stripe.com/reports/report-types/connect, https://github.com/NorfairKing/centjes
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.simulator.books.currencies import EXACT, printed
from connector.simulator.books.entries import Entry, Totals
from connector.simulator.reports.columns import Books, Reader, reader, stamp
from connector.simulator.reports.selections import Parameters, Selection

Cells = Sequence[str | None]
#: How a report is written; `columns` in the parameters are the header.
Rows = Callable[[Sequence[Books], Parameters], Iterable[Cells]]
#: Lines of a balance by category: a description and an amount.
_Lines = dict[str, tuple[str, Decimal]]


def itemized(select: Selection, read: Callable[[str], Reader] = reader) -> Rows:
    """One row for each entry selected. `read` gives the reader of a column."""

    def rows(accounts: Sequence[Books], parameters: Parameters) -> Iterator[Cells]:
        readers = [read(column) for column in parameters["columns"]]
        for books in accounts:
            for entry in _filtered(select(books, parameters), parameters):
                yield [cell(entry, books) for cell in readers]

    return rows


def _filtered(entries: Iterable[Entry], parameters: Parameters) -> Iterator[Entry]:
    currency, category = parameters.get("currency"), parameters.get("reporting_category")
    for entry in entries:
        if currency in {None, entry.currency} and category in {None, entry.category}:
            yield entry


@dataclass(slots=True)
class _Sum:
    """A row of a summary, while it is being added up."""

    count: int = 0
    gross: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)

    def add(self, entry: Entry) -> None:
        self.count += 1
        self.gross = EXACT.add(self.gross, entry.gross)
        self.fee = EXACT.add(self.fee, entry.fee)

    def cells(self, category: str, currency: str) -> dict[str, str]:
        """The row: a fee that was charged is negative here, so that net is gross plus fee."""
        return {
            "reporting_category": category,
            "currency": currency,
            "count": str(self.count),
            "gross": printed(self.gross, currency),
            "fee": printed(EXACT.minus(self.fee), currency),
            "net": printed(EXACT.subtract(self.gross, self.fee), currency),
        }


def summary(select: Selection) -> Rows:
    """One row for each reporting category and currency among the entries selected, all accounts together;
    below those of a currency its total."""

    def rows(accounts: Sequence[Books], parameters: Parameters) -> Iterator[Cells]:
        sums: dict[str, dict[str, _Sum]] = {}
        for books in accounts:
            for entry in _filtered(select(books, parameters), parameters):
                for category in (entry.category, "total"):
                    sums.setdefault(entry.currency, {}).setdefault(category, _Sum()).add(entry)
        for currency, lines in sorted(sums.items()):
            for category in sorted(lines, key=lambda name: (name == "total", name)):
                cells = lines[category].cells(category, currency)
                yield [cells[column] for column in parameters["columns"]]

    return rows


def balance_summary(accounts: Sequence[Books], parameters: Parameters) -> Iterator[Cells]:
    """Starting balance, activity, payouts, ending balance: a block of rows for each settlement currency.

    Top-ups have lines where there were any; among the four documented lines they are activity. Payouts count
    on the day they arrive. The dates in the descriptions are in the zone of the run, and the last one is
    inclusive, as it is in Stripe's files.
    """
    start, end = parameters["interval_start"], parameters["interval_end"]
    opening = _joined(books.ledger.totals(start, as_of=books.as_of) for books in accounts)
    closing = _joined(books.ledger.totals(end, as_of=books.as_of) for books in accounts)
    extra = any(books.extra_categories for books in accounts)
    pending = _pending(accounts, start) if extra else {}
    for currency in sorted(closing):
        if parameters.get("currency") not in {None, currency}:
            continue
        before = opening.get(currency, Totals())
        if extra:
            lines = _seen_lines(before, closing[currency], pending.get(currency, Decimal(0)))
        else:
            lines = _documented_lines(before, closing[currency])
        for cells in _summary_rows(lines, currency, parameters, accounts[0]):
            yield [cells[column] for column in parameters["columns"]]


def _summary_rows(
    lines: _Lines, currency: str, parameters: Parameters, books: Books
) -> Iterator[dict[str, str | None]]:
    first_day = stamp(parameters["interval_start"], books.zone)[:10]
    last_day = stamp(parameters["interval_end"] - 1, books.zone)[:10]
    for category, (text, amount) in lines.items():
        nameless = category.startswith("payouts") and books.payouts_without_currency
        yield {
            "category": category,
            "description": text.format(first=first_day, last=last_day),
            "net_amount": printed(amount, currency),
            "currency": None if nameless else currency,
        }


def _joined(accounts: Iterable[dict[str, Totals]]) -> dict[str, Totals]:
    sums: dict[str, Totals] = {}
    for account in accounts:
        for currency, totals in account.items():
            sums[currency] = sums.get(currency, Totals()).joined(totals)
    return sums


def _pending(accounts: Iterable[Books], at: int) -> dict[str, Decimal]:
    """Activity that was not available yet at `at`, over all accounts."""
    sums: dict[str, Decimal] = {}
    for books in accounts:
        for currency, amount in books.ledger.not_yet_available(at, as_of=books.as_of).items():
            sums[currency] = EXACT.add(sums.get(currency, Decimal(0)), amount)
    return sums


def _documented_lines(before: Totals, after: Totals) -> _Lines:
    moved = after.minus(before)
    return {
        "starting_balance": ("Starting balance ({first})", before.balance),
        "activity": ("Activity", EXACT.add(moved.activity, moved.topups)),
        "payouts": ("Total payouts", moved.payouts),
        "ending_balance": ("Ending balance ({last})", after.balance),
    }


def _seen_lines(before: Totals, after: Totals, pending: Decimal) -> _Lines:
    """The lines of exports."""
    moved = after.minus(before)
    fees, topup_fees, payout_fees = map(
        EXACT.minus, (moved.activity_fee, moved.topups_fee, moved.payouts_fee)
    )
    topups: _Lines = {
        "topups_gross": ("Top-ups", moved.topups_gross),
        "topups_fee": ("Top-up fees", topup_fees),
        "topups": ("Total top-ups", moved.topups),
    }
    return {
        "starting_balance": ("Starting balance ({first})", before.balance),
        "starting_balance_available": (
            "Available balance ({first})",
            EXACT.subtract(before.balance, pending),
        ),
        "activity_gross": ("Account activity before fees", moved.activity_gross),
        "activity_fee": ("Less fees", fees),
        "activity": ("Activity", moved.activity),
        **(topups if moved.topups_gross or moved.topups_fee else {}),
        "payouts_gross": ("Payouts to bank", moved.payouts_gross),
        "payouts_fee": ("Payout fees", payout_fees),
        "payouts": ("Total payouts", moved.payouts),
        "ending_balance": ("Ending balance ({last})", after.balance),
    }
