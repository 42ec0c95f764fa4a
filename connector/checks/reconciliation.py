"""Whether two reports on the same money have the same totals: a summary and its items, a balance and its
movements.

    balance_change_from_activity.summary  =  balance_change_from_activity.itemized, added up
    payouts.summary, …                    =  payouts.itemized, …
    balance.summary: activity             =  balance_change_from_activity, summary or itemized
    balance.summary: payouts              =  payouts, summary or itemized

The same holds for the reports on connected accounts. Each of the two tables has a check that names the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from connector.catalogue import Column, Granularity, ReportSpec, RowKind
from connector.checks.balance import explain_unattributed, find_line_columns, read_lines
from connector.checks.finding import Check, CheckOutcome, CheckResult, Finding
from connector.checks.opened_file import (
    InconclusiveError,
    OpenFile,
    UnreadableError,
    evaluate_safely,
    find_columns,
    inconclusive,
    open_file,
)
from connector.checks.wording import SHOWN, Example, explain_difference, format_share
from connector.convert.decode import ROW_KIND
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import NoDataError
from connector.money import EXACT, money_text, total
from connector.query import ReportQuery
from connector.sql.quoting import quoted, stored
from connector.text import join_names

#: Which report has the movements of which line of a balance summary.
#: Source: https://docs.stripe.com/reports/report-types/balance
_LINES = {"balance_change_from_activity": "activity", "payouts": "payouts"}

_CONNECTED = "connected_account_"

#: Parameters that change how rows are printed, and not which there are.
_PRINTING = frozenset({"timezone", "decimal_separator"})

_COUNT, _AMOUNTS = "count", ("gross", "fee", "net")

#: Totals by group: a reporting category and a currency, or a currency alone.
_Sums = dict[tuple[str | None, ...], dict[str, Decimal]]

#: The check as it is listed; each table's own names the other table and what is compared.
RECONCILES = Check(
    "agrees_with_<table>",
    "A summary equals the totals of its items, and a balance's activity and payouts those of their reports.",
    compares_files=True,
    other="<table>",
)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Two tables whose totals of a period must be the same.

    Attributes:
        ours, theirs: the queries of the two tables.
        by: the columns that totals are grouped by.
        measures: what is compared: `count`, `gross`, `fee`, `net`.
        claim: what must be true of each group, as a clause.
        line: the line of the balance summary that is compared; None where neither side is one.
    """

    ours: ReportQuery
    theirs: ReportQuery
    by: tuple[str, ...]
    measures: tuple[str, ...]
    claim: str
    line: str | None = None

    @property
    def check(self) -> Check:
        """The check of our table, named after the other one."""
        other = self.theirs.name
        about = f"In every {join_names(self.by)}, {self.claim}."
        return replace(RECONCILES, name=f"agrees_with_{other}", about=about, other=other)


def find_reconciliations(query: ReportQuery, others: Sequence[ReportQuery]) -> tuple[Reconciliation, ...]:
    """What a table can be compared with among `others`: those on the same money, in the same windows of the
    same zone, with the same filters and the columns that are compared."""
    found = (_find_reconciliation(query, other) for other in others if _is_comparable(query, other))
    return tuple(each for each in found if each)


def reconcile(
    store: Store, reconciliation: Reconciliation, ours: Dataset, theirs: Dataset, partition: str
) -> CheckOutcome | None:
    """Whether both tables have the same totals in a partition: an outcome of `ours`. None where a file is
    missing."""
    try:
        with (
            open_file(store, theirs, reconciliation.theirs, partition) as there,
            open_file(store, ours, reconciliation.ours, partition) as here,
        ):
            finding = _check_both(reconciliation, here, there)
    except NoDataError:
        return None
    except UnreadableError as error:
        finding = inconclusive(f"A file could not be read: {error}.")
    return CheckOutcome(reconciliation.check, ours.table, partition, finding)


# Which reports are on the same money


