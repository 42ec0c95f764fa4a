"""Whether a balance summary adds up, and goes on where the one before it ended.

Its lines are few, so they are taken into memory and reckoned with Python's exact decimals.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from connector.catalogue import Column, RowKind
from connector.checks.finding import Check, CheckResult, Finding
from connector.checks.opened_file import (
    FileCheck,
    OpenFile,
    UndecidableError,
    UnreadableError,
    columns_named,
    decided,
    is_there,
    opened,
    undecidable,
)
from connector.checks.wording import SHOWN, Example, listed, money, restated
from connector.convert.decode import ROW_KIND
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.money import EXACT, money_text, total
from connector.query import ReportQuery
from connector.sql.quoting import quoted, stored

OPENING, CLOSING = "starting_balance", "ending_balance"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a balance summary. `kind` is None for a category we do not know."""

    category: str | None
    kind: str | None
    currency: str | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Lines:
    """A balance summary, by currency.

    Attributes:
        by_currency: the lines of each currency. Those without one belong to the only currency there is.
        nobodys: lines without a currency where there are several, as far as their amount is not zero.
    """

    by_currency: dict[str, list[Line]]
    nobodys: list[Line]


def columns_of_lines(query: ReportQuery) -> tuple[Column, ...] | None:
    """What tells the lines of a balance summary; None for another report, or where one was not asked for."""
    kinds = query.spec.row_kinds
    if kinds is None or not {OPENING, CLOSING} <= kinds.kinds.keys() or query.spec.amount_column is None:
        return None
    return columns_named(query, [kinds.column, query.spec.currency_column, query.spec.amount_column])


def lines_of(file: OpenFile) -> Lines:
    """The lines of a balance summary. Raises UndecidableError where a line has no amount."""
    columns = [*map(stored, columns_of_lines(file.query) or ()), ROW_KIND]
    names = ", ".join(map(quoted, columns))
    by_currency: defaultdict[str, list[Line]] = defaultdict(list)
    unnamed: list[Line] = []
    for category, currency, amount, kind in file.ask(columns, names):
        if amount is None:
            raise UndecidableError(f"The line {category} in {currency or 'no currency'} has no amount.")
        line = Line(category, kind, currency or None, amount)
        if line.currency:
            by_currency[line.currency].append(line)
        else:
            unnamed.append(line)
    if len(by_currency) == 1:
        (only,) = by_currency
        by_currency[only] += [replace(line, currency=only) for line in unnamed]
        unnamed = []
    return Lines(dict(sorted(by_currency.items())), [line for line in unnamed if line.amount])


def not_attributed(lines: Sequence[Line]) -> str:
    """Why lines without a currency decide nothing."""
    named = listed(f"{line.category} {line.amount.normalize(EXACT):f}" for line in lines)
    return f"The file has several currencies, and does not say which one these are in: {named}."


# Start, movements, end


def _adds_up(file: OpenFile) -> Finding:
    check = ADDS_UP.check.name
    lines = lines_of(file)
    if lines.nobodys:
        raise UndecidableError(not_attributed(lines.nobodys))
    wrong: list[Example] = []
    unsure: list[str] = []
    for currency, own in lines.by_currency.items():
        start, end = (_balance(own, category) for category in (OPENING, CLOSING))
        if start is None or end is None:
            unsure.append(f"{currency} has no {OPENING if start is None else CLOSING}")
            continue
        moved = total(line.amount for line in own if line.kind == RowKind.MOVEMENT.value)
        off = EXACT.subtract(EXACT.subtract(end, start), moved)
        strange = sorted({line.category or "null" for line in own if line.kind is None})
        if off and strange:
            unsure.append(f"{currency} is off by {money(off, currency)}, and nobody knows {listed(strange)}")
        elif off:
            led = EXACT.add(start, moved)
            amounts = {"start": start, "movements": moved, "sum": led, "end": end, "difference": off}
            texts = {name: money_text(amount, currency) for name, amount in amounts.items()}
            wrong.append({"currency": currency, **texts})
    if wrong:
        first = wrong[0]
        reason = (
            f"In {listed(each['currency'] for each in wrong)} the balance does not end where it leads: "
            f"{first['start']} and movements of {first['movements']} are {first['sum']} {first['currency']}, "
            f"and the end is {first['end']}."
        )
        return Finding(check, CheckResult.FAILED, reason, len(wrong), tuple(wrong[:SHOWN]))
    if unsure:
        return Finding(check, CheckResult.UNDECIDABLE, f"{'; '.join(unsure)}.", len(unsure))
    currencies = listed(lines.by_currency) or "no currency: there are no rows"
    return Finding(check, CheckResult.PASSED, f"Start, activity and payouts lead to the end in {currencies}.")


