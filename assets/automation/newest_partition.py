"""A check that the newest partition Stripe has data for is in the dataset, and the schedule that runs it.

Dagster's freshness looks at the newest event, so that pulling a day of last year makes an asset look fresh.
This check looks at the files instead.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import dagster as dg

from assets.automation.status import describe_status
from assets.dagster_runs.gone import NONE_GONE, GoneAccounts, find_gone
from assets.dagster_runs.launch import NOTHING_LEFT_ALONE, LeftAlone
from assets.dagster_runs.launches import Launches
from assets.dagster_runs.run_requests import of_windows, shared_resource
from assets.dagster_runs.tags import READS_NOTHING
from assets.reports.configured import ConfiguredReport
from assets.reports.freshness import SLACK
from assets.reports.partitions import account_in
from assets.resources import stripe_resource
from assets.sensors.availability_decisions import interval_of
from assets.sensors.readiness import ReportAvailability, read_availability
from assets.sensors.tick import MOST_NAMED, TICK_RETRY
from assets.shown import shown, shown_metadata
from connector.dataset.coverage import listed
from connector.errors import ReportingError
from connector.runs.readiness import ready_by

CHECK_NAME = "newest_ready_partition_is_there"

#: An hour after Stripe's data advance, so that sensors have had their turn.
_AFTER_THE_SENSORS = "0 1,13 * * *"


def build_newest_partition_check(report: ConfiguredReport) -> dg.AssetChecksDefinition:
    """A check that the newest partition Stripe has data for is in the dataset. Calls Stripe once.

    It looks at the files, not at the newest event. A failure is a warning for 12 hours after the data were
    due, then an error. Raises ConfigurationError for a report about payouts.
    """
    of_windows([report])

    @dg.asset_check(
        asset=report.key,
        name=CHECK_NAME,
        description="The newest partition that Stripe has data for is in the dataset.",
        required_resource_keys={report.resource},
        op_tags={READS_NOTHING: ""},
    )
    def newest_ready_partition(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        return _evaluate(context, report)

    return newest_ready_partition


def log_newest_partition(context: dg.AssetExecutionContext, report: ConfiguredReport) -> None:
    """Evaluate the check from within the step of its report.

    Dagster leaves the check's own step out of a run in which the report gives no output, and shows what it
    planned of it as skipped, or, where the run fails, as failed.
    """
    try:
        result = _evaluate(context, report, ending=context.partition_keys)
    except Exception as error:
        context.log.exception("The check of the newest partition raised an error. Please report it.")
        result = not_evaluated(error)
    context.log_event(
        dg.AssetCheckEvaluation(
            asset_key=report.key,
            check_name=CHECK_NAME,
            passed=result.passed,
            severity=result.severity,
            description=shown(result.description or ""),
            metadata=shown_metadata(result.metadata),
        )
    )


def _evaluate(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext,
    report: ConfiguredReport,
    *,
    ending: Collection[str] = (),
) -> dg.AssetCheckResult:
    """The check's result now.

    Args:
        ending: partitions of the run that is about to end, which is on its way to none of them any more.
    """
    stripe = stripe_resource(context.resources, report.resource)
    try:
        with stripe.client(retry=TICK_RETRY) as client:
            (availability,) = read_availability(client, [report], context.instance)
            newest = availability.newest(1)
            store = stripe.store()
            published = availability.read_published(store, client, newest)
            dataset = report.query.dataset(mode=client.mode, account=client.account)
            going = dict.fromkeys(ending, context.run.run_id)
            status = describe_status(context.instance, availability, store, dataset, ending=going)
    except ReportingError as error:
        return not_evaluated(error)
    missing = [each.key for each in newest if each.key not in published]
    left_alone = Launches(context.instance).left_alone(availability.grid, missing)
    left_alone = replace(left_alone, in_hand=left_alone.in_hand - {*ending})
    gone = find_gone(context.instance, report.key, report.partitions)
    result = evaluate_newest(availability, missing, left_alone=left_alone, gone=gone)
    if status is None:
        return result
    metadata = {"stripe/status": dg.MetadataValue.md(shown(status)), **result.metadata}
    return result._replace(metadata=metadata)


def not_evaluated(error: Exception) -> dg.AssetCheckResult:
    """The check's result where it could not find out: a warning, since nothing is known to be wrong."""
    return dg.AssetCheckResult(
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=shown(f"Not evaluated: {error}. The next evaluation tries again."),
    )