def _is_comparable(ours: ReportQuery, theirs: ReportQuery) -> bool:
    def rows(query: ReportQuery) -> dict[str, object]:
        return {name: value for name, value in query.filters.items() if name not in _PRINTING}

    def grid(query: ReportQuery) -> tuple[object, ...]:
        return query.window, query.zone, query.dimensions

    return ours.name != theirs.name and grid(ours) == grid(theirs) and rows(ours) == rows(theirs)


def _find_reconciliation(ours: ReportQuery, theirs: ReportQuery) -> Reconciliation | None:
    family, kind = _family(ours.spec)
    other_family, other_kind = _family(theirs.spec)
    if family == other_family and {kind, other_kind} == {"summary", "itemized"}:
        by, measures = _find_shared(ours, theirs)
        claim = f"the totals of {join_names(measures)} are those of {theirs.name}"
        return Reconciliation(ours, theirs, by, measures, claim) if by and measures else None
    for balance, movements in ((ours, theirs), (theirs, ours)):
        line = _find_line(balance, movements)
        if line and _has(movements, "currency") and _has(movements, "net"):
            claim = f"{line} is the total net of {theirs.name}"
            if balance is theirs:
                claim = f"the total net is {line} of {theirs.name}"
            return Reconciliation(ours, theirs, ("currency",), ("net",), claim, line)
    return None


def _family(spec: ReportSpec) -> tuple[str, str]:
    """`("balance_change_from_activity", "itemized")`: the movements, and whether they are added up."""
    stem = spec.id.removesuffix(f".{spec.version}")
    family, _, kind = stem.rpartition(".")
    return family, kind


def _find_line(balance: ReportQuery, movements: ReportQuery) -> str | None:
    """The line of that balance summary whose movements that report has; None where there is none."""
    if find_line_columns(balance) is None:
        return None
    family = _family(movements.spec)[0]
    prefix = _CONNECTED if family.startswith(_CONNECTED) else ""
    same_scope = _family(balance.spec)[0] == f"{prefix}balance"
    return _LINES.get(family.removeprefix(prefix)) if same_scope else None


def _find_shared(ours: ReportQuery, theirs: ReportQuery) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """By which columns the two can be compared, and which measures."""
    by = tuple(n for n in ("reporting_category", "currency") if _has(ours, n) and _has(theirs, n))
    if "currency" not in by:
        return (), ()
    summary = ours if ours.spec.granularity is Granularity.SUMMARY else theirs
    count = (_COUNT,) if _has(summary, _COUNT) else ()
    amounts = tuple(n for n in _AMOUNTS if _has(ours, n) and _has(theirs, n))
    return by, (*count, *amounts)


def _has(query: ReportQuery, name: str) -> bool:
    return find_columns(query, [name]) is not None


def _needed(reconciliation: Reconciliation, query: ReportQuery) -> Sequence[Column]:
    lines = find_line_columns(query) if reconciliation.line else None
    if lines:
        return lines
    names = [*reconciliation.by, *reconciliation.measures]
    if query.spec.granularity is not Granularity.SUMMARY:
        names = [name for name in names if name != _COUNT]
    return find_columns(query, names) or ()


# Comparing totals


def _check_both(reconciliation: Reconciliation, here: OpenFile, there: OpenFile) -> Finding:
    for file in (here, there):
        if reason := file.explain_lack(_needed(reconciliation, file.query)):
            return inconclusive(f"{file.provenance.table}: {reason}")
    return evaluate_safely(lambda: _compare(reconciliation, here, there))


def _compare(reconciliation: Reconciliation, here: OpenFile, there: OpenFile) -> Finding:
    ours, theirs = _add_up(reconciliation, here), _add_up(reconciliation, there)
    zeros = dict.fromkeys(reconciliation.measures, Decimal(0))
    groups = sorted({*ours, *theirs}, key=lambda group: tuple(each or "" for each in group))
    wrong = [
        _Difference(reconciliation, group, ours.get(group, zeros), theirs.get(group, zeros))
        for group in groups
        if ours.get(group, zeros) != theirs.get(group, zeros)
    ]
    other = reconciliation.theirs.name
    if wrong:
        share = format_share(len(wrong), len(groups), "total", "differs", "differ")
        causes = explain_difference(reconciliation.ours.name, here.provenance, other, there.provenance)
        reason = f"{share} from {other}. {wrong[0].in_words}. {causes}"
        return Finding(CheckResult.FAILED, reason, len(wrong), tuple(each.example for each in wrong[:SHOWN]))
    if not groups:
        return Finding(CheckResult.PASSED, f"Neither this file nor {other} has rows to compare.")
    shown = join_names(_describe_group(each) for each in groups)
    return Finding(CheckResult.PASSED, f"In {shown}, {reconciliation.claim}.")


