"""Whether two reports on the same money say the same: a summary and its items, a balance and what moved it.

    balance_change_from_activity.summary  =  balance_change_from_activity.itemized, added up
    payouts.summary, …                    =  payouts.itemized, …
    balance.summary: activity             =  balance_change_from_activity, summary or itemized
    balance.summary: payouts              =  payouts, summary or itemized

and the same for their twins on connected accounts. Either side can be asked; each names the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.catalogue import Column, Granularity, ReportSpec, RowKind
from connector.checks.balance import columns_of_lines, lines_of, not_attributed
from connector.checks.finding import Check, CheckResult, Finding
from connector.checks.opened_file import (
    OpenFile,
    UndecidableError,
    UnreadableError,
    columns_named,
    decided,
    is_there,
    opened,
    undecidable,
)
from connector.checks.wording import SHOWN, Example, counted, listed, restated
from connector.convert.decode import ROW_KIND
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.money import EXACT, money_text, total
from connector.query import ReportQuery
from connector.sql.quoting import quoted, stored

#: Which line of a balance summary is added up by which report.
#: Source: https://docs.stripe.com/reports/report-types/balance
_LINES = {"balance_change_from_activity": "activity", "payouts": "payouts"}

_CONNECTED = "connected_account_"

#: Parameters that change how rows are printed, and not which there are.
_PRINTING = frozenset({"timezone", "decimal_separator"})

_COUNT, _AMOUNTS = "count", ("gross", "fee", "net")

#: Sums by what they are of: a reporting category and a currency, or a currency alone.
_Sums = dict[tuple[str | None, ...], dict[str, Decimal]]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Two tables that have to say the same of a period.

    Attributes:
        check: named after the other table.
        ours, theirs: what the two tables ask for.
        by: the columns sums are compared by.
        measures: what is compared: `count`, `gross`, `fee`, `net`.
        line: the line of the balance summary that is compared; None where neither side is one.
    """

    check: Check
    ours: ReportQuery
    theirs: ReportQuery
    by: tuple[str, ...]
    measures: tuple[str, ...]
    line: str | None = None


def agreements_of(query: ReportQuery, others: Sequence[ReportQuery]) -> tuple[Reconciliation, ...]:
    """What a table can be compared with among `others`: those that ask about the same money, in the same
    windows of the same zone, with the same filters and columns enough."""
    found = (_agreement(query, other) for other in others if _alike(query, other))
    return tuple(each for each in found if each)


def inspect_agreement(
    store: Store, agreement: Reconciliation, ours: Dataset, theirs: Dataset, period: str
) -> Finding | None:
    """Whether both tables say the same of a period; None where a file is missing."""
    if not all(is_there(store, each, period) for each in (ours, theirs)):
        return None
    check = agreement.check
    try:
        with (
            opened(store, ours, agreement.ours, period) as here,
            opened(store, theirs, agreement.theirs, period) as there,
        ):
            for file in (here, there):
                if reason := file.lacks(_needed(agreement, file.query)):
                    return undecidable(check, f"{file.provenance.table}: {reason}")
            return decided(check, lambda: _compared(agreement, here, there))
    except UnreadableError as error:
        return undecidable(check, f"A file could not be read: {error}.")


# Which reports speak of the same money


def _alike(ours: ReportQuery, theirs: ReportQuery) -> bool:
    def rows(query: ReportQuery) -> dict[str, object]:
        return {name: value for name, value in query.filters.items() if name not in _PRINTING}

    def cut(query: ReportQuery) -> tuple[object, ...]:
        return query.window, query.zone, query.dimensions

    return ours.name != theirs.name and cut(ours) == cut(theirs) and rows(ours) == rows(theirs)


def _agreement(ours: ReportQuery, theirs: ReportQuery) -> Reconciliation | None:
    family, kind = _family(ours.spec)
    other_family, other_kind = _family(theirs.spec)
    if family == other_family and {kind, other_kind} == {"summary", "itemized"}:
        by, measures = _shared(ours, theirs)
        return _made(ours, theirs, by, measures) if by and measures else None
    for balance, movements in ((ours, theirs), (theirs, ours)):
        line = _line(balance, movements)
        if line and _measures(movements, ("net",)):
            return _made(ours, theirs, ("currency",), ("net",), line)
    return None


def _family(spec: ReportSpec) -> tuple[str, str]:
    """`("balance_change_from_activity", "itemized")`: whose money, and whether it is added up."""
    stem = spec.id.removesuffix(f".{spec.version}")
    family, _, kind = stem.rpartition(".")
    return family, kind


def _line(balance: ReportQuery, movements: ReportQuery) -> str | None:
    """The line of that balance summary which those movements make up; None where they do not."""
    if columns_of_lines(balance) is None:
        return None
    family = _family(movements.spec)[0]
    prefix = _CONNECTED if family.startswith(_CONNECTED) else ""
    same_scope = _family(balance.spec)[0] == f"{prefix}balance"
    return _LINES.get(family.removeprefix(prefix)) if same_scope else None


def _shared(ours: ReportQuery, theirs: ReportQuery) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """By what the two can be compared, and what of them."""
    by = tuple(n for n in ("reporting_category", "currency") if _has(ours, n) and _has(theirs, n))
    if "currency" not in by:
        return (), ()
    summary = ours if ours.spec.granularity is Granularity.SUMMARY else theirs
    counted_too = (_COUNT,) if _has(summary, _COUNT) else ()
    amounts = tuple(n for n in _AMOUNTS if _has(ours, n) and _has(theirs, n))
    return by, (*counted_too, *amounts)


