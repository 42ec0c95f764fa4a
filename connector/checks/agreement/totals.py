"""What a file adds up to, by group, as the other table has it: its rows, one line of a balance, or fees."""

from dataclasses import dataclass, field
from decimal import Decimal

from connector.catalogue import Granularity, RowKind
from connector.catalogue.signs import OWN_FEES
from connector.checks.agreement.pairs import (
    CATEGORY,
    COUNT,
    LINES,
    PAYOUT,
    Reconciliation,
    find_needed,
    grouped_by,
    has,
)
from connector.checks.balance import Line, explain_unattributed, find_line_columns, read_lines
from connector.checks.opened_file import InconclusiveError, OpenFile
from connector.convert.decode import ROW_KIND
from connector.money import EXACT, total
from connector.sql.quoting import quoted, stored
from connector.text import join_names

#: Totals by group: a reporting category and a currency, or a currency alone.
Group = tuple[str | None, ...]
Sums = dict[Group, dict[str, Decimal]]


@dataclass(frozen=True, slots=True)
class Totals:
    """What a file adds up to, by group.

    Attributes:
        sums: what it adds up to in any case.
        beside: what belongs to it or not, such as tax, by the same groups: the other file decides. Nothing
            where that makes no difference.
        what: what may stand beside, as the subject of a sentence.
        without, within: what is so where all agrees without what stands beside, and with it; sentences.
        line: what is compared if what stands beside belongs to it; None for the same.
    """

    sums: Sums
    beside: Sums = field(default_factory=dict)
    what: str = ""
    without: str = ""
    within: str = ""
    line: str | None = None

    def with_beside(self) -> Sums:
        """What it adds up to if what stands beside belongs to it."""
        return {
            group: {name: EXACT.add(amount, self.beside[group][name]) for name, amount in own.items()}
            if group in self.beside
            else own
            for group, own in self.sums.items()
        }


def add_up(reconciliation: Reconciliation, file: OpenFile) -> Totals:
    """What a file adds up to of what is compared.

    Raises InconclusiveError where rows cannot be attributed to it.
    """
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
    return Totals(
        {
            tuple(row[:width]): dict(
                zip(reconciliation.measures, (each or Decimal(0) for each in row[width:]), strict=True)
            )
            for row in rows
        }
    )


def _add_up_line(reconciliation: Reconciliation, file: OpenFile, line: str) -> Totals:
    """The movements of that line, in whichever parts the file has it.

    Beside activity and payouts a balance may have other movements, such as top-ups. Whether a report of
    activity lists those was not seen in any file.
    """

    def is_beside(each: Line) -> bool:
        return line == LINES[0] and each.kind == RowKind.MOVEMENT.value and each.whole not in LINES

    lines = read_lines(file)
    if strays := [each for each in lines.unattributed if each.whole == line or is_beside(each)]:
        raise InconclusiveError(explain_unattributed(strays))
    sums: Sums = {}
    beside: Sums = {}
    more = set()
    for currency, own in lines.by_currency.items():
        moved = [each.amount for each in own if each.whole == line and each.kind == RowKind.MOVEMENT.value]
        sums[(currency,)] = {"net": total(moved)}
        beside[(currency,)] = {"net": total(each.amount for each in own if is_beside(each))}
        more |= {each.whole for each in own if each.amount and is_beside(each)}
    if not more:
        return Totals(sums)
    names, ours = join_names(sorted(more)), reconciliation.ours
    other = reconciliation.theirs.name if file.query is ours else ours.name
    return Totals(
        sums,
        beside,
        what=f"What {file.query.name} has as {names}",
        without=f"{other} does not list {names}.",
        within=f"{other} lists {names} too.",
        line=f"{line} and {names}",
    )


def _add_up_charged(file: OpenFile) -> Totals:
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
    sums: Sums = {(currency,): {"fee": amount} for currency, amount in rows if amount}
    return Totals(sums)


def _add_up_listed(file: OpenFile) -> Totals:
    """What a report of fees lists. Whether its amounts include the tax differs from report to report, and
    from file to file tax may be on lines of its own."""
    columns = ["currency", "amount", "tax"]
    amount, tax = (f"coalesce(sum({name}), 0)::DECIMAL(38,18)" for name in columns[1:])
    is_taxed = "count(*) FILTER (WHERE tax <> 0)"
    rows = file.select(columns, f"currency, {amount}, {tax}, {is_taxed}", "GROUP BY currency")
    taxed, fees = any(row[3] for row in rows), file.query.name
    sums: Sums = {(currency,): {"fee": amount} for currency, amount, *_ in rows}
    beside: Sums = {(currency,): {"fee": tax} for currency, _, tax, _ in rows if taxed}
    return Totals(
        sums,
        beside,
        what=f"The tax in {fees}",
        without=f"The amounts of {fees} are with tax." if taxed else f"{fees} lists no tax.",
        within=f"The amounts of {fees} are without tax.",
    )
