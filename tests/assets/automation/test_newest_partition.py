"""Freshness: Dagster's badge, and the check that looks at the newest partition instead."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.automation.newest_partition import (
    CHECK_NAME,
    build_newest_partition_check,
    build_newest_partition_schedule,
    log_newest_partition,
    severity,
)
from assets.reports.freshness import freshness_policy
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.faults.runs import RunFails
from tests.support.dagster import Orchestra, reader_of


def check(orchestra: Orchestra, report: ConfiguredReport) -> dg.AssetCheckEvaluation:
    """The check by itself, as its schedule runs it."""
    checks = build_newest_partition_check(report)
    job = dg.define_asset_job("checks", selection=dg.AssetSelection.checks(checks))
    definitions = dg.Definitions(asset_checks=[checks], jobs=[job], resources=orchestra.resources)
    result = definitions.resolve_job_def("checks").execute_in_process(instance=orchestra.instance)
    (evaluation,) = result.get_asset_check_evaluations()
    return evaluation


def test_the_newest_ready_partition_is_looked_for_not_the_newest_event(
    orchestra: Orchestra, summary_report: ConfiguredReport, summary: dg.AssetsDefinition
) -> None:
    orchestra.launch([summary], "2026-05-20")

    old_day_only = check(orchestra, summary_report)
    orchestra.launch([summary], "2026-06-06")
    newest_too = check(orchestra, summary_report)

    assert not old_day_only.passed
    assert old_day_only.severity is dg.AssetCheckSeverity.WARN
    assert old_day_only.metadata["stripe/newest_ready_partition"].value == "2026-06-06"
    assert newest_too.passed


def test_the_check_asks_stripe_once(
    orchestra: Orchestra, summary_report: ConfiguredReport, simulator: Simulator
) -> None:
    check(orchestra, summary_report)

    assert [seen.path for seen in simulator.requests] == ["/v1/reporting/report_types"]


def test_before_the_first_whole_partition_nothing_is_wrong(
    orchestra: Orchestra, summary_report: ConfiguredReport
) -> None:
    later = replace(summary_report, start=datetime(2026, 6, 7).date())  # noqa: DTZ001 - a day, no moment

    assert check(orchestra, later).passed


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        pytest.param(13, dg.AssetCheckSeverity.WARN, id="just-ready"),
        pytest.param(23.9, dg.AssetCheckSeverity.WARN, id="within-the-slack"),
        pytest.param(24, dg.AssetCheckSeverity.ERROR, id="overdue"),
    ],
)
def test_a_missing_partition_is_an_error_once_the_slack_is_used_up(
    hours: float, expected: dg.AssetCheckSeverity
) -> None:
    end = datetime(2026, 6, 7, tzinfo=UTC)

    assert severity("balance.summary.1", end, end + timedelta(hours=hours)) is expected


def test_of_fees_it_is_a_warning_for_days() -> None:
    end = datetime(2026, 6, 7, tzinfo=UTC)
    fees = "all_fees.balance_transaction_created.itemized.2"

    assert severity(fees, end, end + timedelta(hours=107)) is dg.AssetCheckSeverity.WARN
    assert severity(fees, end, end + timedelta(hours=108)) is dg.AssetCheckSeverity.ERROR


@pytest.mark.parametrize(
    ("window", "hours"),
    [("hourly", 12 + 12 + 12), ("daily", 25 + 12 + 12), ("weekly", 169 + 24), ("monthly", 745 + 24)],
)
def test_freshness_allows_a_window_its_preparation_and_slack(
    summary_report: ConfiguredReport, window: str, hours: int
) -> None:
    report = replace(summary_report, query=replace(summary_report.query, window=window))

    assert freshness_policy(report) == dg.FreshnessPolicy.time_window(
        fail_window=timedelta(hours=hours), warn_window=timedelta(hours=hours - 6)
    )


def test_fees_may_be_as_old_as_they_come_late() -> None:
    fees = ReportQuery.of("all_fees.balance_transaction_created.itemized.2")
    report = ConfiguredReport(fees, start=date(2026, 1, 1))

    assert freshness_policy(report) == dg.FreshnessPolicy.time_window(
        fail_window=timedelta(hours=25 + 96 + 12), warn_window=timedelta(hours=25 + 96 + 6)
    )


def test_the_checks_have_a_schedule_of_their_own_whatever_their_windows(
    orchestra: Orchestra, summary_report: ConfiguredReport
) -> None:
    query = replace(summary_report.query, name="monthly", window="monthly")
    reports = [summary_report, replace(summary_report, query=query)]
    definitions = dg.Definitions(
        asset_checks=[build_newest_partition_check(report) for report in reports],
        schedules=[build_newest_partition_schedule(reports)],
        resources=orchestra.resources,
    )

    schedule = definitions.resolve_schedule_def("stripe_newest_partitions")
    result = definitions.resolve_job_def(schedule.job_name).execute_in_process(instance=orchestra.instance)

    assert sorted(each.asset_key.path[-1] for each in result.get_asset_check_evaluations()) == [
        "balance_summary",
        "monthly",
    ]
    assert {each.check_name for each in result.get_asset_check_evaluations()} == {CHECK_NAME}


def test_a_run_with_the_check_in_it_still_records_each_partition_as_it_comes(
    orchestra: Orchestra, summary_report: ConfiguredReport, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    """The check hangs on the asset without reading it, so nothing has to be held back for it."""
    simulator.faults.add(RunFails(), times=3)
    checks = build_newest_partition_check(summary_report)

    result = orchestra.launch([summary, checks], "2026-06-01", "2026-06-03")

    recorded = orchestra.recorded(summary)
    assert result.success
    assert sorted(partition for partition, _ in recorded) == ["2026-06-01", "2026-06-02", "2026-06-03"]
    assert len({(event.tags or {})["dagster/data_version"] for _, event in recorded}) == 3


class Ending(NamedTuple):
    """A run of the report that ends, and what the check says then."""

    day: str
    failures: int
    says: str


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param(Ending("2026-06-06", 0, "data are in the dataset: 2026-06-06."), id="newest"),
        pytest.param(Ending("2026-06-01", 0, "dataset does not have 2026-06-06."), id="another"),
        pytest.param(Ending("2026-06-06", 3, "dataset does not have 2026-06-06."), id="failed"),
    ],
)
def test_a_run_of_the_report_evaluates_the_check_too_however_it_ends(
    orchestra: Orchestra, summary_report: ConfiguredReport, simulator: Simulator, ending: Ending
) -> None:
    """Dagster leaves the step of the check out of such a run, and would show it as skipped or failed."""
    simulator.faults.add(RunFails(), times=ending.failures)
    summary = build_report_asset(summary_report, retry_policy=None, look=log_newest_partition)

    orchestra.launch([summary, build_newest_partition_check(summary_report)], ending.day)

    key = dg.AssetCheckKey(summary.key, CHECK_NAME)
    latest = orchestra.instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    assert latest.evaluation is not None
    assert ending.says in (latest.evaluation.description or "")


def test_a_run_in_which_the_report_is_read_evaluates_the_check_once(
    orchestra: Orchestra, summary_report: ConfiguredReport
) -> None:
    summary = build_report_asset(summary_report, retry_policy=None, look=log_newest_partition)
    checks = build_newest_partition_check(summary_report)

    result = orchestra.launch([summary, checks, reader_of(summary)], "2026-06-06")

    evaluated = [each for each in result.get_asset_check_evaluations() if each.check_name == CHECK_NAME]
    assert [each.passed for each in evaluated] == [True]