def _measures(query: ReportQuery, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if _has(query, name)) if _has(query, "currency") else ()


def _has(query: ReportQuery, name: str) -> bool:
    return columns_named(query, [name]) is not None


def _made(
    ours: ReportQuery,
    theirs: ReportQuery,
    by: tuple[str, ...],
    measures: tuple[str, ...],
    line: str | None = None,
) -> Reconciliation:
    what = f"the line {line}" if line else listed(measures)
    about = f"By {' and '.join(by)}, {what} of both tables come to the same: this one and {theirs.name}."
    check = Check(f"agrees_with_{theirs.name}", about, other=theirs.name)
    return Reconciliation(check, ours, theirs, by, measures, line)


def _needed(agreement: Reconciliation, query: ReportQuery) -> Sequence[Column]:
    lines = columns_of_lines(query) if agreement.line else None
    if lines:
        return lines
    names = [*agreement.by, *agreement.measures]
    if query.spec.granularity is not Granularity.SUMMARY:
        names = [name for name in names if name != _COUNT]
    return columns_named(query, names) or ()


# Adding up


def _compared(agreement: Reconciliation, here: OpenFile, there: OpenFile) -> Finding:
    ours, theirs = _sums(agreement, here), _sums(agreement, there)
    zeros = dict.fromkeys(agreement.measures, Decimal(0))
    groups = sorted({*ours, *theirs}, key=lambda group: tuple(each or "" for each in group))
    wrong = [
        _Difference(agreement, group, ours.get(group, zeros), theirs.get(group, zeros))
        for group in groups
        if ours.get(group, zeros) != theirs.get(group, zeros)
    ]
    about = f"By {' and '.join(agreement.by)}, {agreement.line or listed(agreement.measures)}"
    other_table = agreement.check.other
    if not wrong:
        reason = f"{about} of {counted(len(groups), 'sum')} agree with {other_table}."
        return Finding(agreement.check.name, CheckResult.PASSED, reason)
    reason = (
        f"{counted(len(wrong), 'sum')} of {len(groups):,} not as in {other_table}: {wrong[0].in_words}. "
        f"{restated('This file', here.provenance, 'the other', there.provenance)}"
    )
    examples = tuple(each.example for each in wrong[:SHOWN])
    return Finding(agreement.check.name, CheckResult.FAILED, reason, len(wrong), examples)


@dataclass(frozen=True, slots=True)
class _Difference:
    """One sum that is not the same in both tables."""

    agreement: Reconciliation
    group: tuple[str | None, ...]
    ours: dict[str, Decimal]
    theirs: dict[str, Decimal]

    @property
    def in_words(self) -> str:
        """`charge usd: gross 12.00 here and 11.00 there`."""
        amounts = listed(
            f"{name} {self._text(name, self.ours[name])} here and {self._text(name, self.theirs[name])} there"
            for name in self._differing
        )
        return f"{' '.join(each or 'null' for each in self.group)}: {amounts}"

    @property
    def example(self) -> Example:
        """What the sum is of, and each amount that differs as it is here, there, and by how much."""
        shown = {name: value or "null" for name, value in zip(self.agreement.by, self.group, strict=True)}
        for name in self._differing:
            ours, theirs = self.ours[name], self.theirs[name]
            shown[name] = self._text(name, ours)
            shown[f"{name} in {self.agreement.theirs.name}"] = self._text(name, theirs)
            shown[f"difference of {name}"] = self._text(name, EXACT.subtract(ours, theirs))
        return shown

    @property
    def _differing(self) -> list[str]:
        return [name for name in self.agreement.measures if self.ours[name] != self.theirs[name]]

    def _text(self, name: str, amount: Decimal) -> str:
        return f"{amount:f}" if name == _COUNT else money_text(amount, self.group[-1])


def _sums(agreement: Reconciliation, file: OpenFile) -> _Sums:
    if agreement.line and columns_of_lines(file.query):
        return _sums_of_line(file, agreement.line)
    spec = file.query.spec
    movements = f"WHERE {ROW_KIND} = '{RowKind.MOVEMENT.value}'" if spec.row_kinds else ""
    is_summary = spec.granularity is Granularity.SUMMARY
    group = ", ".join(quoted(name) for name in agreement.by)
    measures = ", ".join(
        "count(*)::DECIMAL(38,0)"
        if name == _COUNT and not is_summary
        else f"sum({quoted(name)})::DECIMAL(38,{0 if name == _COUNT else 18})"
        for name in agreement.measures
    )
    width = len(agreement.by)
    reads = [*map(stored, _needed(agreement, file.query)), ROW_KIND]
    return {
        tuple(row[:width]): dict(
            zip(agreement.measures, (each or Decimal(0) for each in row[width:]), strict=True)
        )
        for row in file.ask(reads, f"{group}, {measures}", f"{movements} GROUP BY {group}")
    }


def _sums_of_line(file: OpenFile, line: str) -> _Sums:
    """What moved by that line, in whichever of its parts the file states it."""
    kinds = file.query.spec.row_kinds
    names = {line, *(kinds.parts.get(line, ()) if kinds else ())}
    lines = lines_of(file)
    if strays := [each for each in lines.nobodys if each.category in names]:
        raise UndecidableError(not_attributed(strays))
    return {
        (currency,): {
            "net": total(
                each.amount for each in own if each.category in names and each.kind == RowKind.MOVEMENT.value
            )
        }
        for currency, own in lines.by_currency.items()
    }
