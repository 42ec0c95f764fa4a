"""Accounts that open and leave, on a real Dagster and a Stripe in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.automation.newest_partition import evaluate_newest
from assets.sensors.availability_sensor import build_availability_sensor
from assets.sensors.late_sensor import build_late_report_sensor
from assets.sensors.readiness import read_availability
from connector.accounts import AccountLife, AccountLives
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.support.dagster import Orchestra, messages_of, reader_of
from tests.support.sensing import Daemon

#: Dagster 1.13 tags runs of two dimensions with keys that it deprecates itself.
pytestmark = pytest.mark.filterwarnings("ignore:Non-compliant tag keys like .'dagster/partition/")

DAY = timedelta(days=1)


@pytest.fixture
def accounts(simulator: Simulator) -> Sequence[str]:
    """One that stays, one that left on the fourth, one that was opened on the sixth."""
    return simulator.connected_accounts


@pytest.fixture
def report(accounts: Sequence[str]) -> ConfiguredReport:
    stays, left, opened = accounts
    lives = (
        AccountLife(stays),
        AccountLife(left, until=date(2026, 6, 4)),
        AccountLife(opened, date(2026, 6, 6)),
    )
    query = ReportQuery.of("connected_account_balance_summary", by_account=True)
    return ConfiguredReport(query, start=date(2026, 5, 1), connected_accounts=AccountLives(lives))


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
    shorter = replace(report, connected_accounts=AccountLives.of([accounts[0], accounts[2]]))
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
