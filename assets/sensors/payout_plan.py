"""What one tick of the sensor for payouts does about each report: which payouts have become known, which are
requested, and what is there and unknown to this Dagster.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import dagster as dg

from assets.dagster_runs.asked import ask_again, requests_for
from assets.dagster_runs.gone import NONE_GONE, find_gone
from assets.dagster_runs.history import PartitionGrid
from assets.dagster_runs.launches import Launches
from assets.dagster_runs.run_requests import RangeRunRequest
from assets.reports.configured import ConfiguredReport
from assets.sensors.payout_sources import PayoutProgress, PayoutSource, is_valid
from assets.sensors.tick import bounded, count, in_time, left_for_looks, left_in_all, unless_refused
from assets.sensors.unknown_files import (
    NOTHING_RECORDED,
    Recording,
    RecordingBudget,
    find_unknown,
    record_unknown,
)
from connector.api.client import StripeClient
from connector.api.models import epoch
from connector.dataset.coverage import listed
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import ReportingError, StoreError

#: Files of one source that a tick reads; the next tick reads on.
_FILES = 100

_POSTPONED = "Not looked at, since the tick's time was up; the next tick begins with it."


@dataclass(frozen=True, slots=True)
class PayoutRules:
    """What is requested; the sensor's arguments say what each means."""

    look_back: timedelta
    reach: timedelta
    request: bool


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
        grid: all partitions there will be; None where it was not looked at.
    """

    report: ConfiguredReport
    progress: PayoutProgress
    new: Sequence[str]
    requests: Sequence[RangeRunRequest] = ()
    note: str = ""
    given_up: Sequence[str] = ()
    recording: Recording = NOTHING_RECORDED
    grid: PartitionGrid | None = None


def plan_tick(
    instance: dg.DagsterInstance,
    client: StripeClient,
    store: Store,
    *,
    sources: Sequence[tuple[ConfiguredReport, PayoutSource]],
    rules: PayoutRules,
    before: Mapping[str, PayoutProgress],
) -> list[PayoutPlan]:
    """What one tick does, report by report, as far as there is time.

    Args:
        sources: the reports about payouts, each with the one that names them.
        before: how far the last tick came, by asset key.
    """
    now, left = client.now(), partial(left_in_all, client)
    # Those that had to wait longest come first.
    waiting = sorted(sources, key=lambda each: _before(each[0], before).looked)
    plans = [
        PayoutPlan(report, replace(_before(report, before), looked=epoch(now)), ()) for report, _ in waiting
    ]
    looks = [
        unless_refused(
            partial(bounded, partial(_look, client, store, plan), left()), partial(_unreadable, plan)
        )
        for plan in in_time(plans, partial(left_for_looks, client))
    ]
    tick = _Tick(client, store, rules, now, Launches(instance))
    budget = RecordingBudget.of(client)
    pairs = zip(plans, looks, (source for _, source in waiting), strict=False)
    found = [
        look
        if isinstance(look, PayoutPlan)
        else unless_refused(partial(tick.find, look, source, budget), partial(_unreadable, plan))
        for plan, look, source in in_time(pairs, left)
    ]
    postponed = [
        PayoutPlan(report, _before(report, before), (), note=_POSTPONED)
        for report, _ in waiting[len(found) :]
    ]
    if any(plan.progress.pending for plan in found if plan.grid):
        found = tick.with_requests(found)
    return [*found, *postponed]


def _unreadable(plan: PayoutPlan, error: StoreError) -> PayoutPlan:
    return replace(plan, note=f"Payouts could not be read; the next tick tries again. {error}")


def _before(report: ConfiguredReport, before: Mapping[str, PayoutProgress]) -> PayoutProgress:
    return before.get(report.key.to_user_string(), PayoutProgress())


@dataclass(frozen=True, slots=True)
class _Look:
    """One report about payouts, as its dataset has it.

    Attributes:
        plan: what is known of it so far, by the cursor.
        files: the keys that have a file.
        published: what the files of pending payouts say.
    """

    plan: PayoutPlan
    dataset: Dataset
    files: Sequence[str]
    published: Mapping[str, Provenance]


def _look(client: StripeClient, store: Store, plan: PayoutPlan) -> _Look:
    """The files first: a run that ends between two looks has written its events when those are read."""
    dataset = plan.report.query.dataset(mode=client.mode, account=client.account)
    published = _find_published(client, store, plan.report, plan.progress)
    return _Look(plan, dataset, store.keys(dataset), published)


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


@dataclass(frozen=True, slots=True)
class _Tick:
    """What one tick asks, and by which rules.

    Attributes:
        known: by name of the partitions in Dagster, the payouts there are, this tick's among them.
    """

    client: StripeClient
    store: Store
    rules: PayoutRules
    now: datetime
    launches: Launches
    known: dict[str, list[str]] = field(default_factory=dict)

    def find(self, look: _Look, source: PayoutSource, budget: RecordingBudget) -> PayoutPlan:
        """What one report has, and nothing requested yet."""
        report, progress = look.plan.report, look.plan.progress
        named = self._read_files(source, report, progress.read)
        name = report.payouts.name or ""
        keys = self.known.setdefault(name, list(self.launches.instance.get_dynamic_partitions(name)))
        already = set(keys)
        recording = self._record(look, [*keys, *named.keys], budget)
        there = [str(event.partition) for event in recording.events]
        new = [key for key in dict.fromkeys([*named.keys, *there]) if key not in already]
        keys += new
        progress = progress.with_found(named.read, named.recent if self.rules.request else (), self.now)
        published = _find_published(self.client, self.store, report, progress).keys()
        progress = progress.without_settled(published, now=self.now, look_back=self.rules.look_back)
        progress = replace(progress, recorded=recording.after)
        grid = PartitionGrid.over(report.key.to_user_string(), [list(keys)])
        return PayoutPlan(report, progress, new, recording=recording, grid=grid)

    def _read_files(self, source: PayoutSource, report: ConfiguredReport, after: int) -> NamedPayouts:
        """The payouts named by the source's partitions that were materialized after that event, as far as
        there is time."""
        dataset = source.report.query.dataset(mode=self.client.mode, account=self.client.account)
        wanted = dg.AssetRecordsFilter(asset_key=source.report.key, after_storage_id=after or None)
        found = self.launches.instance.fetch_materializations(wanted, limit=_FILES, ascending=True)
        keys: dict[str, None] = {}
        recent: dict[str, None] = {}
        read: set[str] = set()
        for record in in_time(found.records, partial(left_in_all, self.client)):
            after, key = record.storage_id, str(record.partition_key or "")
            if not key or key in read:
                continue
            read.add(key)
            provenance = self.store.provenance(dataset, key)
            if provenance is None:  # the file was deleted since
                continue
            named = dict.fromkeys(source.read_payouts(self.store, dataset, key, wanted=report))
            keys |= named
            if provenance.interval and provenance.interval.end > self.now - self.rules.reach:
                recent |= named
        return NamedPayouts(after, tuple(keys), tuple(recent))

    def _record(self, look: _Look, keys: Sequence[str], budget: RecordingBudget) -> Recording:
        """The events of payouts that are there and unknown to this Dagster, partitions already or not."""
        report, instance = look.plan.report, self.launches.instance
        every = dict.fromkeys([*keys, *(key for key in look.files if is_valid(report, key))])
        grid = PartitionGrid.over(report.key.to_user_string(), [list(every)])
        in_hand = self.launches.in_hand(grid)
        unknown = find_unknown(
            instance, report, grid, files=look.files, published=look.published, in_hand=in_hand
        )
        after = look.plan.progress.recorded
        return record_unknown(report, unknown, self.store, look.dataset, after=after, budget=budget)

    def with_requests(self, plans: Sequence[PayoutPlan]) -> list[PayoutPlan]:
        """The plans with what they request. Calls Stripe once."""
        try:
            types = self.client.report_types()
        except ReportingError as error:
            # Partitions are added all the same.
            note = f"Nothing could be requested; the next tick tries again. {error}"
            return [replace(plan, note=plan.note or note) for plan in plans]
        ends = {id: epoch(each.data_available_end) for id, each in types.items()}
        return [
            self._with_request(plan, plan.grid, ends.get(plan.report.query.spec.id)) if plan.grid else plan
            for plan in plans
        ]

    def _with_request(self, plan: PayoutPlan, grid: PartitionGrid, until: int | None) -> PayoutPlan:
        """The plan with the runs that bring what is pending, neighbours together.

        Args:
            grid: all partitions there will be, in Dagster's order.
            until: Stripe's `data_available_end`; None where the account has no such report type.
        """
        report, instance = plan.report, self.launches.instance
        if until is None:
            return replace(plan, note=f"Stripe does not offer {report.query.spec.id} to this account.")
        gone = find_gone(instance, report.key, report.payouts) if report.query.dimensions else NONE_GONE
        left_out = [key for key in plan.progress.pending if key in gone]
        pending, reason = [key for key in plan.progress.pending if key not in gone], f"payout/{until}"
        left_alone = self.launches.left_alone(grid, pending).keys
        due = dict.fromkeys((key for key in pending if key not in left_alone), reason)
        again = ask_again(instance, self.launches, report, grid, due, after_success=True)
        requests = requests_for(report, grid, again.attempts, reason=reason)
        accounts = listed(sorted(gone.accounts))
        not_asked = f"{count(len(left_out), 'payout')} not requested, of accounts that are gone: {accounts}."
        note = not_asked if left_out else plan.note
        return replace(plan, requests=requests, given_up=again.given_up, note=note)
