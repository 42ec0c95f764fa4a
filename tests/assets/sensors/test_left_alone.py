"""What is in hand or was cancelled by a person is left alone by everything that asks by itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.automation.schedules import build_report_schedule
from assets.dagster_runs.history import PartitionGrid
from assets.dagster_runs.tags import RANGE_END, RANGE_START
from assets.reports.check_rules import CheckOptions
from assets.sensors.availability_sensor import build_availability_sensor
from assets.sensors.late_sensor import build_late_report_sensor
from assets.sensors.payout_sensor import build_payout_sensor
from connector.runs.adoption import WaitPolicy
from connector.simulator import Match, Simulator
from tests.faults.runs import RunFails
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra, configured
from tests.support.runs import Runs
from tests.support.sensing import Daemon

DAYS = [f"2026-06-0{day}" for day in range(2, 7)]
FIRST, LAST = DAYS[0], DAYS[-1]
ONE_PAYOUT = "payout_reconciliation.by_id.itemized.4"
S = dg.DagsterRunStatus

Asks = Callable[[], Sequence[str]]

ASKERS: Mapping[str, Callable[[ConfiguredReport], dg.SensorDefinition | dg.ScheduleDefinition]] = {
    "availability": lambda report: build_availability_sensor(
        [report], look_back=timedelta(days=5), refresh_after=()
    ),
    "refresh": lambda report: build_availability_sensor(
        [replace(report, start=date.fromisoformat(FIRST))],
        look_back=timedelta(days=14),
        refresh_after=(timedelta(days=6),),
    ),
    "late": lambda report: build_late_report_sensor([report]),
    "schedule": lambda report: build_report_schedule([report], last=5),
}


@pytest.fixture
def instance(request: pytest.FixtureRequest) -> Iterator[dg.DagsterInstance]:
    """One on disk for schedules, which look for no other."""
    on_disk = "[schedule]" in request.node.name
    with dg.instance_for_test() if on_disk else dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def summary_report() -> ConfiguredReport:
    """Without checks: their evaluations are most of what a run costs."""
    plain = configured("balance.summary.1")
    return replace(plain, checks=CheckOptions(skip=plain.checkable))


@pytest.fixture
def runs(instance: dg.DagsterInstance, summary_report: ConfiguredReport) -> Runs:
    return Runs(instance, summary_report)


@pytest.fixture(params=["availability", "refresh", pytest.param("late", marks=pytest.mark.long), "schedule"])
def asks(
    *,
    request: pytest.FixtureRequest,
    orchestra: Orchestra,
    summary_report: ConfiguredReport,
    summary: dg.AssetsDefinition,
    simulator: Simulator,
    clock: ManualClock,
) -> Asks:
    """What asks by itself for all five days, as long as nothing speaks against it."""

    if request.param == "refresh":
        orchestra.launch([summary], FIRST, LAST)
        simulator.set_available_until("balance.summary.1", datetime(2026, 6, 7, tzinfo=UTC))
        clock.sleep(9 * 86_400.0)
    if request.param == "late":
        simulator.faults.add(RunFails(seconds=120), Match(report_type="balance.summary.1"), times=5)
        orchestra.launch([impatient(summary_report)], FIRST, LAST)
        clock.sleep(3600.0)
    asker = ASKERS[request.param](summary_report)

    def ask() -> Sequence[str]:
        if isinstance(asker, dg.SensorDefinition):
            asked = Daemon(orchestra, [summary], asker).tick().requests
        else:
            asked = tick_schedule(orchestra, [summary], asker)
        grid = PartitionGrid.of(summary_report)
        return sorted(key for each in asked for key in keys_of(each, grid))

    return ask


def impatient(report: ConfiguredReport) -> dg.AssetsDefinition:
    policy = WaitPolicy(wait_timeout=timedelta(minutes=1))
    return build_report_asset(replace(report, wait_policy=policy), retry_policy=None)


def tick_schedule(
    orchestra: Orchestra, assets: Sequence[dg.AssetsDefinition], schedule: dg.ScheduleDefinition
) -> Sequence[dg.RunRequest]:
    definitions = dg.Definitions(assets=assets, schedules=[schedule], resources=orchestra.resources)
    context = dg.build_schedule_context(
        instance=orchestra.instance,
        scheduled_execution_time=datetime(2026, 6, 7, 12, 15, tzinfo=UTC),
        resources=orchestra.resources,
        repository_def=definitions.get_repository_def(),
    )
    with context:
        return schedule.evaluate_tick(context).run_requests or ()


def keys_of(request: dg.RunRequest, grid: PartitionGrid) -> Sequence[str]:
    first = request.partition_key or request.tags[RANGE_START]
    return grid.between(first, request.partition_key or request.tags[RANGE_END])


def test_without_anything_against_it_all_are_asked_for(asks: Asks) -> None:
    assert asks() == DAYS


def test_what_is_under_way_is_left_alone(asks: Asks, runs: Runs) -> None:
    runs.add(DAYS[1], DAYS[2], status=S.STARTED)
    runs.add(DAYS[3], status=S.STARTING)

    assert asks() == [DAYS[0], DAYS[4]]


def test_a_backfill_under_way_is_left_alone_however_many_newer_ones_have_ended(
    asks: Asks, runs: Runs
) -> None:
    runs.add_backfill(DAYS[:3], status="REQUESTED", age=100)
    for number in range(25):
        runs.add_backfill([LAST], status="COMPLETED_FAILED", age=90 - number)

    assert asks() == DAYS[3:]


def test_what_a_person_cancelled_stays_so_until_a_person_launches_it(asks: Asks, runs: Runs) -> None:
    runs.add(FIRST, LAST, status=S.CANCELED)
    cancelled = asks()
    runs.add(DAYS[2], status=S.STARTED)
    under_way = asks()
    runs.add_backfill(DAYS[:2], status="COMPLETED_FAILED")

    assert cancelled == under_way == []
    assert asks() == DAYS[:2]


def test_a_cancelled_backfill_is_left_alone(asks: Asks, runs: Runs) -> None:
    runs.add_backfill(DAYS[1:], status="CANCELED")

    assert asks() == DAYS[:1]


def test_payouts_that_a_person_cancelled_stay_so(orchestra: Orchestra) -> None:
    naming, one_payout = configured("payout_reconciliation.itemized.4"), configured(ONE_PAYOUT)
    assets = [build_report_asset(each, retry_policy=None) for each in (naming, one_payout)]
    orchestra.launch(assets[:1], FIRST)
    daemon = Daemon(orchestra, assets, build_payout_sensor([naming, one_payout]))
    daemon.tick()
    payout = orchestra.instance.get_dynamic_partitions(str(one_payout.payouts.name))[0]
    of_payouts = Runs(orchestra.instance, one_payout)

    def asked() -> set[str]:
        grid = PartitionGrid.of(one_payout, orchestra.instance)
        return {key for each in daemon.tick().requests for key in keys_of(each, grid)}

    before = asked()
    of_payouts.add(payout, status=S.CANCELED)
    cancelled = asked()
    of_payouts.add(payout, status=S.FAILURE)

    assert payout in before
    assert cancelled == before - {payout}
    assert asked() == before
