"""What heals by itself: late runs, runs that never end, runs that fail; and whose business they are."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.simulator import Simulator
from connector.simulator.server import serve
from tests.e2e.census import days_from, expect_everything_once
from tests.e2e.conditions import until
from tests.e2e.console import Asset
from tests.e2e.deployment import ACTIVITY, LATE_SENSOR, SUMMARY, Deployment, Setup
from tests.faults.runs import LongTail, RunFails, RunTakes
from tests.support.stripe import asking_for

pytestmark = pytest.mark.soak

BOTH = (SUMMARY, ACTIVITY)
FOLLOWERS: tuple[Asset, ...] = tuple(("books", f"{asset[-1]}_rows") for asset in BOTH)
AUTOMATION = "default_automation_condition_sensor"

#: Longer than the longest honest report run, shorter than the late ones.
WAIT = timedelta(seconds=65)
LATE = 100.0
ABANDONED = timedelta(minutes=4)


def _first_day(count: int) -> str:
    return f"{(datetime.now(UTC) - timedelta(days=count + 3)).date()}"


@pytest.mark.parametrize("count", [pytest.param(40, id="40-days"), pytest.param(365, id="year")])
def test_a_bad_day_at_stripe_heals_without_a_hand(tmp_path: Path, count: int) -> None:
    """5 % of the runs fail once, 5 % never end, 3 % are late: the backfill says so, the sensor heals it."""
    first = _first_day(count)
    days = days_from(datetime.fromisoformat(first).date(), count)
    failing, endless, late = days[3::20], days[11::20], days[7::33]
    simulator = Simulator(seed=7, volume=3, opening=datetime.fromisoformat(first).date())
    simulator.faults.add(LongTail(), "POST /v1/reporting/report_runs", times=None)
    simulator.faults.add(RunFails(), asking_for(*failing, first_only=True), times=None)
    simulator.faults.add(RunTakes(None), asking_for(*endless, first_only=True), times=None)
    simulator.faults.add(RunTakes(LATE), asking_for(*late), times=None)
    setup = Setup(
        datetime.fromisoformat(first).date(),
        wait=WAIT,
        defaults={"abandon_after_hours": ABANDONED.total_seconds() / 3600},
    )
    with serve(simulator) as stripe, Deployment(tmp_path, stripe, setup) as dagster:
        console = dagster.console
        console.start_sensor(AUTOMATION)
        ended = console.backfill_finished(console.backfill(BOTH, days), within=300 + 8 * count)
        assert ended.status == "COMPLETED_FAILED"
        failed = console.runs(status="FAILURE")
        assert {run.tags["stripe/outcome"] for run in failed} == {"late"}
        said = "\n".join(console.failure_text(run.id) for run in failed)
        assert all(day in said for day in (*endless, *late))
        assert "goes on at Stripe" in said

        until(
            lambda: _all_there(dagster, BOTH, days), within=600 + 2 * count, what="all have healed", every=5
        )
        until(lambda: _all_there(dagster, FOLLOWERS, days), within=900, what="all are followed", every=5)
        print(f"\n{ended}; {len(simulator.runs)} report runs, {len(console.runs())} Dagster runs")
        expect_everything_once(dagster, BOTH, days)
        for follower in FOLLOWERS:
            assert console.event_counts(follower, days) == dict.fromkeys(days, 1)
    asked = Counter(run.parameters["interval_start"] for run in simulator.runs)
    assert len(simulator.runs) == 2 * (count + len(failing) + len(endless))
    assert set(asked.values()) == {2, 4}
    assert not dagster.left_behind


def _all_there(dagster: Deployment, assets: tuple[Asset, ...], days: list[str]) -> bool:
    return all(len(dagster.console.event_counts(asset, days)) == len(days) for asset in assets)


def test_two_deployments_of_one_account_mind_their_own_business(tmp_path: Path) -> None:
    """Late report runs of one are not adopted by the other, though both see the same list."""
    first = _first_day(5)
    simulator = Simulator(seed=7, volume=3, run_seconds=0)
    simulator.faults.add(RunTakes(15), asking_for(first), times=None)
    setup = Setup(datetime.fromisoformat(first).date(), wait=timedelta(seconds=2))
    with (
        serve(simulator) as stripe,
        Deployment(tmp_path / "one", stripe, setup) as one,
        Deployment(tmp_path / "other", stripe, setup) as other,
    ):
        run = one.console.launch(SUMMARY, first)
        assert one.console.finished(run).tags["stripe/outcome"] == "late"
        until(lambda: one.console.event_counts(SUMMARY, [first]), within=120, what="it has healed")

        seen = len(other.console.ticks(LATE_SENSOR))
        until(
            lambda: len(other.console.ticks(LATE_SENSOR)) >= seen + 2, within=60, what="the other has looked"
        )
        assert other.console.runs() == []
        assert not other.root.exists()
    assert len(simulator.runs) == 1
