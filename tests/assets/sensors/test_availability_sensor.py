"""The sensor that requests what is ready, on a real Dagster and a Stripe in memory."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.sensors.availability_sensor import build_availability_sensor
from connector.errors import ConfigurationError
from connector.query import ReportQuery
from connector.simulator import Match, Simulator
from connector.simulator.faults import Stage
from tests.faults.network import Respond
from tests.faults.runs import RunFails
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra
from tests.support.runs import Runs
from tests.support.sensing import Daemon, Tick, carry_out

TYPE = "balance.summary.1"
SUMMARIES = Match(report_type=TYPE)
HALF_DAY = 43_200.0

Sensor = Callable[..., Daemon]


@pytest.fixture
def sensing(orchestra: Orchestra, summary_report: ConfiguredReport, summary: dg.AssetsDefinition) -> Sensor:
    """A daemon for the sensor of one report; nothing is refreshed unless configured."""

    def make(**options: object) -> Daemon:
        options.setdefault("refresh_after", ())
        return Daemon(orchestra, [summary], build_availability_sensor([summary_report], **options))  # type: ignore[arg-type]

    return make


def test_what_is_ready_and_missing_is_requested_within_the_look_back(
    orchestra: Orchestra, summary: dg.AssetsDefinition, sensing: Sensor
) -> None:
    daemon = sensing(look_back=timedelta(days=5))

    first, second = daemon.tick_and_run(), daemon.tick_and_run()

    # At 13:00 on the 7th Stripe has data until midnight.
    assert first.partitions == ["2026-06-02..2026-06-06"]
    assert second.requests == []
    assert "nothing to request" in second.skipped
    assert len(orchestra.recorded(summary)) == 5


def test_the_log_of_a_tick_draws_how_each_report_stands(
    sensing: Sensor, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = sensing(look_back=timedelta(days=5))
    daemon.tick_and_run()
    capsys.readouterr()

    daemon.tick()

    drawn = capsys.readouterr().err
    assert "2026-06  -#####" in drawn
    assert "# there" in drawn


def test_a_tick_calls_stripe_once(sensing: Sensor, simulator: Simulator) -> None:
    sensing().tick()

    assert [seen.path for seen in simulator.requests] == ["/v1/reporting/report_types"]


def test_the_oldest_come_first_the_next_as_runs_end_and_each_tick_tells_the_whole_count(
    orchestra: Orchestra, summary_report: ConfiguredReport, capsys: pytest.CaptureFixture[str]
) -> None:
    report = replace(summary_report, max_partitions_per_run=2)
    sensor = build_availability_sensor([report], look_back=timedelta(days=5), at_once=2, refresh_after=())
    daemon = Daemon(orchestra, [build_report_asset(report, retry_policy=None)], sensor)
    runs = Runs(orchestra.instance, report)

    first = daemon.tick()
    assert "5 partitions missing: 4 requested now, 1 as Dagster runs end" in capsys.readouterr().err
    started = [runs.request(each, status=dg.DagsterRunStatus.STARTED, by=sensor) for each in first.requests]
    full = daemon.tick()
    carry_out(orchestra, daemon.assets, first.requests[0])
    runs.end(started[0])
    third = daemon.tick()

    assert first.partitions == ["2026-06-02..2026-06-03", "2026-06-04..2026-06-05"]
    assert full.requests == []
    assert "5 partitions missing, 4 of them in hand: 1 as Dagster runs end" in full.skipped
    assert third.partitions == ["2026-06-06"]


def test_between_two_looks_a_tick_asks_stripe_nothing_unless_there_is_more_to_request(
    orchestra: Orchestra, summary_report: ConfiguredReport, simulator: Simulator
) -> None:
    report = replace(summary_report, max_partitions_per_run=3)
    sensor = build_availability_sensor([report], look_back=timedelta(days=5), at_once=1, refresh_after=())
    daemon = Daemon(orchestra, [build_report_asset(report, retry_policy=None)], sensor)
    runs = Runs(orchestra.instance, report)
    began = datetime.now(UTC).timestamp()

    def next_tick() -> tuple[Tick, int]:
        """As the daemon evaluates it."""
        before = len(simulator.requests)
        return daemon.tick(last=began), len(simulator.requests) - before

    first, first_asked = next_tick()
    started = runs.request(first.requests[0], status=dg.DagsterRunStatus.STARTED, by=sensor)
    busy, busy_asked = next_tick()
    carry_out(orchestra, daemon.assets, first.requests[0])
    runs.end(started)
    second, second_asked = next_tick()
    idle, idle_asked = next_tick()

    assert (first.partitions, first_asked) == (["2026-06-02..2026-06-04"], 1)
    assert (busy.requests, busy_asked) == ([], 0)
    assert busy.skipped == "1 Dagster run of this sensor in hand; more is requested as they end."
    assert (second.partitions, second_asked) == (["2026-06-05..2026-06-06"], 1)
    assert (idle.requests, idle_asked) == ([], 0)
    assert idle.skipped.startswith("Nothing was left to request at ")
    assert daemon.tick().requests != []


def test_a_day_is_requested_when_the_data_pass_its_end_and_not_at_noon_before(
    sensing: Sensor, simulator: Simulator
) -> None:
    daemon = sensing(look_back=timedelta(days=1))
    asked = []

    for until in ("2026-06-04 00:00", "2026-06-04 12:00", "2026-06-05 00:00", "2026-06-05 12:00"):
        simulator.set_available_until(TYPE, datetime.fromisoformat(until).replace(tzinfo=UTC))
        asked.append(daemon.tick_and_run().partitions)

    assert asked == [["2026-06-03"], [], ["2026-06-04"], []]


def test_a_partition_that_keeps_failing_is_requested_again_only_when_the_data_advance(
    sensing: Sensor, simulator: Simulator, clock: ManualClock
) -> None:
    daemon = sensing(look_back=timedelta(days=1))
    simulator.faults.add(RunFails(), SUMMARIES, times=None)

    same_data = [daemon.tick_and_run().partitions for _ in range(3)]
    clock.sleep(HALF_DAY)
    later_data = [daemon.tick_and_run().partitions for _ in range(2)]

    assert same_data == [["2026-06-06"], [], []]
    assert later_data == [["2026-06-06"], []]


def test_a_lost_cursor_requests_under_the_same_run_keys(sensing: Sensor) -> None:
    daemon = sensing()

    first = daemon.tick()
    daemon.cursor = None
    second = daemon.tick()

    assert [each.run_key for each in first.requests] == [each.run_key for each in second.requests]


def test_a_file_counts_whatever_colour_dagster_shows(
    orchestra: Orchestra, summary: dg.AssetsDefinition, sensing: Sensor
) -> None:
    daemon = sensing(look_back=timedelta(days=1))
    orchestra.launch([summary], "2026-06-06")
    place = orchestra.recorded(summary)[0][1].metadata["dagster/uri"].value

    there = daemon.tick()
    (orchestra.root / str(place).split("/data/")[1]).unlink()
    gone = daemon.tick()

    assert there.requests == []
    assert gone.partitions == ["2026-06-06"]


def test_a_day_without_a_file_before_the_look_back_is_named_and_not_requested(
    orchestra: Orchestra, summary: dg.AssetsDefinition, sensing: Sensor
) -> None:
    daemon = sensing(look_back=timedelta(days=1))
    for day in ("2026-06-01", "2026-06-03", "2026-06-06"):
        orchestra.launch([summary], day)

    tick = daemon.tick()

    assert tick.requests == []
    assert "No file for 2026-06-02, 2026-06-04, 2026-06-05, between the first file" in tick.skipped


def test_a_report_that_no_longer_fits_its_table_requests_nothing_and_says_why(orchestra: Orchestra) -> None:
    daily, weekly = (
        ConfiguredReport(ReportQuery.of(TYPE, window=window), start=date(2026, 5, 3))
        for window in ("daily", "weekly")
    )
    orchestra.launch([build_report_asset(daily)], "2026-06-01")

    tick = Daemon(orchestra, [build_report_asset(weekly)], build_availability_sensor([weekly])).tick()

    assert tick.requests == []
    assert "window is daily there and weekly here" in tick.skipped


def test_what_is_under_way_is_not_requested(
    orchestra: Orchestra, summary: dg.AssetsDefinition, sensing: Sensor
) -> None:
    orchestra.instance.add_run(
        dg.DagsterRun(
            job_name="any",
            asset_selection=frozenset({summary.key}),
            tags={"dagster/partition": "2026-06-05"},
            status=dg.DagsterRunStatus.STARTED,
        )
    )

    assert sensing(look_back=timedelta(days=3)).tick().partitions == ["2026-06-04", "2026-06-06"]


def test_stripe_being_down_skips_the_tick_and_says_so(sensing: Sensor, simulator: Simulator) -> None:
    daemon = sensing(look_back=timedelta(days=1))
    outage = simulator.faults.add(Respond(500, stage=Stage.BEFORE), times=None)

    during = daemon.tick()
    simulator.faults.remove(outage)

    assert "Nothing could be requested; the next tick tries again." in during.skipped
    assert daemon.tick().partitions == ["2026-06-06"]


def test_a_report_the_account_does_not_have_is_said_and_holds_nothing_up(orchestra: Orchestra) -> None:
    known = ConfiguredReport(ReportQuery.of(TYPE), start=date(2026, 5, 1))
    spec = replace(known.query.spec, id="ending_balance.summary.9")
    unknown = replace(known, query=replace(known.query, spec=spec, name="unknown"))
    assets = [build_report_asset(each) for each in (unknown, known)]
    sensor = build_availability_sensor([unknown, known], look_back=timedelta(days=1), refresh_after=())

    tick = Daemon(orchestra, assets, sensor).tick()

    assert tick.partitions == ["2026-06-06"]


def test_daily_and_monthly_reports_share_one_sensor(orchestra: Orchestra) -> None:
    daily = ConfiguredReport(ReportQuery.of(TYPE), start=date(2026, 5, 1))
    monthly = ConfiguredReport(ReportQuery.of(TYPE, name="monthly", window="monthly"), start=date(2026, 5, 1))
    assets = [build_report_asset(each) for each in (daily, monthly)]
    sensor = build_availability_sensor([daily, monthly], look_back=timedelta(days=1))
    daemon = Daemon(orchestra, assets, sensor)

    tick = daemon.tick_and_run()

    assert sorted(tick.partitions) == ["2026-05-01", "2026-06-06"]
    assert [len(orchestra.recorded(asset)) for asset in assets] == [1, 1]


def test_reports_of_two_accounts_need_two_sensors(summary_report: ConfiguredReport) -> None:
    other = summary_report.using(resource="other", io_manager="other_parquet")

    with pytest.raises(ConfigurationError, match="one resource"):
        build_availability_sensor([summary_report, other])


# Restatements


@pytest.mark.long
def test_each_partition_is_refreshed_once_at_each_age_in_a_run_of_its_own(
    orchestra: Orchestra,
    summary: dg.AssetsDefinition,
    sensing: Sensor,
    simulator: Simulator,
    clock: ManualClock,
) -> None:
    simulator.set_available_until(TYPE, datetime(2026, 6, 7, tzinfo=UTC))
    orchestra.launch([summary], "2026-06-05", "2026-06-06")
    daemon = sensing(look_back=timedelta(days=2), refresh_after=(timedelta(days=3), timedelta(days=35)))
    asked = []

    for _ in range(80):
        tick = daemon.tick_and_run()
        assert all(request.tags["stripe/intent"] == "refresh" for request in tick.requests)
        asked += tick.partitions
        clock.sleep(HALF_DAY)

    assert asked == ["2026-06-05", "2026-06-06", "2026-06-05", "2026-06-06"]
    assert len(orchestra.recorded(summary)) == 6


def test_a_refresh_that_brings_the_same_bytes_keeps_the_data_version(
    orchestra: Orchestra, summary: dg.AssetsDefinition, sensing: Sensor, clock: ManualClock
) -> None:
    orchestra.launch([summary], "2026-06-06")
    clock.sleep(3 * 2 * HALF_DAY)
    daemon = sensing(look_back=timedelta(days=1), refresh_after=(timedelta(days=3),))

    daemon.tick_and_run()

    before, after = [event for partition, event in orchestra.recorded(summary) if partition == "2026-06-06"]
    assert (before.tags or {})["dagster/data_version"] == (after.tags or {})["dagster/data_version"]
    assert "same to the byte" in str(after.metadata["stripe/change"].value)
