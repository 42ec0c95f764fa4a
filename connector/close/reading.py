"""The rows of a month, out of an opened file of each table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.catalogue import Granularity, RowKind
from connector.catalogue.reports.balance import OPENING
from connector.checks.agreement.pairs import CATEGORY, COUNT, has
from connector.checks.audit import rebuild_query
from connector.checks.balance import (
    explain_unattributed,
    find_line_columns,
    read_lines,
)
from connector.checks.finding import Finding
from connector.checks.opened_file import (
    InconclusiveError,
    OpenFile,
    evaluate_safely,
)
from connector.close.rows import (
    ALL,
    BalanceLine,
    CategoryRow,
    ContentRow,
    FeeRow,
    Owner,
    PayoutRow,
)
from connector.close.tables import Books, Role, is_by_payout
from connector.convert.decode import ROW_KIND
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.money import EXACT, total
from connector.partitions import CONNECTED_ACCOUNT
from connector.query import ReportQuery
from connector.sql.quoting import literal, quoted

#: The payout that a transaction left with; a file of one payout has no such column.
_PAYOUT = "automatic_payout_id"

#: The columns each role is read by, besides those that say whose a row is.
_COLUMNS = {
    Role.ACTIVITY: ("currency", CATEGORY, "gross", "fee", "net"),
    Role.PAYOUTS: ("payout_id", "currency", CATEGORY, "gross", "fee", "net"),
    Role.CONTENTS: (_PAYOUT, "currency", CATEGORY, "net"),
    Role.FEES: ("currency", "amount", "tax"),
}

ARRIVAL = "payout_expected_arrival_date"

Row = BalanceLine | CategoryRow | PayoutRow | ContentRow | FeeRow


@dataclass(frozen=True, slots=True)
class Source:
    """A table that a month is read of.

    Attributes:
        apart: whether rows, or files, are of one connected account each, as the balance summary has them.
    """

    books: Books
    role: Role
    dataset: Dataset
    apart: bool

    @classmethod
    def of(cls, books: Books, role: Role) -> "Source":
        """The table of that role."""
        balance = books.balance
        apart = books.connected and bool(balance.dimensions or CONNECTED_ACCOUNT in balance.filters)
        return cls(books, role, books.tables[role], apart)

    def query(self, file: Provenance | None) -> ReportQuery:
        """What a file of it was requested with."""
        return rebuild_query(self.dataset, file)

    def owner(self, key: str, account: str | None = None) -> Owner:
        """Whose a partition is, or a row in it that names an account."""
        if self.dataset.acting:
            return Owner(self.dataset.key_format.values(key)[0])
        if not self.books.connected:
            return Owner(self.books.account)
        named = self.dataset.filters.get(CONNECTED_ACCOUNT)
        if self.dataset.dimensions:
            named = self.dataset.key_format.values(key)[0]
        return Owner(self.books.account, str(named or account or ALL) if self.apart else ALL)

    @property
    def columns(self) -> Sequence[str]:
        """What it is read by, besides what says whose a row is."""
        found = _COLUMNS.get(self.role, ())
        return [each for each in found if each != _PAYOUT] if is_by_payout(self.dataset) else found

    def lack(self, query: ReportQuery) -> str | None:
        """Which column it was requested without that a month needs, as a clause; None if none."""
        missing = [each for each in self.columns if not has(query, each)]
        if self.role is Role.BALANCE and find_line_columns(query) is None:
            missing = ["category, currency or net_amount"]
        if self._splits and query.spec.account_column is None:
            return "adds the connected accounts up, and the balance summary has each apart"
        return f"was requested without {', '.join(missing)}" if missing else None

    @property
    def _splits(self) -> bool:
        """Whether its files have the rows of several accounts that the balance summary has apart."""
        return self.apart and not self.dataset.dimensions and CONNECTED_ACCOUNT not in self.dataset.filters

    def rows(self, key: str, file: OpenFile) -> Sequence[Row] | Finding:
        """The rows of an opened file, or why they cannot be read."""
        return evaluate_safely(lambda: tuple(_READERS[self.role](self, key, file)), file)

    def account(self, query: ReportQuery) -> str:
        """SQL for the account that a row names."""
        column = query.spec.account_column
        return quoted(column) if self._splits and column else "NULL"


def next_opening(file: OpenFile) -> dict[str, Decimal] | Finding:
    """What a period opens with, by currency, or why that cannot be read."""

    def read() -> dict[str, Decimal]:
        lines = _lines(file)
        return {
            currency: total(each.amount for each in own if each.category == OPENING)
            for currency, own in lines.items()
        }

    return evaluate_safely(read, file)


def _lines(file: OpenFile) -> dict[str, list]:  # type: ignore[type-arg]
    lines = read_lines(file)
    if lines.unattributed:
        raise InconclusiveError(explain_unattributed(lines.unattributed))
    return lines.by_currency


def _balance(source: Source, key: str, file: OpenFile) -> Iterator[BalanceLine]:
    owner, period = source.owner(key), source.dataset.key_format.values(key)[-1]
    for currency, lines in _lines(file).items():
        for each in lines:
            yield BalanceLine(
                owner, currency, period, each.category or "", each.kind, each.whole, each.amount
            )


def _activity(source: Source, key: str, file: OpenFile) -> Iterator[CategoryRow]:
    spec = file.query.spec
    is_summary = spec.granularity is Granularity.SUMMARY
    movements = f"WHERE {ROW_KIND} = '{RowKind.MOVEMENT.value}'" if spec.row_kinds else ""
    count = "count(*)"
    if is_summary:
        count = f"sum({COUNT})::BIGINT" if has(file.query, COUNT) else "NULL"
    fee = spec.fee_sign.positive("fee")
    for account, currency, category, counted, gross, charged, net in _select(
        source, file, [count, "sum(gross)", f"sum({fee})", "sum(net)"], ["currency", CATEGORY], rest=movements
    ):
        yield CategoryRow(
            source.owner(key, account), currency, category or "", counted, gross or _ZERO, charged or _ZERO,
            net or _ZERO,
        )  # fmt: skip


def _payouts(source: Source, key: str, file: OpenFile) -> Iterator[PayoutRow]:
    query = file.query
    turn = Decimal(query.spec.paid_out_sign.factor or 1)
    arrival = f"max({ARRIVAL})" if has(query, ARRIVAL) else "NULL"
    for account, currency, category, payout, *amounts, day in _select(
        source,
        file,
        ["sum(gross)", "sum(fee)", "sum(net)", arrival],
        ["currency", CATEGORY, "payout_id"],
        reads=[ARRIVAL],
    ):
        gross, fee, net = (EXACT.multiply(each or _ZERO, turn) for each in amounts)
        owner = source.owner(key, account)
        yield PayoutRow(owner, currency, payout or "", category or "", gross, fee, net, day)


def _contents(source: Source, key: str, file: OpenFile) -> Iterator[ContentRow]:
    # Whether the payout itself is among its transactions is not known; it is none of them.
    others = f"WHERE {CATEGORY} IS DISTINCT FROM 'payout'"
    payout_id = _PAYOUT
    if is_by_payout(source.dataset):
        payout_id = literal(source.dataset.key_format.values(key)[-1])
    for account, currency, payout, count, net in _select(
        source,
        file,
        ["count(*)", "sum(net)"],
        ["currency", f"{payout_id} AS _payout"],
        rest=f"{others} AND {payout_id} IS NOT NULL",
        reads=[CATEGORY],
    ):
        yield ContentRow(source.owner(key, account), currency, payout, count, net or _ZERO)


def _fees(source: Source, key: str, file: OpenFile) -> Iterator[FeeRow]:
    kinds = file.query.spec.row_kinds
    movements = f"WHERE {ROW_KIND} = '{RowKind.MOVEMENT.value}'" if kinds else ""
    for account, currency, amount, tax in _select(
        source, file, ["sum(amount)", "sum(tax)"], ["currency"], rest=movements
    ):
        yield FeeRow(source.owner(key, account), currency, amount or _ZERO, tax or _ZERO)


def _select(
    source: Source,
    file: OpenFile,
    sums: Sequence[str],
    by: Sequence[str],
    *,
    rest: str = "",
    reads: Sequence[str] = (),
) -> list[tuple]:  # type: ignore[type-arg]
    """By account and `by`, what the rows of a file amount to; rows without a currency have an empty one."""
    account = source.account(file.query)
    columns = [*source.columns, *reads, COUNT, ROW_KIND, file.query.spec.account_column or "currency"]
    groups = [f"{account} AS _whose", "coalesce(currency, '') AS _in", *by[1:]]
    grouped = ", ".join(["_whose", "_in", *(each.rpartition(" AS ")[2] for each in by[1:])])
    exact = [
        f"{each}::DECIMAL(38,18)" if each.startswith("sum(") and "::" not in each else each for each in sums
    ]
    return file.select(columns, ", ".join([*groups, *exact]), f"{rest} GROUP BY {grouped}")


_ZERO = Decimal(0)

_READERS: dict[Role, Callable[[Source, str, OpenFile], Iterator[Row]]] = {
    Role.BALANCE: _balance,
    Role.ACTIVITY: _activity,
    Role.PAYOUTS: _payouts,
    Role.CONTENTS: _contents,
    Role.FEES: _fees,
}
