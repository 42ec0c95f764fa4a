"""Whether two reports on the same money have the same totals: a summary and its items, a balance and its
movements, a payout and its transactions, fees charged and fees listed. Each of the two tables has a check
that names the other.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal

from connector.catalogue import Granularity, RowKind, latency_of
from connector.checks.balance import Line, explain_unattributed, find_line_columns, read_lines
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
    LINES,
    OWN_FEES,
    PAYOUT,
    Reconciliation,
    Turn,
    all_in_one,
    describe_turns,
    find_needed,
    find_turns,
    grouped_by,
    has,
)
from connector.checks.wording import (
    SHOWN,
    Example,
    explain_difference,
    explain_sign,
    format_count,
    format_share,
)
from connector.convert.decode import ROW_KIND
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import NoDataError
from connector.money import EXACT, money_text, total
from connector.partitions import CONNECTED_ACCOUNT
from connector.sql.quoting import quoted, stored
from connector.text import join_names

#: How many accounts' reasons are told, and what is told first.
_ACCOUNTS_SHOWN = 3
_WORST_FIRST = (CheckResult.FAILED, CheckResult.INCONCLUSIVE)

#: Totals by group: a reporting category and a currency, or a currency alone.
_Group = tuple[str | None, ...]
_Sums = dict[_Group, dict[str, Decimal]]


def reconcile(
    store: Store, reconciliation: Reconciliation, ours: Dataset, theirs: Dataset, partition: str
) -> CheckOutcome | None:
    """Whether both tables have the same totals in a partition: an outcome of `ours`. None where a file is
    missing."""
    beside = partitions_beside(store, ours, theirs, partition)
    try:
        with opened(store, ours, reconciliation.ours, partition) as here:
            return reconcile_file(store, reconciliation, ours, theirs, partition, here=here, beside=beside)
    except NoDataError:
        return None


def partitions_beside(store: Store, ours: Dataset, theirs: Dataset, partition: str) -> tuple[str, ...]:
    """The partitions of another table about the same window, and about the same account where both tables
    have files of each: several where only the other one has. Whether each has a file is not looked at."""
    window = ours.key_format.values(partition)[-1]
    if ours.dimensions == theirs.dimensions:
        keys: tuple[str, ...] = (partition,)
    elif ours.dimensions:
        keys = (window,)
    else:
        keys = tuple(each for each in store.keys(theirs) if theirs.key_format.values(each)[-1] == window)
    return keys


def reconcile_file(
    store: Store,
    reconciliation: Reconciliation,
    ours: Dataset,
    theirs: Dataset,
    partition: str,
    *,
    here: OpenFile | UnreadableError,
    beside: Sequence[str],
) -> CheckOutcome | None:
    """The same for a file of ours that is read for more than this.

    Args:
        here: what `opened` gave of our file.
        beside: what `partitions_beside` gave.
    """
    whole = all_in_one(reconciliation)
    found: list[tuple[str | None, Finding]] = []
    for key in beside:
        with suppress(NoDataError), opened(store, theirs, reconciliation.theirs, key) as there:
            if whole is None:
                found.append((None, _check_both(reconciliation, here, there)))
            else:
                dataset, whose = (ours, partition) if whole is reconciliation.theirs else (theirs, key)
                account = dataset.key_format.values(whose)[0]
                both = (_of_account(each, account) for each in (here, there))
                found.append((account, _check_both(reconciliation, *both)))
    if not found:
        return None
    finding = found[0][1] if whole is None else _of_accounts(reconciliation, found)
    return CheckOutcome(reconciliation.check, ours.table, partition, finding)


# Accounts


def _of_account(file: OpenFile | UnreadableError, account: str) -> OpenFile | UnreadableError:
    """A file of all accounts, read for one of them; a file of that account as it is."""
    if isinstance(file, UnreadableError) or file.query.dimensions:
        return file
    return file.of_account(account)


def _of_accounts(reconciliation: Reconciliation, found: Sequence[tuple[str | None, Finding]]) -> Finding:
    """What was found in each account, in one finding: of those that are worst off."""
    results = [each.result for _, each in found]
    result = next((each for each in _WORST_FIRST if each in results), CheckResult.PASSED)
    if result is CheckResult.PASSED:
        accounts = format_count(len(found), "account")
        return Finding(result, f"Of {accounts} compared one by one, {reconciliation.claim}.")
    own = [(account, each) for account, each in found if each.result is result]
    said = {CheckResult.FAILED: "wrong", CheckResult.INCONCLUSIVE: "open"}[result]
    share = format_share(len(own), len(found), "account", f"is {said}", f"are {said}")
    shown = " ".join(f"{account}: {each.reason}" for account, each in own[:_ACCOUNTS_SHOWN])
    more = f" And {len(own) - _ACCOUNTS_SHOWN:,} more." if len(own) > _ACCOUNTS_SHOWN else ""
    examples = [
        {CONNECTED_ACCOUNT: account or "null", **example}
        for account, each in own
        for example in each.examples
    ]
    return Finding(
        result, f"{share}. {shown}{more}", sum(each.wrong for _, each in own), tuple(examples[:SHOWN])
    )


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


@dataclass(frozen=True, slots=True)
class _Totals:
    """What a file adds up to, by group.

    Attributes:
        sums: what it adds up to in any case.
        beside: what belongs to it or not, such as tax, by the same groups: the other file decides. Nothing
            where that makes no difference.
        what: what may stand beside, as the subject of a sentence.
        without, within: what is so where all agrees without what stands beside, and with it; sentences.
        line: what is compared if what stands beside belongs to it; None for the same.
    """

    sums: _Sums
    beside: _Sums = field(default_factory=dict)
    what: str = ""
    without: str = ""
    within: str = ""
    line: str | None = None

    def with_beside(self) -> _Sums:
        return {
            group: {name: EXACT.add(amount, self.beside[group][name]) for name, amount in own.items()}
            if group in self.beside
            else own
            for group, own in self.sums.items()
        }


@dataclass(frozen=True, slots=True)
class _Reading:
    """A way in which two files may be meant, and their totals if it is the right one.

    `line` is what is compared, `saw` a sentence that it is this way.
    """

    ours: _Sums
    theirs: _Sums
    turn: Turn
    line: str | None
    saw: str


def _read(
    reconciliation: Reconciliation, ours: _Totals, theirs: _Totals, *, any_sign: bool = False
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


def _compare(reconciliation: Reconciliation, here: OpenFile, there: OpenFile) -> Finding:
    ours, theirs = _add_up(reconciliation, here), _add_up(reconciliation, there)
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


def _explain_late(reconciliation: Reconciliation, here: OpenFile, there: OpenFile) -> str | None:
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


def _turned(sums: _Sums, turn: Turn) -> _Sums:
    return {
        group: {name: EXACT.multiply(amount, turn.factor(name)) for name, amount in found.items()}
        for group, found in sums.items()
    }


def _find_differences(
    reconciliation: Reconciliation, groups: Sequence[_Group], reading: _Reading
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
    group: _Group
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


def _add_up(reconciliation: Reconciliation, file: OpenFile) -> _Totals:
    if reconciliation.fees:
        return _add_up_listed(file) if file.query is reconciliation.fees else _add_up_charged(file)
    if reconciliation.line and find_line_columns(file.query):
        return _add_up_line(reconciliation, file, reconciliation.line)
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
    rows = file.select(reads, f"{group}, {measures}", f"{movements} GROUP BY {group}")
    return _Totals(
        {
            tuple(row[:width]): dict(
                zip(reconciliation.measures, (each or Decimal(0) for each in row[width:]), strict=True)
            )
            for row in rows
        }
    )


def _add_up_line(reconciliation: Reconciliation, file: OpenFile, line: str) -> _Totals:
    """The movements of that line, in whichever parts the file has it.

    Beside activity and payouts a balance may have other movements, such as top-ups. Whether a report of
    activity lists those was not seen in any file.
    """

    def is_beside(each: Line) -> bool:
        return line == LINES[0] and each.kind == RowKind.MOVEMENT.value and each.whole not in LINES

    lines = read_lines(file)
    if strays := [each for each in lines.unattributed if each.whole == line or is_beside(each)]:
        raise InconclusiveError(explain_unattributed(strays))
    sums: _Sums = {}
    beside: _Sums = {}
    more = set()
    for currency, own in lines.by_currency.items():
        moved = [each.amount for each in own if each.whole == line and each.kind == RowKind.MOVEMENT.value]
        sums[(currency,)] = {"net": total(moved)}
        beside[(currency,)] = {"net": total(each.amount for each in own if is_beside(each))}
        more |= {each.whole for each in own if each.amount and is_beside(each)}
    if not more:
        return _Totals(sums)
    names, ours = join_names(sorted(more)), reconciliation.ours
    other = reconciliation.theirs.name if file.query is ours else ours.name
    return _Totals(
        sums,
        beside,
        what=f"What {file.query.name} has as {names}",
        without=f"{other} does not list {names}.",
        within=f"{other} lists {names} too.",
        line=f"{line} and {names}",
    )


def _add_up_charged(file: OpenFile) -> _Totals:
    """What the balance was charged, positive: the fees of its transactions, and those that are fees."""
    spec = file.query.spec
    fee = spec.fee_sign.positive("fee")
    own = ", ".join(f"'{each}'" for each in OWN_FEES)
    movements = f"WHERE {ROW_KIND} = '{RowKind.MOVEMENT.value}'" if spec.row_kinds else ""
    charged = (
        f"coalesce(sum({fee}), 0) - coalesce(sum(gross) FILTER (WHERE {quoted(CATEGORY)} IN ({own})), 0)"
    )
    rows = file.select(
        ["currency", CATEGORY, "gross", "fee", ROW_KIND],
        f"currency, ({charged})::DECIMAL(38,18)",
        f"{movements} GROUP BY currency",
    )
    sums: _Sums = {(currency,): {"fee": amount} for currency, amount in rows if amount}
    return _Totals(sums)


def _add_up_listed(file: OpenFile) -> _Totals:
    """What a report of fees lists. Whether its amounts include the tax differs from report to report, and
    from file to file tax may be on lines of its own."""
    columns = ["currency", "amount", "tax"]
    amount, tax = (f"coalesce(sum({name}), 0)::DECIMAL(38,18)" for name in columns[1:])
    is_taxed = "count(*) FILTER (WHERE tax <> 0)"
    rows = file.select(columns, f"currency, {amount}, {tax}, {is_taxed}", "GROUP BY currency")
    taxed, fees = any(row[3] for row in rows), file.query.name
    sums: _Sums = {(currency,): {"fee": amount} for currency, amount, *_ in rows}
    beside: _Sums = {(currency,): {"fee": tax} for currency, _, tax, _ in rows if taxed}
    return _Totals(
        sums,
        beside,
        what=f"The tax in {fees}",
        without=f"The amounts of {fees} are with tax." if taxed else f"{fees} lists no tax.",
        within=f"The amounts of {fees} are without tax.",
    )
