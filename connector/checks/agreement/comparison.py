"""Whether two files have the same totals, in any of the ways in which they may be meant.

A sign or a tax that is not settled gives several readings. The files decide between them, and where none
fits, the nearest one is shown with what differs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.catalogue import latency_of
from connector.checks.agreement.pairs import COUNT, Reconciliation, find_needed
from connector.checks.agreement.totals import Group, Sums, Totals, add_up
from connector.checks.agreement.turns import Turn, describe_turns, find_turns
from connector.checks.finding import CheckResult, Finding
from connector.checks.opened_file import OpenFile, UnreadableError, evaluate_safely, inconclusive
from connector.checks.wording import SHOWN, Example, explain_difference, explain_sign, format_share
from connector.dataset.provenance import Provenance
from connector.money import EXACT, money_text, total
from connector.query import ReportQuery
from connector.text import join_names

#: Reports by category and currency have fewer totals; those by payout or by account may have any number.
_FEW_TOTALS = 500


@dataclass(frozen=True, slots=True)
class Side:
    """What a file adds up to of what is compared, or why that cannot be read."""

    query: ReportQuery
    provenance: Provenance
    totals: Totals | Finding

    @property
    def is_small(self) -> bool:
        """Whether it may be remembered for each partition of a step."""
        return isinstance(self.totals, Finding) or len(self.totals.sums) <= _FEW_TOTALS


def read_side(reconciliation: Reconciliation, file: OpenFile | UnreadableError) -> Side | UnreadableError:
    """One side of a comparison out of its file; what `opened` gave where it cannot be read."""
    if isinstance(file, UnreadableError):
        return file
    lack = file.explain_lack(find_needed(reconciliation, file.query))
    totals = (
        inconclusive(f"{file.provenance.table}: {lack}")
        if lack
        else evaluate_safely(lambda: add_up(reconciliation, file), file)
    )
    return Side(file.query, file.provenance, totals)


def compare(
    reconciliation: Reconciliation, here: Side | UnreadableError, there: Side | UnreadableError
) -> Finding:
    """Whether two files have the same totals; inconclusive where one is unreadable or lacks columns."""
    if isinstance(there, UnreadableError) or isinstance(here, UnreadableError):
        unreadable = there if isinstance(there, UnreadableError) else here
        return inconclusive(f"A file could not be read: {unreadable}.")
    ours, theirs = here.totals, there.totals
    if isinstance(ours, Finding):
        return ours
    if isinstance(theirs, Finding):
        return theirs
    return _compare_totals(reconciliation, here, ours, there, theirs)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A way in which two files may be meant, and their totals if it is the right one.

    `line` is what is compared, `saw` a sentence that it is this way.
    """

    ours: Sums
    theirs: Sums
    turn: Turn
    line: str | None
    saw: str


def _read(
    reconciliation: Reconciliation, ours: Totals, theirs: Totals, *, any_sign: bool = False
) -> list[_Reading]:
    """All ways in which two files may be meant: with each sign that is not settled, without and with what
    stands beside. The files decide between them."""
    either = ours if ours.what else theirs
    ways = [(ours.sums, theirs.sums, reconciliation.line, either.without)]
    if either.beside:
        sums = [each.with_beside() if each is either else each.sums for each in (ours, theirs)]
        ways.append((sums[0], sums[1], either.line or reconciliation.line, either.within))
    return [
        _Reading(our_sums, _turned(their_sums, turn), turn, line, saw)
        for turn in find_turns(reconciliation, any_sign=any_sign)
        for our_sums, their_sums, line, saw in ways
    ]


