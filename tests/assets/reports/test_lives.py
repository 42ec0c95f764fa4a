"""Accounts that open and leave, on a real Dagster and a Stripe in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.automation.newest_partition import build_newest_partition_check, evaluate_newest
from assets.sensors.availability_sensor import build_availability_sensor
from assets.sensors.late_sensor import build_late_report_sensor
from assets.sensors.readiness import read_availability
from connector.accounts import AccountLife, AccountLives
from connector.query import ReportQuery
from connector.runs.adoption import WaitPolicy
from connector.simulator import Match, Simulator
from tests.faults.runs import RunTakes
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra, messages_of, reader_of
from tests.support.sensing import Daemon

#: Dagster 1.13 tags runs of two dimensions with keys that it deprecates itself.
pytestmark = pytest.mark.filterwarnings("ignore:Non-compliant tag keys like .'dagster/partition/")

DAY = timedelta(days=1)


@pytest.fixture
def accounts(simulator: Simulator) -> Sequence[str]:
    """One that stays, one that left on the fourth, one that was opened on the sixth."""
    return simulator.connected_accounts


def report_of(way: str, lives: AccountLives) -> ConfiguredReport:
    """Whichever way accounts are asked for, they are one dimension."""
    if way == "by the header":
        query = ReportQuery.of("balance_summary", acting=True)
        return ConfiguredReport(query, start=date(2026, 5, 1), acting_accounts=lives)
    query = ReportQuery.of("connected_account_balance_summary", by_account=True)
    return ConfiguredReport(query, start=date(2026, 5, 1), connected_accounts=lives)


def with_accounts(report: ConfiguredReport, lives: AccountLives) -> ConfiguredReport:
    return (
        replace(report, acting_accounts=lives)
        if report.query.acting
        else replace(report, connected_accounts=lives)
    )


@pytest.fixture(params=["by a parameter", "by the header"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def report(accounts: Sequence[str], way: str) -> ConfiguredReport:
    stays, left, opened = accounts
    lives = (
        AccountLife(stays),
        AccountLife(left, until=date(2026, 6, 4)),
        AccountLife(opened, date(2026, 6, 6)),
    )
    return report_of(way, AccountLives(lives))


@pytest.fixture
def asset(report: ConfiguredReport) -> dg.AssetsDefinition:
    return build_report_asset(report, retry_policy=None)


def lived(accounts: Sequence[str]) -> list[str]:
    """The partitions of the third to the sixth that lie in a life."""
    stays, left, opened = accounts
    days = [f"2026-06-0{day}" for day in (3, 4, 5, 6)]
    return sorted(
        [*(f"{stays}|{day}" for day in days), *(f"{left}|{day}" for day in days[:2]), f"{opened}|{days[3]}"]
    )


def test_a_range_passes_over_what_lies_outside_of_a_life(
    orchestra: Orchestra, asset: dg.AssetsDefinition, accounts: Sequence[str], simulator: Simulator
) -> None:
    result = orchestra.launch([asset], f"{accounts[0]}|2026-06-03", f"{accounts[2]}|2026-06-06")

    assert result.success
    assert sorted(key for key, _ in orchestra.recorded(asset)) == lived(accounts)
    assert len(simulator.runs) == 7


def test_a_run_about_nothing_else_is_refused_and_left_alone_by_sensors(
    orchestra: Orchestra, asset: dg.AssetsDefinition, accounts: Sequence[str], report: ConfiguredReport
) -> None:
    result = orchestra.launch([asset], f"{accounts[1]}|2026-06-05")

    description, _ = orchestra.failure(result)
    assert f"{accounts[1]} ends on 2026-06-04, so {accounts[1]}|2026-06-05 is not asked for." in description
    assert "correct its `start` or `until`" in description
    assert orchestra.outcome(result) == "outside_life"
    late = Daemon(orchestra, [asset], build_late_report_sensor([report]))
    assert late.tick().skipped == "Nothing to do: no partition's latest run failed or timed out."


def test_a_run_of_a_backfill_may_have_nothing_to_bring(
    orchestra: Orchestra, asset: dg.AssetsDefinition, accounts: Sequence[str], simulator: Simulator
) -> None:
    corners = (f"{accounts[1]}|2026-06-05", f"{accounts[1]}|2026-06-06")

    result = orchestra.launch([asset], *corners, tags={"dagster/backfill": "everything"})

    assert result.success
    assert orchestra.recorded(asset) == []
    assert simulator.runs == []


def test_a_reader_in_the_same_run_does_not_make_up_partitions(
    orchestra: Orchestra, asset: dg.AssetsDefinition, accounts: Sequence[str]
) -> None:
    both = [asset, reader_of(asset)]

    result = orchestra.launch(both, f"{accounts[0]}|2026-06-03", f"{accounts[2]}|2026-06-06")

    assert not result.success
    assert sorted(key for key, _ in orchestra.recorded(asset)) == lived(accounts)
    assert "Launch the dependent assets by themselves" in orchestra.failure(result)[0]


def test_sensors_ask_for_what_lies_in_a_life_and_see_no_gap_elsewhere(
    orchestra: Orchestra, asset: dg.AssetsDefinition, report: ConfiguredReport, accounts: Sequence[str]
) -> None:
    sensor = build_availability_sensor([report], look_back=4 * DAY, refresh_after=())
    daemon = Daemon(orchestra, [asset], sensor)

    daemon.tick_and_run()
    second = daemon.tick()

    assert sorted(key for key, _ in orchestra.recorded(asset)) == lived(accounts)
    assert second.requests == []
    assert "No file" not in second.skipped


def test_the_newest_partitions_are_those_of_the_accounts_that_live(
    orchestra: Orchestra, report: ConfiguredReport, accounts: Sequence[str]
) -> None:
    with orchestra.stripe.client() as client:
        (availability,) = read_availability(client, [report], orchestra.instance)

    assert [each.key for each in availability.newest(1)] == [
        f"{accounts[0]}|2026-06-06",
        f"{accounts[2]}|2026-06-06",
    ]
    assert evaluate_newest(availability, []).passed


def test_an_account_that_was_taken_off_the_list_is_named_with_the_way_out(
    orchestra: Orchestra, asset: dg.AssetsDefinition, report: ConfiguredReport, accounts: Sequence[str],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    orchestra.launch([asset], f"{accounts[1]}|2026-06-03")
    shorter = with_accounts(report, AccountLives.of([accounts[0], accounts[2]]))
    without = build_report_asset(shorter, retry_policy=None)

    with pytest.raises(dg.DagsterError) as of_range:
        orchestra.launch([without], f"{accounts[1]}|2026-06-03", f"{accounts[2]}|2026-06-04")
    with pytest.raises(dg.DagsterError) as of_one:
        orchestra.launch([without], f"{accounts[1]}|2026-06-03")
    Daemon(orchestra, [without], build_availability_sensor([shorter], refresh_after=())).tick()

    for refused in (of_range, of_one):
        assert f"{accounts[1]} is not in the list of accounts" in messages_of(refused.value)
        assert "put it back with `until:`" in messages_of(refused.value)
    assert f"There are files of {accounts[1]}, not in the list of accounts" in capsys.readouterr().err


# Accounts that Stripe refuses


@pytest.fixture
def everyone(accounts: Sequence[str], way: str) -> ConfiguredReport:
    """The report of three accounts without an end."""
    return report_of(way, AccountLives.of(accounts))


@dataclass
class Deployment:
    """One report with its sensors, and a Stripe whose accounts come and go."""

    orchestra: Orchestra
    report: ConfiguredReport
    asset: dg.AssetsDefinition

    def __post_init__(self) -> None:
        sensor = build_availability_sensor([self.report], look_back=2 * DAY, refresh_after=())
        self.availability = Daemon(self.orchestra, [self.asset], sensor)
        self.late = Daemon(self.orchestra, [self.asset], build_late_report_sensor([self.report]))

    @property
    def there(self) -> list[str]:
        return sorted(key for key, _ in self.orchestra.recorded(self.asset))

    def launched(self) -> int:
        return self.orchestra.instance.get_runs_count()


@pytest.fixture
def deployment(orchestra: Orchestra, everyone: ConfiguredReport) -> Deployment:
    return Deployment(orchestra, everyone, build_report_asset(everyone, retry_policy=None))


@pytest.mark.parametrize("status", [400, 403])
def test_an_account_that_left_fails_once_and_holds_up_nothing_else(
    deployment: Deployment, simulator: Simulator, accounts: Sequence[str], status: int
) -> None:
    simulator.leave(accounts[1], status=status)

    deployment.availability.tick_and_run()
    launched, requested = deployment.launched(), len(simulator.requests)
    ticks = [deployment.availability.tick_and_run() for _ in range(3)]
    late = [deployment.late.tick() for _ in range(3)]

    days = ("2026-06-05", "2026-06-06")
    living = (accounts[0], accounts[2])
    assert deployment.there == sorted(f"{account}|{day}" for account in living for day in days)
    assert deployment.launched() == launched
    assert {each.skipped for each in late} == {
        "Nothing to do: no partition's latest run failed or timed out."
    }
    for tick in ticks:
        assert f"1 account gone, refused by Stripe as unknown: {accounts[1]}" in tick.skipped
        assert "2 partitions not requested" in tick.skipped
    assert [each.path for each in simulator.requests[requested:]] == ["/v1/reporting/report_types"] * 3
    (failed,) = deployment.orchestra.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    assert failed.tags["stripe/outcome"] == "gone"


def test_an_account_that_is_back_is_asked_for_once_a_person_has_launched_one_partition(
    deployment: Deployment, simulator: Simulator, accounts: Sequence[str]
) -> None:
    simulator.leave(accounts[1])
    deployment.availability.tick_and_run()
    simulator.come_back(accounts[1])

    still = deployment.availability.tick_and_run()
    deployment.orchestra.launch([deployment.asset], f"{accounts[1]}|2026-06-06")
    again = deployment.availability.tick_and_run()

    assert still.requests == []
    assert again.partitions == [f"{accounts[1]}|2026-06-05"]
    assert len(deployment.there) == 6


def test_an_account_that_is_ended_after_it_left_is_not_spoken_of(
    deployment: Deployment, simulator: Simulator, accounts: Sequence[str]
) -> None:
    simulator.leave(accounts[1])
    deployment.availability.tick_and_run()
    ended = AccountLives(
        tuple(AccountLife(each, until=date(2026, 6, 4) if each == accounts[1] else None) for each in accounts)
    )
    report = with_accounts(deployment.report, ended)

    after = Deployment(deployment.orchestra, report, build_report_asset(report, retry_policy=None))

    assert "gone" not in after.availability.tick().skipped


@pytest.mark.parametrize("way", ["by a parameter"])
def test_a_report_run_that_was_under_way_when_its_account_left_is_picked_up(
    deployment: Deployment, simulator: Simulator, accounts: Sequence[str], clock: ManualClock
) -> None:
    slow = replace(deployment.report, wait_policy=WaitPolicy(wait_timeout=timedelta(minutes=1)))
    late = Deployment(deployment.orchestra, slow, build_report_asset(slow, retry_policy=None))
    simulator.faults.add(RunTakes(3600.0), Match("POST"), times=1)
    late.orchestra.launch([late.asset], f"{accounts[1]}|2026-06-05")
    simulator.leave(accounts[1])
    late.orchestra.launch([late.asset], f"{accounts[1]}|2026-06-06")

    waiting = late.late.tick()
    clock.sleep(3600)
    late.late.tick_and_run()

    assert "1 partition failed or timed out: 1 still pending at Stripe" in waiting.skipped
    assert late.there == [f"{accounts[1]}|2026-06-05"]


@pytest.mark.parametrize("way", ["by the header"])
def test_the_list_of_an_account_that_one_may_not_act_for_is_named_until_a_run_has_found_it_gone(
    deployment: Deployment, simulator: Simulator, accounts: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    slow = replace(deployment.report, wait_policy=WaitPolicy(wait_timeout=timedelta(minutes=1)))
    late = Deployment(deployment.orchestra, slow, build_report_asset(slow, retry_policy=None))
    simulator.faults.add(RunTakes(3600.0), Match("POST"), times=2)
    late.orchestra.launch([late.asset], f"{accounts[0]}|2026-06-05", f"{accounts[1]}|2026-06-05")
    simulator.leave(accounts[1])

    found = late.late.tick()
    said = capsys.readouterr().err
    late.orchestra.launch([late.asset], f"{accounts[1]}|2026-06-06")
    later = late.late.tick()

    assert "1 still pending at Stripe" in found.skipped
    assert "1 not decided yet" in found.skipped
    assert f"The report runs of {accounts[1]} could not be read" in said
    assert later.skipped.startswith("1 partition failed or timed out: 1 still pending at Stripe"), (
        "it is gone"
    )


def test_the_newest_partitions_are_there_without_an_account_that_is_gone(
    deployment: Deployment, simulator: Simulator, accounts: Sequence[str]
) -> None:
    simulator.leave(accounts[1])
    deployment.availability.tick_and_run()
    checks = build_newest_partition_check(deployment.report)
    job = dg.define_asset_job("checks", selection=dg.AssetSelection.checks(checks))
    definitions = dg.Definitions(asset_checks=[checks], jobs=[job], resources=deployment.orchestra.resources)

    result = definitions.resolve_job_def("checks").execute_in_process(instance=deployment.orchestra.instance)

    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.passed
    assert f"Without accounts that are gone: {accounts[1]}." in str(evaluation.description)
