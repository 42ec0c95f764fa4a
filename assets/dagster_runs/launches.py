"""This Dagster's runs and backfills as launches of partitions, read from its database as far as needed."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, partial
from heapq import merge
from itertools import chain, count, islice

import dagster as dg

from assets.dagster_runs.history import AssetsSubset, Backfill, BackfillsFilter, BackfillStatus, PartitionGrid
from assets.dagster_runs.launch import (
    Launch,
    LeftAlone,
    Outcome,
    covered,
    find_put_down,
    launch_of,
    launched_by_person,
)
from assets.dagster_runs.tags import ASKED_TAG, BACKFILL, PARENT_RUN

_WILL_RETRY, _RETRIED_AS = "dagster/will_retry", "dagster/auto_retry_run_id"

#: A run that was not queued so long after it was created never will be; nor retried so long after its end.
SOON = timedelta(minutes=10)

_RUNS_AT_ONCE = 100

_UNFINISHED_BACKFILL = [BackfillStatus.REQUESTED, BackfillStatus.CANCELING, BackfillStatus.FAILING]
_CANCELLED_BACKFILL = [BackfillStatus.CANCELED, BackfillStatus.CANCELING]
#: Dagster cancels the runs of a backfill that it cannot go on with.
_BROKEN_BACKFILL = [BackfillStatus.FAILED, BackfillStatus.FAILING]


_OUTCOMES = {
    dg.DagsterRunStatus.SUCCESS: Outcome.SUCCEEDED,
    dg.DagsterRunStatus.FAILURE: Outcome.FAILED,
    dg.DagsterRunStatus.CANCELED: Outcome.CANCELLED,
}
_UNFINISHED = [status for status in dg.DagsterRunStatus if status not in _OUTCOMES]


class Launches:
    """This Dagster's runs and backfills, read once for one tick, no more of them than are needed.

    Args:
        now: the time of this machine, aware, which is that of Dagster's database.
    """

    def __init__(self, instance: dg.DagsterInstance, now: datetime | None = None) -> None:
        self.instance = instance
        self._now = now or datetime.now(UTC)

    def left_alone(self, grid: PartitionGrid, keys: Iterable[str]) -> LeftAlone:
        """Which of an asset's partitions are in hand, and which of these keys a person put down.

        Every sensor, schedule and check asks here, and nowhere else.

        Args:
            keys: those that might be asked for: runs are read back to what became of these, not of all that
                was ever cancelled.
        """
        # What ends while the rest is read counts as in hand: it is looked at again at the next tick.
        in_hand, about = self.in_hand(grid), frozenset(keys)
        cancelled = [each for each in self._cancelled if not about.isdisjoint(each.partitions(grid))]
        oldest = min((each.created for each in cancelled), default=0.0)
        doubtful = about & covered(cancelled, grid)
        return LeftAlone(in_hand, find_put_down(self._since(oldest), grid, doubtful))

    def in_hand(self, grid: PartitionGrid) -> frozenset[str]:
        """Which of an asset's partitions are in hand."""
        return covered([*self._unfinished, *self._backfills(_UNFINISHED_BACKFILL)], grid)

    def count_in_hand(self, sensor: str, assets: Collection[str]) -> int:
        """How many Dagster runs are in hand that a sensor requested for any of these assets."""
        found = (each.assets for each in self._unfinished if each.sensor == sensor)
        return sum(some is None or not some.isdisjoint(assets) for some in found)

    def ended(self, since: datetime) -> list[Launch]:
        """The runs that ended or went on since then."""
        return list(self._runs(dg.RunsFilter(updated_after=since)))

    def made(self, since: datetime) -> list[Launch]:
        """The runs that were created since then."""
        return list(self._runs(dg.RunsFilter(created_after=since)))

    def asked(self, values: Collection[str]) -> list[Launch]:
        """The runs by which sensors or schedules of ours asked for one of these, newest first."""
        if not values:
            return []
        return list(self._runs(dg.RunsFilter(tags={ASKED_TAG: sorted(values)})))

    def latest_failed(self, grid: PartitionGrid, keys: Collection[str]) -> dict[str, Launch]:
        """The newest run of each of these partitions that failed or never started, as far as there is one."""
        found: dict[str, Launch] = {}
        left = set(keys)
        for launch in self._failed if left else ():
            found |= dict.fromkeys(left.intersection(launch.partitions(grid)), launch)
            left -= found.keys()
            if not left:
                break
        return found

    @cached_property
    def _failed(self) -> "_ReadOnce":
        ended = self._runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        dead = (launch for launch in self._not_ended if launch.outcome is Outcome.FAILED)
        return _ReadOnce(_newest_of(dead, ended))

    @cached_property
    def _not_ended(self) -> list[Launch]:
        return list(self._runs(dg.RunsFilter(statuses=_UNFINISHED)))

    @cached_property
    def _unfinished(self) -> list[Launch]:
        retried = self.instance.get_run_records(
            dg.RunsFilter(
                statuses=[dg.DagsterRunStatus.FAILURE],
                tags={_WILL_RETRY: "true"},
                updated_after=self._now - SOON,
            )
        )
        waiting = (self._launch(record) for record in retried if _RETRIED_AS not in record.dagster_run.tags)
        return [
            *(launch for launch in self._not_ended if launch.outcome is Outcome.UNFINISHED),
            *(launch for launch in waiting if launch),
        ]

    @cached_property
    def _cancelled(self) -> list[Launch]:
        runs = self._runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.CANCELED]))
        # Without those that Dagster cancelled, or that were cancelled with their backfill.
        cancelled = [launch for launch in runs if launch.outcome is Outcome.CANCELLED]
        return [*cancelled, *self._backfills(_CANCELLED_BACKFILL)]

    @cached_property
    def _broken_off(self) -> frozenset[str]:
        """The backfills that a person cancelled, or that Dagster could not go on with."""
        found = self.instance.get_backfills(
            filters=BackfillsFilter(statuses=[*_CANCELLED_BACKFILL, *_BROKEN_BACKFILL])
        )
        return frozenset(each.backfill_id for each in found)

    @cached_property
    def _all_runs(self) -> "_ReadOnce":
        return _ReadOnce(self._runs(dg.RunsFilter()))

    def _since(self, created: float) -> Iterator[Launch]:
        """All runs, and the backfills launched then or later, newest first."""
        # Dagster's filter excludes the moment itself.
        after = datetime.fromtimestamp(created, UTC) - timedelta(seconds=1)
        backfills = self.instance.get_backfills(filters=BackfillsFilter(created_after=after))
        newest_first = sorted(backfills, key=lambda each: -each.backfill_timestamp)
        yield from _newest_of(self._all_runs, chain.from_iterable(map(self._wishes, newest_first)))

    def _runs(self, wanted: dg.RunsFilter) -> Iterator[Launch]:
        """Page by page, newest first."""
        cursor: str | None = None
        while page := self.instance.get_run_records(wanted, limit=_RUNS_AT_ONCE, cursor=cursor):
            for record in page:
                if launch := self._launch(record):
                    yield launch
            if len(page) < _RUNS_AT_ONCE:
                return
            cursor = page[-1].dagster_run.run_id

    def _launch(self, record: dg.RunRecord) -> Launch | None:
        """One run; None where it has no partition.

        A person's launch of a backfill is the backfill, not each of its runs; but Dagster counts a person's
        re-execution of one of them to the backfill too, as long as that goes on.
        """
        run, tags = record.dagster_run, record.dagster_run.tags
        launch = launch_of(
            run.run_id,
            run.asset_selection or _assets_of_steps(run),
            tags,
            outcome=_OUTCOMES.get(run.status, Outcome.UNFINISHED),
            created=record.create_timestamp.timestamp(),
        )
        if launch is None:
            return None
        if run.status is dg.DagsterRunStatus.NOT_STARTED and launch.created < (self._now - SOON).timestamp():
            # The code location was down, or the daemon was killed: nothing will start it.
            launch = replace(launch, outcome=Outcome.FAILED)
        if BACKFILL not in tags:
            return launch
        if launch.outcome is Outcome.CANCELLED and tags[BACKFILL] in self._broken_off:
            # With its backfill: by a person, which the backfill says itself, or by Dagster.
            launch = replace(launch, outcome=Outcome.FAILED)
        return replace(launch, by_person=launch.by_person and PARENT_RUN in tags)

    def _backfills(self, statuses: Sequence[BackfillStatus]) -> list[Launch]:
        found = self.instance.get_backfills(filters=BackfillsFilter(statuses=list(statuses)))
        return [self._backfill(each) for each in found]

    def _wishes(self, backfill: Backfill) -> Iterator[Launch]:
        """A backfill; of one that was cancelled, also as the launch of what it had brought in by then."""
        launch = self._backfill(backfill)
        yield launch
        if launch.outcome is Outcome.CANCELLED:
            brought = cache(lambda asset: self._keys(backfill, asset) - self._keys_left(backfill, asset))
            yield replace(launch, keys=brought, outcome=Outcome.SUCCEEDED)

    def _backfill(self, backfill: Backfill) -> Launch:
        cancelled = backfill.status in _CANCELLED_BACKFILL
        return Launch(
            backfill.backfill_id,
            None,
            keys=cache(partial(self._keys_left if cancelled else self._keys, backfill)),
            outcome=Outcome.CANCELLED if cancelled else Outcome.UNFINISHED,
            by_person=launched_by_person(backfill.tags or {}),
            created=backfill.backfill_timestamp,
        )

    def _keys(self, backfill: Backfill, asset: str) -> frozenset[str]:
        """The partitions of an asset that a backfill was launched for."""
        if (data := backfill.asset_backfill_data) is not None:
            return _keys_in(data.target_subset, asset)
        # Of a job: its runs know which assets it has.
        runs = self._runs_of(backfill, limit=1)
        if all(run.assets is None or asset in run.assets for run in runs):
            return frozenset(backfill.partition_names or ())
        return frozenset()

    def _keys_left(self, backfill: Backfill, asset: str) -> frozenset[str]:
        """Those that it did not bring in, with or without a run for them."""
        if (data := backfill.asset_backfill_data) is not None:
            return _keys_in(data.target_subset, asset) - _keys_in(data.materialized_subset, asset)
        runs = self._runs_of(backfill)
        if not runs:
            return frozenset()
        done = {run.first for run in runs if run.outcome is Outcome.SUCCEEDED}
        return self._keys(backfill, asset) - done

    def _runs_of(self, backfill: Backfill, limit: int | None = None) -> list[Launch]:
        found = self._runs(dg.RunsFilter(tags={BACKFILL: backfill.backfill_id}))
        return list(islice(found, limit))


class _ReadOnce:
    """Launches, newest first: read as far as whoever goes back furthest, and once for all."""

    def __init__(self, unread: Iterator[Launch]) -> None:
        self._unread = unread
        self._read: list[Launch] = []

    def __iter__(self) -> Iterator[Launch]:
        for at in count():
            if at == len(self._read):
                self._read += islice(self._unread, 1)
            if at == len(self._read):
                return
            yield self._read[at]


def _newest_of(*newest_first: Iterable[Launch]) -> Iterator[Launch]:
    return merge(*newest_first, key=lambda launch: -launch.created)


def _keys_in(subset: AssetsSubset, asset: str) -> frozenset[str]:
    key = dg.AssetKey.from_user_string(asset)
    some = subset.partitions_subsets_by_asset_key.get(key)
    return frozenset(some.get_partition_keys()) if some else frozenset()


def _assets_of_steps(run: dg.DagsterRun) -> list[dg.AssetKey] | None:
    """The reports among the steps of a run that selects no assets, as those of a job do; None where it names
    no steps."""
    steps = run.step_keys_to_execute
    return None if steps is None else [dg.AssetKey(step.split("__")) for step in steps]
