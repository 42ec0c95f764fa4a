"""The sensor that adds a partition for each payout that becomes known, and requests its report.

Payouts are not windows of time, so neither the availability sensor nor the schedule can know them. They are
read from the files of a report that names them, when these are materialized.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import dagster as dg

from assets.dagster_runs.history import (
    PartitionGrid,
    RequestedRun,
    busy_partitions,
    unfinished_attempts,
)
from assets.dagster_runs.run_requests import RangeRunRequest, first_requests, neighbours, shared_resource
from assets.dagster_runs.tags import INTENT_TAG, Intent
from assets.reports.configured import ConfiguredReport
from assets.resources import StripeReporting, stripe_resource
from assets.sensors.payout_sources import PROGRESS_CURSOR, PayoutProgress, PayoutSource, find_sources
from assets.sensors.tick import LOOK_BACK, TICK_RETRY, count
from connector.api.client import StripeClient
from connector.api.models import epoch
from connector.dataset.store import Store
from connector.errors import ConfigurationError, ReportingError
from connector.runs.restatement import LAST_REFRESH

#: The oldest windows that are still refreshed.
REACH = LOOK_BACK + LAST_REFRESH

#: Files of one source that a tick reads; the next tick reads on.
_FILES = 100


@dataclass(frozen=True, slots=True)
class NamedPayouts:
    """The payouts in the files of a source that were not read before.

    Attributes:
        read: the newest event of the source that was read.
        keys: partitions of all payouts they name, in the order of the files.
        recent: those named by windows that ended not too long ago.
    """

    read: int
    keys: Sequence[str] = ()
    recent: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PayoutPlan:
    """One report about payouts at one tick.

    Attributes:
        new: keys to be added as partitions.
        requests: the runs to request.
        until: Stripe's `data_available_end`; None where it was not read.
        note: what a person should know.
    """

    report: ConfiguredReport
    progress: PayoutProgress
    new: Sequence[str]
    requests: Sequence[RangeRunRequest] = ()
    until: int | None = None
    note: str = ""


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
    again whenever Stripe's data have advanced.

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

    def plan_tick(
        instance: dg.DagsterInstance, stripe: StripeReporting, before: Mapping[str, PayoutProgress]
    ) -> list[PayoutPlan]:
        unfinished, store = unfinished_attempts(instance), stripe.store()
        known: dict[str, list[str]] = {}
        found = []
        with stripe.client(retry=TICK_RETRY) as client:
            now = client.now()
            for report, source in sources:
                progress = before.get(report.key.to_user_string(), PayoutProgress())
                named = _read_files(
                    instance, client, store, source, report, after=progress.read, since=now - reach
                )
                partitions = report.payouts.name or ""
                keys = known.setdefault(partitions, list(instance.get_dynamic_partitions(partitions)))
                new = [key for key in named.keys if key not in set(keys)]
                keys += new
                progress = progress.with_found(named.read, named.recent if request else (), now)
                published = _find_published(client, store, report, progress)
                progress = progress.without_settled(published, now=now, look_back=look_back)
                found.append((PayoutPlan(report, progress, new), keys))
            if not any(plan.progress.pending for plan, _ in found):
                return [plan for plan, _ in found]
            try:
                types = client.report_types()
            except ReportingError as error:
                # Partitions are added all the same.
                note = f"Nothing could be requested; the next tick tries again. {error}"
                return [replace(plan, note=note) for plan, _ in found]
            ends = {id: epoch(each.data_available_end) for id, each in types.items()}
        return [
            _plan_requests(instance, plan, keys, ends.get(plan.report.query.spec.id), unfinished)
            for plan, keys in found
        ]

    @dg.sensor(
        name=name,
        asset_selection=dg.AssetSelection.assets(*(report.key for report, _ in sources)),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={resource},
        description="Adds a partition for each payout that another report names, and requests its report.",
    )
    def payouts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before = PROGRESS_CURSOR.read(context) or {}
        try:
            plans = plan_tick(context.instance, stripe_resource(context.resources, resource), before)
        except ReportingError as error:
            return dg.SensorResult(
                skip_reason=f"Payouts could not be read; the next tick tries again. {error}",
                cursor=context.cursor,
            )
        return _result(context, plans)

    return payouts


def _read_files(
    instance: dg.DagsterInstance,
    client: StripeClient,
    store: Store,
    source: PayoutSource,
    report: ConfiguredReport,
    *,
    after: int,
    since: datetime,
) -> NamedPayouts:
    """The payouts named by the source's partitions that were materialized after the event `after`."""
    query = source.report.query
    dataset = query.dataset(mode=client.mode, account=client.account)
    wanted = dg.AssetRecordsFilter(asset_key=source.report.key, after_storage_id=after or None)
    records = instance.fetch_materializations(wanted, limit=_FILES, ascending=True).records
    keys: dict[str, None] = {}
    recent: dict[str, None] = {}
    for key in dict.fromkeys(str(record.partition_key) for record in records if record.partition_key):
        provenance = store.provenance(dataset, key)
        if provenance is None:  # the file was deleted since
            continue
        named = dict.fromkeys(source.read_payouts(store, dataset, key, wanted=report))
        keys |= named
        if provenance.interval and provenance.interval.end > since:
            recent |= named
    return NamedPayouts(records[-1].storage_id if records else after, tuple(keys), tuple(recent))


