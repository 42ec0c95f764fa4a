"""A schedule for those who want one: at each tick what is ready at Stripe and missing among the newest.

It guesses nothing about when a day is done: what is not ready at one tick is taken at the next.
"""

from collections.abc import Sequence

import dagster as dg

from assets.asking import first_requests, shared_resource
from assets.attempts import covered, in_backfills, unfinished_attempts
from assets.availability import missing
from assets.availability_sensor import missing_asks
from assets.configured import ConfiguredReport
from assets.late_sensor import TICK_RETRY
from assets.readiness import Readiness, readiness
from assets.resources import StripeReporting
from connector.client import StripeClient
from connector.store import Store

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
        reports: of one account; the schedule uses their resource.
        cron, timezone: when it looks.
        last: how many of each report's newest ready partitions are looked at.

    Raises ConfigurationError for reports of several accounts.
    """
    resource = shared_resource(reports)

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
        stripe: StripeReporting = getattr(context.resources, resource)
        with stripe.client(retry=TICK_RETRY) as client:
            states = readiness(client, reports, at_least=last)
            lacking = [
                (state, _lacking(context.instance, client, stripe.store(), state, last)) for state in states
            ]
        at = context.scheduled_execution_time.isoformat()
        asks = [ask for state, keys in lacking for ask in missing_asks(state, keys, reason=at)]
        if not asks:
            return dg.SkipReason(f"The newest {last} ready partitions of each report are there.")
        return first_requests(asks)

    return stripe_reports


def _lacking(
    instance: dg.DagsterInstance, client: StripeClient, store: Store, state: Readiness, last: int
) -> list[str]:
    windows = state.windows[-last:]
    busy = covered(unfinished_attempts(instance), state.calendar) | in_backfills(instance, state.report)
    return missing(windows, state.kept(store, client, windows).keys(), leave=busy)
