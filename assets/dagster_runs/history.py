"""What Dagster's runs, backfills and event log have on the partitions of an asset.

Sensors, a schedule and people request partitions of the same assets. Sensors and the schedule look here
first: they do not request what is queued, running or waiting in a backfill, nor what somebody cancelled.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from assets.dagster_runs.tags import PARTITION, RANGE_END, RANGE_START
from assets.reports.configured import ConfiguredReport
from assets.reports.metadata import REPORT_RUN

#: Dagster has no public name for what ties a check evaluation to a materialization; without it the evaluation
#: of a partition counts as out of date, and is not shown.
Target = AssetCheckEvaluationTargetMaterializationData


@dataclass(frozen=True, slots=True)
class MaterializationEvent:
    """One materialization of a partition.

    Attributes:
        report_run: the report run its rows came from; None for an event that names none.
        dagster_run: the Dagster run that wrote it.
        storage_id: its number in the event log.
        timestamp: seconds since 1970.
    """

    partition: str
    report_run: str | None
    dagster_run: str
    storage_id: int
    timestamp: float

    @property
    def target(self) -> Target:
        """What ties the evaluations of the partition's checks to it."""
        return Target(storage_id=self.storage_id, run_id=self.dagster_run, timestamp=self.timestamp)


_EVENTS_AT_ONCE = 1000

_UNFINISHED = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_ENDED_BADLY = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)

#: How far back failed and cancelled runs are compared.
_RUNS = 1000

#: Unfinished backfills are among the newest ones.
_BACKFILLS = 25
_BACKFILL_UNDER_WAY = {"REQUESTED", "CANCELING"}


@dataclass(frozen=True, slots=True)
class RequestedRun:
    """What one Dagster run was launched for.

    Attributes:
        assets: the asset keys it selects, as people read them; None for all assets of its job.
        first, last: the keys of its range of partitions; the same for a single one.
        cancelled: somebody cancelled it.
    """

    assets: frozenset[str] | None
    first: str
    last: str
    cancelled: bool = False

    def partitions(self, calendar: "PartitionGrid") -> Sequence[str]:
        """Its partitions of one asset; none where it selects others, or keys that are gone."""
        if self.assets is not None and calendar.asset not in self.assets:
            return ()
        return calendar.between(self.first, self.last)


@dataclass(frozen=True, slots=True)
class PartitionGrid:
    """An asset's partition keys as Dagster counts ranges of them.

    Attributes:
        rows: equally long, each oldest first: one for each connected account that has partitions of its own,
            else one. Payouts are one row, in the order in which they became known.
        place: the row and the column of each key.
    """

    asset: str
    rows: Sequence[Sequence[str]]
    place: Mapping[str, tuple[int, int]]

    @classmethod
    def of(cls, report: ConfiguredReport, instance: dg.DagsterInstance | None = None) -> "PartitionGrid":
        """The partitions there are now. Payouts are known to the `instance` alone."""
        asset = report.key.to_user_string()
        if not report.connected_accounts:
            return cls.over(asset, [report.partitions.get_partition_keys(dynamic_partitions_store=instance)])
        # Dagster's own keys of two dimensions take fifty times as long to make.
        form, windows = report.query.key_format, report.windows.get_partition_keys()
        return cls.over(
            asset,
            [[form.key(account, window) for window in windows] for account in report.connected_accounts],
        )

    @classmethod
    def over(cls, asset: str, rows: Sequence[Sequence[str]]) -> "PartitionGrid":
        """Of an asset, the keys in these rows."""
        place = {key: (row, column) for row, keys in enumerate(rows) for column, key in enumerate(keys)}
        return cls(asset, rows, place)

    @property
    def keys(self) -> Sequence[str]:
        """All of them, a row after the other."""
        return self.rows[0] if len(self.rows) == 1 else [key for row in self.rows for key in row]

    def between(self, first: str, last: str) -> Sequence[str]:
        """The keys of the range from `first` to `last`, both included; none where either is not known.

        Of several rows that is the rectangle between the two, as Dagster has it.
        """
        if first not in self.place or last not in self.place:
            return ()
        (top, left), (bottom, right) = self.place[first], self.place[last]
        return [key for row in self.rows[top : bottom + 1] for key in row[left : right + 1]]

    def age(self, key: str) -> tuple[int, int]:
        """What puts keys in order, the oldest first, whatever row they are in."""
        row, column = self.place[key]
        return column, row


