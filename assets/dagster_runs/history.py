"""What Dagster's event log has on the partitions of an asset, and how Dagster counts them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus, PartitionBackfill

from assets.reports.configured import ConfiguredReport
from assets.reports.metadata import REPORT_RUN

#: Dagster has no public name for what ties a check evaluation to a materialization; without it the evaluation
#: of a partition counts as out of date, and is not shown.
Target = AssetCheckEvaluationTargetMaterializationData

#: Nor for backfills, what they are found by, and what they are about.
Backfill = PartitionBackfill
AssetsSubset = AssetGraphSubset
BackfillsFilter = BulkActionsFilter
BackfillStatus = BulkActionStatus


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


@dataclass(frozen=True, slots=True)
class PartitionGrid:
    """An asset's partition keys as Dagster counts ranges of them.

    Attributes:
        rows: equally long, each oldest first: one for each account that has partitions of its own,
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
        if not report.accounts:
            return cls.over(asset, [report.partitions.get_partition_keys(dynamic_partitions_store=instance)])
        # Dagster's own keys of two dimensions take fifty times as long to make.
        form, windows = report.query.key_format, report.windows.get_partition_keys()
        return cls.over(
            asset,
            [[form.key(account, window) for window in windows] for account in report.accounts.names],
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
    """The newest materialization of each of these partitions of an asset, as far as there is one.

    No other event is read, however often each was materialized.
    """
    if len(partitions) <= 1:  # one read, where the ids first would be two
        newest_first = read_materializations(instance, asset, partitions, at_once=1)
        return {event.partition: event for event in islice(newest_first, 1)}
    newest = instance.get_latest_storage_id_by_partition(
        asset, dg.DagsterEventType.ASSET_MATERIALIZATION, set(partitions)
    )
    ids = sorted(newest.values())
    found: dict[str, MaterializationEvent] = {}
    for first in range(0, len(ids), _EVENTS_AT_ONCE):
        some = ids[first : first + _EVENTS_AT_ONCE]
        wanted = dg.AssetRecordsFilter(asset_key=asset, storage_ids=some)
        page = instance.fetch_materializations(wanted, limit=len(some))
        found |= {event.partition: event for event in map(_materialization, page.records)}
    return found


def read_begun(
    instance: dg.DagsterInstance,
    asset: dg.AssetKey,
    partitions: Collection[str],
    *,
    at_once: int = _EVENTS_AT_ONCE,
) -> frozenset[tuple[str, str]]:
    """The pairs of Dagster run and partition for which a report run was created or adopted.

    They are read in pages of `at_once` events.
    """
    if not partitions:
        return frozenset()
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=sorted(partitions))
    found: set[tuple[str, str]] = set()
    cursor: str | None = None
    while True:
        page = instance.fetch_observations(wanted, limit=at_once, cursor=cursor)
        found |= {(record.run_id, str(record.partition_key)) for record in page.records}
        if not page.has_more:
            return frozenset(found)
        cursor = page.cursor


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
