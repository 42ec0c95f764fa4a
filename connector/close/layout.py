"""The sheet as it is laid out: the sections of the Dashboard's balance page, in its order and with its names,
and below each what is compared with it. A document of plain texts and amounts, for any format.

Source: https://docs.stripe.com/reports/balance (Balance summary, Balance change from activity, Payouts);
descriptions of the lines in exports of balance summaries
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from connector.close.closing import Closing, Part
from connector.close.month import Month
from connector.close.rows import CategoryRow
from connector.close.sheet import CurrencySheet
from connector.close.sign_off import SignOff
from connector.close.tables import Role
from connector.money import EXACT, total

#: What stands in a cell: a text, a count, an amount of the page's currency, or nothing.
Cell = str | int | Decimal | None

#: The Dashboard's names of a balance's lines: before fees, fees, and both.
_LINES = {
    "activity": ("Account activity before fees", "Less fees", "Activity"),
    "topups": ("Top-ups", "Top-up fees", "Total top-ups"),
    "payouts": ("Payouts to bank", "Payout fees", "Total payouts"),
}

#: The order of reporting categories: by how they begin, sales first, then what reduces them, then the rest.
_ORDER = ("charge", "payment", "refund", "dispute", "fee", "network_cost", "tax")

#: So many payouts that are not their transactions are listed.
_LISTED = 50


@dataclass(frozen=True, slots=True)
class Section:
    """A table with a title.

    Attributes:
        name: for programs, e.g. `balance_summary`.
        columns: the names of the columns; the first one names the line.
        rows: as wide as the columns, the first cell a text.
        totals: the numbers of rows that are sums, which stand out.
        notes: sentences below the table.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    totals: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A month of one account in one currency."""

    title: str
    sheet: CurrencySheet
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The month as it is shown.

    Attributes:
        month: as `2026-06`.
        is_red: whether the month is not closed.
        status: how it stands, in a sentence.
        problems: why it is red, as sentences.
        facts: what it was made of, as sentences.
    """

    month: str
    title: str
    is_red: bool
    status: str
    problems: tuple[str, ...]
    remarks: tuple[str, ...]
    facts: tuple[str, ...]
    pages: tuple[Page, ...] = field(default=())


def laid_out(closing: Closing, signed: SignOff | None, changes: Sequence[str]) -> Document:
    """The document of a month.

    Args:
        signed: the sign-off that holds; None where the month is open.
        changes: what is not as it was signed.
    """
    problems = (*changes, *closing.problems)
    return Document(
        month=str(closing.month),
        title=f"Month close {closing.month}, {closing.mode}",
        is_red=bool(problems),
        status=_status(closing, signed, problems),
        problems=problems,
        remarks=tuple(each for part in closing.parts for each in part.remarks),
        facts=tuple(dict.fromkeys(_facts(closing))),
        pages=tuple(_page(sheet, part, closing.month) for part in closing.parts for sheet in part.sheets),
    )


def _status(closing: Closing, signed: SignOff | None, problems: Sequence[str]) -> str:
    if problems:
        reasons = f"{len(problems)} {'reason' if len(problems) == 1 else 'reasons'} below"
        if signed:
            return f"Not closed: {signed}, and not the same since; {reasons}. --reopen opens it again."
        return f"Not closed: {reasons}."
    if signed:
        return f"Closed: {signed}, and all {len(signed.inputs):,} files are as they were."
    return f"Can be closed: all {len(closing.inputs):,} files are there and agree. --sign-off freezes it."


def _facts(closing: Closing) -> Iterator[str]:
    for part in closing.parts:
        names = ", ".join(dict.fromkeys(each.table for each in part.inputs))
        made = f" Made of {len(part.inputs):,} files of {names}." if names else ""
        yield (
            f"{closing.month.first} to {closing.month.last}, both included, on the calendar of "
            f"{part.books.balance.zone}.{made}"
        )


def _page(sheet: CurrencySheet, part: Part, month: Month) -> Page:
    sections = (
        _balance(sheet, part, month),
        _activity(sheet, part),
        _payouts(sheet, part, month),
        _fees(sheet, part),
        _tied(sheet, part),
    )
    return Page(f"{sheet.owner}, {sheet.currency or 'no currency'}", sheet, sections)


def _balance(sheet: CurrencySheet, part: Part, month: Month) -> Section:
    rows: list[tuple[Cell, ...]] = [(f"Starting balance ({month.first})", sheet.opening)]
    totals = [0]
    for each in sheet.movements:
        plain = each.name.replace("_", " ").capitalize()
        gross, fee, whole = _LINES.get(each.name, (plain, f"{plain} fees", f"Total {plain.lower()}"))
        if each.gross is not None:
            rows += [(gross, each.gross), (fee, each.fee)]
        rows.append((whole, each.net))
        totals.append(len(rows) - 1)
    rows.append((f"Ending balance ({part.last})", sheet.closing))
    totals.append(len(rows) - 1)
    following = f"Starting balance of the next month ({month.following.first})"
    if sheet.next_opening is None:
        return _section("balance_summary", rows, totals, [f"{following}: not there yet."])
    rows += [(following, sheet.next_opening), ("Difference to the next starting balance", sheet.gap)]
    return _section("balance_summary", rows, totals)


