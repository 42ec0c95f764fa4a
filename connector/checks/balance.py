"""Whether a balance summary adds up, and opens with what the one before closed with.

It has few lines, so they are read into memory and added up with Python's exact decimals.
"""

from collections import defaultdict
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from connector.catalogue import Column, RowKind
from connector.catalogue.reports.balance import CLOSING, OPENING
from connector.checks.finding import Check, CheckOutcome, CheckResult, Finding
from connector.checks.opened_file import (
    FileCheck,
    InconclusiveError,
    OpenFile,
    UnreadableError,
    evaluate_safely,
    find_columns,
    inconclusive,
    opened,
)
from connector.checks.wording import (
    REFRESH,
    SHOWN,
    Example,
    explain_difference,
    explain_sign,
    format_money,
    refer_to_stripe,
)
from connector.convert.decode import ROW_KIND
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import NoDataError
from connector.money import EXACT, money_text, total
from connector.query import ReportQuery
from connector.sql.quoting import quoted, stored
from connector.text import join_names


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a balance summary. `kind` is None for a line that is not known; `whole` is the line that
    this one is a part of: `activity` of `activity_fee`."""

    category: str | None
    kind: str | None
    currency: str | None
    amount: Decimal
    whole: str


@dataclass(frozen=True, slots=True)
class Lines:
    """A balance summary, by currency.

    Attributes:
        by_currency: the lines of each currency. Those without one belong to the only currency there is.
        unattributed: lines without a currency where there are several, unless their amount is zero.
    """

    by_currency: dict[str, list[Line]]
    unattributed: list[Line]


def find_line_columns(query: ReportQuery) -> tuple[Column, ...] | None:
    """Category, currency and amount of a balance summary; None for another report, or where one of them was
    not requested."""
    kinds = query.spec.row_kinds
    if kinds is None or not {OPENING, CLOSING} <= kinds.kinds.keys() or query.spec.amount_column is None:
        return None
    return find_columns(query, [kinds.column, query.spec.currency_column, query.spec.amount_column])


def read_lines(file: OpenFile) -> Lines:
    """The lines of a balance summary. Raises InconclusiveError where a line has no amount."""
    columns = [*map(stored, find_line_columns(file.query) or ()), ROW_KIND]
    rules = file.query.spec.row_kinds
    names = ", ".join(map(quoted, columns))
    by_currency: defaultdict[str, list[Line]] = defaultdict(list)
    unnamed: list[Line] = []
    for category, currency, amount, kind in file.select(columns, names):
        if amount is None:
            raise InconclusiveError(
                f"The line {category} {f'in {currency}' if currency else 'without a currency'} has no amount."
            )
        line = Line(category, kind, currency or None, amount, rules.whole_of(category or "") if rules else "")
        if line.currency:
            by_currency[line.currency].append(line)
        else:
            unnamed.append(line)
    if len(by_currency) == 1:
        (only,) = by_currency
        by_currency[only] += [replace(line, currency=only) for line in unnamed]
        unnamed = []
    return Lines(dict(sorted(by_currency.items())), [line for line in unnamed if line.amount])


def explain_unattributed(lines: Sequence[Line]) -> str:
    """Why lines without a currency make a check inconclusive, and what to do."""
    named = join_names(f"{line.category} {money_text(line.amount, None)}" for line in lines)
    return (
        f"The file has several currencies and does not state the currency of {named}. "
        "A report on one currency shows it: set `currency` in the report's filters."
    )


# Within a period


def _check_sum(file: OpenFile) -> Finding:
    lines = read_lines(file)
    if lines.unattributed:
        raise InconclusiveError(explain_unattributed(lines.unattributed))
    wrong: list[Example] = []
    lost: list[str] = []
    unsure: list[str] = []
    turned = 0
    for currency, own in lines.by_currency.items():
        start, end = (_find_balance(own, category) for category in (OPENING, CLOSING))
        if start is None or end is None:
            unsure.append(f"In {currency}, the file has no {OPENING if start is None else CLOSING}.")
            continue
        moved = total(line.amount for line in own if line.kind == RowKind.MOVEMENT.value)
        led = EXACT.add(start, moved)
        off = EXACT.subtract(end, led)
        unknown = {line.category or "null": line.amount for line in own if line.kind is None}
        if off and unknown:
            named = join_names(f"{name} {money_text(amount, currency)}" for name, amount in unknown.items())
            lost.append(
                f"In {currency}, the balance is off by {format_money(off, currency)}, and the file has lines "
                f"that this release does not know: {named}."
            )
        elif off:
            amounts = {"start": start, "movements": moved, "sum": led, "end": end, "difference": off}
            texts = {name: money_text(amount, currency) for name, amount in amounts.items()}
            wrong.append({"currency": currency, **texts})
            turned += off == _turned_payouts(own)
    if wrong:
        by_sign = explain_sign("payouts are positive in this file") if turned == len(wrong) else None
        return _found_wrong(wrong, by_sign or refer_to_stripe(file.provenance))
    if lost:
        advice = "Sums of movements leave them out; please report their names."
        return Finding(CheckResult.FAILED, " ".join([*lost[:SHOWN], advice]), len(lost))
    if unsure:
        return Finding(CheckResult.INCONCLUSIVE, " ".join(unsure[:SHOWN]), len(unsure))
    if not lines.by_currency:
        return Finding(CheckResult.PASSED, "The file has no rows, so there is nothing to add up.")
    where = join_names(lines.by_currency)
    reason = f"Starting balance and movements add up to the ending balance in {where}."
    return Finding(CheckResult.PASSED, reason)


def _found_wrong(wrong: Sequence[Example], advice: str) -> Finding:
    first = wrong[0]
    reason = (
        f"The balance does not add up in {join_names(each['currency'] for each in wrong)}. "
        f"{first['currency']}: starting balance {first['start']} + movements {first['movements']} = "
        f"{first['sum']}, and the ending balance is {first['end']} (difference {first['difference']}). "
        f"{advice}"
    )
    return Finding(CheckResult.FAILED, reason, len(wrong), tuple(wrong[:SHOWN]))


def _turned_payouts(lines: Sequence[Line]) -> Decimal:
    """How far the balance is off where payouts are printed with the other sign, and all else is right."""
    movements = (line for line in lines if line.kind == RowKind.MOVEMENT.value)
    paid_out = total(line.amount for line in movements if line.whole == "payouts")
    return EXACT.multiply(paid_out, Decimal(-2))


def _find_balance(lines: Sequence[Line], category: str) -> Decimal | None:
    """The sum of the lines of that category; None where there are none."""
    found = [line.amount for line in lines if line.category == category]
    return total(found) if found else None


ADDS_UP = FileCheck(
    Check(
        "balance_adds_up",
        "In every currency, starting balance and movements (activity, payouts, top-ups) add up to the ending "
        "balance.",
    ),
    find_line_columns,
    _check_sum,
)


def check_balance(store: Store, dataset: Dataset, query: ReportQuery, partition: str) -> Finding | None:
    """Whether the balance in a partition's file adds up; None for a report without balances."""
    if find_line_columns(query) is None:
        return None
    with opened(store, dataset, query, partition) as file:
        if isinstance(file, OpenFile):
            return ADDS_UP.evaluate_on(file)
        return inconclusive(f"The file could not be read: {file}.")


