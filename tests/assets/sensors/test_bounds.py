"""A Stripe that refuses windows which touch the bounds of its data makes one run fail, and not one a day."""

from datetime import UTC, date, datetime

import dagster as dg
import pytest

from assets import ConfiguredReport
from assets.automation.newest_partition import build_newest_partition_check
from assets.sensors.availability_sensor import build_availability_sensor
from connector.simulator import Simulator
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra
from tests.support.sensing import Daemon

SIX_HOURS = 21_600.0


@pytest.fixture(params=[False, True], ids=["bounds-included", "bounds-excluded"])
def excluded(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def simulator(clock: ManualClock, excluded: bool) -> Simulator:
    """Data from the 4th of June on."""
    return Simulator(
        clock, seed=7, volume=1, run_seconds=0, opening=date(2026, 6, 4), bounds_excluded=excluded
    )


@pytest.fixture
def daemon(orchestra: Orchestra, summary_report: ConfiguredReport, summary: dg.AssetsDefinition) -> Daemon:
    """Of the sensor that asks for what is ready; nothing is refreshed."""
    return Daemon(orchestra, [summary], build_availability_sensor([summary_report], refresh_after=()))


def failed(orchestra: Orchestra) -> list[dg.DagsterRun]:
    """The runs that are red, oldest first."""
    found = orchestra.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    return list(reversed(found))


def test_each_bound_is_tried_once_and_every_day_comes_as_soon_as_it_is_taken(
    orchestra: Orchestra, summary: dg.AssetsDefinition, daemon: Daemon, clock: ManualClock, excluded: bool
) -> None:
    """Four days, a tick every six hours, the cursor lost at each."""
    for _ in range(16):
        daemon.tick_and_run()
        daemon.cursor = None
        clock.sleep(SIX_HOURS)

    # At the last tick Stripe has data until noon of the 10th.
    there = sorted(partition for partition, _ in orchestra.recorded(summary))
    every_day = [f"2026-06-{day:02}" for day in range(4, 10)]
    assert there == (every_day[1:] if excluded else every_day)
    assert [run.tags["stripe/refused_at"] for run in failed(orchestra)] == (["end start"] if excluded else [])


def test_a_refusal_at_one_bound_says_nothing_of_the_other(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator, daemon: Daemon, excluded: bool
) -> None:
    orchestra.launch([summary], "2026-06-04")
    simulator.set_available_until("balance.summary.1", datetime(2026, 6, 6, 12, tzinfo=UTC))

    asked = daemon.tick_and_run()
    said = daemon.tick().skipped

    assert asked.partitions == ["2026-06-05"]
    assert ("begins exactly where its data do" in said) is excluded
    assert "ends exactly" not in said
    assert [run.tags["stripe/outcome"] for run in failed(orchestra)] == (["before_data"] if excluded else [])


def test_nor_of_another_report(orchestra: Orchestra, summary: dg.AssetsDefinition, daemon: Daemon) -> None:
    """A run of the same windows, of an asset that is not ours."""
    orchestra.instance.add_run(
        dg.DagsterRun(
            job_name="any",
            asset_selection=frozenset({dg.AssetKey("another")}),
            tags={"dagster/partition": "2026-06-06", "stripe/refused_at": "end start"},
            status=dg.DagsterRunStatus.FAILURE,
        )
    )

    assert daemon.tick().partitions == ["2026-06-04..2026-06-06"]


def test_the_newest_partition_is_looked_for_among_those_that_stripe_takes(
    orchestra: Orchestra, summary_report: ConfiguredReport, daemon: Daemon
) -> None:
    daemon.tick_and_run()
    checks = build_newest_partition_check(summary_report)
    job = dg.define_asset_job("checks", selection=dg.AssetSelection.checks(checks))
    definitions = dg.Definitions(asset_checks=[checks], jobs=[job], resources=orchestra.resources)

    result = definitions.resolve_job_def("checks").execute_in_process(instance=orchestra.instance)

    assert [each.passed for each in result.get_asset_check_evaluations()] == [True]
