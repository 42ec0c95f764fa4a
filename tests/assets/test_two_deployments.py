"""Two deployments on one Stripe account, a Dagster and a root each, share report runs and nothing else."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from assets import build_report_asset
from assets.sensors.availability_sensor import build_availability_sensor
from assets.sensors.late_sensor import build_late_report_sensor
from connector.runs.adoption import WaitPolicy
from connector.simulator import Simulator
from tests.faults.runs import RunTakes
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra, configured
from tests.support.sensing import Daemon

DAY = "2026-06-05"
REPORT = configured("balance.summary.1", wait_policy=WaitPolicy(wait_timeout=timedelta(minutes=1)))
ASSET = build_report_asset(REPORT, retry_policy=None)


@pytest.fixture
def both(simulator: Simulator, clock: ManualClock, tmp_path: Path) -> Iterator[tuple[Orchestra, Orchestra]]:
    """Staging and production."""
    with dg.DagsterInstance.ephemeral() as first, dg.DagsterInstance.ephemeral() as second:
        yield (
            Orchestra(first, simulator.handle, clock, tmp_path / "staging"),
            Orchestra(second, simulator.handle, clock, tmp_path / "production"),
        )


def test_a_report_run_that_one_has_requested_serves_the_other_and_is_recorded_in_each(
    both: tuple[Orchestra, Orchestra], simulator: Simulator, clock: ManualClock
) -> None:
    staging, production = both
    simulator.faults.add(RunTakes(3600))
    staging.launch([ASSET], DAY)
    clock.sleep(3600)

    result = production.launch([ASSET], DAY)

    assert result.success
    assert len(simulator.runs) == 1
    assert [len(each.recorded(ASSET)) for each in both] == [0, 1]
    assert [len(list(each.root.rglob("report.parquet"))) for each in both] == [0, 1]


def test_what_one_has_failed_to_bring_in_sets_off_nothing_in_the_other(
    both: tuple[Orchestra, Orchestra], simulator: Simulator, clock: ManualClock
) -> None:
    simulator.faults.add(RunTakes(3600))
    both[0].launch([ASSET], DAY)
    clock.sleep(3600)

    staging, production = (Daemon(each, [ASSET], build_late_report_sensor([REPORT])).tick() for each in both)

    assert staging.partitions == [DAY]
    assert production.requests == []


def test_what_one_holds_is_missing_in_the_other_and_neither_cursor_knows_of_it(
    both: tuple[Orchestra, Orchestra],
) -> None:
    sensor = build_availability_sensor([REPORT], look_back=timedelta(days=3), refresh_after=())
    staging, production = (Daemon(each, [ASSET], sensor) for each in both)

    brought = staging.tick_and_run()
    wanted = production.tick_and_run()

    assert wanted.partitions == brought.partitions != []
    assert staging.tick().requests == production.tick().requests == []
    assert len(both[1].recorded(ASSET)) == len(both[0].recorded(ASSET))
