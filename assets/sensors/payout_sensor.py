"""The sensor that adds a partition for each payout that becomes known, and requests its report.

Payouts are not windows of time, so neither the availability sensor nor the schedule can know them. They are
read from the files of a report that names them, when these are materialized.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from assets.dagster_runs.asked import MOST_TIMES, warn_given_up
from assets.dagster_runs.claims import claim
from assets.dagster_runs.run_requests import shared_resource
from assets.reports.configured import ConfiguredReport
from assets.resources import stripe_resource
from assets.sensors.payout_plan import PayoutPlan, PayoutRules, plan_tick
from assets.sensors.payout_sources import PROGRESS_CURSOR, find_sources
from assets.sensors.tick import LOOK_BACK, TICK_RETRY, count, tried_again
from assets.shown import shown
from connector.catalogue.latency import LAST_REFRESH
from connector.dataset.coverage import listed
from connector.errors import ConfigurationError, ReportingError

#: The oldest windows that are still refreshed.
REACH = LOOK_BACK + LAST_REFRESH


def build_payout_sensor(
    reports: Sequence[ConfiguredReport],
    *,
    name: str = "stripe_payouts",
    look_back: timedelta = LOOK_BACK,
    reach: timedelta = REACH,
    request: bool = True,
) -> dg.SensorDefinition:
    """A sensor that adds partitions for payouts as they become known, and requests them.

    Each report about one payout takes them from its source among the other reports. Stripe is called only
    while something is to be requested. A payout that Stripe does not have yet, or that failed, is requested
    again whenever Stripe's data have advanced; one whose Dagster run died before it had a report run, three
    times in all before that. Payouts whose files are there and unknown to this Dagster are recorded.

    Args:
        reports: of one account, those about payouts and those that name them.
        look_back: how long a payout is requested after it became known.
        reach: payouts named by windows that ended longer ago become partitions and are not requested: a
            backfill of the past must not request all of its payouts.
        request: whether anything is requested at all.

    Raises ConfigurationError for reports of several accounts, or where no report about payouts has a source.
    """
    resource, sources = shared_resource(reports), find_sources(reports)
    if not sources:
        raise ConfigurationError(
            "payouts have no source: configure a report about one payout together with a report that names "
            "payouts, such as payout_reconciliation_itemized"
        )
    rules = PayoutRules(look_back, reach, request)

    @dg.sensor(
        name=name,
        asset_selection=dg.AssetSelection.assets(*(report.key for report, _ in sources)),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={resource},
        description="Adds a partition for each payout that another report names, and requests its report.",
    )
    def payouts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        began, before = datetime.now(UTC), PROGRESS_CURSOR.read(context) or {}
        try:
            stripe = stripe_resource(context.resources, resource)
            with stripe.client(retry=TICK_RETRY) as client:
                plans = plan_tick(
                    context.instance, client, stripe.store(), sources=sources, rules=rules, before=before
                )
        except ReportingError as error:
            return tried_again(context, "Payouts could not be read", error)
        return _result(context, plans, by=name, since=began)

    return payouts


def _result(
    context: dg.SensorEvaluationContext, plans: Sequence[PayoutPlan], *, by: str, since: datetime
) -> dg.SensorResult:
    """Partitions to add, the requests of this tick, and what to remember."""
    due = [request for plan in plans for request in plan.requests]
    grids = {plan.grid.asset: plan.grid for plan in plans if plan.grid}
    requests = claim(context.instance, due, grids, by=by, since=since)
    new: dict[dg.DynamicPartitionsDefinition, list[str]] = {}
    for plan in plans:
        if plan.new:
            new.setdefault(plan.report.payouts, []).extend(plan.new)
        if plan.given_up:
            context.log.warning(shown(warn_given_up(plan.report.key.to_user_string(), plan.given_up)))
    text = "\n".join(_line(plan) for plan in plans)
    context.log.info(shown(text))
    progress = {plan.report.key.to_user_string(): plan.progress for plan in plans}
    return dg.SensorResult(
        [each.request() for each in requests],
        skip_reason=None if requests or new else shown(text),
        cursor=PROGRESS_CURSOR.write(progress),
        dynamic_partitions_requests=[partitions.build_add_request(keys) for partitions, keys in new.items()],
        asset_events=[event for plan in plans for event in plan.recording.events],
    )


def _line(plan: PayoutPlan) -> str:
    due = sum(len(request.keys) for request in plan.requests)
    waiting = len(plan.progress.pending) - due
    notes = [plan.note] if plan.note else []
    if plan.given_up:
        notes.append(f"Asked for {MOST_TIMES} times in vain: {listed(plan.given_up)}.")
    notes += [f"{each}." for each in plan.recording.notes]
    counts = (
        f"{count(len(plan.new), 'new payout')} added as partitions, "
        f"{due:,} to request, {waiting:,} waiting for their report"
    )
    return f"{plan.report.key.to_user_string()}: {' '.join([f'{counts}.', *notes])}"
