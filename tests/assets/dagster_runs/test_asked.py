"""Asked is not done: a run that dies before it has a report run is asked for again, three times in all."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import dagster as dg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assets import ConfiguredReport
from assets.dagster_runs.asked import MOST_TIMES, AskAgain, Attempt, ask_again, times_in, value_of
from assets.dagster_runs.history import PartitionGrid
from assets.dagster_runs.launches import SOON, Launches
from assets.dagster_runs.tags import ASKED_TAG
from assets.sensors.availability_sensor import build_availability_sensor
from connector.simulator import Simulator
from connector.simulator.faults import Stage
from tests.faults.network import Respond
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra, configured
from tests.support.runs import Runs
from tests.support.sensing import Daemon, Tick

DAY = "2026-06-06"

S = dg.DagsterRunStatus


@pytest.fixture
def daemon(orchestra: Orchestra, summary: dg.AssetsDefinition, summary_report: ConfiguredReport) -> Daemon:
    sensor = build_availability_sensor(
        [summary_report], look_back=timedelta(days=1), refresh_after=(timedelta(days=3),)
    )
    return Daemon(orchestra, [summary], sensor)


@pytest.fixture
def rolled_key(simulator: Simulator) -> Iterator[None]:
    """Stripe knows the key no more when a run begins, and knows the sensor's."""
    said = {"error": {"type": "invalid_request_error", "message": "Expired API Key"}}
    fault = simulator.faults.add(
        Respond(401, said, stage=Stage.BEFORE), "POST /v1/reporting/report_runs", times=None
    )
    yield
    simulator.faults.remove(fault)


def never_started(orchestra: Orchestra, report: ConfiguredReport, tick: Tick) -> None:
    """Dagster made the runs of a tick, and no worker ever came up."""
    for request in tick.requests:
        sensor = {"dagster/sensor_name": "stripe_availability", "dagster/run_key": str(request.run_key)}
        Runs(orchestra.instance, report).add(
            str(request.partition_key), status=S.FAILURE, tags={**request.tags, **sensor}
        )


def warned(tick: Tick) -> bool:
    return f"Asked for {MOST_TIMES} times in vain: {DAY}" in tick.skipped


@pytest.mark.parametrize("due", ["missing", "refresh"])
def test_what_died_with_a_rolled_key_is_asked_for_three_times_and_then_named(
    *,
    orchestra: Orchestra,
    summary: dg.AssetsDefinition,
    daemon: Daemon,
    clock: ManualClock,
    request: pytest.FixtureRequest,
    due: str,
) -> None:
    if due == "refresh":
        orchestra.launch([summary], DAY)
        clock.sleep(3 * 86_400.0)
    request.getfixturevalue("rolled_key")

    ticks = [daemon.tick_and_run() for _ in range(5)]

    asked = [[each for each in tick.requests if each.partition_key == DAY] for tick in ticks]
    if due == "missing":
        assert [len(each) for each in asked] == [1, 1, 1, 0, 0]
    values = [each[0].tags[ASKED_TAG] for each in asked if each]
    assert [times_in(value) for value in values] == [1, 2, 3]
    assert values[0].startswith(due)
    assert len({each[0].run_key for each in asked if each}) == MOST_TIMES
    assert all(f"Asked for {MOST_TIMES} times in vain" in tick.skipped for tick in ticks[3:])
    assert DAY in ticks[4].skipped


def test_the_day_comes_in_once_the_key_is_right_again(
    orchestra: Orchestra, summary: dg.AssetsDefinition, daemon: Daemon, simulator: Simulator
) -> None:
    fault = simulator.faults.add(Respond(401, stage=Stage.BEFORE), "POST */report_runs", times=None)
    daemon.tick_and_run()
    simulator.faults.remove(fault)

    daemon.tick_and_run()

    assert [key for key, _ in orchestra.recorded(summary)] == [DAY]
    assert len(simulator.runs) == 1


def test_a_worker_that_never_started_is_asked_for_again_and_no_more_often(
    orchestra: Orchestra, summary_report: ConfiguredReport, daemon: Daemon
) -> None:
    ticks = []
    for _ in range(5):
        ticks.append(daemon.tick())
        never_started(orchestra, summary_report, ticks[-1])

    assert [tick.partitions for tick in ticks] == [[DAY], [DAY], [DAY], [], []]
    assert warned(ticks[-1])


def test_a_lost_cursor_changes_nothing(
    orchestra: Orchestra, summary_report: ConfiguredReport, daemon: Daemon
) -> None:
    ticks = []
    for _ in range(5):
        daemon.cursor = None
        ticks.append(daemon.tick())
        never_started(orchestra, summary_report, ticks[-1])

    assert [tick.partitions for tick in ticks] == [[DAY], [DAY], [DAY], [], []]


