"""The sensor that asks for partitions as soon as Stripe has their data, and again when they have aged.

It takes the place of a schedule, and needs no guess about when Stripe will be done. Either it or the schedule
runs; both at once would only find each other's work done.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from assets.dagster_runs.history import RequestedRun, covered, in_backfills, unfinished_attempts
from assets.dagster_runs.run_requests import MOST_REQUESTS, RangeRunRequest, of_windows, shared_resource
from assets.dagster_runs.tags import INTENT_TAG, Intent
from assets.reports.configured import ConfiguredReport
from assets.resources import StripeReporting, stripe_resource
from assets.sensors.availability_decisions import (
    REFRESH_AFTER,
    Refresh,
    SensorMemory,
    from_cursor,
    missing,
    of_age,
    to_cursor,
    to_refresh,
)
from assets.sensors.readiness import ReportAvailability, missing_asks, readiness
from assets.sensors.tick import LOOK_BACK, TICK_RETRY
from connector.api.client import StripeClient
from connector.api.models import epoch
from connector.dataset.store import Store
from connector.errors import ReportingError


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one tick goes; the arguments of `build_availability_sensor`."""

    look_back: timedelta
    at_most: int
    refresh_after: Sequence[timedelta]

    @property
    def reach(self) -> timedelta:
        """The age of the oldest window that can matter."""
        return self.look_back + max(self.refresh_after, default=timedelta())


@dataclass(frozen=True, slots=True)
class Due:
    """One report at one tick: the runs to ask for, and the partitions they are about."""

    state: ReportAvailability
    missing: Sequence[RangeRunRequest]
    aged: Sequence[tuple[RangeRunRequest, Refresh]]


def build_availability_sensor(
    reports: Sequence[ConfiguredReport],
    *,
    name: str = "stripe_availability",
    look_back: timedelta = LOOK_BACK,
    at_most: int = 62,
    refresh_after: Sequence[timedelta] = REFRESH_AFTER,
    minimum_interval_seconds: int = 300,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.RUNNING,
) -> dg.SensorDefinition:
    """A sensor that requests what is ready at Stripe and missing in the dataset, oldest first.

    Each tick asks Stripe once, for the availability of all report types. A partition that keeps failing is
    asked for again when Stripe's data have advanced, not before.

    Args:
        reports: of one account; the sensor uses their resource.
        look_back: how far behind the newest ready partition missing ones are asked for, and how long after
            an age was reached a partition is still asked again. A first start asks for no more than that.
        at_most: how many missing partitions of a report one tick requests.
        refresh_after: ages, from the end of a partition's window, at which it is asked again, one partition
            a run; none turns that off.

    Raises ConfigurationError for reports of several accounts, or about payouts.
    """
    resource, limits = shared_resource(of_windows(reports)), Limits(look_back, at_most, tuple(refresh_after))

    @dg.sensor(
        name=name,
        # A target would be one job, which cannot hold windows of different lengths.
        asset_selection=dg.AssetSelection.assets(*(report.key for report in reports)),
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        required_resource_keys={resource},
        description="Asks for Stripe's reports when their data are ready, and again when they have aged.",
    )
    def availability(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        memory = from_cursor(context.cursor)
        try:
            due = _look(
                context.instance, stripe_resource(context.resources, resource), reports, limits, memory
            )
        except ReportingError as error:
            return dg.SensorResult(
                skip_reason=f"Nothing can be asked for now: {error}", cursor=context.cursor
            )
        requests, memory = _asked_for(due, memory)
        context.log.info(summary(due))
        skipped = None if requests else summary(due)
        return dg.SensorResult(requests, skip_reason=skipped, cursor=to_cursor(memory))

    return availability


def summary(due: Iterable[Due]) -> str:
    """What a tick saw, a line for each report."""
    return "\n".join(_line(each) for each in due)


def _line(due: Due) -> str:
    state, name = due.state, due.state.calendar.asset
    if state.available is None:
        return f"{name}: the account has no report type {state.report.query.spec.id}"
    wanted = sum(len(ask.keys) for ask in due.missing)
    return (
        f"{name}: Stripe has data until {state.available.data_available_end:%Y-%m-%d %H:%M} UTC; "
        f"{wanted} partitions are missing, {len(due.aged)} are old enough to be asked again"
    )


def _look(
    instance: dg.DagsterInstance,
    stripe: StripeReporting,
    reports: Sequence[ConfiguredReport],
    limits: Limits,
    memory: Mapping[str, SensorMemory],
) -> list[Due]:
    """How each report stands, and what is due. Raises ReportingError when that cannot be told."""
    unfinished, store = unfinished_attempts(instance), stripe.store()
    with stripe.client(retry=TICK_RETRY) as client:
        return [
            _due(
                instance,
                client,
                store,
                state,
                limits,
                unfinished=unfinished,
                asked=memory.get(state.calendar.asset, SensorMemory()),
            )
            for state in readiness(client, reports, reach=limits.reach)
        ]


def _due(
    instance: dg.DagsterInstance,
    client: StripeClient,
    store: Store,
    state: ReportAvailability,
    limits: Limits,
    *,
    unfinished: Iterable[RequestedRun],
    asked: SensorMemory,
) -> Due:
    if state.available is None:
        return Due(state, (), ())
    busy = covered(unfinished, state.calendar) | in_backfills(instance, state.report)
    until = epoch(state.available.data_available_end)
    newest = state.within(limits.look_back)
    aged = of_age(state.windows, ages=limits.refresh_after, look_back=limits.look_back, now=state.now)
    aged = [(window, refresh) for window, refresh in aged if not asked.has_refreshed(refresh)]
    kept = state.kept(store, client, list({*newest, *(window for window, _ in aged)}))
    lacking = missing(newest, kept.keys(), leave=busy | asked.since(until))
    made = {key: provenance.as_of for key, provenance in kept.items()}
    again = to_refresh(aged, made, leave=busy)
    return Due(
        state,
        missing_asks(state, lacking, reason=until, at_most=limits.at_most),
        [(_refresh_ask(state, each), each) for each in again],
    )


def _refresh_ask(state: ReportAvailability, refresh: Refresh) -> RangeRunRequest:
    """One partition a run, so that each gets a data version of its own whatever reads it."""
    reason = ["refresh", int(refresh.age.total_seconds())]
    return RangeRunRequest(state.report, (refresh.key,), reason, {INTENT_TAG: Intent.REFRESH})


def _asked_for(
    due: Sequence[Due], memory: dict[str, SensorMemory]
) -> tuple[list[dg.RunRequest], dict[str, SensorMemory]]:
    """The requests of this tick, missing partitions first, and what to remember of them."""
    lacking = [(each, ask) for each in due for ask in each.missing]
    lacking.sort(key=lambda pair: pair[0].state.begins(pair[1].keys[0]))
    lacking = lacking[:MOST_REQUESTS]
    room = MOST_REQUESTS - len(lacking)
    aged = [(each, ask, refresh) for each in due for ask, refresh in each.aged][:room]
    remembered = {}
    for each in due:
        asset, available = each.state.calendar.asset, each.state.available
        if available is None:
            continue
        remembered[asset] = memory.get(asset, SensorMemory()).and_also(
            epoch(available.data_available_end),
            (key for of, ask in lacking if of is each for key in ask.keys),
            (refresh for of, _, refresh in aged if of is each),
            known={window.key for window in each.state.windows},
        )
    asks = [*(ask for _, ask in lacking), *(ask for _, ask, _ in aged)]
    return [ask.request() for ask in asks], remembered