def _compare_totals(
    reconciliation: Reconciliation, here: Side, ours: Totals, there: Side, theirs: Totals
) -> Finding:
    other, one, two = reconciliation.theirs.name, ours.sums.keys(), theirs.sums.keys()
    compared = one & two if reconciliation.by_payout else one | two
    groups = sorted(compared, key=lambda group: tuple(each or "" for each in group))
    found = [
        (reading, _find_differences(reconciliation, groups, reading))
        for reading in _read(reconciliation, ours, theirs)
    ]
    fitting = [reading for reading, wrong in found if not wrong]
    if not fitting:
        wrong = min((wrong for _, wrong in found), key=_distance)
        every = _read(reconciliation, ours, theirs, any_sign=True)
        by_sign = [each.turn for each in every if not _find_differences(reconciliation, groups, each)]
        share = format_share(len(wrong), len(groups), "total", "differs", "differ")
        if by_sign:
            share = f"{share} by nothing but the sign"
            causes = explain_sign(
                describe_turns(reconciliation, by_sign, unsettled=False) or "one of the files has another one"
            )
        else:
            causes = explain_difference(reconciliation.ours.name, here.provenance, other, there.provenance)
        reason = f"{share} from {other}. {wrong[0].in_words}."
        if not by_sign and (late := _explain_late(reconciliation, here, there)):
            return inconclusive(f"{reason} {late}")
        shown = tuple(each.example for each in wrong[:SHOWN])
        return Finding(CheckResult.FAILED, f"{reason} {causes}", len(wrong), shown)
    if not groups and one and two:
        return inconclusive(f"No payout of this file is in {other}, and none of {other} is in this file.")
    if not groups:
        return Finding(CheckResult.PASSED, f"Neither this file nor {other} has rows to compare.")
    saw = {each.saw for each in fitting if each.saw}
    if len(saw) > 1:
        what = ours.what or theirs.what
        return inconclusive(f"{what} adds up to nothing, so that the totals fit with and without it.")
    signs = describe_turns(reconciliation, [each.turn for each in fitting], unsettled=True)
    seen = [f"{signs[0].upper()}{signs[1:]}."] if signs else []
    in_all = join_names(_describe_group(each) for each in groups)
    return Finding(CheckResult.PASSED, " ".join([f"In {in_all}, {reconciliation.claim}.", *seen, *saw]))


def _explain_late(reconciliation: Reconciliation, here: Side, there: Side) -> str | None:
    """What a difference in fees may be due to where their file is from before all of them had come."""
    if reconciliation.fees is None:
        return None
    listing = here if here.query is reconciliation.fees else there
    interval, made = listing.provenance.interval, listing.provenance.as_of
    latency = latency_of(listing.query.spec.id).prepared
    if interval is None or made >= interval.end + latency:
        return None
    return (
        f"Fees come up to {latency.total_seconds() / 3600:.0f} hours late, and {listing.query.name} is as of "
        f"{made:%Y-%m-%d %H:%M} UTC: refresh it from {interval.end + latency:%Y-%m-%d %H:%M} UTC on."
    )


def _turned(sums: Sums, turn: Turn) -> Sums:
    return {
        group: {name: EXACT.multiply(amount, turn.factor(name)) for name, amount in found.items()}
        for group, found in sums.items()
    }


def _find_differences(
    reconciliation: Reconciliation, groups: Sequence[Group], reading: _Reading
) -> "list[_Difference]":
    zeros = dict.fromkeys(reconciliation.measures, Decimal(0))
    pairs = ((each, reading.ours.get(each, zeros), reading.theirs.get(each, zeros)) for each in groups)
    return [
        _Difference(reconciliation, reading.line, group, ours, theirs)
        for group, ours, theirs in pairs
        if ours != theirs
    ]


def _distance(wrong: "Sequence[_Difference]") -> tuple[int, Decimal]:
    """How far off a reading is: where none fits, the nearest one is shown."""
    return len(wrong), total(each.size for each in wrong)


def _describe_group(group: Sequence[str | None]) -> str:
    return " ".join(each or "null" for each in group)


@dataclass(frozen=True, slots=True)
class _Difference:
    """One total that is not the same in both tables."""

    reconciliation: Reconciliation
    line: str | None
    group: Group
    ours: dict[str, Decimal]
    theirs: dict[str, Decimal]

    @property
    def in_words(self) -> str:
        """`charge usd: gross 12.00 here and 11.00 there (difference 1.00)`."""
        amounts = join_names(
            f"{self.line or name} {self._text(name, self.ours[name])} here and "
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

    @property
    def size(self) -> Decimal:
        """How much differs, whichever way."""
        return total(abs(self._difference(name)) for name in self._differing)

    def _difference(self, name: str) -> Decimal:
        return EXACT.subtract(self.ours[name], self.theirs[name])

    @property
    def _differing(self) -> list[str]:
        return [name for name in self.reconciliation.measures if self.ours[name] != self.theirs[name]]

    def _text(self, name: str, amount: Decimal) -> str:
        return f"{amount:f}" if name == COUNT else money_text(amount, self.group[-1])
