"""A schedule instead of the availability sensor: each tick requests what is ready at Stripe and missing.

It does not guess when a day is done: what is not ready at one tick is requested at the next.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from assets.dagster_runs.asked import Attempt, requests_for
from assets.dagster_runs.claims import claim
from assets.dagster_runs.gone import find_gone
from assets.dagster_runs.launches import Launches
from assets.dagster_runs.run_requests import of_windows, shared_resource
from assets.reports.configured import ConfiguredReport
from assets.resources import stripe_resource
from assets.sensors.availability_decisions import find_missing
from assets.sensors.readiness import ReportAvailability, read_availability
from assets.sensors.tick import TICK_RETRY, count
from assets.shown import shown
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

    A tick is skipped only when there is nothing to request. One at which Stripe does not answer fails, and
    the next one requests what it left out.

    Args:
        reports: of one account, with the same windows: Dagster's schedules start one job, and a job has one
            calendar. `build_report_schedules` makes as many as are needed.
        cron, timezone: when it ticks.
        last: how many of each report's newest ready partitions are considered.

    Raises ConfigurationError for reports of several accounts, of different windows, or about payouts.
    """
    resource = shared_resource(of_windows(reports))
    if any(report.partitions != reports[0].partitions for report in reports):
        raise ConfigurationError(
            f"schedule {name} has reports with different windows; use build_report_schedules"
        )

    @dg.schedule(
        name=name,
        cron_schedule=cron,
        execution_timezone=timezone,
        target=dg.AssetSelection.assets(*(report.key for report in reports)),
        default_status=default_status,
        required_resource_keys={resource},
        description="Requests partitions that Stripe has data for and the dataset does not.",
    )
    def stripe_reports(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        stripe, began = stripe_resource(context.resources, resource), datetime.now(UTC)
        with stripe.client(retry=TICK_RETRY) as client:
            launches = Launches(context.instance)
            missing = [
                (availability, _find_missing(launches, client, stripe.store(), availability, last))
                for availability in read_availability(client, reports, context.instance, at_least=last)
            ]
        reason = f"schedule/{context.scheduled_execution_time.isoformat()}"
        requests = [
            request
            for each, keys in missing
            for request in requests_for(each.report, each.grid, dict.fromkeys(keys, Attempt()), reason=reason)
        ]
        grids = {each.grid.asset: each.grid for each, _ in missing}
        # All at once: the next tick may be half a day away.
        granted = claim(context.instance, requests, grids, by=name, since=began, at_once=None)
        return [each.request() for each in granted] or dg.SkipReason(
            shown(
                f"Nothing to request: of each report, the newest {count(last, 'partition')} that Stripe has "
                "data for are published, under way, or cancelled by a person."
            )
        )

    return stripe_reports


def build_report_schedules(
    reports: Sequence[ConfiguredReport], *, name: str = "stripe_reports", **options: Any
) -> list[dg.ScheduleDefinition]:
    """A `build_report_schedule` for each calendar among the reports, the first called `name`, others with
    their window."""
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


def _find_missing(
    launches: Launches, client: StripeClient, store: Store, availability: ReportAvailability, last: int
) -> list[str]:
    newest = availability.newest(last)
    published = availability.read_published(store, client, newest)
    leave = launches.left_alone(availability.grid, [each.key for each in newest]).keys
    report = availability.report
    gone = find_gone(launches.instance, report.key, report.partitions)
    return [key for key in find_missing(newest, published.keys(), leave=leave) if key not in gone]
