"""The sensor that adds a partition for each payout that becomes known, and requests its report.

Payouts are not windows of time, so neither the availability sensor nor the schedule can know them. They are
read from the files of a report that names them, when these are materialized.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg

from assets.dagster_runs.asked import MOST_TIMES, ask_again, requests_for, warn_given_up
from assets.dagster_runs.claims import claim
from assets.dagster_runs.gone import NONE_GONE, find_gone
from assets.dagster_runs.history import PartitionGrid
from assets.dagster_runs.launches import Launches
from assets.dagster_runs.run_requests import RangeRunRequest, shared_resource
from assets.reports.configured import ConfiguredReport
from assets.resources import StripeReporting, stripe_resource
from assets.sensors.payout_sources import (
    PROGRESS_CURSOR,
    PayoutProgress,
    PayoutSource,
    find_sources,
    is_valid,
)
from assets.sensors.tick import (
    AFTER_STRIPE,
    LOOK_BACK,
    TICK_RETRY,
    TICK_SECONDS,
    bounded,
    count,
    in_time,
    list_first,
)
from assets.sensors.unknown_files import (
    NOTHING_RECORDED,
    RECORDING_SECONDS,
    Recording,
    RecordingBudget,
    find_unknown,
    record_unknown,
)
from assets.shown import shown
from connector.api.client import StripeClient
from connector.api.models import epoch
from connector.catalogue.latency import LAST_REFRESH
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import ConfigurationError, ReportingError

#: The oldest windows that are still refreshed.
REACH = LOOK_BACK + LAST_REFRESH

#: Files of one source that a tick reads; the next tick reads on.
_FILES = 100

_POSTPONED = "Not looked at, since the tick's time was up; the next tick begins with it."


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
        note: what a person should know.
        given_up: keys that were asked for often enough.
        grid: all partitions there will be; None where nothing was looked for.
    """

    report: ConfiguredReport
    progress: PayoutProgress
    new: Sequence[str]
    requests: Sequence[RangeRunRequest] = ()
    note: str = ""
    given_up: Sequence[str] = ()
    recording: Recording = NOTHING_RECORDED
    grid: PartitionGrid | None = None


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

    def plan_tick(
        instance: dg.DagsterInstance, stripe: StripeReporting, before: Mapping[str, PayoutProgress]
    ) -> list[PayoutPlan]:
        store = stripe.store()
        known: dict[str, list[str]] = {}
        found = []
        with stripe.client(retry=TICK_RETRY) as client:
            now = client.now()

            def left() -> float:
                return client.time_left() + AFTER_STRIPE

            # Those that had to wait longest come first.
            waiting = sorted(sources, key=lambda each: _before(each[0], before).looked)
            looks = [
                (bounded(partial(_look, client, store, report, before), left()), source)
                for report, source in in_time(waiting, lambda: client.time_left() - TICK_SECONDS / 2)
            ]
            budget = RecordingBudget(client.clock.monotonic, seconds=min(RECORDING_SECONDS, left()))
            launches = Launches(instance)
            for look, source in in_time(looks, left):
                report, progress = look.report, replace(look.progress, looked=epoch(now))
                named = _read_files(
                    instance, client, store, source, report, after=progress.read, since=now - reach, left=left
                )
                partitions = report.payouts.name or ""
                keys = known.setdefault(partitions, list(instance.get_dynamic_partitions(partitions)))
                recording = _record(instance, store, launches, look, keys={*keys, *named.keys}, budget=budget)
                there = [str(event.partition) for event in recording.events]
                new = [key for key in dict.fromkeys([*named.keys, *there]) if key not in set(keys)]
                keys += new
                progress = progress.with_found(named.read, named.recent if request else (), now)
                published = _find_published(client, store, report, progress).keys()
                progress = progress.without_settled(published, now=now, look_back=look_back)
                progress = replace(progress, recorded=recording.after)
                found.append((PayoutPlan(report, progress, new, recording=recording), keys))
            postponed = [
                PayoutPlan(report, _before(report, before), (), note=_POSTPONED)
                for report, _ in waiting[len(found) :]
            ]
            if not any(plan.progress.pending for plan, _ in found):
                return [*(plan for plan, _ in found), *postponed]
            try:
                types = client.report_types()
            except ReportingError as error:
                # Partitions are added all the same.
                note = f"Nothing could be requested; the next tick tries again. {error}"
                return [*(replace(plan, note=note) for plan, _ in found), *postponed]
            ends = {id: epoch(each.data_available_end) for id, each in types.items()}
        planned = (
            _plan_requests(instance, launches, plan, keys, ends.get(plan.report.query.spec.id))
            for plan, keys in found
        )
        return [*planned, *postponed]

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
            plans = plan_tick(context.instance, stripe_resource(context.resources, resource), before)
        except ReportingError as error:
            return dg.SensorResult(
                skip_reason=shown(f"Payouts could not be read; the next tick tries again. {error}"),
                cursor=context.cursor,
            )
        return _result(context, plans, by=name, since=began)

    return payouts


def _before(report: ConfiguredReport, before: Mapping[str, PayoutProgress]) -> PayoutProgress:
    return before.get(report.key.to_user_string(), PayoutProgress())


