"""The sensor that requests partitions as soon as Stripe has their data, and refreshes them as they age.

It replaces a schedule, and does not have to guess when Stripe will be done. Either it or the schedule runs;
with both, the second one finds nothing left to request.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from assets.dagster_runs.history import RequestedRun, busy_partitions, unfinished_attempts
from assets.dagster_runs.run_requests import MOST_REQUESTS, RangeRunRequest, of_windows, shared_resource
from assets.dagster_runs.tags import INTENT_TAG, Intent
from assets.reports.configured import ConfiguredReport
from assets.resources import StripeReporting, stripe_resource
from assets.sensors.availability_decisions import (
    MEMORY_CURSOR,
    SensorMemory,
    find_missing,
)
from assets.sensors.readiness import ReportAvailability, read_availability, request_missing
from assets.sensors.tick import LOOK_BACK, TICK_RETRY, count
from connector.api.client import StripeClient
from connector.api.models import epoch
from connector.dataset.store import Store
from connector.errors import ReportingError
from connector.runs.restatement import Refresh, find_aged, refresh_ages, select_due

#: Seconds between two ticks, unless configured.
LOOK_EVERY = 300


@dataclass(frozen=True, slots=True)
class ReportPlan:
    """One report at one tick: the runs to request, and the partitions they are about."""

    availability: ReportAvailability
    missing: Sequence[RangeRunRequest]
    aged: Sequence[tuple[RangeRunRequest, Refresh]]


def build_availability_sensor(
    reports: Sequence[ConfiguredReport],
    *,
    name: str = "stripe_availability",
    look_back: timedelta = LOOK_BACK,
    at_most: int = 62,
    refresh_after: Sequence[timedelta] | None = None,
    minimum_interval_seconds: int = LOOK_EVERY,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.RUNNING,
) -> dg.SensorDefinition:
    """A sensor that requests what is ready at Stripe and missing in the dataset, oldest first.

    Each tick calls Stripe once, for the availability of all report types. A partition that keeps failing is
    requested again when Stripe's data have advanced, not before.

    Args:
        reports: of one account; the sensor uses their resource.
        look_back: how far behind the newest ready partition missing ones are requested, and how long after
            an age was reached a partition is still refreshed. A first start requests no more than that.
        at_most: how many missing partitions of a report one tick requests.
        refresh_after: ages, from the end of a partition's window, at which it is refreshed, one partition
            a run; an empty sequence turns that off. None for those at which a pull refreshes each report.

    Raises ConfigurationError for reports of several accounts, or about payouts.
    """
    resource = shared_resource(of_windows(reports))

    def ages_of(report: ConfiguredReport) -> Sequence[timedelta]:
        return refresh_ages(report.query.spec.id) if refresh_after is None else refresh_after

    # The age of the oldest window that can matter.
    reach = look_back + max((age for each in reports for age in ages_of(each)), default=timedelta())

    def plan_report(
        instance: dg.DagsterInstance,
        client: StripeClient,
        store: Store,
        availability: ReportAvailability,
        *,
        unfinished: Iterable[RequestedRun],
        memory: SensorMemory,
    ) -> ReportPlan:
        if availability.available is None:
            return ReportPlan(availability, (), ())
        busy = busy_partitions(instance, availability.report, availability.grid, unfinished)
        until = epoch(availability.available.data_available_end)
        newest = availability.within(look_back)
        ages = ages_of(availability.report)
        aged = find_aged(availability.ready, ages=ages, look_back=look_back, now=availability.now)
        aged = [(partition, refresh) for partition, refresh in aged if not memory.has_refreshed(refresh)]
        concerned = {partition.key: partition for partition in (*newest, *(each for each, _ in aged))}
        published = availability.read_published(store, client, list(concerned.values()))
        missing = find_missing(newest, published.keys(), leave=busy | memory.requested_since(until))
        return ReportPlan(
            availability,
            request_missing(availability, missing, reason=until, at_most=at_most),
            [
                (_request_refresh(availability, refresh), refresh)
                for refresh in select_due(aged, published)
                if refresh.key not in busy
            ],
        )

    def plan_tick(
        instance: dg.DagsterInstance, stripe: StripeReporting, memory: Mapping[str, SensorMemory]
    ) -> list[ReportPlan]:
        unfinished, store = unfinished_attempts(instance), stripe.store()
        with stripe.client(retry=TICK_RETRY) as client:
            return [
                plan_report(
                    instance,
                    client,
                    store,
                    availability,
                    unfinished=unfinished,
                    memory=memory.get(availability.grid.asset, SensorMemory()),
                )
                for availability in read_availability(client, reports, reach=reach)
            ]

    @dg.sensor(
        name=name,
        # A target would be one job, which cannot hold windows of different lengths.
        asset_selection=dg.AssetSelection.assets(*(report.key for report in reports)),
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        required_resource_keys={resource},
        description="Requests partitions when Stripe has their data and the dataset does not, and refreshes "
        "them at the configured ages, because Stripe restates reports.",
    )
    def availability(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        memory = MEMORY_CURSOR.read(context) or {}
        try:
            plans = plan_tick(context.instance, stripe_resource(context.resources, resource), memory)
        except ReportingError as error:
            return dg.SensorResult(
                skip_reason=f"Nothing could be requested; the next tick tries again. {error}",
                cursor=context.cursor,
            )
        requests, memory = select_requests(plans, memory)
        text = summarize(plans)
        context.log.info(text)
        return dg.SensorResult(
            requests, skip_reason=None if requests else text, cursor=MEMORY_CURSOR.write(memory)
        )

    return availability


def summarize(plans: Iterable[ReportPlan]) -> str:
    """What a tick found, a line for each report."""
    return "\n".join(_line(plan) for plan in plans)


def _line(plan: ReportPlan) -> str:
    report_type, name = plan.availability.report.query.spec.id, plan.availability.grid.asset
    if plan.availability.available is None:
        return f"{name}: nothing to request; Stripe does not offer {report_type} to this account."
    missing = sum(len(request.keys) for request in plan.missing)
    due = [f"{count(missing, 'partition')} to request"] if missing else []
    due += [f"{count(len(plan.aged), 'partition')} to refresh"] if plan.aged else []
    end = plan.availability.available.data_available_end
    return (
        f"{name}: {', '.join(due) or 'nothing to request'}. Stripe has data until {end:%Y-%m-%d %H:%M} UTC."
    )


def _request_refresh(availability: ReportAvailability, refresh: Refresh) -> RangeRunRequest:
    """One partition a run, so that each gets its own data version, whatever reads it."""
    reason = ["refresh", int(refresh.age.total_seconds())]
    return RangeRunRequest(availability.report, (refresh.key,), reason, {INTENT_TAG: Intent.REFRESH})


def select_requests(
    plans: Sequence[ReportPlan], memory: Mapping[str, SensorMemory]
) -> tuple[list[dg.RunRequest], dict[str, SensorMemory]]:
    """The requests of this tick, missing partitions first, and what to remember of them."""
    missing = [(plan, request) for plan in plans for request in plan.missing]
    missing.sort(key=lambda pair: pair[0].availability.begins(pair[1].keys[0]))
    missing = missing[:MOST_REQUESTS]
    room = MOST_REQUESTS - len(missing)
    aged = [(plan, request, refresh) for plan in plans for request, refresh in plan.aged][:room]
    remembered = {}
    for plan in plans:
        asset, available = plan.availability.grid.asset, plan.availability.available
        if available is None:
            continue
        remembered[asset] = memory.get(asset, SensorMemory()).with_requested(
            epoch(available.data_available_end),
            (key for of, request in missing if of is plan for key in request.keys),
            (refresh for of, _, refresh in aged if of is plan),
            known={partition.key for partition in plan.availability.ready},
        )
    requests = [*(request for _, request in missing), *(request for _, request, _ in aged)]
    return [request.request() for request in requests], remembered
