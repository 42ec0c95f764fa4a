"""The reports that people here bring in: what is asked for each, and what Stripe is known to do with it.

Settling and restatement stand here once more, as Stripe's pages have them: what goes by them is tested.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import product

from connector.dataset.identity import Dataset
from connector.partitions import Partition, Windows
from connector.query import ReportQuery
from connector.simulator.books.currencies import printed
from connector.simulator.report_types.observed import REPORT_TYPES
from connector.simulator.report_types.report_type import ReportType
from connector.simulator.reports.columns import Books
from connector.simulator.reports.selections import Parameters
from tests.support.partitions import days

OWN_ACCOUNT, OTHER_ACCOUNT = "acct_1own", "acct_1another"
#: The accounts connected to one's own.
CONNECTED = ("acct_1baker", "acct_1cobbler", "acct_1dyer")

#: The last day becomes ready while the others are asked for.
DAYS = days("2026-06-04", 4)

#: What others ask for, and nobody here.
ANOTHER_REPORT = "balance_change_from_activity.summary.1"

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Table:
    """One report with its partitions.

    Attributes:
        partitions: by key.
        queries: choices of columns: `all`, `few`, and all of them `reversed`.
        otherwise: what would mix with its files, by name: another configuration, and what it would ask for.
        settled: a file made so long after a window's end is complete, whatever Stripe has prepared since.
        ages: those at which a window is asked for again.
    """

    report: str
    partitions: Mapping[str, Partition]
    queries: Mapping[str, ReportQuery]
    otherwise: Mapping[str, tuple[ReportQuery, Sequence[Partition]]]
    settled: timedelta = 2 * _DAY
    ages: Sequence[timedelta] = (3 * _DAY, 35 * _DAY)
    keys: tuple[str, ...] = field(init=False)
    dataset: Dataset = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", tuple(self.partitions))
        object.__setattr__(self, "dataset", self.queries["all"].dataset(mode="live", account=None))


def _choices(report: str, few: Sequence[str], *, by_account: bool = False) -> dict[str, ReportQuery]:
    every = ReportQuery.of(report, by_account=by_account)
    names = [column.name for column in every.columns]
    return {
        "all": every,
        "few": ReportQuery.of(report, columns=few, by_account=by_account),
        "reversed": ReportQuery.of(report, columns=names[::-1], by_account=by_account),
    }


def _june(query: ReportQuery) -> tuple[ReportQuery, Sequence[Partition]]:
    """The first window of June."""
    return query, Windows(query.window, query.zone).between(date(2026, 6, 1), date(2026, 7, 1))[:1]


def _of_days(report: str, few: Sequence[str]) -> Table:
    queries = _choices(report, few)
    return Table(
        report,
        {day.key: day for day in DAYS},
        queries,
        {
            "monthly": _june(ReportQuery.of(report, window="monthly")),
            "another zone": _june(ReportQuery.of(report, zone="Asia/Tokyo")),
            "one currency": _june(ReportQuery.of(report, filters={"currency": "usd"})),
            "another type": _june(ReportQuery.of(ANOTHER_REPORT, name=queries["all"].name)),
        },
    )


def _of_accounts(report: str, few: Sequence[str]) -> Table:
    queries = _choices(report, few, by_account=True)
    every = queries["all"]
    # Few of them, so that the same one is met often.
    dated = product(CONNECTED, (DAYS[0], DAYS[-1]))
    return Table(
        report,
        {each.key: each for each in (every.of_account(day, account) for account, day in dated)},
        queries,
        {"of all accounts": _june(ReportQuery.of(report))},
    )


# A snapshot: what stands now, without an interval.

_SNAPSHOT = "account_balances.snapshot.1"
_STANDING = {"currency": "text", "balance": "money", "payouts": "money"}


def _snapshot(books: Sequence[Books], parameters: Parameters) -> Iterator[list[str | None]]:
    """What an account has in each currency, and what was paid out of it."""
    for each in books:
        for currency, totals in sorted(each.ledger.totals(each.as_of, as_of=each.as_of).items()):
            amounts = {"balance": totals.balance, "payouts": totals.payouts}
            cells = {"currency": currency} | {n: printed(amount, currency) for n, amount in amounts.items()}
            yield [cells[column] for column in parameters["columns"]]


#: What Stripe has: all that it usually has, and the snapshot.
STRIPES_TYPES = (
    *REPORT_TYPES,
    ReportType(
        id=_SNAPSHOT,
        name="Balances as they stand",
        columns=tuple(_STANDING),
        default_columns=tuple(_STANDING),
        rows=_snapshot,
        required=(),
        optional=("columns",),
    ),
)


def _standing(*columns: str, report: str = _SNAPSHOT) -> ReportQuery:
    described = {name: _STANDING[name] for name in columns}
    return ReportQuery.of(report, name="standing", columns=described, parameters=["columns"])


def _of_a_snapshot() -> Table:
    now, every = Partition("now", None), _standing(*_STANDING)
    return Table(
        _SNAPSHOT,
        {now.key: now},
        {"all": every, "few": _standing("currency", "balance"), "reversed": _standing(*reversed(_STANDING))},
        {
            # All of them would have the same rows.
            "windows": (every, DAYS[:2]),
            "another type": (_standing(*_STANDING, report="account_limits.snapshot.1"), [now]),
        },
    )


_FEES = "all_fees.balance_transaction_created.itemized.2"

TABLES: Mapping[str, Table] = {
    "balances": _of_days("balance.summary.1", ["category", "net_amount", "currency"]),
    "fees": replace(
        _of_days(_FEES, ["balance_transaction_id", "amount", "tax", "currency"]),
        settled=5 * _DAY,
        ages=(5 * _DAY, 35 * _DAY),
    ),
    "a snapshot": _of_a_snapshot(),
    "accounts": _of_accounts("connected_account_balance.summary.1", ["category", "net_amount", "currency"]),
}
