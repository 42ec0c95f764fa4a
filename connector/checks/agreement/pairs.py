"""Which tables are on the same money, and what of them is compared.

    balance_change_from_activity.summary  =  balance_change_from_activity.itemized, added up
    payouts.summary, …                    =  payouts.itemized, …
    balance.summary: activity             =  balance_change_from_activity, summary or itemized
    balance.summary: payouts              =  payouts, summary or itemized
    payouts.itemized, each payout         =  payout_reconciliation.itemized, its transactions added up
    balance_change_from_activity: fees    =  all_fees.balance_transaction_created, added up

The same holds for the reports on connected accounts, fees apart; account by account where rows say whose they
are, or files do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from connector.catalogue import Column, Granularity, ReportSpec
from connector.catalogue.spec import CONNECTED
from connector.checks.balance import find_line_columns
from connector.checks.finding import Check
from connector.checks.opened_file import find_columns
from connector.partitions import CONNECTED_ACCOUNT
from connector.query import ReportQuery
from connector.text import join_names

#: Which report has the movements of which line of a balance summary.
#: Source: https://docs.stripe.com/reports/report-types/balance
_LINES = {"balance_change_from_activity": "activity", "payouts": "payouts"}
LINES = tuple(_LINES.values())

#: The report of payouts, and the one of what each was made of.
_PAYOUTS, _CONTENTS = ("payouts", "itemized"), ("payout_reconciliation", "itemized")
PAYOUT, _PAID_BY = "payout_id", "automatic_payout_id"

#: The report of fees by the time they were taken from the balance, and of what the balance changed by.
_FEES, _LEDGER = "all_fees.balance_transaction_created", "balance_change_from_activity"

#: A filter that leaves some of a payout's transactions out.
CATEGORY = "reporting_category"

#: Parameters that change how rows are printed, and not which there are.
_PRINTING = frozenset({"timezone", "decimal_separator"})

#: What is read of a report of fees, and of what they were taken from.
_LISTED = ("currency", "amount", "tax")
_CHARGED = ("currency", CATEGORY, "gross", "fee")

COUNT, _AMOUNTS = "count", ("gross", "fee", "net")

#: The check as it is listed; each table's own names the other table and what is compared.
RECONCILES = Check(
    "agrees_with_<table>",
    "A summary equals the totals of its items, a balance's activity and payouts those of their reports, "
    "each payout that of its transactions, and the fees of an activity those of the fee report.",
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
        by_payout: one side has payouts, and the other what each was made of. Only payouts that both have are
            compared: a payout made by hand has no transactions of its own.
        fees: the side that lists fees, the other being what the balance changed by; None elsewhere.
    """

    ours: ReportQuery
    theirs: ReportQuery
    by: tuple[str, ...]
    measures: tuple[str, ...]
    claim: str
    line: str | None = None
    by_payout: bool = False
    fees: ReportQuery | None = None

    @property
    def check(self) -> Check:
        """The check of our table, named after the other one."""
        other = self.theirs.name
        where = (
            "For every payout that both tables have" if self.by_payout else f"In every {join_names(self.by)}"
        )
        about = f"{where}, {self.claim}."
        return replace(RECONCILES, name=f"agrees_with_{other}", about=about, other=other)


def find_reconciliations(query: ReportQuery, others: Sequence[ReportQuery]) -> tuple[Reconciliation, ...]:
    """What a table can be compared with among `others`: those on the same money, in the same windows of the
    same zone, with the same filters and the columns that are compared. A table of one connected account is
    compared with the rows, or the files, of that account in one of all."""
    found = (_find_reconciliation(query, other) for other in others if _is_comparable(query, other))
    return tuple(each for each in found if each)


def all_in_one(reconciliation: Reconciliation) -> ReportQuery | None:
    """The side that has all connected accounts in one file, where a file of the other has one of them; None
    where neither has, or both."""
    ours, theirs = reconciliation.ours, reconciliation.theirs
    if is_of_one(ours) == is_of_one(theirs):
        return None
    return theirs if is_of_one(ours) else ours


def is_of_one(query: ReportQuery) -> bool:
    """Whether each file of a table is about one account: that of its partition, or of a filter."""
    return bool(query.dimensions) or CONNECTED_ACCOUNT in query.filters


# Which reports are on the same money


def _is_comparable(ours: ReportQuery, theirs: ReportQuery) -> bool:
    def rows(query: ReportQuery) -> dict[str, object]:
        return {
            name: value
            for name, value in query.filters.items()
            if name not in _PRINTING and name != CONNECTED_ACCOUNT
        }

    def grid(query: ReportQuery) -> tuple[object, ...]:
        return query.window, query.zone

    only = [each.filters[CONNECTED_ACCOUNT] for each in (ours, theirs) if CONNECTED_ACCOUNT in each.filters]
    # A file of all accounts is cut into those of each by the column that says whose a row is.
    cut_alike = ours.dimensions == theirs.dimensions and len(only) != 1
    return (
        ours.name != theirs.name
        and grid(ours) == grid(theirs)
        and rows(ours) == rows(theirs)
        and len({*only}) < 2
        and (cut_alike or all(has(each, CONNECTED_ACCOUNT) for each in (ours, theirs) if not is_of_one(each)))
    )


