"""Whether two reports on the same money have the same totals: a summary and its items, a balance and its
movements, a payout and its transactions, fees charged and fees listed. Each of the two tables has a check
that names the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.catalogue import Granularity, RowKind, latency_of
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
    OWN_FEES,
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
_Group = tuple[str | None, ...]
_Sums = dict[_Group, dict[str, Decimal]]


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
    compare = _compare_fees if reconciliation.fees else _compare
    return evaluate_safely(lambda: compare(reconciliation, here, there), here)


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


# Fees


def _compare_fees(reconciliation: Reconciliation, here: OpenFile, there: OpenFile) -> Finding:
    """Whether a report of fees lists what the balance was charged.

    Whether its amounts include tax differs from report to report, and from file to file it may be listed on
    lines of its own: it is read either way, and the balance decides.
    """
    listing = here if here.query is reconciliation.fees else there
    charged, (listed, taxed) = _add_up_charged(there if listing is here else here), _add_up_listed(listing)
    readings = {"without": _read(listed, add_tax=True), "with": _read(listed, add_tax=False)}
    groups = sorted(charged.keys() | listed.keys(), key=lambda group: group[0] or "")
    found = {
        name: _find_differences(
            reconciliation, groups, *((read, charged) if listing is here else (charged, read))
        )
        for name, read in readings.items()
    }
    fitting, fees = [name for name, wrong in found.items() if not wrong], listing.query.name
    if not fitting:
        wrong = min(found.values(), key=len)
        other = reconciliation.theirs.name
        share = format_share(len(wrong), len(groups), "total", "differs", "differ")
        reason = f"{share} from {other}. {wrong[0].in_words}."
        if late := _explain_late(listing):
            return inconclusive(f"{reason} {late}")
        causes = explain_difference(reconciliation.ours.name, here.provenance, other, there.provenance)
        shown = tuple(each.example for each in wrong[:SHOWN])
        return Finding(CheckResult.FAILED, f"{reason} {causes}", len(wrong), shown)
    if len(fitting) > 1 and taxed:
        return inconclusive(
            f"The tax in {fees} adds up to nothing, so that its amounts fit with and without it."
        )
    if not groups:
        return Finding(
            CheckResult.PASSED, f"Neither this file nor {reconciliation.theirs.name} has any fees."
        )
    said = f"The amounts of {fees} are {fitting[0]} tax." if taxed else f"{fees} lists no tax."
    currencies = join_names(_describe_group(each) for each in groups)
    return Finding(CheckResult.PASSED, f"In {currencies}, {reconciliation.claim}. {said}")


def _explain_late(listing: OpenFile) -> str | None:
    """What a difference may be due to where the file is from before all fees had come."""
    interval, made = listing.provenance.interval, listing.provenance.as_of
    latency = latency_of(listing.query.spec.id).prepared
    if interval is None or made >= interval.end + latency:
        return None
    return (
        f"Fees come up to {latency.total_seconds() / 3600:.0f} hours late, and {listing.query.name} is as of "
        f"{made:%Y-%m-%d %H:%M} UTC: refresh it from {interval.end + latency:%Y-%m-%d %H:%M} UTC on."
    )


def _add_up_charged(file: OpenFile) -> _Sums:
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
    return {(currency,): {"fee": amount} for currency, amount in rows if amount}


def _add_up_listed(file: OpenFile) -> tuple[Mapping[_Group, tuple[Decimal, Decimal]], bool]:
    """Amounts and tax by currency, and whether any line has tax."""
    sums = ", ".join(f"coalesce(sum({name}), 0)::DECIMAL(38,18)" for name in ("amount", "tax"))
    rows = file.select(
        ["currency", "amount", "tax"],
        f"currency, {sums}, count(*) FILTER (WHERE tax <> 0)",
        "GROUP BY currency",
    )
    return {(currency,): (amount, tax) for currency, amount, tax, _ in rows}, any(row[3] for row in rows)


def _read(listed: Mapping[_Group, tuple[Decimal, Decimal]], *, add_tax: bool) -> _Sums:
    return {
        group: {"fee": EXACT.add(amount, tax) if add_tax else amount}
        for group, (amount, tax) in listed.items()
    }
