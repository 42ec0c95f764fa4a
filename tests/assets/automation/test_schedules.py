"""The schedule, tick by tick, on a real Dagster and a Stripe in memory."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.automation.schedules import build_report_schedule, build_report_schedules
from connector.accounts import AccountLives
from connector.errors import ConfigurationError, ServerError
from connector.query import ReportQuery
from connector.simulator import Simulator
from connector.simulator.faults import Stage
from tests.faults.network import Respond
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra
from tests.support.sensing import carry_out, span

TYPE = "balance.summary.1"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """One on disk: schedules look for no other."""
    with dg.instance_for_test() as on_disk:
        yield on_disk


def tick(
    orchestra: Orchestra,
    assets: Sequence[dg.AssetsDefinition],
    schedule: dg.ScheduleDefinition,
    at: datetime,
) -> tuple[Sequence[dg.RunRequest], str]:
    """What is requested at a tick, and why it is skipped if it is."""
    definitions = dg.Definitions(assets=assets, schedules=[schedule], resources=orchestra.resources)
    context = dg.build_schedule_context(
        instance=orchestra.instance,
        scheduled_execution_time=at,
        resources=orchestra.resources,
        repository_def=definitions.get_repository_def(),
    )
    with context:
        data = schedule.evaluate_tick(context)
    return data.run_requests or (), data.skip_message or ""


@pytest.mark.long
def test_ten_days_of_ticks_leave_no_gap(
    orchestra: Orchestra,
    summary_report: ConfiguredReport,
    summary: dg.AssetsDefinition,
    clock: ManualClock,
) -> None:
    schedule = build_report_schedule([summary_report], cron="5 0 * * *", last=3)
    five_past_midnight = datetime(2026, 6, 10, 0, 5, tzinfo=UTC)

    for day in range(10):
        clock.move_to(five_past_midnight + timedelta(days=day))
        requests, _ = tick(orchestra, [summary], schedule, clock.now())
        for request in requests:
            carry_out(orchestra, [summary], request)

    # At five past midnight Stripe has data until the noon before.
    recorded = sorted(partition for partition, _ in orchestra.recorded(summary))
    first = date(2026, 6, 6)
    assert recorded == [f"{first + timedelta(days=number)}" for number in range(12)]


def test_a_tick_is_skipped_only_when_there_is_nothing_to_request(
    orchestra: Orchestra, summary_report: ConfiguredReport, summary: dg.AssetsDefinition, clock: ManualClock
) -> None:
    schedule = build_report_schedule([summary_report], last=2)

    requests, _ = tick(orchestra, [summary], schedule, clock.now())
    for request in requests:
        carry_out(orchestra, [summary], request)
    later, why = tick(orchestra, [summary], schedule, clock.now())

    assert [span(request) for request in requests] == ["2026-06-05..2026-06-06"]
    assert later == ()
    assert why == (
        "Nothing to request: of each report, the newest 2 partitions that Stripe has data for are published, "
        "under way, or cancelled by a person."
    )


def test_a_tick_at_which_stripe_does_not_answer_fails(
    orchestra: Orchestra,
    summary_report: ConfiguredReport,
    summary: dg.AssetsDefinition,
    simulator: Simulator,
    clock: ManualClock,
) -> None:
    simulator.faults.add(Respond(500, stage=Stage.BEFORE), times=None)

    with pytest.raises(Exception, match="Error occurred during the evaluation") as caught:
        tick(orchestra, [summary], build_report_schedule([summary_report]), clock.now())

    assert isinstance(caught.value.__cause__, ServerError)


def test_each_calendar_gets_a_schedule_of_its_own(orchestra: Orchestra, clock: ManualClock) -> None:
    daily = ConfiguredReport(ReportQuery.of(TYPE), start=date(2026, 5, 1))
    other = ConfiguredReport(ReportQuery.of(TYPE, name="other"), start=date(2026, 5, 1))
    later = ConfiguredReport(ReportQuery.of(TYPE, name="later"), start=date(2026, 6, 1))
    monthly = ConfiguredReport(ReportQuery.of(TYPE, name="monthly", window="monthly"), start=date(2026, 5, 1))
    reports = [daily, monthly, other, later]
    assets = [build_report_asset(report) for report in reports]

    schedules = build_report_schedules(reports, last=1)

    assert [schedule.name for schedule in schedules] == [
        "stripe_reports",
        "stripe_reports_monthly",
        "stripe_reports_daily",
    ]
    asked = [tick(orchestra, assets, schedule, clock.now())[0] for schedule in schedules]
    assert [[span(request) for request in requests] for requests in asked] == [
        ["2026-06-06", "2026-06-06"],
        ["2026-05-01"],
        ["2026-06-06"],
    ]


def test_one_schedule_for_two_calendars_is_refused() -> None:
    daily = ConfiguredReport(ReportQuery.of(TYPE), start=date(2026, 5, 1))
    monthly = ConfiguredReport(ReportQuery.of(TYPE, name="monthly", window="monthly"), start=date(2026, 5, 1))

    with pytest.raises(ConfigurationError, match="build_report_schedules"):
        build_report_schedule([daily, monthly])


def test_the_schedule_ships_stopped(summary_report: ConfiguredReport) -> None:
    assert build_report_schedule([summary_report]).default_status is dg.DefaultScheduleStatus.STOPPED


def test_it_looks_at_the_newest_windows_of_every_connected_account(
    orchestra: Orchestra, simulator: Simulator, clock: ManualClock
) -> None:
    accounts = simulator.connected_accounts
    query = ReportQuery.of("connected_account_balance_summary", by_account=True)
    report = ConfiguredReport(query, start=date(2026, 5, 1), connected_accounts=AccountLives.of(accounts))
    asset, schedule = build_report_asset(report), build_report_schedule([report], last=2)

    (request,), _ = tick(orchestra, [asset], schedule, clock.now())

    assert span(request) == f"{accounts[0]}|2026-06-05..{accounts[2]}|2026-06-06"