# From one period to the next

CONTINUITY = Check(
    "closing_is_next_opening",
    "In every currency, the ending balance of a period is the starting balance of the next one.",
    compares_files=True,
)


def find_continuity_check(query: ReportQuery) -> Check | None:
    """The check across periods; None for reports without a starting and an ending balance."""
    return CONTINUITY if find_line_columns(query) and "interval_start" in query.spec.parameters else None


def check_continuity(
    store: Store,
    dataset: Dataset,
    query: ReportQuery,
    before: str,
    after: str,
    *,
    ends: "MutableMapping[str, Ends | UnreadableError] | None" = None,
) -> CheckOutcome | None:
    """Whether the period `after` opens with what `before` closed with, in every currency.

    The outcome is that of `after`. A currency that only one of them has is zero in the other. None where a
    file is missing, and for a report without balances.

    Args:
        ends: by partition what has been read of it already; what is read is added.
    """
    if find_continuity_check(query) is None:
        return None
    known = {} if ends is None else ends
    try:
        # The later one first: it is missing more often.
        for partition in (after, before):
            if partition not in known:
                with opened(store, dataset, query, partition) as file:
                    known[partition] = read_ends(file)
    except NoDataError:
        return None
    return compare_ends(dataset, after, known[before], known[after])


@dataclass(frozen=True, slots=True)
class Ends:
    """What a period opens and closes with, by currency, or why that cannot be read."""

    provenance: Provenance
    opening: Mapping[str, Decimal] | Finding
    closing: Mapping[str, Decimal] | Finding