def _section(
    name: str, rows: list[tuple[Cell, ...]], totals: list[int], notes: Sequence[str] = ()
) -> Section:
    return Section(name, "Balance summary", ("", "Amount"), tuple(rows), tuple(totals), tuple(notes))


def _categories(rows: Sequence[CategoryRow]) -> Iterator[tuple[Cell, ...]]:
    def rank(row: CategoryRow) -> tuple[int, str]:
        found = [at for at, name in enumerate(_ORDER) if row.category.startswith(name)]
        return (min(found, default=len(_ORDER)), row.category)

    for each in sorted(rows, key=rank):
        yield each.category or "no category", each.count, each.gross, EXACT.minus(each.fee), each.net
    counts = [each.count for each in rows]
    yield (
        "Total",
        None if None in counts else sum(each or 0 for each in counts),
        total(each.gross for each in rows),
        EXACT.minus(total(each.fee for each in rows)),
        total(each.net for each in rows),
    )


_BY_CATEGORY = ("Reporting category", "Count", "Gross", "Fees", "Net")


def _activity(sheet: CurrencySheet, part: Part) -> Section:
    title = "Balance change from activity"
    if sheet.categories is None:
        return _absent("activity", title, part, Role.ACTIVITY)
    rows = tuple(_categories(sheet.categories))
    difference = _beside_the_balance(sheet.activity_difference)
    return Section("activity", title, _BY_CATEGORY, (*rows, difference), (len(rows) - 1,))


def _payouts(sheet: CurrencySheet, part: Part, month: Month) -> Section:
    title = "Payouts"
    if sheet.payouts is None:
        return _absent("payouts", title, part, Role.PAYOUTS)
    rows = tuple(_categories(sheet.payouts))
    transit: Cell = "not there" if sheet.in_transit is None else sheet.in_transit
    note = f"Cash in transit is what is to arrive at the bank after {month.last}."
    if sheet.in_transit is None:
        note = "Cash in transit is not known: the payouts were requested without their arrival dates."
    after = (_beside_the_balance(sheet.payouts_difference), ("Cash in transit", None, None, None, transit))
    return Section("payouts", title, _BY_CATEGORY, (*rows, *after), (len(rows) - 1,), (note,))


def _fees(sheet: CurrencySheet, part: Part) -> Section:
    fees, absent = sheet.fees, part.books.without(Role.FEES)
    rows: list[tuple[Cell, ...]] = [
        ("By the activity", "not there" if fees.ledger is None else fees.ledger),
        ("By the fee report", absent if fees.listed is None else fees.listed),
        ("Tax in the fee report", absent if fees.tax is None else fees.tax),
    ]
    if fees.difference is not None:
        rows.append(("Difference of activity and fee report", fees.difference))
    return Section("fees", "Fees, three ways", ("", "Amount"), tuple(rows))


def _tied(sheet: CurrencySheet, part: Part) -> Section:
    title = "Payouts and their transactions"
    if sheet.tied is None:
        return _absent("tied_payouts", title, part, Role.CONTENTS)
    equal = sum(1 for each in sheet.tied if each.difference == 0)
    alone = [each for each in sheet.tied if each.contents is None]
    notes = [f"{equal:,} of {len(sheet.tied):,} payouts equal the sum of their transactions."]
    if alone:
        has, table = "has" if len(alone) == 1 else "have", part.books.tables[Role.CONTENTS].table
        notes.append(
            f"{len(alone):,} {has} no transactions in {table} and cannot be tied; "
            "those made by hand have none."
        )
    odd = [*sheet.differing, *alone]
    if len(odd) > _LISTED:
        notes.append(f"The first {_LISTED} of {len(odd):,} are listed.")
    rows = tuple(
        (
            each.payout,
            each.count,
            each.net,
            "none" if each.contents is None else each.contents,
            each.difference,
        )
        for each in odd[:_LISTED]
    )
    columns = ("Payout", "Count", "Paid out", "Transactions", "Difference")
    return Section("tied_payouts", title, columns if rows else (), rows, (), tuple(notes))


def _absent(name: str, title: str, part: Part, role: Role) -> Section:
    return Section(name, title, (), (), (), (f"{role.capitalize()}: {part.books.without(role)}.",))


def _beside_the_balance(difference: Decimal | None) -> tuple[Cell, ...]:
    return "Difference to the balance", None, None, None, difference
