"""Backfills of hundreds of partitions against the real Dagster: all there, once, and at what price."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.simulator import Simulator
from connector.simulator.server import serve
from tests.e2e.census import (
    Cost,
    days_from,
    expect_everything_once,
    repeated_requests,
    requests_by_kind,
    shortest_wait,
)
from tests.e2e.conditions import until
from tests.e2e.console import DagsterRun, missing
from tests.e2e.deployment import ACTIVITY, LATE_SENSOR, SUMMARY, Deployment, Setup
from tests.faults.runs import LongTail

pytestmark = pytest.mark.soak

BOTH = (SUMMARY, ACTIVITY)
AVAILABILITY_SENSOR = "stripe_availability"
SENSORS = (AVAILABILITY_SENSOR, LATE_SENSOR, "stripe_payouts")
RANGE = 31
AT_ONCE = 4

sizes = pytest.mark.parametrize("count", [pytest.param(40, id="40-days"), pytest.param(365, id="year")])


def _world(count: int) -> tuple[Simulator, list[str]]:
    """A Stripe with the usual latency, and the keys of the last `count` days it has data for."""
    first = (datetime.now(UTC) - timedelta(days=count + 3)).date()
    simulator = Simulator(seed=7, volume=3, opening=first)
    simulator.faults.add(LongTail(), "POST /v1/reporting/report_runs", times=None)
    return simulator, days_from(first, count)


def _setup(days: Sequence[str], *, longest_run: int = 7200) -> Setup:
    # Noticed within seconds rather than a minute; the rest of the example is tested as it is.
    monitoring = {"poll_interval_seconds": 5, "max_runtime_seconds": longest_run}
    return Setup(datetime.fromisoformat(days[0]).date(), instance={"run_monitoring": monitoring})


@sizes
def test_a_backfill_requests_each_partition_once_and_cheaply(tmp_path: Path, count: int) -> None:
    simulator, days = _world(count)
    with serve(simulator) as stripe, Deployment(tmp_path, stripe, _setup(days)) as dagster:
        began = time.monotonic()
        backfill = dagster.console.backfill(BOTH, days)
        ended = dagster.console.backfill_finished(backfill, within=120 + 6 * count)
        wall = time.monotonic() - began

        cost = Cost(
            partitions=len(BOTH) * count,
            report_runs=len(simulator.runs),
            requests=len(simulator.requests),
            dagster_runs=len(dagster.console.runs()),
            wall=wall,
            waiting=shortest_wait(simulator, range_size=RANGE, at_once=AT_ONCE),
        )
        print(f"\n{cost}\n{requests_by_kind(simulator)}")
        assert (ended.status, ended.materialized) == ("COMPLETED_SUCCESS", cost.partitions)
        expect_everything_once(dagster, BOTH, days)
    assert cost.report_runs == cost.partitions
    # An end is noticed within a tenth of a run's age: some twenty-seven polls, whatever the range's size.
    # Forty days make a range of 31 and one of nine, which by itself costs five requests a partition.
    assert cost.requests_per_partition <= (3.0 if count >= 365 else 3.5)
    assert not dagster.left_behind


def test_a_backfill_beside_all_sensors_requests_nothing_twice_and_as_cheaply(tmp_path: Path) -> None:
    """304 partitions, two weeks of which the availability sensor would ask for as well; it brings in a third
    report meanwhile, and the payouts that this one names."""
    count = 152
    first = (datetime.now(UTC) - timedelta(days=count + 3)).date()
    simulator, days = Simulator(seed=7, volume=3, opening=first), days_from(first, count)
    setup = Setup(
        first,
        reports=[
            "balance.summary.1",
            "balance_change_from_activity.itemized.3",
            "payout_reconciliation.itemized.4",
            "payout_reconciliation.by_id.itemized.4",
        ],
        # The sensor for payouts requests them, and that for windows begins once the backfill is launched.
        automation={"ask_by": "schedule", "look_every_seconds": 30},
    )
    with serve(simulator) as stripe, Deployment(tmp_path, stripe, setup) as dagster:
        console = dagster.console
        backfill = console.backfill(BOTH, days)
        console.start_sensor(AVAILABILITY_SENSOR)
        ended = console.backfill_finished(backfill, within=1200)
        ticked = {name: console.last_tick(name) for name in SENSORS}
        until(
            lambda: all(console.last_tick(name) > ticked[name] for name in SENSORS),
            within=180,
            what="every sensor has ticked once more",
        )
        until(lambda: all(run.has_ended for run in console.runs()), within=300, what="all runs have ended")

        each = len(simulator.requests) / len(simulator.runs)
        twice = repeated_requests(simulator)
        print(
            f"\n{len(BOTH) * count} partitions: {len(simulator.runs)} report runs with those of the sensors, "
            f"{each:.2f} requests for each, {twice} twice\n{requests_by_kind(simulator)}"
        )
        assert (ended.status, ended.materialized) == ("COMPLETED_SUCCESS", len(BOTH) * count)
        assert {console.sensors()[name] for name in SENSORS} == {"RUNNING"}
        expect_everything_once(dagster, BOTH, days)
    assert {run.report_type for run in simulator.runs} > {"payout_reconciliation.itemized.4"}
    assert not twice
    assert each <= 2.7


def _kill_step(dagster: Deployment) -> None:
    _kill(dagster.console.step_process(_with_step(dagster).id))


def _kill_run(dagster: Deployment) -> None:
    _kill(dagster.console.run_process(_with_step(dagster).id))


def _kill(process: int | None) -> None:
    assert process is not None
    os.kill(process, signal.SIGKILL)


def _kill_code_server(dagster: Deployment) -> None:
    dagster.code_server.kill()
    dagster.restart(dagster.code_server)


def _kill_code_server_and_its_runs(dagster: Deployment) -> None:
    dagster.code_server.kill_all()
    dagster.restart(dagster.code_server)


def _kill_daemon(dagster: Deployment) -> None:
    dagster.daemon.kill()
    dagster.restart(dagster.daemon)


def _with_step(dagster: Deployment) -> DagsterRun:
    """A run whose step is at work."""

    def found() -> DagsterRun | None:
        started = dagster.console.runs(status="STARTED")
        return next((run for run in started if dagster.console.step_process(run.id)), None)

    return until(found, within=120, what="a step is at work")


@sizes
@pytest.mark.parametrize(
    "strike",
    [
        pytest.param(_kill_step, id="step"),
        pytest.param(_kill_run, id="run"),
        pytest.param(_kill_code_server, id="code-server"),
        pytest.param(_kill_code_server_and_its_runs, id="code-server-and-its-runs"),
        pytest.param(_kill_daemon, id="daemon"),
    ],
)
def test_what_is_killed_in_mid_backfill_costs_nothing_twice(
    tmp_path: Path, count: int, strike: Callable[[Deployment], None]
) -> None:
    """Each server is killed with -9 and started again; nothing is lost, requested twice or recorded twice."""
    simulator, days = _world(count)
    setup = _setup(days, longest_run=150)
    with serve(simulator) as stripe, Deployment(tmp_path, stripe, setup) as dagster:
        backfill = dagster.console.backfill(BOTH, days)
        until(lambda: _materialized(dagster, days) >= count // 4, within=300, what="a quarter is there")
        strike(dagster)
        ended = dagster.console.backfill_finished(backfill, within=300 + 8 * count)
        again = _complete(dagster, days)
        print(f"\n{ended}; launched again by hand: {again}; {len(simulator.runs)} report runs")
        print(_told(dagster))
        expect_everything_once(dagster, BOTH, days)
    assert not repeated_requests(simulator)


def _materialized(dagster: Deployment, days: Sequence[str]) -> int:
    return sum(len(dagster.console.event_counts(asset, days)) for asset in BOTH)


def _complete(dagster: Deployment, days: Sequence[str]) -> int:
    """Launch what is missing, as a person would; how many partitions that were."""
    launched = 0
    for asset in BOTH:
        left = missing(dagster.console.event_counts(asset, days), days)
        if left:
            launched += len(left)
            backfill = dagster.console.backfill([asset], left)
            dagster.console.backfill_finished(backfill, within=300)
    return launched


def _told(dagster: Deployment) -> str:
    runs = dagster.console.runs()
    return "\n".join(
        f"  {run.id[:8]} {run.status} retry {run.tags.get('dagster/retry_number', 0)}"
        f" {run.tags.get('dagster/asset_partition_range_start')} {run.tags.get('dagster/step_selection', '')}"
        for run in reversed(runs)
        if run.status != "SUCCESS" or "dagster/retry_number" in run.tags
    )


def test_a_terminated_run_ends_at_once_and_the_next_one_adopts(tmp_path: Path) -> None:
    """The report runs go on at Stripe and are adopted; nothing half-written is left."""
    simulator, days = _world(RANGE)
    with serve(simulator) as stripe, Deployment(tmp_path, stripe, _setup(days)) as dagster:
        dagster.console.backfill([ACTIVITY], days)
        run = _with_step(dagster)
        until(
            lambda: dagster.console.event_counts(ACTIVITY, days),
            within=90,
            what="a partition is there",
            every=0.1,
        )
        began = time.monotonic()
        dagster.console.terminate(run.id)
        ended = dagster.console.finished(run.id, within=30)
        took = time.monotonic() - began
        before = len(dagster.console.event_counts(ACTIVITY, days))

        left = missing(dagster.console.event_counts(ACTIVITY, days), days)
        again = dagster.console.backfill([ACTIVITY], left)
        dagster.console.backfill_finished(again, within=300)
        print(f"\n{ended.status} in {took:.1f} s with {before} partitions there")
        expect_everything_once(dagster, [ACTIVITY], days)
        assert not [*dagster.root.rglob("*.csv"), *(dagster.root / ".staging").rglob("*.parquet")]
    assert ended.status == "CANCELED"
    assert took <= 3
    assert len(simulator.runs) == RANGE