def attempt_of(
    assets: Iterable[Any] | None, tags: Mapping[str, str], *, cancelled: bool
) -> RequestedRun | None:
    """What a run with these tags was launched for; None where it has no partition.

    Args:
        assets: the asset keys it selects; None where it takes whatever its job has.
    """
    single = tags.get(PARTITION)
    first, last = tags.get(RANGE_START, single), tags.get(RANGE_END, single)
    if first is None or last is None:
        return None
    names = None if assets is None else frozenset(key.to_user_string() for key in assets)
    return RequestedRun(names, first, last, cancelled)


def covered(attempts: Iterable[RequestedRun], calendar: PartitionGrid) -> frozenset[str]:
    """The keys of an asset's partitions that any of the runs was launched for."""
    return frozenset(key for attempt in attempts for key in attempt.partitions(calendar))


def cancelled_last(newest_first: Iterable[RequestedRun], calendar: PartitionGrid) -> frozenset[str]:
    """The keys whose newest run among these was cancelled."""
    cancelled: dict[str, bool] = {}
    for attempt in newest_first:
        for key in attempt.partitions(calendar):
            cancelled.setdefault(key, attempt.cancelled)
    return frozenset(key for key, was in cancelled.items() if was)


def unfinished_attempts(instance: dg.DagsterInstance) -> list[RequestedRun]:
    """This Dagster's queued and running runs."""
    return list(_attempts(instance, dg.RunsFilter(statuses=_UNFINISHED)))


def bad_attempts(instance: dg.DagsterInstance) -> list[RequestedRun]:
    """The runs that failed or were cancelled, newest first.

    Where none was cancelled, the failed ones need not be read, and there are none in the list.
    """
    cancelled = dg.RunsFilter(statuses=[dg.DagsterRunStatus.CANCELED])
    if not instance.get_runs(filters=cancelled, limit=1):
        return []
    return list(_attempts(instance, dg.RunsFilter(statuses=_ENDED_BADLY), limit=_RUNS))


def in_backfills(instance: dg.DagsterInstance, report: ConfiguredReport) -> frozenset[str]:
    """The keys of a report's partitions in unfinished backfills, started or not."""
    keys: set[str] = set()
    for backfill in instance.get_backfills(limit=_BACKFILLS):
        if backfill.status.value not in _BACKFILL_UNDER_WAY:
            continue
        data = backfill.asset_backfill_data
        if data is not None and report.key in data.target_subset.asset_keys:
            keys |= set(data.get_target_partitions_subset(report.key).get_partition_keys())
    return frozenset(keys)


def busy_partitions(
    instance: dg.DagsterInstance,
    report: ConfiguredReport,
    grid: PartitionGrid,
    unfinished: Iterable[RequestedRun],
) -> frozenset[str]:
    """The keys of a report's partitions that are queued, running or in an unfinished backfill.

    Args:
        unfinished: as `unfinished_attempts` gives them; they are the same for all reports of a tick.
    """
    return covered(unfinished, grid) | in_backfills(instance, report)


def _attempts(
    instance: dg.DagsterInstance, wanted: dg.RunsFilter, *, limit: int | None = None
) -> Iterator[RequestedRun]:
    for run in instance.get_runs(filters=wanted, limit=limit):
        cancelled = run.status is dg.DagsterRunStatus.CANCELED
        if attempt := attempt_of(run.asset_selection, run.tags, cancelled=cancelled):
            yield attempt


def read_materializations(
    instance: dg.DagsterInstance,
    asset: dg.AssetKey,
    partitions: Collection[str],
    *,
    at_once: int = _EVENTS_AT_ONCE,
) -> Iterator[MaterializationEvent]:
    """The materializations of these partitions of an asset in this Dagster, newest first.

    The next page, of `at_once` events, is read when it is needed.
    """
    if not partitions:
        return
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=sorted(partitions))
    cursor: str | None = None
    while True:
        page = instance.fetch_materializations(wanted, limit=at_once, cursor=cursor)
        yield from map(_materialization, page.records)
        if not page.has_more:
            return
        cursor = page.cursor


def newest_materializations(
    instance: dg.DagsterInstance, asset: dg.AssetKey, partitions: Collection[str]
) -> Mapping[str, MaterializationEvent]:
    """The newest materialization of each of these partitions of an asset, as far as there is one."""
    found: dict[str, MaterializationEvent] = {}
    at_once = 1 if len(partitions) == 1 else _EVENTS_AT_ONCE
    for event in read_materializations(instance, asset, partitions, at_once=at_once):
        found.setdefault(event.partition, event)
        if len(found) == len(partitions):
            break
    return found


def _materialization(record: dg.EventLogRecord) -> MaterializationEvent:
    event = record.asset_materialization
    run = event.metadata.get(REPORT_RUN) if event else None
    return MaterializationEvent(
        str(record.partition_key),
        None if run is None else str(run.value),
        record.run_id,
        record.storage_id,
        record.timestamp,
    )