def _find_reconciliation(ours: ReportQuery, theirs: ReportQuery) -> Reconciliation | None:
    family, kind = _family(ours.spec)
    other_family, other_kind = _family(theirs.spec)
    if family == other_family and {kind, other_kind} == {"summary", "itemized"}:
        by, measures = _find_shared(ours, theirs)
        claim = f"the totals of {join_names(measures)} are those of {theirs.name}"
        return Reconciliation(ours, theirs, by, measures, claim) if by and measures else None
    for payouts, contents in ((ours, theirs), (theirs, ours)):
        if _are_payouts_and_contents(payouts, contents):
            account = tuple(n for n in (CONNECTED_ACCOUNT,) if has(ours, n) and has(theirs, n))
            claim = f"its net is the total net of its transactions in {theirs.name}"
            if payouts is theirs:
                claim = f"the total net of its transactions is its net in {theirs.name}"
            by = (*account, PAYOUT, "currency")
            return Reconciliation(ours, theirs, by, ("net",), claim, by_payout=True)
    for fees, ledger in ((ours, theirs), (theirs, ours)):
        if _are_fees_and_ledger(fees, ledger):
            claim = f"fees are those of {theirs.name}"
            return Reconciliation(ours, theirs, ("currency",), ("fee",), claim, fees=fees)
    for balance, movements in ((ours, theirs), (theirs, ours)):
        line = _find_line(balance, movements)
        if line and has(movements, "currency") and has(movements, "net"):
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


def _are_payouts_and_contents(payouts: ReportQuery, contents: ReportQuery) -> bool:
    """Whether one has payouts and the other all that these were made of, with the columns it takes."""
    families = _family(payouts.spec), _family(contents.spec)
    for prefix in ("", CONNECTED):
        if families == tuple((f"{prefix}{name}", kind) for name, kind in (_PAYOUTS, _CONTENTS)):
            needed = (CATEGORY, "currency", "net")
            return (
                all(has(payouts, each) for each in (PAYOUT, *needed))
                and all(has(contents, each) for each in (_PAID_BY, *needed))
                and CATEGORY not in contents.filters
            )
    return False


def _are_fees_and_ledger(fees: ReportQuery, ledger: ReportQuery) -> bool:
    """Whether one lists fees and the other what they were taken from. Without the column `tax` nothing is
    compared: amounts are without it in one report of fees and with it in another."""
    return (
        (_family(fees.spec)[0], _family(ledger.spec)[0]) == (_FEES, _LEDGER)
        and all(has(fees, each) for each in _LISTED)
        and all(has(ledger, each) for each in _CHARGED)
        and ledger.spec.fee_sign.factor is not None
    )


def _find_line(balance: ReportQuery, movements: ReportQuery) -> str | None:
    """The line of that balance summary whose movements that report has; None where there is none."""
    if find_line_columns(balance) is None:
        return None
    family = _family(movements.spec)[0]
    prefix = CONNECTED if family.startswith(CONNECTED) else ""
    same_scope = _family(balance.spec)[0] == f"{prefix}balance"
    return _LINES.get(family.removeprefix(prefix)) if same_scope else None


def _find_shared(ours: ReportQuery, theirs: ReportQuery) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """By which columns the two can be compared, and which measures."""
    names = (CONNECTED_ACCOUNT, "reporting_category", "currency")
    by = tuple(n for n in names if has(ours, n) and has(theirs, n))
    if "currency" not in by:
        return (), ()
    summary = ours if ours.spec.granularity is Granularity.SUMMARY else theirs
    count = (COUNT,) if has(summary, COUNT) else ()
    amounts = tuple(n for n in _AMOUNTS if has(ours, n) and has(theirs, n))
    return by, (*count, *amounts)


# What is read of a table


def has(query: ReportQuery, name: str) -> bool:
    """Whether a table has that column."""
    return find_columns(query, [name]) is not None


def find_needed(reconciliation: Reconciliation, query: ReportQuery) -> Sequence[Column]:
    """The columns of a table that are read for it."""
    lines = find_line_columns(query) if reconciliation.line else None
    if lines:
        return lines
    if reconciliation.fees:
        return find_columns(query, _LISTED if query is reconciliation.fees else _CHARGED) or ()
    names = [*grouped_by(reconciliation, query), *reconciliation.measures]
    names += [CATEGORY] if reconciliation.by_payout else []
    if query.spec.granularity is not Granularity.SUMMARY:
        names = [name for name in names if name != COUNT]
    return find_columns(query, names) or ()


def grouped_by(reconciliation: Reconciliation, query: ReportQuery) -> tuple[str, ...]:
    """The columns that a table's totals are grouped by, by their names in that table."""
    if not reconciliation.by_payout or has(query, PAYOUT):
        return reconciliation.by
    return tuple(_PAID_BY if name == PAYOUT else name for name in reconciliation.by)
