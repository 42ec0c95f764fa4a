"""Whether a report is as fresh as it should be: as Dagster judges it, and as it should be judged.

Dagster's freshness looks at the newest event, so that pulling a day of last year makes an asset look fresh.
People expect its badge all the same. The check beside it looks at the newest partition.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from assets.dagster_runs.run_requests import of_windows, shared_resource
from assets.dagster_runs.tags import READS_NOTHING
from assets.reports.configured import ConfiguredReport
from assets.reports.freshness import SLACK
from assets.resources import stripe_resource
from assets.sensors.readiness import ReportAvailability, readiness
from connector.runs.readiness import ready_by

CHECK_NAME = "newest_ready_partition_is_there"


_NAMED = 10


#: An hour after Stripe's data advance, so that sensors have had their turn.
_AFTER_THE_SENSORS = "0 1,13 * * *"


def build_newest_partition_check(
    report: ConfiguredReport, *, slack: timedelta = SLACK
) -> dg.AssetChecksDefinition:
    """A check that the newest partition Stripe has data for is in the dataset. Asks Stripe once.

    It looks at the files, not at the newest event. Within `slack` of the time the data were due its failure
    is a warning, later an error. Raises ConfigurationError for a report about payouts.
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
        stripe = stripe_resource(context.resources, report.resource)
        with stripe.client() as client:
            (state,) = readiness(client, [report])
            newest = state.newest(1)
            kept = state.kept(stripe.store(), client, newest)
        return judged(state, [each.key for each in newest if each.key not in kept], slack=slack)

    return newest_ready_partition


def judged(state: ReportAvailability, lacking: Sequence[str], *, slack: timedelta) -> dg.AssetCheckResult:
    """What the check says of the newest ready partition, or of those of the connected accounts.

    Args:
        lacking: keys of those that are not there.
    """
    if state.available is None:
        return dg.AssetCheckResult(
            passed=False, description=f"The account has no report type {state.report.query.spec.id}."
        )
    end = state.available.data_available_end
    metadata: dict[str, dg.MetadataValue[Any]] = {
        "stripe/data_available_end": dg.MetadataValue.timestamp(end)
    }
    if not state.windows:
        return dg.AssetCheckResult(
            passed=True, description="Stripe has no whole partition yet.", metadata=metadata
        )
    newest = state.windows[-1]
    metadata["stripe/newest_ready_partition"] = dg.MetadataValue.text(newest.key)
    if not lacking:
        there = ", ".join(each.key for each in state.newest(1)[:_NAMED])
        return dg.AssetCheckResult(passed=True, description=f"There: {there}.", metadata=metadata)
    named = ", ".join(lacking[:_NAMED]) + (f" and {len(lacking) - _NAMED} more" if lacking[_NAMED:] else "")
    return dg.AssetCheckResult(
        passed=False,
        severity=severity(newest.interval.end, state.now, slack),
        description=f"Ready at Stripe and not in the dataset: {named}.",
        metadata=metadata,
    )


def severity(end: datetime, now: datetime, slack: timedelta) -> dg.AssetCheckSeverity:
    """How bad it is that a partition which ended then is not there now."""
    due = ready_by(end, end)
    return dg.AssetCheckSeverity.WARN if now < due + slack else dg.AssetCheckSeverity.ERROR


def build_newest_partition_schedule(
    reports: Sequence[ConfiguredReport],
    *,
    name: str = "stripe_newest_partitions",
    cron: str = _AFTER_THE_SENSORS,
    default_status: dg.DefaultScheduleStatus = dg.DefaultScheduleStatus.RUNNING,
) -> dg.ScheduleDefinition:
    """Runs the checks that newest partitions are there, without materializing anything.

    Raises ConfigurationError for reports of several accounts.
    """
    shared_resource(of_windows(reports))
    checks = [dg.AssetCheckKey(report.key, CHECK_NAME) for report in reports]
    return dg.ScheduleDefinition(
        name=name,
        cron_schedule=cron,
        execution_timezone="UTC",
        target=dg.AssetSelection.checks(*checks),
        default_status=default_status,
        description="Checks that the newest partitions Stripe has data for are in the dataset.",
    )
