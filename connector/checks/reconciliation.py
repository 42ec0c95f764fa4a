"""Whether two reports on the same money have the same totals: a summary and its items, a balance and its
movements, a payout and its transactions. Each of the two tables has a check that names the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.catalogue import Granularity, RowKind
from connector.checks.balance import explain_unattributed, find_line_columns, read_lines
from connector.checks.finding import CheckOutcome, CheckResult, Finding
from connector.checks.opened_file import (
    InconclusiveError,
    OpenFile,
    UnreadableError,
    evaluate_safely,
    inconclusive,
    opened,
)
from connector.checks.pairs import (
    CATEGORY,
    COUNT,
    PAYOUT,
    Reconciliation,
    Turn,
    describe_turns,
    find_needed,
    find_turns,
    grouped_by,
    has,
)
from connector.checks.wording import SHOWN, Example, explain_difference, explain_sign, format_share
from connector.convert.decode import ROW_KIND
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import NoDataError
from connector.money import EXACT, money_text, total
from connector.sql.quoting import quoted, stored
from connector.text import join_names

#: Totals by group: a reporting category and a currency, or a currency alone.
_Sums = dict[tuple[str | None, ...], dict[str, Decimal]]


def reconcile(
    store: Store, reconciliation: Reconciliation, ours: Dataset, theirs: Dataset, partition: str
) -> CheckOutcome | None:
    """Whether both tables have the same totals in a partition: an outcome of `ours`. None where a file is
    missing."""
    try:
        with (
            opened(store, theirs, reconciliation.theirs, partition) as there,
            opened(store, ours, reconciliation.ours, partition) as here,
        ):
            return reconcile_files(reconciliation, ours, partition, here, there)
    except NoDataError:
        return None


def reconcile_files(
    reconciliation: Reconciliation,
    ours: Dataset,
    partition: str,
    here: OpenFile | UnreadableError,
    there: OpenFile | UnreadableError,
) -> CheckOutcome:
    """The same for files that are read for more than this.

    Args:
        here, there: what `opened` gave of our table and of theirs.
    """
    finding = _check_both(reconciliation, here, there)
    return CheckOutcome(reconciliation.check, ours.table, partition, finding)


# Comparing totals


def _check_both(
    reconciliation: Reconciliation, here: OpenFile | UnreadableError, there: OpenFile | UnreadableError
) -> Finding:
    if isinstance(there, UnreadableError) or isinstance(here, UnreadableError):
        unreadable = there if isinstance(there, UnreadableError) else here
        return inconclusive(f"A file could not be read: {unreadable}.")
    for file in (here, there):
        if reason := file.explain_lack(find_needed(reconciliation, file.query)):
            return inconclusive(f"{file.provenance.table}: {reason}")
    return evaluate_safely(lambda: _compare(reconciliation, here, there), here)


def _compare(reconciliation: Reconciliation, here: OpenFile, there: OpenFile) -> Finding:
    ours, theirs = _add_up(reconciliation, here), _add_up(reconciliation, there)
    other = reconciliation.theirs.name
    compared = ours.keys() & theirs.keys() if reconciliation.by_payout else ours.keys() | theirs.keys()
    groups = sorted(compared, key=lambda group: tuple(each or "" for each in group))
    found = {
        turn: _find_differences(reconciliation, groups, ours, _turned(theirs, turn))
        for turn in find_turns(reconciliation)
    }
    wrong = min(found.values(), key=len)
    if wrong:
        every = find_turns(reconciliation, any_sign=True)
        by_sign = [
            turn
            for turn in every
            if not _find_differences(reconciliation, groups, ours, _turned(theirs, turn))
        ]
        share = format_share(len(wrong), len(groups), "total", "differs", "differ")
        if by_sign:
            share = f"{share} by nothing but the sign"
            causes = explain_sign(
                describe_turns(reconciliation, by_sign, unsettled=False) or "one of the files has another one"
            )
        else:
            causes = explain_difference(reconciliation.ours.name, here.provenance, other, there.provenance)
        reason = f"{share} from {other}. {wrong[0].in_words}. {causes}"
        return Finding(CheckResult.FAILED, reason, len(wrong), tuple(each.example for each in wrong[:SHOWN]))
    if not groups and ours and theirs:
        return inconclusive(f"No payout of this file is in {other}, and none of {other} is in this file.")
    if not groups:
        return Finding(CheckResult.PASSED, f"Neither this file nor {other} has rows to compare.")
    shown = join_names(_describe_group(each) for each in groups)
    fitting = [turn for turn, off in found.items() if not off]
    saw = describe_turns(reconciliation, fitting, unsettled=True)
    seen = f" {saw[0].upper()}{saw[1:]}." if saw else ""
    return Finding(CheckResult.PASSED, f"In {shown}, {reconciliation.claim}.{seen}")


def _turned(sums: _Sums, turn: Turn) -> _Sums:
    return {
        group: {name: EXACT.multiply(amount, turn.factor(name)) for name, amount in found.items()}
        for group, found in sums.items()
    }


def _find_differences(
    reconciliation: Reconciliation, groups: Sequence[tuple[str | None, ...]], ours: _Sums, theirs: _Sums
) -> "list[_Difference]":
    zeros = dict.fromkeys(reconciliation.measures, Decimal(0))
    return [
        _Difference(reconciliation, group, ours.get(group, zeros), theirs.get(group, zeros))
        for group in groups
        if ours.get(group, zeros) != theirs.get(group, zeros)
    ]


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
        return f"{amount:f}" if name == COUNT else money_text(amount, self.group[-1])


def _add_up(reconciliation: Reconciliation, file: OpenFile) -> _Sums:
    if reconciliation.line and find_line_columns(file.query):
        return _add_up_line(file, reconciliation.line)
    spec = file.query.spec
    movements = f"WHERE {ROW_KIND} = '{RowKind.MOVEMENT.value}'" if spec.row_kinds else ""
    is_summary = spec.granularity is Granularity.SUMMARY
    if reconciliation.by_payout:
        # Whether the payout itself is among its transactions is not known; it is none of them.
        is_payout = f"{quoted(CATEGORY)} IS NOT DISTINCT FROM 'payout'"
        movements = f"WHERE {is_payout}" if has(file.query, PAYOUT) else f"WHERE NOT {is_payout}"
        movements += f" AND {quoted(grouped_by(reconciliation, file.query)[-2])} IS NOT NULL"
    group = ", ".join(quoted(name) for name in grouped_by(reconciliation, file.query))
    measures = ", ".join(
        "count(*)::DECIMAL(38,0)"
        if name == COUNT and not is_summary
        else f"sum({quoted(name)})::DECIMAL(38,{0 if name == COUNT else 18})"
        for name in reconciliation.measures
    )
    width = len(reconciliation.by)
    reads = [*map(stored, find_needed(reconciliation, file.query)), ROW_KIND]
    return {
        tuple(row[:width]): dict(
            zip(reconciliation.measures, (each or Decimal(0) for each in row[width:]), strict=True)
        )
        for row in file.select(reads, f"{group}, {measures}", f"{movements} GROUP BY {group}")
    }


def _add_up_line(file: OpenFile, line: str) -> _Sums:
    """The movements of that line, in whichever parts the file has it."""
    kinds = file.query.spec.row_kinds
    names = {line, *(kinds.parts_of(line) if kinds else ())}
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
