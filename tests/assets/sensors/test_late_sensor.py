"""The sensor for late reports, on a real Dagster and a Stripe in memory."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.sensors.late_sensor import build_late_report_sensor
from assets.sensors.report_run_scan import TickBudget
from connector.pipeline.collect import collect
from connector.runs.adoption import WaitPolicy
from connector.simulator import Match, Simulator
from connector.simulator.faults import Stage
from tests.faults.network import Respond
from tests.faults.runs import RunFails, RunTakes
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra
from tests.support.sensing import Daemon
from tests.support.stripe import asking_for

FIRST, LAST = "2026-06-01", "2026-06-04"
SUMMARIES = Match(report_type="balance.summary.1")
HOUR = 3600.0


@pytest.fixture
def report(summary_report: ConfiguredReport) -> ConfiguredReport:
    """Waited for during a minute only."""
    return replace(summary_report, wait_policy=WaitPolicy(wait_timeout=timedelta(minutes=1)))


@pytest.fixture
def asset(report: ConfiguredReport) -> dg.AssetsDefinition:
    return build_report_asset(report, retry_policy=None)


@pytest.fixture
def daemon(orchestra: Orchestra, report: ConfiguredReport, asset: dg.AssetsDefinition) -> Daemon:
    return Daemon(orchestra, [asset], build_late_report_sensor([report]))


def test_a_late_report_is_picked_up_once_it_is_there(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator, clock: ManualClock
) -> None:
    simulator.faults.add(RunTakes(HOUR), SUMMARIES)
    orchestra.launch([asset], FIRST)

    waiting = daemon.tick_and_run()
    clock.sleep(HOUR)
    found = daemon.tick_and_run()
    after = daemon.tick_and_run()

    assert waiting.requests == []
    assert "1 still pending at Stripe" in waiting.skipped
    assert found.partitions == [FIRST]
    ((partition, event),) = orchestra.recorded(asset)
    assert partition == FIRST
    assert event.metadata["stripe/report_run_id"].value == simulator.runs[0].id
    assert len(simulator.runs) == 1
    assert after.skipped == "Nothing to do: no partition's latest run failed or timed out."


def test_stripe_is_not_called_while_nothing_is_late(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator
) -> None:
    orchestra.launch([asset], FIRST)
    before = len(simulator.requests)

    daemon.tick()

    assert len(simulator.requests) == before


def test_neighbouring_late_partitions_go_into_one_run(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator, clock: ManualClock
) -> None:
    for day in ("2026-06-01", "2026-06-02", "2026-06-04"):
        simulator.faults.add(RunTakes(HOUR), asking_for(day))
    orchestra.launch([asset], FIRST, LAST)
    clock.sleep(HOUR)

    tick = daemon.tick_and_run()

    assert tick.partitions == ["2026-06-01..2026-06-02", "2026-06-04"]
    assert sorted(key for key, _ in orchestra.recorded(asset)) == [
        "2026-06-01",
        "2026-06-02",
        "2026-06-03",
        "2026-06-04",
    ]
    assert len(simulator.runs) == 4


def test_a_cursor_that_is_lost_loses_nothing_and_requests_nothing_twice(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator, clock: ManualClock
) -> None:
    simulator.faults.add(RunTakes(HOUR), SUMMARIES)
    orchestra.launch([asset], FIRST)
    clock.sleep(HOUR)

    first = daemon.tick()
    daemon.cursor = None
    second = daemon.tick()

    assert [each.run_key for each in first.requests] == [each.run_key for each in second.requests]


def test_a_long_list_is_read_over_several_ticks(
    orchestra: Orchestra,
    report: ConfiguredReport,
    asset: dg.AssetsDefinition,
    simulator: Simulator,
    clock: ManualClock,
) -> None:
    simulator.faults.add(RunTakes(HOUR), SUMMARIES)
    orchestra.launch([asset], FIRST)
    others = ConfiguredReport(replace(report.query, name="others"), start=report.start)
    clock.sleep(HOUR)
    with orchestra.stripe.client() as client:
        for number in range(150):
            key = f"2026-05-{number % 28 + 1:02}"
            client.create_report_run(others.query.request(others.partition(key)), idempotency_key=f"{number}")
    sensor = build_late_report_sensor([report], budget=TickBudget(requests=1))
    daemon = Daemon(orchestra, [asset], sensor)

    first, second = daemon.tick_and_run(), daemon.tick_and_run()

    assert "the list of report runs is read on at the next tick" in first.skipped
    assert second.partitions == [FIRST]
    assert len(orchestra.recorded(asset)) == 1


def test_a_report_that_fails_late_is_requested_again_as_often_as_allowed_in_all(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator, clock: ManualClock
) -> None:
    simulator.faults.add(RunFails(seconds=HOUR), SUMMARIES, times=None)
    orchestra.launch([asset], FIRST)

    said = []
    for _ in range(6):
        clock.sleep(2 * HOUR)
        said.append(daemon.tick_and_run().skipped)

    assert len(simulator.runs) == 3
    assert "1 failed at Stripe too often" in said[-1]


def test_a_report_that_fails_late_once_is_there_after_a_second_run(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator, clock: ManualClock
) -> None:
    simulator.faults.add(RunFails(seconds=HOUR), SUMMARIES)
    orchestra.launch([asset], FIRST)
    clock.sleep(HOUR)

    daemon.tick_and_run()

    assert [key for key, _ in orchestra.recorded(asset)] == [FIRST]
    assert len(simulator.runs) == 2


def test_a_report_that_never_ends_is_replaced_by_one_run(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator, clock: ManualClock
) -> None:
    simulator.faults.add(RunTakes(None), SUMMARIES)
    orchestra.launch([asset], FIRST)

    early = daemon.tick_and_run()
    clock.sleep(6 * HOUR)
    late = daemon.tick_and_run()

    assert early.requests == []
    assert late.partitions == [FIRST]
    assert [key for key, _ in orchestra.recorded(asset)] == [FIRST]
    assert len(simulator.runs) == 2


def test_a_minute_of_server_errors_ends_in_a_skipped_tick_that_loses_nothing(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator, clock: ManualClock
) -> None:
    simulator.faults.add(RunTakes(HOUR), SUMMARIES)
    orchestra.launch([asset], FIRST)
    clock.sleep(HOUR)
    outage = simulator.faults.add(Respond(500, stage=Stage.BEFORE), times=None)
    began = clock.monotonic()

    during = daemon.tick()
    took = clock.monotonic() - began
    simulator.faults.remove(outage)
    after = daemon.tick_and_run()

    assert "could not be read" in during.skipped
    assert took < 40
    assert after.partitions == [FIRST]


def test_what_was_published_and_not_recorded_is_recorded_without_a_second_run(
    orchestra: Orchestra, report: ConfiguredReport, simulator: Simulator
) -> None:
    """A process killed between the file and its event."""
    doomed = build_report_asset(report, retry_policy=None, execute=killed_before_the_event)
    whole = build_report_asset(report, retry_policy=None)
    orchestra.launch([doomed], FIRST)
    daemon = Daemon(orchestra, [whole], build_late_report_sensor([report]))

    tick = daemon.tick_and_run()

    assert tick.partitions == [FIRST]
    assert [key for key, _ in orchestra.recorded(whole)] == [FIRST]
    assert len(simulator.runs) == 1


def killed_before_the_event(context: dg.AssetExecutionContext, report: ConfiguredReport) -> Iterator[Any]:
    with context.resources.stripe.client() as client:
        partitions = [report.partition(key) for key in context.partition_keys]
        list(collect(client, context.resources.stripe.store(), report.query, partitions))
    yield from ()
    raise RuntimeError("killed")


def test_what_somebody_cancelled_is_not_late(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator, clock: ManualClock
) -> None:
    simulator.faults.add(RunTakes(HOUR), SUMMARIES)
    failed = orchestra.launch([asset], FIRST)
    clock.sleep(HOUR)
    assert daemon.tick().partitions == [FIRST]

    run = orchestra.instance.get_run_by_id(failed.run_id)
    assert run is not None
    again = orchestra.instance.add_run(
        dg.DagsterRun(
            job_name=run.job_name,
            asset_selection=frozenset({asset.key}),
            tags={"dagster/partition": FIRST},
            status=dg.DagsterRunStatus.CANCELED,
        )
    )

    assert again.is_finished
    assert daemon.tick().skipped == "Nothing to do: no partition's latest run failed or timed out."


def test_what_is_under_way_is_not_requested_again(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator, clock: ManualClock
) -> None:
    simulator.faults.add(RunTakes(HOUR), SUMMARIES, times=2)
    orchestra.launch([asset], FIRST, "2026-06-02")
    clock.sleep(HOUR)

    orchestra.instance.add_run(
        dg.DagsterRun(
            job_name="any",
            asset_selection=frozenset({asset.key}),
            tags={
                "dagster/asset_partition_range_start": "2026-05-30",
                "dagster/asset_partition_range_end": FIRST,
            },
            status=dg.DagsterRunStatus.STARTED,
        )
    )

    assert daemon.tick().partitions == ["2026-06-02"]


def test_another_deployment_on_the_account_sets_nothing_off(
    orchestra: Orchestra, report: ConfiguredReport, daemon: Daemon, simulator: Simulator
) -> None:
    with orchestra.stripe.client() as client:
        client.create_report_run(report.query.request(report.partition(FIRST)), idempotency_key="theirs")

    assert daemon.tick().requests == []


def test_two_reports_that_share_a_report_run_are_both_picked_up(
    orchestra: Orchestra, report: ConfiguredReport, simulator: Simulator, clock: ManualClock
) -> None:
    twin = replace(report, query=replace(report.query, name="twin"))
    assets = [build_report_asset(each, retry_policy=None) for each in (report, twin)]
    simulator.faults.add(RunTakes(HOUR), SUMMARIES)
    for asset in assets:
        orchestra.launch([asset], FIRST)
    clock.sleep(HOUR)
    daemon = Daemon(orchestra, assets, build_late_report_sensor([report, twin]))

    tick = daemon.tick_and_run()

    assert len({request.run_key for request in tick.requests}) == 2
    assert [len(orchestra.recorded(asset)) for asset in assets] == [1, 1]
    assert len(simulator.runs) == 1


def test_a_pick_up_that_keeps_failing_here_is_tried_three_times(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator, clock: ManualClock
) -> None:
    simulator.faults.add(RunTakes(HOUR), SUMMARIES)
    orchestra.launch([asset], FIRST)
    clock.sleep(HOUR)
    simulator.faults.add(Respond(403, stage=Stage.BEFORE), "GET */contents", times=None)

    ticks = [daemon.tick_and_run() for _ in range(5)]

    assert [len(tick.requests) for tick in ticks] == [1, 1, 1, 0, 0]
    assert "1 failed too often in Dagster" in ticks[-1].skipped


def test_what_a_person_re_executes_in_vain_is_no_try_of_the_sensor(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator, clock: ManualClock
) -> None:
    simulator.faults.add(RunTakes(HOUR), SUMMARIES)
    orchestra.launch([asset], FIRST)
    clock.sleep(HOUR)
    fault = simulator.faults.add(Respond(403, stage=Stage.BEFORE), "GET */contents", times=None)
    daemon.tick_and_run()
    for _ in range(3):
        (newest,) = orchestra.instance.get_runs(limit=1)
        again = {**newest.tags, "dagster/parent_run_id": newest.run_id}
        orchestra.launch([asset], FIRST, tags=again)
    simulator.faults.remove(fault)

    assert daemon.tick_and_run().partitions == [FIRST]
    assert [key for key, _ in orchestra.recorded(asset)] == [FIRST]


def test_a_refresh_that_comes_late_brings_the_newer_file(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator, clock: ManualClock
) -> None:
    orchestra.launch([asset], FIRST)
    simulator.faults.add(RunTakes(HOUR), SUMMARIES)
    orchestra.launch([asset], FIRST)
    clock.sleep(HOUR)

    tick = daemon.tick_and_run()

    assert tick.partitions == [FIRST]
    runs = [event.metadata["stripe/report_run_id"].value for _, event in orchestra.recorded(asset)]
    assert runs == [run.id for run in simulator.runs]
    assert daemon.tick().requests == []


def test_a_refresh_that_failed_at_stripe_is_requested_again_as_a_refresh(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator, clock: ManualClock
) -> None:
    orchestra.launch([asset], FIRST)
    simulator.faults.add(RunFails(seconds=HOUR), SUMMARIES)
    orchestra.launch([asset], FIRST)
    clock.sleep(HOUR)

    daemon.tick_and_run()

    assert len(orchestra.recorded(asset)) == 2
    assert len(simulator.runs) == 3


def test_a_replacement_that_fails_at_once_is_the_last_one(
    orchestra: Orchestra, asset: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator, clock: ManualClock
) -> None:
    simulator.faults.add(RunFails(seconds=HOUR), SUMMARIES)
    simulator.faults.add(RunFails(), SUMMARIES, times=None)
    orchestra.launch([asset], FIRST)

    for _ in range(4):
        clock.sleep(2 * HOUR)
        daemon.tick_and_run()

    assert len(simulator.runs) == 3