def read_ends(file: OpenFile | UnreadableError) -> Ends | UnreadableError:
    """The ends of a period out of its file; what `opened` gave where it cannot be read."""
    if isinstance(file, UnreadableError):
        return file
    columns = find_line_columns(file.query)
    lack = (
        f"The file was requested without balances. {REFRESH}"
        if columns is None
        else file.explain_lack(columns)
    )
    lines = (
        inconclusive(f"{file.provenance.period}: {lack}")
        if lack
        else evaluate_safely(lambda: read_lines(file), file)
    )
    if isinstance(lines, Finding):
        return Ends(file.provenance, lines, lines)
    opening, closing = (
        evaluate_safely(partial(_balances, lines, category), file) for category in (OPENING, CLOSING)
    )
    return Ends(file.provenance, opening, closing)


def compare_ends(
    dataset: Dataset, partition: str, earlier: Ends | UnreadableError, later: Ends | UnreadableError
) -> CheckOutcome:
    """Whether a partition opens with what the one before it closed with."""
    unreadable = [each for each in (later, earlier) if isinstance(each, UnreadableError)]
    if isinstance(earlier, Ends) and isinstance(later, Ends):
        finding = _compare_both(earlier, later)
    else:
        finding = inconclusive(f"A file could not be read: {unreadable[0]}.")
    return CheckOutcome(CONTINUITY, dataset.table, partition, finding)


def _compare_both(earlier: Ends, later: Ends) -> Finding:
    before, after = earlier.provenance, later.provenance
    if before.interval is None or after.interval is None or before.interval.end != after.interval.start:
        return inconclusive(f"{after.period} does not begin where {before.period} ends.")
    closing, opening = earlier.closing, later.opening
    if isinstance(closing, Finding):
        return closing
    if isinstance(opening, Finding):
        return opening
    currencies = sorted({*closing, *opening})
    wrong: list[Example] = []
    for currency in currencies:
        ended, began = (side.get(currency, Decimal(0)) for side in (closing, opening))
        if ended != began:
            amounts = {"closing": ended, "opening": began, "difference": EXACT.subtract(began, ended)}
            texts = {name: money_text(amount, currency) for name, amount in amounts.items()}
            wrong.append({"currency": currency, **texts})
    if wrong:
        first = wrong[0]
        reason = (
            f"The balances differ in {join_names(each['currency'] for each in wrong)}. {first['currency']}: "
            f"{before.period} closes with {first['closing']}, and {after.period} opens with "
            f"{first['opening']} (difference {first['difference']}). "
            f"{explain_difference(before.period, before, after.period, after)}"
        )
        return Finding(CheckResult.FAILED, reason, len(wrong), tuple(wrong[:SHOWN]))
    if not currencies:
        reason = f"Neither {before.period} nor {after.period} has rows, so there is nothing to compare."
    else:
        reason = f"{after.period} opens with what {before.period} closes with in {join_names(currencies)}."
    return Finding(CheckResult.PASSED, reason)


def _balances(lines: Lines, category: str) -> dict[str, Decimal]:
    """By currency. Raises InconclusiveError where a line of that category has none."""
    strays = [line for line in lines.unattributed if line.category == category]
    if strays:
        raise InconclusiveError(explain_unattributed(strays))
    found = {currency: _find_balance(own, category) for currency, own in lines.by_currency.items()}
    return {currency: amount for currency, amount in found.items() if amount is not None}
