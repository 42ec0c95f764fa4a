"""Downstream assets of reports with partitions of accounts wait for the accounts that live, all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset, follow_reports
from connector.accounts import AccountLife, AccountLives
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.support.dagster import Orchestra

#: Dagster 1.13 tags runs of two dimensions with keys that it deprecates itself.
pytestmark = pytest.mark.filterwarnings("ignore:Non-compliant tag keys like .'dagster/partition/")

AT = datetime(2026, 6, 7, 13, tzinfo=UTC)
QUERY = ReportQuery.of("connected_account_balance_summary", by_account=True)
DAY = "2026-06-06"


@dataclass
class Follower:
    """A daily asset that follows a report of accounts."""

    orchestra: Orchestra
    accounts: AccountLives
    state: "dg.EvaluateAutomationConditionsResult | None" = None

    def __post_init__(self) -> None:
        report = ConfiguredReport(QUERY, start=date(2026, 6, 1), connected_accounts=self.accounts)
        self.report = build_report_asset(report, retry_policy=None)
        condition = follow_reports(by_account=True)

        @dg.multi_asset(
            specs=[dg.AssetSpec("books", deps=[self.report.key], automation_condition=condition)],
            partitions_def=report.windows,
        )
        def books() -> None: ...

        self.books = books
        self.tick()

    def tick(self) -> set[str | None]:
        """The days requested."""
        self.state = dg.evaluate_automation_conditions(
            defs=dg.Definitions(assets=[self.report, self.books], resources=self.orchestra.resources),
            asset_selection=dg.AssetSelection.all(),
            instance=self.orchestra.instance,
            cursor=self.state.cursor if self.state else None,
            evaluation_time=AT,
        )
        return set(self.state.get_requested_partitions(dg.AssetKey("books")))

    def bring(self, accounts: Sequence[str], day: str = DAY) -> None:
        for account in accounts:
            self.orchestra.launch([self.report], f"{account}|{day}")


@pytest.fixture
def accounts(simulator: Simulator) -> Sequence[str]:
    return simulator.connected_accounts


def test_it_waits_for_every_account_that_lives_and_for_no_other(
    orchestra: Orchestra, accounts: Sequence[str]
) -> None:
    stays, other, left = accounts
    lives = (AccountLife(stays), AccountLife(other), AccountLife(left, until=date(2026, 6, 5)))
    follower = Follower(orchestra, AccountLives(lives))

    follower.bring([stays])
    waiting = follower.tick()
    follower.bring([other])

    assert waiting == set()
    assert follower.tick() == {DAY}


def test_it_does_not_wait_for_an_account_that_is_gone_after_what_it_brought(
    orchestra: Orchestra, accounts: Sequence[str], simulator: Simulator
) -> None:
    follower = Follower(orchestra, AccountLives.of(accounts))
    follower.bring(accounts, "2026-06-04")
    assert follower.tick() == {"2026-06-04"}
    simulator.leave(accounts[2])

    follower.bring(accounts[:1])
    waiting = follower.tick()
    follower.bring(accounts[1:])
    without = follower.tick()
    follower.bring(accounts[:2], "2026-06-03")

    assert waiting == set()
    assert without == {DAY}
    assert follower.tick() == set()
