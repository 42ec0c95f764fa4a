"""The sensor that makes a partition of each payout that becomes known, and asks for its report.

Payouts have no windows, so neither the availability sensor nor the schedule can know of them. They are read
out of the files of a report that names them, as these are materialized.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from assets.dagster_runs.history import (
    PartitionGrid,
    RequestedRun,
    covered,
    in_backfills,
    unfinished_attempts,
)
from assets.dagster_runs.run_requests import RangeRunRequest, first_requests, neighbours, shared_resource
from assets.dagster_runs.tags import INTENT_TAG, Intent
from assets.reports.configured import ConfiguredReport
from assets.resources import StripeReporting, stripe_resource
from assets.sensors.availability_decisions import REFRESH_AFTER
from assets.sensors.payout_sources import PayoutCursor, PayoutSource, from_cursor, source_of, to_cursor
from assets.sensors.tick import LOOK_BACK, TICK_RETRY
from connector.api.client import StripeClient
from connector.api.models import epoch
from connector.dataset.store import Store
from connector.errors import ConfigurationError, ReportingError

#: The oldest windows that are still asked for again by themselves.
REACH = LOOK_BACK + max(REFRESH_AFTER)

#: Files of one source that a tick reads; more wait for the next.
_FILES = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one tick goes; the arguments of `build_payout_sensor`."""

    look_back: timedelta
    reach: timedelta
    request: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What the files of a source that were not looked at before say.

    Attributes:
        read: the newest event of the source that was looked at.
        keys: partitions of all payouts they name, in the order of the files.
        recent: those out of windows that ended not too long ago.
    """

    read: int
    keys: Sequence[str] = ()
    recent: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """One report about payouts at one tick.

    Attributes:
        new: keys to be made partitions.
        asks: the runs to ask for.
        until: Stripe's `data_available_end`; None where Stripe was not asked.
        note: what a person should know.
    """

    report: ConfiguredReport
    progress: PayoutCursor
    new: Sequence[str]
    asks: Sequence[RangeRunRequest] = ()
    until: int | None = None
    note: str = ""


def build_payout_sensor(
    reports: Sequence[ConfiguredReport],
    *,
    name: str = "stripe_payouts",
    look_back: timedelta = LOOK_BACK,
    reach: timedelta = REACH,
    request: bool = True,
    minimum_interval_seconds: int = 60,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.RUNNING,
) -> dg.SensorDefinition:
    """A sensor that adds partitions for payouts as they become known, and requests them.

    Each report about one payout takes them from its source among the other reports. Stripe is asked only
    while something is to be requested. A payout that Stripe does not have yet, or that failed, is asked for
    again whenever Stripe's data have advanced.

    Args:
        reports: of one account, those about payouts and those that name them.
        look_back: how long a payout is asked for after it became known.
        reach: payouts out of windows that ended longer ago become partitions and are not requested: filling
            in the past shall not ask for all of its payouts.
        request: whether anything is requested at all.

    Raises ConfigurationError for reports of several accounts, or where no report about payouts has a source.
    """
    resource, limits = shared_resource(reports), Limits(look_back, reach, request)
    sources = payout_sources(reports)
    if not sources:
        raise ConfigurationError("no report about one payout has another one beside it that names payouts")

    @dg.sensor(
        name=name,
        asset_selection=dg.AssetSelection.assets(*(report.key for report, _ in sources)),
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        required_resource_keys={resource},
        description="Makes partitions of payouts as reports name them, and asks for their reports.",
    )
    def payouts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before = from_cursor(context.cursor)
        try:
            due = _look(
                context.instance, stripe_resource(context.resources, resource), sources, limits, before
            )
        except ReportingError as error:
            return dg.SensorResult(skip_reason=f"Payouts cannot be read now: {error}", cursor=context.cursor)
        return _result(context, due)

    return payouts


def payout_sources(reports: Sequence[ConfiguredReport]) -> list[tuple[ConfiguredReport, PayoutSource]]:
    """The reports about one payout, each with the report it takes its payouts from; without those that have
    none.

    Raises ConfigurationError where one names a source that cannot be.
    """
    askers = [report for report in reports if report.query.by_payout]
    found = [(asker, source_of(asker, reports)) for asker in askers]
    return [(asker, source) for asker, source in found if source is not None]


def _look(
    instance: dg.DagsterInstance,
    stripe: StripeReporting,
    sources: Sequence[tuple[ConfiguredReport, PayoutSource]],
    limits: Limits,
    before: Mapping[str, PayoutCursor],
) -> list[Due]:
    """What became known for each report, and what is due. Raises ReportingError when that cannot be told."""
    unfinished, store = unfinished_attempts(instance), stripe.store()
    known: dict[str, list[str]] = {}
    found = []
    with stripe.client(retry=TICK_RETRY) as client:
        now = client.now()
        for asker, source in sources:
            progress = before.get(asker.key.to_user_string(), PayoutCursor())
            seen = _read(
                instance, client, store, source, asker, after=progress.read, since=now - limits.reach
            )
            name = asker.payouts.name or ""
            there = known.setdefault(name, list(instance.get_dynamic_partitions(name)))
            new = [key for key in seen.keys if key not in set(there)]
            there += new
            progress = progress.learned(seen.read, seen.recent if limits.request else (), now)
            progress = progress.without(
                _kept(client, store, asker, progress), now=now, look_back=limits.look_back
            )
            found.append((Due(asker, progress, new), there))
        if not any(due.progress.pending for due, _ in found):
            return [due for due, _ in found]
        ends = {id: epoch(each.data_available_end) for id, each in client.report_types().items()}
    return [
        _due(instance, due, there, ends.get(due.report.query.spec.id), unfinished) for due, there in found
    ]


def _read(
    instance: dg.DagsterInstance,
    client: StripeClient,
    store: Store,
    source: PayoutSource,
    asker: ConfiguredReport,
    *,
    after: int,
    since: datetime,
) -> Found:
    """The payouts named by the source's partitions that were materialized after the event `after`."""
    query = source.report.query
    dataset = query.dataset(mode=client.mode, account=client.account)
    wanted = dg.AssetRecordsFilter(asset_key=source.report.key, after_storage_id=after or None)
    records = instance.fetch_materializations(wanted, limit=_FILES, ascending=True).records
    keys: dict[str, None] = {}
    recent: dict[str, None] = {}
    for key in dict.fromkeys(str(record.partition_key) for record in records if record.partition_key):
        kept = store.provenance(dataset, key)
        if kept is None:  # taken away since
            continue
        named = dict.fromkeys(source.payouts(store, dataset, key, asker=asker))
        keys |= named
        if kept.interval and kept.interval.end > since:
            recent |= named
    return Found(records[-1].storage_id if records else after, tuple(keys), tuple(recent))


