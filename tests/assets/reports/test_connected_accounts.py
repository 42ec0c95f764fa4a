"""Partitions of each connected account: time by accounts, on a real Dagster and a Stripe in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import dagster as dg
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import ConfiguredReport, build_report_asset
from assets.automation.newest_partition import build_newest_partition_check
from assets.dagster_runs.history import PartitionGrid
from assets.dagster_runs.launch import covered, launch_of
from assets.dagster_runs.run_requests import neighbours
from assets.reports.partitions import too_many
from assets.sensors.availability_sensor import build_availability_sensor
from assets.sensors.late_sensor import build_late_report_sensor
from connector.accounts import NO_ACCOUNTS, AccountLives
from connector.dataset.store import Store
from connector.errors import ConfigurationError
from connector.query import ReportQuery
from connector.runs.adoption import WaitPolicy
from connector.simulator import SIMULATED_KEY, Match, Simulator
from tests.assets.materialize.test_checks import told
from tests.checks.conftest import Edited
from tests.faults.file_editing import Row
from tests.faults.runs import RunTakes
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra, configured
from tests.support.sensing import Daemon, span

#: Dagster 1.13 tags runs of two dimensions with keys that it deprecates itself.
pytestmark = pytest.mark.filterwarnings("ignore:Non-compliant tag keys like .'dagster/partition/")

TYPE = "connected_account_balance_change_from_activity.itemized.3"
DAY = timedelta(days=1)
HOUR = 3600.0


def report_for(accounts: Sequence[str], **options: object) -> ConfiguredReport:
    asked = {"window": options.pop("window", "daily"), "name": options.pop("name", None)}
    query = ReportQuery.of(TYPE, by_account=True, **asked)  # type: ignore[arg-type]
    options.setdefault("start", date(2026, 5, 1))
    return ConfiguredReport(query, connected_accounts=AccountLives.of(accounts), **options)  # type: ignore[arg-type]


@pytest.fixture
def accounts(simulator: Simulator) -> Sequence[str]:
    return simulator.connected_accounts


@pytest.fixture
def report(accounts: Sequence[str]) -> ConfiguredReport:
    return report_for(accounts)


@pytest.fixture
def asset(report: ConfiguredReport) -> dg.AssetsDefinition:
    return build_report_asset(report, retry_policy=None)


def keys(accounts: Sequence[str], *days: str) -> list[str]:
    return [f"{account}|{day}" for account in accounts for day in days]


def test_a_year_of_three_accounts_is_tiled_without_overlap(accounts: Sequence[str]) -> None:
    report = report_for(accounts, start=date(2025, 6, 1), end_offset=-2)
    partitions = [report.partition(key) for key in report.partitions.get_partition_keys()]

    for account in accounts:
        spans = [each.interval for each in partitions if each.parameters == {"connected_account": account}]
        assert len(spans) >= 365
        assert all(one and two and one.end == two.start for one, two in pairwise(spans))
    assert len({each.key for each in partitions}) == len(partitions)


def test_a_launch_in_the_name_of_one_of_the_accounts_asks_stripe_nothing(
    orchestra: Orchestra, asset: dg.AssetsDefinition, accounts: Sequence[str], simulator: Simulator
) -> None:
    orchestra.resources["stripe"] = type(orchestra.stripe)(
        api_key=SIMULATED_KEY, root=str(orchestra.root), account=accounts[0]
    )

    result = orchestra.launch([asset], f"{accounts[0]}|2026-06-01")

    assert not result.success
    assert "STRIPE_ACCOUNT" in str(result.get_step_failure_events())
    assert simulator.requests == []


def test_a_day_of_neighbouring_accounts_is_refreshed_in_one_run_and_each_partition_has_its_version(
    orchestra: Orchestra,
    report: ConfiguredReport,
    asset: dg.AssetsDefinition,
    accounts: Sequence[str],
    clock: ManualClock,
) -> None:
    days = ("2026-06-05", "2026-06-06")
    orchestra.launch([asset], f"{accounts[0]}|{days[0]}", f"{accounts[-1]}|{days[1]}")
    clock.sleep(3 * 24 * HOUR)
    sensor = build_availability_sensor([report], look_back=2 * DAY, refresh_after=(3 * DAY,))
    daemon = Daemon(orchestra, [asset], sensor)

    ticks = [daemon.tick_and_run() for _ in range(2)]

    refreshes = [
        [span(each) for each in tick.requests if each.tags["stripe/intent"] == "refresh"] for tick in ticks
    ]
    assert refreshes == [[f"{accounts[0]}|{day}..{accounts[-1]}|{day}" for day in days], []]
    newest = {key: (event.tags or {})["dagster/data_version"] for key, event in orchestra.recorded(asset)}
    refreshed = [newest[key] for key in keys(accounts, *days)]
    assert len({*refreshed}) == len(refreshed)


def test_an_account_that_a_refresh_lacks_fails_a_check(
    orchestra: Orchestra, simulator: Simulator, accounts: Sequence[str]
) -> None:
    asset, check = build_report_asset(configured(TYPE), retry_policy=None), "no_account_or_currency_gone"
    orchestra.launch([asset], "2026-06-01")
    assert told(orchestra, asset, check)["2026-06-01"].description == "No account and no currency is gone."

    def without(rows: list[Row]) -> None:
        rows[:] = [row for row in rows if row["connected_account"] != accounts[1]]

    simulator.faults.add(Edited(without))
    refreshed = orchestra.launch([asset], "2026-06-01")

    assert refreshed.success
    said = told(orchestra, asset, check)["2026-06-01"]
    assert not said.passed
    assert said.description.startswith(f"Gone since a former file: {accounts[1]} (")


def test_files_of_each_account_are_compared_with_the_file_of_all(
    orchestra: Orchestra, accounts: Sequence[str]
) -> None:
    """Whichever comes last: the check of the other one is brought up to date."""
    summary = ReportQuery.of("connected_account_balance.summary.1", by_account=True)
    apart = ConfiguredReport(summary, start=date(2026, 5, 1), connected_accounts=AccountLives.of(accounts))
    both = [apart, configured(TYPE)]
    assets = [build_report_asset(each.compared_with(both), retry_policy=None) for each in both]

    orchestra.launch([assets[1]], "2026-06-01")
    orchestra.launch([assets[0]], f"{accounts[0]}|2026-06-01")

    for asset, other, partition in (
        (assets[0], assets[1], f"{accounts[0]}|2026-06-01"),
        (assets[1], assets[0], "2026-06-01"),
    ):
        said = told(orchestra, asset, f"agrees_with_{other.key.path[-1]}")[partition]
        assert said.passed
        assert "Of 1 account " in said.description


@pytest.mark.long
def test_the_days_of_three_accounts_are_what_one_asset_for_all_holds(
    orchestra: Orchestra, accounts: Sequence[str], simulator: Simulator
) -> None:
    apart = build_report_asset(report_for(accounts), retry_policy=None)
    query = ReportQuery.of(TYPE, name="together")
    together = build_report_asset(ConfiguredReport(query, start=date(2026, 5, 1)), retry_policy=None)

    result = orchestra.launch([apart], f"{accounts[0]}|2026-05-01", f"{accounts[-1]}|2026-05-10")
    assert result.success
    assert orchestra.launch([together], "2026-05-01", "2026-05-10").success

    def net(table: str) -> dict[str, Decimal]:
        rows = pd.read_parquet(orchestra.root / "test" / table, dtype_backend="pyarrow")
        assert rows["balance_transaction_id"].is_unique
        return dict(rows.groupby("currency")["net"].sum())

    assert net(apart.key.path[-1]) == net("together")
    assert len(simulator.runs) == 3 * 10 + 10
    recorded = orchestra.recorded(apart)
    assert sorted(key for key, _ in recorded) == sorted(
        keys(accounts, *(f"2026-05-{day:02}" for day in range(1, 11)))
    )
    (first, *_) = sorted(recorded)
    assert first[1].tags is not None
    assert first[1].tags["dagster/partition/window"] == "2026-05-01"


def test_a_range_is_the_rectangle_between_two_keys(
    orchestra: Orchestra, asset: dg.AssetsDefinition, accounts: Sequence[str]
) -> None:
    orchestra.launch([asset], f"{accounts[1]}|2026-06-02", f"{accounts[2]}|2026-06-03")

    assert sorted(key for key, _ in orchestra.recorded(asset)) == sorted(
        keys(accounts[1:], "2026-06-02", "2026-06-03")
    )


def test_the_same_day_of_all_accounts_goes_into_one_run(
    orchestra: Orchestra, asset: dg.AssetsDefinition, report: ConfiguredReport, accounts: Sequence[str]
) -> None:
    orchestra.launch([asset], f"{accounts[1]}|2026-06-05")
    daemon = Daemon(
        orchestra, [asset], build_availability_sensor([report], look_back=2 * DAY, refresh_after=())
    )

    first, second = daemon.tick_and_run(), daemon.tick_and_run()

    assert sorted(first.partitions) == sorted([
        f"{accounts[0]}|2026-06-05..{accounts[0]}|2026-06-06",
        f"{accounts[1]}|2026-06-06",
        f"{accounts[2]}|2026-06-05..{accounts[2]}|2026-06-06",
    ])  # fmt: skip
    assert second.requests == []
    assert len(orchestra.recorded(asset)) == 6


@pytest.mark.parametrize("acting", [False, True])
def test_late_days_are_picked_up_for_the_accounts_they_belong_to(
    orchestra: Orchestra, simulator: Simulator, clock: ManualClock, accounts: Sequence[str], acting: bool
) -> None:
    """By the header all accounts ask exactly the same."""
    late = Match(
        "POST", where=lambda on: bool(on.call and accounts[1] in f"{on.call.body!r} {on.call.headers}")
    )
    report = report_for(accounts)
    if acting:
        query, lives = ReportQuery.of("balance_summary", acting=True), AccountLives.of(accounts)
        report = ConfiguredReport(query, start=date(2026, 5, 1), acting_accounts=lives)
    report = replace(report, wait_policy=WaitPolicy(wait_timeout=timedelta(minutes=1)))
    asset = build_report_asset(report, retry_policy=None)
    simulator.faults.add(RunTakes(HOUR), late, times=None)
    orchestra.launch([asset], f"{accounts[0]}|2026-06-01", f"{accounts[2]}|2026-06-02")
    daemon = Daemon(orchestra, [asset], build_late_report_sensor([report]))

    waiting = daemon.tick_and_run()
    clock.sleep(HOUR)
    found = daemon.tick_and_run()

    assert "2 still pending at Stripe" in waiting.skipped
    assert found.partitions == [f"{accounts[1]}|2026-06-01..{accounts[1]}|2026-06-02"]
    assert len(orchestra.recorded(asset)) == 6
    assert len(simulator.runs) == 6
    assert daemon.tick().skipped == "Nothing to do: no partition's latest run failed or timed out."


def test_the_check_names_the_account_whose_newest_day_is_missing(
    orchestra: Orchestra, asset: dg.AssetsDefinition, report: ConfiguredReport, accounts: Sequence[str]
) -> None:
    orchestra.launch([asset], f"{accounts[0]}|2026-06-06", f"{accounts[1]}|2026-06-06")
    checks = build_newest_partition_check(report)
    job = dg.define_asset_job("checks", selection=dg.AssetSelection.checks(checks))
    definitions = dg.Definitions(asset_checks=[checks], jobs=[job], resources=orchestra.resources)

    result = definitions.resolve_job_def("checks").execute_in_process(instance=orchestra.instance)

    (evaluation,) = result.get_asset_check_evaluations()
    assert not evaluation.passed
    assert f"the dataset does not have {accounts[2]}|2026-06-06. " in str(evaluation.description)


@pytest.mark.long
@pytest.mark.parametrize("weekly", [False, True], ids=["the-same-days", "weeks"])
def test_a_reader_by_time_gets_all_accounts_with_dagsters_own_mapping(
    orchestra: Orchestra, asset: dg.AssetsDefinition, report: ConfiguredReport, accounts: Sequence[str],
    weekly: bool,
) -> None:  # fmt: skip
    orchestra.launch([asset], f"{accounts[0]}|2026-05-24", f"{accounts[2]}|2026-05-30")
    seen: list[pd.DataFrame] = []
    windows = dg.WeeklyPartitionsDefinition("2026-05-03") if weekly else report.windows

    @dg.multi_asset(
        specs=[dg.AssetSpec("reader", deps=[asset.key])],
        ins={"rows": dg.AssetIn(asset.key)},
        partitions_def=windows,
    )
    def reader(rows: pd.DataFrame) -> None:
        seen.append(rows)

    result = orchestra.launch([asset, reader], "2026-05-24", selection=["reader"])

    assert result.success
    (rows,) = seen
    assert set(rows["connected"]) == set(accounts)
    assert rows["period"].min() == "2026-05-24"
    assert rows["period"].max() == ("2026-05-30" if weekly else "2026-05-24")
    assert (rows["connected"] == rows["connected_account"]).all()


# Ranges of two dimensions

GRID = [[f"a{row}|{column:02}" for column in range(6)] for row in range(4)]
CALENDAR = PartitionGrid.over("stripe/x", GRID)


@given(st.sets(st.sampled_from([key for row in GRID for key in row])), st.none() | st.integers(1, 12))
def test_runs_cut_out_of_two_dimensions_cover_what_is_requested_once_and_nothing_else(
    wanted: set[str], at_most: int | None
) -> None:
    groups = neighbours(wanted, CALENDAR, at_most=at_most)

    assert sorted(key for group in groups for key in group) == sorted(wanted)
    for group in groups:
        assert list(group) == CALENDAR.between(group[0], group[-1])
        assert at_most is None or len(group) <= at_most


def test_a_run_over_a_rectangle_keeps_no_other_partition_busy() -> None:
    span = {"dagster/asset_partition_range_start": "a1|02", "dagster/asset_partition_range_end": "a2|03"}
    launch = launch_of("a", None, span)

    assert launch
    assert covered([launch], CALENDAR) == {"a1|02", "a1|03", "a2|02", "a2|03"}


def test_dagster_means_the_same_by_a_range(report: ConfiguredReport, accounts: Sequence[str]) -> None:
    first, last = f"{accounts[0]}|2026-05-30", f"{accounts[1]}|2026-06-02"

    dagsters = report.partitions.get_partition_keys_in_range(dg.PartitionKeyRange(first, last))

    assert list(dagsters) == PartitionGrid.of(report).between(first, last)
    assert list(report.partitions.get_partition_keys()) == list(PartitionGrid.of(report).keys)


# What is said when it is configured


def test_more_partitions_than_dagster_is_made_for_are_warned_of() -> None:
    accounts = [f"acct_{number}" for number in range(3000)]
    report = report_for(accounts, start=date(2026, 5, 1))

    with pytest.warns(UserWarning, match=r"stripe/.* has \d\d\d,\d\d\d partitions: .* 100,000"):
        build_report_asset(report)

    assert too_many(report_for(accounts[:3]).partitions) is None


def test_accounts_and_the_query_have_to_fit(report: ConfiguredReport) -> None:
    with pytest.raises(ConfigurationError, match="by_account"):
        replace(report, connected_accounts=NO_ACCOUNTS)
    with pytest.raises(ConfigurationError, match="by_account"):
        ConfiguredReport(
            ReportQuery.of(TYPE), start=date(2026, 5, 1), connected_accounts=AccountLives.of("acct_1")
        )


def test_the_default_stays_one_run_with_the_account_as_a_column(
    orchestra: Orchestra, accounts: Sequence[str], simulator: Simulator
) -> None:
    asset = build_report_asset(
        ConfiguredReport(ReportQuery.of(TYPE), start=date(2026, 5, 1)), retry_policy=None
    )

    orchestra.launch([asset], "2026-05-20", "2026-05-26")

    dataset = ReportQuery.of(TYPE).dataset(mode="test", account=None)
    rows = Store(orchestra.root).arrow_dataset(dataset).to_table()
    assert set(rows["connected_account"].to_pylist()) == set(accounts)
    assert len(simulator.runs) == 7