def _find_published(
    client: StripeClient, store: Store, report: ConfiguredReport, progress: PayoutProgress
) -> frozenset[str]:
    """Keys of the pending payouts that are published with the request as it is configured now."""
    query = report.query
    dataset = query.dataset(mode=client.mode, account=client.account)
    found = {key: store.provenance(dataset, key) for key in progress.pending}
    return frozenset(
        key
        for key, provenance in found.items()
        if provenance and provenance.request == query.request(report.partition(key))
    )


def _plan_requests(
    instance: dg.DagsterInstance,
    plan: PayoutPlan,
    keys: Sequence[str],
    until: int | None,
    unfinished: Sequence[RequestedRun],
) -> PayoutPlan:
    """The plan with the runs that bring what is pending, neighbours together.

    Args:
        keys: all partitions there will be, in Dagster's order.
        until: Stripe's `data_available_end`; None where the account has no such report type.
    """
    report = plan.report
    if until is None:
        note = f"Stripe does not offer {report.query.spec.id} to this account."
        return PayoutPlan(report, plan.progress, plan.new, note=note)
    grid = PartitionGrid.over(report.key.to_user_string(), [keys])
    due = plan.progress.select_due(until, leave=busy_partitions(instance, report, grid, unfinished))
    requests = [
        RangeRunRequest(report, group, ["payout", until], {INTENT_TAG: Intent.ENSURE})
        for group in neighbours(due, grid, at_most=report.max_partitions_per_run)
    ]
    return PayoutPlan(report, plan.progress, plan.new, requests, until)


def _result(context: dg.SensorEvaluationContext, plans: Sequence[PayoutPlan]) -> dg.SensorResult:
    """Partitions to add, the requests of this tick, and what to remember."""
    requests = first_requests(request for plan in plans for request in plan.requests)
    made = {request.run_key for request in requests}
    progress: dict[str, PayoutProgress] = {}
    new: dict[dg.DynamicPartitionsDefinition, list[str]] = {}
    for plan in plans:
        requested = [key for request in plan.requests if request.run_key in made for key in request.keys]
        progress[plan.report.key.to_user_string()] = plan.progress.with_requested(requested, plan.until or 0)
        if plan.new:
            new.setdefault(plan.report.payouts, []).extend(plan.new)
    text = "\n".join(_line(plan) for plan in plans)
    context.log.info(text)
    return dg.SensorResult(
        requests,
        skip_reason=None if requests or new else text,
        cursor=PROGRESS_CURSOR.write(progress),
        dynamic_partitions_requests=[partitions.build_add_request(keys) for partitions, keys in new.items()],
    )


def _line(plan: PayoutPlan) -> str:
    due = sum(len(request.keys) for request in plan.requests)
    waiting = len(plan.progress.pending) - due
    return (
        f"{plan.report.key.to_user_string()}: {count(len(plan.new), 'new payout')} added as partitions, "
        f"{due:,} to request, {waiting:,} waiting for their report.{f' {plan.note}' if plan.note else ''}"
    )