def _kept(
    client: StripeClient, store: Store, report: ConfiguredReport, progress: PayoutCursor
) -> frozenset[str]:
    """Keys of the pending payouts whose file is there, and answers what is asked now."""
    query = report.query
    dataset = query.dataset(mode=client.mode, account=client.account)
    kept = {key: store.provenance(dataset, key) for key in progress.pending}
    return frozenset(
        key for key, there in kept.items() if there and there.request == query.request(report.partition(key))
    )


def _due(
    instance: dg.DagsterInstance,
    due: Due,
    keys: Sequence[str],
    until: int | None,
    unfinished: Sequence[RequestedRun],
) -> Due:
    """The runs that bring what is pending, neighbours together.

    Args:
        keys: all partitions there will be, in Dagster's order.
        until: Stripe's `data_available_end`; None where the account has no such report type.
    """
    report = due.report
    if until is None:
        note = f"the account has no report type {report.query.spec.id}"
        return Due(report, due.progress, due.new, note=note)
    calendar = PartitionGrid.over(report.key.to_user_string(), [keys])
    busy = covered(unfinished, calendar) | in_backfills(instance, report)
    asks = [
        RangeRunRequest(report, group, ["payout", until], {INTENT_TAG: Intent.ENSURE})
        for group in neighbours(
            due.progress.due(until, leave=busy), calendar, at_most=report.max_partitions_per_run
        )
    ]
    return Due(report, due.progress, due.new, asks, until)


def _result(context: dg.SensorEvaluationContext, due: Sequence[Due]) -> dg.SensorResult:
    """Partitions to add, the requests of this tick, and what to remember."""
    requests = first_requests(ask for each in due for ask in each.asks)
    made = {request.run_key for request in requests}
    progress: dict[str, PayoutCursor] = {}
    new: dict[dg.DynamicPartitionsDefinition, list[str]] = {}
    for each in due:
        asked = [key for ask in each.asks if ask.run_key in made for key in ask.keys]
        progress[each.report.key.to_user_string()] = each.progress.having_asked(asked, each.until or 0)
        if each.new:
            new.setdefault(each.report.payouts, []).extend(each.new)
    told = "\n".join(_line(each) for each in due)
    context.log.info(told)
    return dg.SensorResult(
        requests,
        skip_reason=None if requests or new else told,
        cursor=to_cursor(progress),
        dynamic_partitions_requests=[partitions.build_add_request(keys) for partitions, keys in new.items()],
    )


def _line(due: Due) -> str:
    asked = sum(len(ask.keys) for ask in due.asks)
    return (
        f"{due.report.key.to_user_string()}: {len(due.new)} payouts became known, {asked} are asked for, "
        f"{len(due.progress.pending) - asked} wait for theirs{f'; {due.note}' if due.note else ''}"
    )
