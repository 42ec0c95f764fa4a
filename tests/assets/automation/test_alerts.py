"""Alerts: people are called for what needs them, and not for what the sensors finish."""

from dataclasses import replace
from datetime import timedelta

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.automation.alerts import Alert, build_failure_alert_sensor
from connector.runs.adoption import WaitPolicy
from connector.simulator import Match, Simulator
from tests.faults.runs import RunFails, RunTakes
from tests.support.dagster import Orchestra

DAY = "2026-06-01"
SUMMARIES = Match(report_type="balance.summary.1")


@pytest.fixture
def report(summary_report: ConfiguredReport) -> ConfiguredReport:
    return replace(summary_report, wait_policy=WaitPolicy(wait_timeout=timedelta(minutes=1)))


def alerts_of(
    orchestra: Orchestra, result: dg.ExecuteInProcessResult, reports: list[ConfiguredReport]
) -> list[Alert]:
    """What the sensor sends about a failed run."""
    sent: list[Alert] = []
    sensor = build_failure_alert_sensor(sent.append, reports=reports)
    (ended,) = [event for event in result.all_events if event.is_job_failure]
    run = orchestra.instance.get_run_by_id(result.run_id)
    assert run is not None
    context = dg.build_run_status_sensor_context(
        sensor_name=sensor.name,
        dagster_event=ended,
        dagster_instance=orchestra.instance,
        dagster_run=run,
    )
    sensor(context.for_run_failure())
    return sent


def test_a_report_that_stripe_keeps_failing_calls_somebody(
    orchestra: Orchestra, report: ConfiguredReport, simulator: Simulator
) -> None:
    simulator.faults.add(RunFails(), SUMMARIES, times=None)
    result = orchestra.launch([build_report_asset(report, retry_policy=None)], DAY)

    (alert,) = alerts_of(orchestra, result, [report])

    assert alert.run_id == result.run_id
    assert alert.assets == ["stripe/balance_summary"]
    assert "Stripe failed 3 report runs" in alert.text
    assert orchestra.stripe.api_key not in alert.text


def test_a_late_report_calls_nobody(
    orchestra: Orchestra, report: ConfiguredReport, simulator: Simulator
) -> None:
    simulator.faults.add(RunTakes(None), SUMMARIES)
    result = orchestra.launch([build_report_asset(report, retry_policy=None)], DAY)

    assert alerts_of(orchestra, result, [report]) == []


def test_a_day_that_is_not_ready_calls_nobody(orchestra: Orchestra, report: ConfiguredReport) -> None:
    result = orchestra.launch([build_report_asset(report, retry_policy=None)], "2026-06-07")

    assert alerts_of(orchestra, result, [report]) == []


def test_a_failure_of_something_else_is_ignored(
    orchestra: Orchestra, report: ConfiguredReport, simulator: Simulator
) -> None:
    simulator.faults.add(RunFails(), SUMMARIES, times=None)
    result = orchestra.launch([build_report_asset(report, retry_policy=None)], DAY)
    other = replace(report, query=replace(report.query, name="other"))

    assert alerts_of(orchestra, result, [other]) == []
