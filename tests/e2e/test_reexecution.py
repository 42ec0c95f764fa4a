"""The real Dagster re-executes runs, in each way the UI offers and by itself: what is missing comes, and only
what ended well is asked again."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connector.simulator import Simulator
from connector.simulator.server import serve
from tests.e2e.conditions import until
from tests.e2e.console import DagsterRun
from tests.e2e.deployment import SUMMARY, Deployment, Setup
from tests.faults.runs import RunFails, RunTakes
from tests.support.stripe import asking_for

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("ps") is None, reason="counts processes with ps"),
]

FIRST = (datetime.now(UTC) - timedelta(days=40)).date()
#: Report runs that a partition may cost in one Dagster run.
ATTEMPTS = 3


def three_days(after: int) -> list[str]:
    return [f"{FIRST + timedelta(days=after + number)}" for number in range(3)]


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    return Simulator(seed=7, volume=3, run_seconds=0)


@pytest.fixture(scope="module")
def dagster(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    setup = Setup(FIRST, automation={"pick_up_late": False})
    with serve(simulator) as stripe, Deployment(tmp_path_factory.mktemp("dagster"), stripe, setup) as running:
        yield running


@pytest.mark.parametrize(
    ("strategy", "after"), [("FROM_ASSET_FAILURE", 0), ("FROM_FAILURE", 3), ("ALL_STEPS", 6)]
)
def test_what_a_run_has_missed_comes_with_its_re_execution(
    dagster: Deployment, simulator: Simulator, strategy: str, after: int
) -> None:
    days, asked = three_days(after), len(simulator.runs)
    simulator.faults.add(RunFails(), asking_for(days[1]), times=ATTEMPTS)

    failed = dagster.console.launch_range(SUMMARY, days[0], days[-1])
    assert dagster.console.finished(failed).status == "FAILURE"
    again = dagster.console.reexecute(failed, strategy)

    assert dagster.console.finished(again).status == "SUCCESS"
    assert dagster.console.event_counts(SUMMARY, days) == dict.fromkeys(days, 1)
    assert len(simulator.runs) == asked + len(days) + ATTEMPTS


def test_what_a_run_has_missed_comes_with_an_automatic_retry(
    dagster: Deployment, simulator: Simulator
) -> None:
    days = three_days(9)
    simulator.faults.add(RunFails(), asking_for(days[1]), times=ATTEMPTS)
    tags = {
        "dagster/max_retries": "1",
        "dagster/retry_strategy": "FROM_ASSET_FAILURE",
        "dagster/retry_on_asset_or_op_failure": "true",
    }

    failed = dagster.console.launch_range(SUMMARY, days[0], days[-1], tags=tags)

    def retried() -> DagsterRun | None:
        runs = dagster.console.runs()
        return next((each for each in runs if each.tags.get("dagster/parent_run_id") == failed), None)

    retry = until(retried, within=120, what="Dagster retries the run")
    assert dagster.console.finished(retry.id).status == "SUCCESS"
    assert dagster.console.event_counts(SUMMARY, days) == dict.fromkeys(days, 1)


def test_what_a_cancelled_run_had_not_brought_yet_comes_with_its_re_execution(
    dagster: Deployment, simulator: Simulator
) -> None:
    days = three_days(12)
    simulator.faults.add(RunTakes(20), asking_for(days[1]))
    cancelled = dagster.console.launch_range(SUMMARY, days[0], days[-1])
    until(
        lambda: len(dagster.console.event_counts(SUMMARY, days)) == len(days) - 1,
        within=90,
        what="two of three are there",
    )

    dagster.console.terminate(cancelled)
    assert dagster.console.finished(cancelled).status == "CANCELED"
    again = dagster.console.reexecute(cancelled, "FROM_ASSET_FAILURE")

    assert dagster.console.finished(again).status == "SUCCESS"
    assert dagster.console.event_counts(SUMMARY, days) == dict.fromkeys(days, 1)


def test_a_run_that_ended_well_is_asked_again(dagster: Deployment, simulator: Simulator) -> None:
    days = three_days(15)
    good = dagster.console.launch_range(SUMMARY, days[0], days[-1], tags={"stripe/intent": "ensure"})
    assert dagster.console.finished(good).status == "SUCCESS"
    asked = len(simulator.runs)

    again = dagster.console.reexecute(good, "ALL_STEPS")

    assert dagster.console.finished(again).status == "SUCCESS"
    assert dagster.console.event_counts(SUMMARY, days) == dict.fromkeys(days, 2)
    assert len(simulator.runs) == asked + len(days)