def evaluate_newest(
    availability: ReportAvailability,
    missing: Sequence[str],
    *,
    left_alone: LeftAlone = NOTHING_LEFT_ALONE,
    gone: GoneAccounts = NONE_GONE,
) -> dg.AssetCheckResult:
    """The check's result for the newest ready partition, or for those of the connected accounts.

    Args:
        missing: keys of those without a file.
        left_alone: what is on its way or was cancelled by a person is never worse than a warning.
        gone: nobody can bring what their accounts lack.
    """
    metadata: dict[str, dg.MetadataValue[Any]] = {}

    def result(text: str, failed: dg.AssetCheckSeverity | None = None) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=failed is None,
            severity=failed or dg.AssetCheckSeverity.ERROR,
            description=shown(text),
            metadata=shown_metadata(metadata),
        )

    without = sorted({account_in(key) for key in missing if key in gone})
    missing = [key for key in missing if key not in gone]
    report_type = availability.report.query.spec.id
    if availability.available is None:
        return result(f"Stripe does not offer {report_type} to this account.", dg.AssetCheckSeverity.ERROR)
    end = availability.available.data_available_end
    metadata["stripe/data_available_end"] = dg.MetadataValue.timestamp(end)
    if not availability.ready:
        return result("Stripe does not have the data of a whole partition yet.")
    newest = availability.ready[-1]
    metadata["stripe/newest_ready_partition"] = dg.MetadataValue.text(newest.key)
    if not missing:
        there = [each.key for each in availability.newest(1) if account_in(each.key) not in without]
        gone_too = f" Without accounts that are gone: {listed(without)}." if without else ""
        return result(f"The newest data are in the dataset: {', '.join(there[:MOST_NAMED])}.{gone_too}")
    if left_alone.keys.issuperset(missing):
        why = "a Dagster run for it is queued or under way"
        if left_alone.put_down.intersection(missing):
            why = "a person cancelled it, and nothing requests it until a person launches it"
        return result(f"The dataset does not have {listed(missing)}: {why}.", dg.AssetCheckSeverity.WARN)
    return result(
        f"Stripe has the data, but the dataset does not have {listed(missing)}. Materialize it, or see "
        "whether the sensor or schedule that requests it runs, and why its runs fail.",
        severity(report_type, interval_of(newest).end, availability.now),
    )


def severity(report_type: str, end: datetime, now: datetime) -> dg.AssetCheckSeverity:
    """How grave it is that a partition of this type which ended then is missing now."""
    due = ready_by(report_type, end, end)
    return dg.AssetCheckSeverity.WARN if now < due + SLACK else dg.AssetCheckSeverity.ERROR


def build_newest_partition_schedule(
    reports: Sequence[ConfiguredReport],
    *,
    name: str = "stripe_newest_partitions",
    default_status: dg.DefaultScheduleStatus = dg.DefaultScheduleStatus.RUNNING,
) -> dg.ScheduleDefinition:
    """Runs the checks that newest partitions are there, without materializing anything.

    Raises ConfigurationError for reports of several accounts.
    """
    shared_resource(of_windows(reports))
    checks = [dg.AssetCheckKey(report.key, CHECK_NAME) for report in reports]
    return dg.ScheduleDefinition(
        name=name,
        cron_schedule=_AFTER_THE_SENSORS,
        execution_timezone="UTC",
        target=dg.AssetSelection.checks(*checks),
        default_status=default_status,
        description="Checks twice a day that the newest partitions Stripe has data for are in the dataset.",
    )