def test_new_data_at_stripe_are_a_new_reason(
    orchestra: Orchestra, summary_report: ConfiguredReport, daemon: Daemon, clock: ManualClock
) -> None:
    for _ in range(4):
        never_started(orchestra, summary_report, daemon.tick())
    clock.sleep(43_200.0)

    assert daemon.tick().partitions == [DAY]


# The code location is down


def test_a_run_that_was_created_and_never_started_is_asked_for_again_after_a_while(
    instance: dg.DagsterInstance, summary_report: ConfiguredReport
) -> None:
    asked = {ASKED_TAG: value_of("why", 1), "dagster/sensor_name": "stripe_availability"}
    never = Runs(instance, summary_report).add(DAY, status=S.NOT_STARTED, tags=asked)
    grid = PartitionGrid.of(summary_report)

    def attempts(now: datetime) -> Mapping[str, Attempt]:
        return ask_again(instance, Launches(instance, now), summary_report, grid, {DAY: "why"}).attempts

    assert attempts(datetime.now(UTC)) == {}
    assert attempts(datetime.now(UTC) + SOON + timedelta(minutes=1)) == {DAY: Attempt(2, never)}


def test_what_was_asked_for_is_asked_for_again_where_a_persons_launch_has_died_since(
    instance: dg.DagsterInstance, summary_report: ConfiguredReport
) -> None:
    runs, grid = Runs(instance, summary_report), PartitionGrid.of(summary_report)
    asked = {ASKED_TAG: value_of("why", 1), "dagster/sensor_name": "stripe_availability"}
    first = runs.add(DAY, status=S.FAILURE, tags=asked)
    by_hand = runs.add(DAY, status=S.FAILURE)

    def attempts() -> Mapping[str, Attempt]:
        return ask_again(instance, Launches(instance), summary_report, grid, {DAY: "why"}).attempts

    unbegun = attempts()
    runs.observe(by_hand, DAY)

    assert unbegun == {DAY: Attempt(2, first)}
    assert attempts() == {}


# A law over what came of each time


ENDS = st.lists(st.sampled_from(["died", "died-begun", "well"]), max_size=7)


@given(ends=ENDS, gone_after_success=st.booleans())
@example(ends=["well"] * 4, gone_after_success=True)
@example(ends=["died", "died", "well", "died", "died", "died"], gone_after_success=True)
def test_it_is_asked_for_while_runs_die_and_never_more_than_three_times_in_a_row(
    *, ends: list[str], gone_after_success: bool
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        report = configured("balance.summary.1")
        grid, runs = PartitionGrid.of(report), Runs(instance, report)

        def again() -> AskAgain:
            reasons = {DAY: "why"}
            return ask_again(
                instance, Launches(instance), report, grid, reasons, after_success=gone_after_success
            )

        asked: list[Attempt] = []
        for end in ends:
            attempt = again().attempts.get(DAY)
            if attempt is None:
                break
            asked.append(attempt)
            status = S.SUCCESS if end == "well" else S.FAILURE
            run = runs.add(DAY, status=status, tags={ASKED_TAG: value_of("why", attempt.number)})
            if end == "died-begun":
                runs.observe(run, DAY)

        deaths = len(list(takewhile(lambda end: end == "died", reversed(ends[: len(asked)]))))
        before = ends[: len(asked) - deaths]
        goes_on = not before or (before[-1] == "well" and gone_after_success)
        assert (DAY in again().attempts) == (goes_on and deaths < MOST_TIMES)
        assert (DAY in again().given_up) == (goes_on and deaths == MOST_TIMES)
        assert len(set(asked)) == len(asked)


def test_a_file_that_is_taken_away_after_each_good_run_is_asked_for_each_time(
    orchestra: Orchestra, summary: dg.AssetsDefinition, daemon: Daemon
) -> None:
    ticks = []
    for _ in range(MOST_TIMES + 2):
        ticks.append(daemon.tick_and_run())
        (file,) = orchestra.root.glob("test/*/*/*/report.parquet")
        file.unlink()

    assert [tick.partitions for tick in ticks] == [[DAY]] * (MOST_TIMES + 2)
    assert len({tick.requests[0].run_key for tick in ticks}) == len(ticks)
    assert not any("in vain" in tick.skipped for tick in ticks)


def test_what_was_given_up_and_a_person_brought_in_is_asked_for_when_its_file_is_gone(
    orchestra: Orchestra, summary: dg.AssetsDefinition, summary_report: ConfiguredReport, daemon: Daemon
) -> None:
    for _ in range(MOST_TIMES):
        never_started(orchestra, summary_report, daemon.tick())
    given_up = daemon.tick()
    orchestra.launch([summary], DAY)
    (file,) = orchestra.root.glob("test/*/*/*/report.parquet")
    file.unlink()

    assert warned(given_up)
    assert daemon.tick().partitions == [DAY]
