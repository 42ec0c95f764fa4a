"""Whether an account or a currency that a partition had is gone since its file was replaced.

Rows that Stripe restates are in the next file with other amounts. An account without a single row left is
more likely one that was left out. The files that were replaced are compared, as far as they are still there,
so that the answer is the same however much later it is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.catalogue import Column, Granularity, RowKind
from connector.checks.finding import Check, CheckResult, Finding
from connector.checks.opened_file import FileCheck, OpenFile, find_columns, open_file
from connector.checks.wording import SHOWN, Example, format_count, format_money, refer_to_stripe
from connector.convert.decode import ROW_KIND
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.money import money_text
from connector.query import ReportQuery
from connector.sql.quoting import quoted, stored
from connector.text import join_names

#: The connected account that a row of a platform's own books is about; null where it is about none.
PARTNER = "connected_account_id"

#: The account, where rows name one, and the currency.
_Group = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class _Rows:
    """What a file had of one account in one currency; `amount` is None where it has no amount column."""

    count: int
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class _Gone:
    """An account in a currency of which a former file had rows.

    Attributes:
        name: what is gone: the account, or the currency where the account still has others.
    """

    name: str
    currency: str | None
    rows: _Rows
    former: OpenFile

    @property
    def amount(self) -> str:
        """`, 12.30 usd`; empty where no amount is known."""
        return "" if self.rows.amount is None else f", {format_money(self.rows.amount, self.currency)}"

    @property
    def example(self) -> Example:
        """As column to text."""
        shown = {
            "gone": self.name,
            "currency": self.currency or "null",
            "rows": str(self.rows.count),
            "former report run": self.former.provenance.run_id,
        }
        if self.rows.amount is not None:
            shown[self.former.query.spec.amount_column or ""] = money_text(self.rows.amount, self.currency)
        return shown


def _find_groups(query: ReportQuery) -> tuple[Column, ...] | None:
    """The columns for account and currency; the second is there wherever the check applies. In a platform's
    own books the account is the one that a row is about."""
    names = [query.spec.account_column or PARTNER, query.spec.currency_column]
    has_account = find_columns(query, names[:1])
    return find_columns(query, names if has_account else names[1:])


def _find_needed(query: ReportQuery) -> tuple[Column, ...] | None:
    """Those that a file must have: one of a platform's own books may be from before it named accounts."""
    groups = _find_groups(query)
    return groups if groups is None or query.spec.account_column else groups[-1:]


def _check_gone(file: OpenFile) -> Finding:
    gone: dict[_Group, _Gone] = {}
    compared = 0
    groups = tuple(each for each in _find_groups(file.query) or () if file.explain_lack([each]) is None)
    there: dict[tuple[Column, ...], set[_Group]] = {}
    for former in file.former():
        # A former file may have been requested with other columns.
        common = tuple(each for each in groups if former.explain_lack([each]) is None)
        if groups[-1] not in common:
            continue
        if common not in there:
            there[common] = set(_add_up(file, common))
        compared += 1
        for group, rows in _add_up(former, common).items():
            if group not in there[common]:
                gone.setdefault(group, _Gone(_name(file, group, there[common]), group[-1], rows, former))
    if not gone:
        which = f"Of {format_count(compared, 'former file')}, no" if compared else "No"
        return Finding(CheckResult.PASSED, f"{which} account and no currency is gone.")
    found = [gone[group] for group in sorted(gone, key=lambda group: tuple(each or "" for each in group))]
    names = dict.fromkeys(each.name for each in found)
    shown = [
        f"{name} ({format_count(sum(each.rows.count for each in own), 'row')}"
        f"{''.join(each.amount for each in own)})"
        for name, own in ((name, [each for each in found if each.name == name]) for name in names)
    ]
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    places = join_names(dict.fromkeys(each.former.uri for each in found))
    reason = (
        f"Gone since a former file: {', '.join(shown[:SHOWN])}{more}. The former file is {places}. "
        f"{refer_to_stripe(file.provenance)} Where it is right, remove the former file."
    )
    return Finding(CheckResult.FAILED, reason, len(names), tuple(each.example for each in found[:SHOWN]))


def _name(file: OpenFile, group: _Group, there: set[_Group]) -> str:
    """The account where it has nothing left, else the currency."""
    *account, currency = (each or "null" for each in group)
    if not account or (group[0] is None and file.query.spec.account_column is None):
        return currency
    return f"{currency} of {account[0]}" if any(each[0] == group[0] for each in there) else account[0]


def _add_up(file: OpenFile, groups: Sequence[Column]) -> dict[_Group, _Rows]:
    """The rows of each account and currency; of a summary, those whose amount is not zero."""
    spec = file.query.spec
    amounts = find_columns(file.query, [spec.amount_column]) if spec.amount_column else None
    amount = amounts[0] if amounts and file.explain_lack(amounts) is None else None
    by = ", ".join(map(quoted, groups))
    total, rest = "NULL", ""
    if amount:
        moved = f" FILTER (WHERE {ROW_KIND} = '{RowKind.MOVEMENT.value}')" if spec.row_kinds else ""
        total = f"coalesce(sum({quoted(amount)}){moved}, 0)::DECIMAL(38,18)"
        rest = f"WHERE {quoted(amount)} <> 0" if spec.granularity is Granularity.SUMMARY else ""
    reads = [*map(stored, [*groups, *([amount] if amount else [])]), ROW_KIND]
    found = file.select(reads, f"{by}, count(*), {total}", f"{rest} GROUP BY {by}")
    return {tuple(row[:-2]): _Rows(row[-2], row[-1]) for row in found}


DISAPPEARANCE = FileCheck(
    Check(
        "no_account_or_currency_gone",
        "No account and no currency that a partition had is gone since its file was replaced.",
        compares_files=True,
    ),
    _find_needed,
    _check_gone,
)


def find_gone(store: Store, dataset: Dataset, query: ReportQuery, partition: str) -> Finding | None:
    """What is gone since a partition's file was replaced; None where nothing is, or the report does not say.

    Raises what `open_file` raises.
    """
    if DISAPPEARANCE.columns(query) is None:
        return None
    with open_file(store, dataset, query, partition) as file:
        finding = DISAPPEARANCE.evaluate_on(file)
    return finding if finding.result is CheckResult.FAILED else None