def _balance(lines: Sequence[Line], category: str) -> Decimal | None:
    """The sum of the lines of that category; None where there are none."""
    found = [line.amount for line in lines if line.category == category]
    return total(found) if found else None


ADDS_UP = FileCheck(
    Check(
        "balance_adds_up",
        "In every currency, starting balance, activity and payouts add up to the ending balance.",
    ),
    columns_of_lines,
    _adds_up,
)


# From one period to the next

CONTINUITY = Check(
    "closing_is_next_opening",
    "In every currency, a period's ending balance is the next one's starting balance.",
)


def continuity_of(query: ReportQuery) -> Check | None:
    """The check across periods; None for reports that state no balance at two instants."""
    return CONTINUITY if columns_of_lines(query) and "interval_start" in query.spec.parameters else None


def inspect_continuity(
    store: Store, dataset: Dataset, query: ReportQuery, before: str, after: str
) -> Finding | None:
    """Whether the period `after` opens with what `before` closed with, in every currency.

    A currency that stands in one of them alone is zero in the other. None where a file is missing, and
    for a report without balances.
    """
    if continuity_of(query) is None or not all(is_there(store, dataset, each) for each in (before, after)):
        return None
    try:
        with opened(store, dataset, query, before) as earlier, opened(store, dataset, query, after) as later:
            for file in (earlier, later):
                if reason := file.lacks(columns_of_lines(query) or ()):
                    return undecidable(CONTINUITY, f"{file.provenance.period}: {reason}")
            return decided(CONTINUITY, lambda: _goes_on(earlier, later))
    except UnreadableError as error:
        return undecidable(CONTINUITY, f"A file could not be read: {error}.")


def _goes_on(earlier: OpenFile, later: OpenFile) -> Finding:
    before, after = earlier.provenance, later.provenance
    if before.interval is None or after.interval is None or before.interval.end != after.interval.start:
        raise UndecidableError(f"{after.period} does not begin where {before.period} ends.")
    closing, opening = _balances(earlier, CLOSING), _balances(later, OPENING)
    wrong: list[Example] = []
    for currency in sorted({*closing, *opening}):
        ended, began = (side.get(currency, Decimal(0)) for side in (closing, opening))
        if ended != began:
            amounts = {"closing": ended, "opening": began, "difference": EXACT.subtract(began, ended)}
            texts = {name: money_text(amount, currency) for name, amount in amounts.items()}
            wrong.append({"currency": currency, **texts})
    if not wrong:
        where = listed(sorted({*closing, *opening})) or "no currency: there are no rows"
        reason = f"{after.period} opens with what {before.period} closed with, in {where}."
        return Finding(CONTINUITY.name, CheckResult.PASSED, reason)
    first = wrong[0]
    reason = (
        f"{before.period} closed with {first['closing']} {first['currency']} and {after.period} opens with "
        f"{first['opening']}. {restated(before.period, before, after.period, after)}"
    )
    return Finding(CONTINUITY.name, CheckResult.FAILED, reason, len(wrong), tuple(wrong[:SHOWN]))


def _balances(file: OpenFile, category: str) -> dict[str, Decimal]:
    """By currency. Raises UndecidableError where one cannot be told."""
    lines = lines_of(file)
    strays = [line for line in lines.nobodys if line.category == category]
    if strays:
        raise UndecidableError(not_attributed(strays))
    found = {currency: _balance(own, category) for currency, own in lines.by_currency.items()}
    return {currency: amount for currency, amount in found.items() if amount is not None}
