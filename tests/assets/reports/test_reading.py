"""What readers take of a report with partitions of accounts: the table decides, not the list."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import dagster as dg
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import ConfiguredReport, build_report_asset
from assets.reports.reading import plan_reading
from connector.accounts import AccountLife, AccountLives
from connector.dataset.identity import Dataset
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.support.dagster import Orchestra

#: Dagster 1.13 tags runs of two dimensions with keys that it deprecates itself.
pytestmark = pytest.mark.filterwarnings("ignore:Non-compliant tag keys like .'dagster/partition/")

QUERY = ReportQuery.of("connected_account_balance_summary", by_account=True)
TABLE: Dataset = QUERY.dataset(mode="test", account=None)
FIRST = date(2026, 6, 1)
ACCOUNTS = ("acct_1", "acct_2", "acct_3")
DAYS = [str(FIRST + timedelta(days=number)) for number in range(6)]
KEYS = [f"{account}|{day}" for account in ACCOUNTS for day in DAYS]


some_keys = st.sets(st.sampled_from(KEYS))


@st.composite
def some_lives(draw: st.DrawFn) -> AccountLives:
    days = st.sampled_from([date.fromisoformat(day) for day in DAYS])
    spans = st.tuples(days, days).map(lambda each: (min(each), max(each)))
    bounds = spans | st.tuples(st.none() | days, st.none()) | st.tuples(st.none(), days)
    listed = draw(st.sets(st.sampled_from(ACCOUNTS), min_size=1))
    return AccountLives(tuple(AccountLife(each, *draw(bounds)) for each in sorted(listed)))


@given(
    some_lives(), st.sets(st.sampled_from(KEYS)), st.sampled_from(DAYS), st.sets(st.sampled_from(ACCOUNTS))
)
def test_every_stored_account_of_a_window_is_read_and_whoever_lived_and_is_not_there_is_missing(
    lives: AccountLives, stored: set[str], day: str, gone: set[str]
) -> None:
    wanted = [f"{account}|{day}" for account in lives.names]

    found = plan_reading(TABLE, wanted, stored=stored, lives=lives, gone=gone, every_account=True)

    assert {*found.keys} == {key for key in stored if key.endswith(day)}
    for account in ACCOUNTS:
        files = sorted(key[-10:] for key in stored if key.startswith(account))
        before, after = any(each < day for each in files), any(each > day for each in files)
        life = lives.get(account)
        within = life is not None and str(life.start or "") <= day <= str(life.until or "9")
        lived = (within and (account not in gone or after)) if life else (before and after)
        assert (f"{account}|{day}" in found.missing) == (lived and day not in files)


@given(some_lives(), some_keys, st.sampled_from(DAYS))
def test_a_reader_by_account_gets_no_other_account(lives: AccountLives, stored: set[str], day: str) -> None:
    wanted = [f"{lives.names[0]}|{day}"]

    found = plan_reading(TABLE, wanted, stored=stored, lives=lives, every_account=False)

    assert {*found.keys, *found.missing} <= {*wanted}


# In Dagster


@pytest.fixture
def report(simulator: Simulator) -> ConfiguredReport:
    accounts = AccountLives.of(simulator.connected_accounts)
    return ConfiguredReport(QUERY, start=date(2026, 5, 1), connected_accounts=accounts)


def read(
    orchestra: Orchestra, report: ConfiguredReport, day: str
) -> tuple[dg.ExecuteInProcessResult, list[set[str]]]:
    """Materialize what reads a day of all accounts; the accounts whose rows it saw."""
    asset, seen = build_report_asset(report, retry_policy=None), []

    @dg.multi_asset(
        specs=[dg.AssetSpec("reader", deps=[asset.key])],
        ins={"rows": dg.AssetIn(asset.key)},
        partitions_def=report.windows,
    )
    def reader(rows: pd.DataFrame) -> None:
        seen.append({*rows["connected"]})

    return orchestra.launch([asset, reader], day, selection=["reader"]), seen


def bring(orchestra: Orchestra, report: ConfiguredReport, first: str, last: str) -> None:
    orchestra.launch([build_report_asset(report, retry_policy=None)], first, last)


def only(report: ConfiguredReport, accounts: Sequence[str], **until: date) -> ConfiguredReport:
    lives = tuple(AccountLife(each, until=until.get(each)) for each in accounts)
    return replace(report, connected_accounts=AccountLives(lives))


def test_an_account_taken_off_the_list_is_read_all_the_same(
    orchestra: Orchestra, report: ConfiguredReport, simulator: Simulator
) -> None:
    accounts = simulator.connected_accounts
    bring(orchestra, report, f"{accounts[0]}|2026-06-03", f"{accounts[2]}|2026-06-03")

    result, seen = read(orchestra, only(report, accounts[:2]), "2026-06-03")

    assert result.success
    assert seen == [{*accounts}]


def test_an_account_that_lived_then_and_is_not_there_is_refused_by_name(
    orchestra: Orchestra, report: ConfiguredReport, simulator: Simulator
) -> None:
    accounts = simulator.connected_accounts
    bring(orchestra, report, f"{accounts[0]}|2026-06-03", f"{accounts[1]}|2026-06-03")

    refused, _ = read(orchestra, report, "2026-06-03")
    ended, seen = read(orchestra, only(report, accounts, **{accounts[2]: date(2026, 6, 2)}), "2026-06-03")

    assert f"has no data for {accounts[2]}|2026-06-03" in orchestra.failure(refused)[0]
    assert "`start` and `until`" in orchestra.failure(refused)[0]
    assert ended.success
    assert seen == [{*accounts[:2]}]


def test_a_day_is_read_without_an_account_that_is_gone_since(
    orchestra: Orchestra, report: ConfiguredReport, simulator: Simulator
) -> None:
    accounts = simulator.connected_accounts
    bring(orchestra, report, f"{accounts[0]}|2026-06-03", f"{accounts[2]}|2026-06-03")
    simulator.leave(accounts[2])
    bring(orchestra, report, f"{accounts[0]}|2026-06-04", f"{accounts[2]}|2026-06-04")

    before, both = read(orchestra, report, "2026-06-03")
    after, living = read(orchestra, report, "2026-06-04")

    assert before.success
    assert after.success
    assert (both, living) == ([{*accounts}], [{*accounts[:2]}])
