"""In SQL the account a row is about has one name, whatever Stripe or the path calls it."""

import pytest

from connector.dataset.store import Store
from connector.query import ReportQuery
from connector.simulator import Simulator
from connector.sql.warehouse import open_warehouse
from tests.conftest import Pull
from tests.support.partitions import days, missed

DAY = days("2026-06-01", 1)


@pytest.mark.parametrize(
    ("report", "by_account"),
    [
        ("connected_account_balance_change_from_activity.itemized.3", False),
        ("connected_account_balance_change_from_activity.itemized.3", True),
        ("connected_account_balance.summary.1", True),
        ("connect.negative_balance_refunds_disputes_overview.1", False),
    ],
)
def test_every_table_whose_rows_are_of_accounts_calls_them_connected_account(
    simulator: Simulator, pull: Pull, store: Store, report: str, by_account: bool
) -> None:
    query = ReportQuery.of(report, by_account=by_account)
    accounts = simulator.connected_accounts
    assert not missed(pull(query, query.each_account(DAY, accounts) if by_account else DAY))

    with open_warehouse(store.root) as warehouse:
        found = warehouse.table(query.name).select("connected_account").distinct().fetchall()

    assert sorted(account for (account,) in found) == sorted(accounts)
