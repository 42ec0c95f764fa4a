"""Accounts that one acts for: one asset of them all, on a real Dagster and a Stripe in memory.

What holds of accounts whichever way they are asked for is in `test_lives`.
"""

import sys
from collections.abc import Sequence
from datetime import date
from types import FrameType

import dagster as dg
import pandas as pd
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.sensors.payout_sources import find_source
from connector.accounts import AccountLives
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.assets.conftest import Load
from tests.support.dagster import Orchestra, assets_of

#: Dagster 1.13 tags runs of two dimensions with keys that it deprecates itself.
pytestmark = pytest.mark.filterwarnings("ignore:Non-compliant tag keys like .'dagster/partition/")

TYPE = "balance_change_from_activity.itemized.3"


def acting(accounts: Sequence[str], report: str = TYPE, name: str | None = None) -> ConfiguredReport:
    query = ReportQuery.of(report, acting=True, name=name)
    return ConfiguredReport(query, start=date(2026, 5, 1), acting_accounts=AccountLives.of(accounts))


def test_a_reader_by_time_gets_the_rows_of_all_accounts_with_the_account_as_a_column(
    orchestra: Orchestra, simulator: Simulator
) -> None:
    accounts = simulator.connected_accounts
    report = acting(accounts)
    asset = build_report_asset(report, retry_policy=None)
    seen: list[pd.DataFrame] = []

    @dg.multi_asset(
        specs=[dg.AssetSpec("reader", deps=[asset.key])],
        ins={"rows": dg.AssetIn(asset.key)},
        partitions_def=report.windows,
    )
    def reader(rows: pd.DataFrame) -> None:
        seen.append(rows)

    launched = orchestra.launch([asset], f"{accounts[0]}|2026-05-24", f"{accounts[2]}|2026-05-25")
    read = orchestra.launch([asset, reader], "2026-05-24", selection=["reader"])

    assert launched.success
    assert read.success
    (rows,) = seen
    day = report.partition(f"{accounts[0]}|2026-05-24").interval
    assert day
    bounds = {"interval_start": int(day.start.timestamp()), "interval_end": int(day.end.timestamp())}
    truth = {account: simulator.csv(TYPE, account=account, **bounds).count(b"\n") - 1 for account in accounts}
    assert rows.groupby("account").size().to_dict() == truth
    assert min(truth.values()) > 0
    events = dict(orchestra.recorded(asset))
    assert {key: event.metadata["stripe/account"].value for key, event in events.items()} == {
        key: key.partition("|")[0] for key in events
    }


def test_a_report_about_payouts_of_the_key_takes_none_from_accounts_that_are_acted_for() -> None:
    payouts = ConfiguredReport(ReportQuery.of("payout_reconciliation_by_id_itemized"))
    of_others = acting(["acct_1"], "payout_reconciliation_itemized")

    assert find_source(payouts, [payouts, of_others]) is None


LOADED = """\
type: assets.StripeReportsComponent

attributes:
  defaults: {{start: 2026-01-01}}
  reports:
    - {{report: balance_summary, acting_accounts: "{accounts}"}}
    - {{report: payouts_itemized, acting_accounts: "{accounts}"}}
"""


def test_loading_does_as_much_more_as_there_are_more_accounts(load: Load) -> None:
    """Twice as many accounts take no more than twice the calls: nothing compares all with all."""

    def calls(number: int) -> int:
        count = 0

        def counted(_frame: FrameType, event: str, _argument: object) -> None:
            nonlocal count
            count += event == "call"

        accounts = " ".join(f"acct_{each:03}" for each in range(number))
        text = LOADED.format(accounts=accounts)
        sys.setprofile(counted)
        try:
            definitions = load(text)
        finally:
            sys.setprofile(None)
        assert len(assets_of(definitions)) == 2
        assert len(list(definitions.sensors or ())) == len(SENSORS)
        return count

    calls(1)
    few, some, many = calls(1), calls(60), calls(120)

    assert many - some <= 1.5 * (some - few)


SENSORS = ("stripe_late_reports", "stripe_availability")
