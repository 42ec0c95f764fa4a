"""However the ticks of two sensors interleave, one of them requests a partition that both want."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import httpx
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.dagster_runs.claims import MOST_IN_HAND, claim
from assets.dagster_runs.history import PartitionGrid
from assets.dagster_runs.run_requests import RangeRunRequest
from assets.sensors.availability_sensor import build_availability_sensor
from assets.sensors.late_sensor import build_late_report_sensor
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.runs.adoption import WaitPolicy
from connector.simulator import Match, Simulator
from tests.faults.runs import RunTakes
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra
from tests.support.runs import Runs
from tests.support.sensing import Daemon

DAY = "2026-06-06"
HALF_DAY = 43_200.0
S = dg.DagsterRunStatus


class Meeting:
    """A report that came late is finished at Stripe, and the data have advanced: both sensors want it.

    Attributes:
        meanwhile: what happens once while a tick reads the files, or Stripe's list.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        report: ConfiguredReport,
        simulator: Simulator,
        clock: ManualClock,
        root: Path,
    ) -> None:
        self.meanwhile: Callable[[], object] = list
        meeting = self

        class Interrupted(Store):
            def keys(self, dataset: Dataset) -> tuple[str, ...]:
                found = super().keys(dataset)
                meeting.interrupt()
                return found

        def handle(request: httpx.Request) -> httpx.Response:
            answer = simulator.handle(request)
            if request.method == "GET" and request.url.path.endswith("/report_runs"):
                self.interrupt()
            return answer

        self.orchestra = Orchestra(instance, handle, clock, root, store=Interrupted)
        patient = replace(report, wait_policy=WaitPolicy(wait_timeout=timedelta(minutes=1)))
        self.asset = build_report_asset(patient, retry_policy=None)
        simulator.faults.add(RunTakes(600), Match(report_type="balance.summary.1"))
        self.orchestra.launch([self.asset], DAY)
        clock.sleep(HALF_DAY)
        sensors = {
            "asker": build_availability_sensor([patient], look_back=timedelta(days=1), refresh_after=()),
            "late": build_late_report_sensor([patient]),
        }
        self.daemons = {
            name: Daemon(self.orchestra, [self.asset], sensor) for name, sensor in sensors.items()
        }

    def interrupt(self) -> None:
        meanwhile, self.meanwhile = self.meanwhile, list
        meanwhile()


@pytest.fixture
def meeting(
    instance: dg.DagsterInstance,
    summary_report: ConfiguredReport,
    simulator: Simulator,
    clock: ManualClock,
    tmp_path: Path,
) -> Meeting:
    return Meeting(instance, summary_report, simulator, clock, tmp_path)


BOTH_WAYS = pytest.mark.parametrize(("one", "other"), [("asker", "late"), ("late", "asker")])


@pytest.mark.parametrize("name", ["asker", "late"])
def test_both_want_it(meeting: Meeting, name: str) -> None:
    assert meeting.daemons[name].tick().partitions == [DAY]


@BOTH_WAYS
@pytest.mark.parametrize("made", [True, False], ids=["its-run-has-ended", "its-run-is-not-made-yet"])
def test_what_another_one_requests_while_a_tick_reads_is_not_requested(
    *, meeting: Meeting, one: str, other: str, made: bool
) -> None:
    inner = meeting.daemons[other]
    meeting.meanwhile = inner.tick_and_run if made else inner.tick

    tick = meeting.daemons[one].tick()

    assert tick.requests == []
    assert [key for key, _ in meeting.orchestra.recorded(meeting.asset)] == [DAY] * made


@BOTH_WAYS
def test_what_another_one_requested_before_is_not_requested_though_its_run_is_not_made_yet(
    meeting: Meeting, one: str, other: str
) -> None:
    requested = meeting.daemons[other].tick()

    assert requested.partitions == [DAY]
    assert meeting.daemons[one].tick().requests == []


def test_a_claim_ends_with_the_run_it_is_for(
    instance: dg.DagsterInstance, summary_report: ConfiguredReport
) -> None:
    grid = PartitionGrid.of(summary_report)
    request = RangeRunRequest(summary_report, (DAY,), "why")

    def granted(by: str) -> bool:
        return bool(claim(instance, [request], {grid.asset: grid}, by=by, since=datetime.now(UTC)))

    mine, theirs_before, mine_again = granted("a"), granted("b"), granted("a")
    Runs(instance, summary_report).add(DAY, status=S.FAILURE)

    assert (mine, theirs_before, mine_again) == (True, False, True)
    assert granted("b")


def test_a_backfill_that_somebody_launches_while_a_tick_reads_holds_back(
    meeting: Meeting, summary_report: ConfiguredReport
) -> None:
    runs = Runs(meeting.orchestra.instance, summary_report)
    meeting.meanwhile = lambda: runs.add_backfill([DAY], status="REQUESTED")

    assert meeting.daemons["late"].tick().requests == []


def test_a_sensor_is_granted_what_is_missing_to_the_runs_it_may_have_in_hand(
    instance: dg.DagsterInstance, summary_report: ConfiguredReport
) -> None:
    grid, runs = PartitionGrid.of(summary_report), Runs(instance, summary_report)
    days = [f"2026-06-{day:02}" for day in range(1, 31)]
    runs.add("2026-05-01", status=S.STARTED, tags={"dagster/sensor_name": "another"})
    runs.add("2026-05-02", status=S.STARTED)

    def granted() -> list[str]:
        left = [RangeRunRequest(summary_report, (day,), "why") for day in days]
        asked = claim(instance, left, {grid.asset: grid}, by="a", since=datetime.now(UTC))
        return [key for each in asked for key in each.keys]

    first = granted()
    own = [runs.add(day, status=S.STARTED, tags={"dagster/sensor_name": "a"}) for day in first]
    none = granted()
    for run_id in own[:2]:
        runs.end(run_id)
    days = days[MOST_IN_HAND:]

    assert first == [f"2026-06-{day:02}" for day in range(1, MOST_IN_HAND + 1)]
    assert none == []
    assert granted() == days[:2]