def _describe_group(group: Sequence[str | None]) -> str:
    return " ".join(each or "null" for each in group)


@dataclass(frozen=True, slots=True)
class _Difference:
    """One total that is not the same in both tables."""

    reconciliation: Reconciliation
    group: tuple[str | None, ...]
    ours: dict[str, Decimal]
    theirs: dict[str, Decimal]

    @property
    def in_words(self) -> str:
        """`charge usd: gross 12.00 here and 11.00 there (difference 1.00)`."""
        amounts = join_names(
            f"{self.reconciliation.line or name} {self._text(name, self.ours[name])} here and "
            f"{self._text(name, self.theirs[name])} there "
            f"(difference {self._text(name, self._difference(name))})"
            for name in self._differing
        )
        return f"{_describe_group(self.group)}: {amounts}"

    @property
    def example(self) -> Example:
        """What is added up, and each amount that differs as it is here, there, and by how much."""
        by = self.reconciliation.by
        shown = {name: value or "null" for name, value in zip(by, self.group, strict=True)}
        for name in self._differing:
            shown[name] = self._text(name, self.ours[name])
            shown[f"{name} in {self.reconciliation.theirs.name}"] = self._text(name, self.theirs[name])
            shown[f"difference of {name}"] = self._text(name, self._difference(name))
        return shown

    def _difference(self, name: str) -> Decimal:
        return EXACT.subtract(self.ours[name], self.theirs[name])

    @property
    def _differing(self) -> list[str]:
        return [name for name in self.reconciliation.measures if self.ours[name] != self.theirs[name]]

    def _text(self, name: str, amount: Decimal) -> str:
        return f"{amount:f}" if name == _COUNT else money_text(amount, self.group[-1])


def _add_up(reconciliation: Reconciliation, file: OpenFile) -> _Sums:
    if reconciliation.line and find_line_columns(file.query):
        return _add_up_line(file, reconciliation.line)
    spec = file.query.spec
    movements = f"WHERE {ROW_KIND} = '{RowKind.MOVEMENT.value}'" if spec.row_kinds else ""
    is_summary = spec.granularity is Granularity.SUMMARY
    group = ", ".join(quoted(name) for name in reconciliation.by)
    measures = ", ".join(
        "count(*)::DECIMAL(38,0)"
        if name == _COUNT and not is_summary
        else f"sum({quoted(name)})::DECIMAL(38,{0 if name == _COUNT else 18})"
        for name in reconciliation.measures
    )
    width = len(reconciliation.by)
    reads = [*map(stored, _needed(reconciliation, file.query)), ROW_KIND]
    return {
        tuple(row[:width]): dict(
            zip(reconciliation.measures, (each or Decimal(0) for each in row[width:]), strict=True)
        )
        for row in file.select(reads, f"{group}, {measures}", f"{movements} GROUP BY {group}")
    }


def _add_up_line(file: OpenFile, line: str) -> _Sums:
    """The movements of that line, in whichever parts the file has it."""
    kinds = file.query.spec.row_kinds
    names = {line, *(kinds.parts.get(line, ()) if kinds else ())}
    lines = read_lines(file)
    if strays := [each for each in lines.unattributed if each.category in names]:
        raise InconclusiveError(explain_unattributed(strays))
    return {
        (currency,): {
            "net": total(
                each.amount for each in own if each.category in names and each.kind == RowKind.MOVEMENT.value
            )
        }
        for currency, own in lines.by_currency.items()
    }