@dataclass(frozen=True, slots=True)
class _Look:
    """One report about payouts, as its cursor and its dataset have it."""

    report: ConfiguredReport
    progress: PayoutProgress
    dataset: Dataset
    files: Sequence[str]
    published: Mapping[str, Provenance]


def _look(
    client: StripeClient, store: Store, report: ConfiguredReport, before: Mapping[str, PayoutProgress]
) -> _Look:
    """The files first: a run that ends between two looks has written its events when those are read."""
    progress = _before(report, before)
    dataset = report.query.dataset(mode=client.mode, account=client.account)
    published = _find_published(client, store, report, progress)
    return _Look(report, progress, dataset, store.keys(dataset), published)


def _record(
    instance: dg.DagsterInstance,
    store: Store,
    launches: Launches,
    look: _Look,
    *,
    keys: Collection[str],
    budget: RecordingBudget,
) -> Recording:
    """The events of payouts that are there and unknown to this Dagster, partitions already or not.

    Args:
        keys: the partitions there are.
    """
    report = look.report
    every = dict.fromkeys([*keys, *(key for key in look.files if is_valid(report, key))])
    grid = PartitionGrid.over(report.key.to_user_string(), [list(every)])
    in_hand = launches.in_hand(grid)
    unknown = find_unknown(
        instance, report, grid, files=look.files, published=look.published, in_hand=in_hand
    )
    return record_unknown(report, unknown, store, look.dataset, after=look.progress.recorded, budget=budget)


def _read_files(
    instance: dg.DagsterInstance,
    client: StripeClient,
    store: Store,
    source: PayoutSource,
    report: ConfiguredReport,
    *,
    after: int,
    since: datetime,
    left: Callable[[], float],
) -> NamedPayouts:
    """The payouts named by the source's partitions that were materialized after the event `after`, as far as
    there is time."""
    query = source.report.query
    dataset = query.dataset(mode=client.mode, account=client.account)
    wanted = dg.AssetRecordsFilter(asset_key=source.report.key, after_storage_id=after or None)
    records = instance.fetch_materializations(wanted, limit=_FILES, ascending=True).records
    keys: dict[str, None] = {}
    recent: dict[str, None] = {}
    read: set[str] = set()
    for record in in_time(records, left):
        after, key = record.storage_id, str(record.partition_key or "")
        if not key or key in read:
            continue
        read.add(key)
        provenance = store.provenance(dataset, key)
        if provenance is None:  # the file was deleted since
            continue
        named = dict.fromkeys(source.read_payouts(store, dataset, key, wanted=report))
        keys |= named
        if provenance.interval and provenance.interval.end > since:
            recent |= named
    return NamedPayouts(after, tuple(keys), tuple(recent))


def _find_published(
    client: StripeClient, store: Store, report: ConfiguredReport, progress: PayoutProgress
) -> dict[str, Provenance]:
    """The pending payouts that are published with the request as it is configured now, by key."""
    query = report.query
    dataset = query.dataset(mode=client.mode, account=client.account)
    found = {key: store.provenance(dataset, key) for key in progress.pending}
    return {
        key: provenance
        for key, provenance in found.items()
        if provenance and provenance.request == query.request(report.partition(key))
    }


def _plan_requests(
    instance: dg.DagsterInstance,
    launches: Launches,
    plan: PayoutPlan,
    keys: Sequence[str],
    until: int | None,
) -> PayoutPlan:
    """The plan with the runs that bring what is pending, neighbours together.

    Args:
        keys: all partitions there will be, in Dagster's order.
        until: Stripe's `data_available_end`; None where the account has no such report type.
    """
    report = plan.report
    if until is None:
        return replace(plan, note=f"Stripe does not offer {report.query.spec.id} to this account.")
    grid = PartitionGrid.over(report.key.to_user_string(), [keys])
    gone = find_gone(instance, report.key, report.payouts) if report.query.dimensions else NONE_GONE
    left_out = [key for key in plan.progress.pending if key in gone]
    pending, reason = [key for key in plan.progress.pending if key not in gone], f"payout/{until}"
    left_alone = launches.left_alone(grid, pending).keys
    due = dict.fromkeys((key for key in pending if key not in left_alone), reason)
    again = ask_again(instance, launches, report, grid, due, after_success=True)
    requests = requests_for(report, grid, again.attempts, reason=reason)
    accounts = list_first(sorted(gone.accounts))
    not_asked = f"{count(len(left_out), 'payout')} not requested, of accounts that are gone: {accounts}."
    note = not_asked if left_out else plan.note
    return replace(plan, requests=requests, given_up=again.given_up, grid=grid, note=note)


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
        notes.append(f"Asked for {MOST_TIMES} times in vain: {list_first(list(plan.given_up))}.")
    notes += [f"{each}." for each in plan.recording.notes]
    counts = (
        f"{count(len(plan.new), 'new payout')} added as partitions, "
        f"{due:,} to request, {waiting:,} waiting for their report"
    )
    return f"{plan.report.key.to_user_string()}: {' '.join([f'{counts}.', *notes])}"
