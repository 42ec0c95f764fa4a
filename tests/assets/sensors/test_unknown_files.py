"""Files that are there and unknown to this Dagster are recorded without a run, and without a report run."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.sensors.availability_sensor import build_availability_sensor
from assets.sensors.payout_sensor import build_payout_sensor
from assets.sensors.unknown_files import MOST_RECORDED
from connector.accounts import AccountLives
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.conftest import Pull
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra, configured
from tests.support.partitions import days
from tests.support.sensing import Daemon

FIRST, LAST = "2026-06-02", "2026-06-06"
FIVE = days(FIRST, 5)
KEYS = [each.key for each in FIVE]
ONE_PAYOUT = "payout_reconciliation.by_id.itemized.4"


@pytest.fixture
def daemon(orchestra: Orchestra, summary: dg.AssetsDefinition, summary_report: ConfiguredReport) -> Daemon:
    sensor = build_availability_sensor([summary_report], look_back=timedelta(days=5), refresh_after=())
    return Daemon(orchestra, [summary], sensor)


def known(orchestra: Orchestra, asset: dg.AssetsDefinition) -> Sequence[str]:
    return sorted(orchestra.instance.get_materialized_partitions(asset.key))


def by_wiping(orchestra: Orchestra, asset: dg.AssetsDefinition) -> None:
    orchestra.instance.wipe_assets([asset.key])


def by_deleting_the_runs(orchestra: Orchestra, asset: dg.AssetsDefinition) -> None:
    for run in orchestra.instance.get_runs():
        orchestra.instance.delete_run(run.run_id)


@pytest.mark.parametrize("lost", [by_wiping, by_deleting_the_runs])
def test_what_dagster_lost_is_recorded_again(
    *,
    orchestra: Orchestra,
    summary: dg.AssetsDefinition,
    daemon: Daemon,
    simulator: Simulator,
    lost: Callable[[Orchestra, dg.AssetsDefinition], None],
) -> None:
    orchestra.launch([summary], FIRST, LAST)
    runs = len(simulator.runs)
    lost(orchestra, summary)
    assert known(orchestra, summary) == []

    first, second = daemon.tick_and_run(), daemon.tick_and_run()

    assert known(orchestra, summary) == KEYS
    assert first.requests == second.requests == []
    assert "5 files unknown to this Dagster, 5 recorded now" in first.skipped
    assert "unknown" not in second.skipped
    assert len(simulator.runs) == runs


def test_a_home_that_was_lost_is_filled_from_the_files(
    orchestra: Orchestra, summary: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator
) -> None:
    orchestra.launch([summary], FIRST, LAST)
    runs = len(simulator.runs)
    with dg.DagsterInstance.ephemeral() as another:
        orchestra.instance = another

        daemon.tick_and_run()

        assert known(orchestra, summary) == KEYS
        assert another.get_runs() == []
    assert len(simulator.runs) == runs


def test_the_event_of_a_pulled_file_is_what_a_run_would_have_written(
    orchestra: Orchestra,
    summary: dg.AssetsDefinition,
    summary_report: ConfiguredReport,
    daemon: Daemon,
    pull: Pull,
) -> None:
    pull(summary_report.query, FIVE)

    daemon.tick_and_run()
    _, without = orchestra.recorded(summary)[-1]
    with dg.DagsterInstance.ephemeral() as another:
        orchestra.instance = another
        orchestra.launch([summary], LAST)
        ((_, by_run),) = orchestra.recorded(summary)

    assert (without.tags or {})["dagster/data_version"] == (by_run.tags or {})["dagster/data_version"]
    assert set(without.metadata) <= set(by_run.metadata)
    for name in ("stripe/report_run_id", "dagster/uri", "dagster/partition_row_count"):
        assert without.metadata[name] == by_run.metadata[name]


def test_the_checks_of_a_recorded_file_are_evaluated_by_a_launch_that_costs_no_report_run(
    *,
    orchestra: Orchestra,
    summary: dg.AssetsDefinition,
    summary_report: ConfiguredReport,
    daemon: Daemon,
    pull: Pull,
    simulator: Simulator,
) -> None:
    pull(summary_report.query, FIVE)
    daemon.tick_and_run()
    runs = len(simulator.runs)

    result = orchestra.launch([summary], FIRST, LAST, tags={"stripe/intent": "ensure"})

    assert {each.check_name for each in result.get_asset_check_evaluations()} >= {
        "file_is_whole",
        "row_count",
    }
    assert len(orchestra.recorded(summary)) == 5
    assert len(simulator.runs) == runs


def test_a_pull_that_refreshed_a_known_file_is_recorded(
    orchestra: Orchestra,
    summary: dg.AssetsDefinition,
    summary_report: ConfiguredReport,
    daemon: Daemon,
    pull: Pull,
) -> None:
    orchestra.launch([summary], FIRST, LAST)
    pull(summary_report.query, FIVE, refresh=[LAST])

    first, second = daemon.tick_and_run(), daemon.tick_and_run()

    assert "1 file unknown to this Dagster, 1 recorded now" in first.skipped
    assert "unknown" not in second.skipped
    assert len(orchestra.recorded(summary)) == 6


def test_a_partition_whose_file_is_gone_is_missing_and_asked_for(
    orchestra: Orchestra, summary: dg.AssetsDefinition, daemon: Daemon
) -> None:
    orchestra.launch([summary], FIRST, LAST)
    for file in orchestra.root.rglob(f"period={LAST}/*.parquet"):
        file.unlink()
    orchestra.instance.wipe_assets([summary.key])

    tick = daemon.tick_and_run()

    assert tick.partitions == [LAST]
    assert known(orchestra, summary) == KEYS


def test_a_file_that_cannot_be_read_is_not_recorded_and_holds_the_others_up_for_no_tick(
    orchestra: Orchestra,
    summary: dg.AssetsDefinition,
    summary_report: ConfiguredReport,
    daemon: Daemon,
    pull: Pull,
) -> None:
    pull(summary_report.query, FIVE)
    for file in orchestra.root.rglob(f"period={FIRST}/*.parquet"):
        file.write_bytes(b"PAR1 not a table")

    daemon.tick()

    assert set(KEYS[1:]) <= set(known(orchestra, summary))
    assert FIRST not in known(orchestra, summary)


def test_a_file_of_other_columns_than_are_configured_is_not_recorded(
    orchestra: Orchestra, pull: Pull
) -> None:
    itemized = "balance_change_from_activity.itemized.3"
    pull(ReportQuery.of(itemized, columns=["balance_transaction_id", "created_utc", "currency", "net"]), FIVE)
    report = configured(itemized)
    asset = build_report_asset(report, retry_policy=None)
    sensor = build_availability_sensor([report], look_back=timedelta(days=5), refresh_after=())

    Daemon(orchestra, [asset], sensor).tick()

    assert known(orchestra, asset) == []


def test_a_file_that_was_put_back_has_its_event_already(
    orchestra: Orchestra, summary: dg.AssetsDefinition, daemon: Daemon
) -> None:
    orchestra.launch([summary], FIRST, LAST)
    (file,) = orchestra.root.rglob(f"period={LAST}/report.parquet")
    before = file.read_bytes()
    orchestra.launch([summary], LAST)
    file.write_bytes(before)

    tick = daemon.tick()

    assert "unknown" not in tick.skipped
    assert len(orchestra.recorded(summary)) == 6


def test_what_is_in_hand_is_recorded_by_its_run(
    orchestra: Orchestra,
    summary: dg.AssetsDefinition,
    summary_report: ConfiguredReport,
    daemon: Daemon,
    pull: Pull,
) -> None:
    pull(summary_report.query, FIVE)
    under_way = dg.DagsterRun(
        job_name="any",
        asset_selection=frozenset({summary.key}),
        tags={"dagster/partition": LAST},
        status=dg.DagsterRunStatus.STARTED,
    )
    orchestra.instance.add_run(under_way)

    daemon.tick()

    assert known(orchestra, summary) == KEYS[:-1]


@pytest.mark.filterwarnings("ignore:Non-compliant tag keys like .'dagster/partition/")
def test_windows_of_each_account_are_recorded(orchestra: Orchestra, simulator: Simulator, pull: Pull) -> None:
    accounts = simulator.connected_accounts
    query = ReportQuery.of("connected_account_balance_change_from_activity.itemized.3", by_account=True)
    report = ConfiguredReport(query, connected_accounts=AccountLives.of(accounts), start=date(2026, 5, 1))
    asset = build_report_asset(report, retry_policy=None)
    partitions = report.query.each_account(FIVE[-1:], accounts)
    pull(report.query, partitions)
    sensor = build_availability_sensor([report], look_back=timedelta(days=1), refresh_after=())

    tick = Daemon(orchestra, [asset], sensor).tick_and_run()

    assert tick.requests == []
    assert known(orchestra, asset) == sorted(each.key for each in partitions)


def test_payouts_that_are_there_become_partitions_and_are_recorded(
    orchestra: Orchestra, simulator: Simulator
) -> None:
    naming, one_payout = configured("payout_reconciliation.itemized.4"), configured(ONE_PAYOUT)
    assets = [build_report_asset(each, retry_policy=None) for each in (naming, one_payout)]
    sensor = build_payout_sensor([naming, one_payout])
    orchestra.launch(assets[:1], FIRST)
    Daemon(orchestra, assets, sensor).tick_and_run()
    payouts, runs = known(orchestra, assets[1]), len(simulator.runs)
    with dg.DagsterInstance.ephemeral() as another:
        orchestra.instance = another

        tick = Daemon(orchestra, assets, sensor).tick_and_run()

        assert tick.requests == []
        assert known(orchestra, assets[1]) == payouts != []
        assert sorted(another.get_dynamic_partitions(str(one_payout.payouts.name))) == payouts
    assert len(simulator.runs) == runs


@pytest.mark.long
def test_several_hundred_are_recorded_over_some_ticks_whatever_becomes_of_the_cursor(
    orchestra: Orchestra, clock: ManualClock, pull: Pull, simulator: Simulator
) -> None:
    report = ConfiguredReport(ReportQuery.of("balance.summary.1", window="hourly"), start=date(2026, 5, 1))
    asset = build_report_asset(report, retry_policy=None)
    keys = report.windows.get_partition_keys()[: 2 * MOST_RECORDED + 50]
    pull(report.query, [report.partition(key) for key in keys])
    runs = len(simulator.runs)
    sensor = build_availability_sensor([report], look_back=timedelta(hours=1), refresh_after=(), at_once=0)
    daemon = Daemon(orchestra, [asset], sensor)

    counts = []
    for _ in range(3):
        daemon.tick()
        counts.append(len(known(orchestra, asset)))
        daemon.cursor = None

    assert counts == [MOST_RECORDED, 2 * MOST_RECORDED, 2 * MOST_RECORDED + 50]
    assert len(simulator.runs) == runs
