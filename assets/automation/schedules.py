"""A schedule for those who want one: at each tick what is ready at Stripe and missing among the newest.

It guesses nothing about when a day is done: what is not ready at one tick is taken at the next.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from assets.dagster_runs.history import covered, in_backfills, unfinished_attempts
from assets.dagster_runs.run_requests import first_requests, of_windows, shared_resource
from assets.reports.configured import ConfiguredReport
from assets.resources import stripe_resource
from assets.sensors.availability_decisions import missing
from assets.sensors.readiness import ReportAvailability, missing_asks, readiness
from assets.sensors.tick import TICK_RETRY
from connector.api.client import StripeClient
from connector.dataset.store import Store
from connector.errors import ConfigurationError

#: A quarter past the times at which Stripe's data advance.
TWICE_A_DAY = "15 0,12 * * *"


def build_report_schedule(
    reports: Sequence[ConfiguredReport],
    *,
    name: str = "stripe_reports",
    cron: str = TWICE_A_DAY,
    timezone: str = "UTC",
    last: int = 7,
    default_status: dg.DefaultScheduleStatus = dg.DefaultScheduleStatus.STOPPED,
) -> dg.ScheduleDefinition:
    """A schedule that requests the partitions that are ready and missing, oldest first.

    A tick is skipped only when there is nothing to ask for. One at which Stripe does not answer fails, and
    the next makes up for it.

    Args:
        reports: of one account, with the same windows: Dagster's schedules start one job, and a job has one
            calendar. `build_report_schedules` makes as many as are needed.
        cron, timezone: when it looks.
        last: how many of each report's newest ready partitions are looked at.

    Raises ConfigurationError for reports of several accounts, of different windows, or about payouts.
    """
    resource = shared_resource(of_windows(reports))
    if any(report.partitions != reports[0].partitions for report in reports):
        raise ConfigurationError(
            f"schedule {name} is about reports with different windows; use build_report_schedules"
        )

    @dg.schedule(
        name=name,
        cron_schedule=cron,
        execution_timezone=timezone,
        target=dg.AssetSelection.assets(*(report.key for report in reports)),
        default_status=default_status,
        required_resource_keys={resource},
        description="Asks for Stripe's reports that are ready and missing.",
    )
    def stripe_reports(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        stripe = stripe_resource(context.resources, resource)
        with stripe.client(retry=TICK_RETRY) as client:
            lacking = [
                (state, _lacking(context.instance, client, stripe.store(), state, last))
                for state in readiness(client, reports, at_least=last)
            ]
        at = context.scheduled_execution_time.isoformat()
        asks = [ask for state, keys in lacking for ask in missing_asks(state, keys, reason=at)]
        nothing = dg.SkipReason(f"The newest {last} ready partitions of each report are there.")
        return first_requests(asks) or nothing

    return stripe_reports


def build_report_schedules(
    reports: Sequence[ConfiguredReport], *, name: str = "stripe_reports", **options: Any
) -> list[dg.ScheduleDefinition]:
    """A schedule for each calendar among the reports, the first called `name`, others with their window.

    Args:
        options: as `build_report_schedule` takes them.
    """
    calendars: list[list[ConfiguredReport]] = []
    for report in reports:
        alike = next((some for some in calendars if some[0].partitions == report.partitions), None)
        if alike is None:
            calendars.append([report])
        else:
            alike.append(report)
    names: list[str] = []
    for some in calendars:
        own = f"{name}_{some[0].query.window}" if names else name
        names.append(own if own not in names else f"{own}_{len(names) + 1}")
    return [
        build_report_schedule(some, name=own, **options) for some, own in zip(calendars, names, strict=True)
    ]


def _lacking(
    instance: dg.DagsterInstance, client: StripeClient, store: Store, state: ReportAvailability, last: int
) -> list[str]:
    windows = state.newest(last)
    busy = covered(unfinished_attempts(instance), state.calendar) | in_backfills(instance, state.report)
    return missing(windows, state.kept(store, client, windows).keys(), leave=busy)
