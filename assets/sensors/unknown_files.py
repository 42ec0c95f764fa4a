"""Files that are there and unknown to this Dagster: it has no event for the report run they are from.

A pull or a demo made them, or Dagster's side of them was wiped, deleted with its runs, or lost with its home.
They become events without a run, with what an event of a run would have. Their checks are evaluated when a
person launches the partitions with the run tag `stripe/intent: ensure`, which requests nothing from Stripe.
"""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Self

import dagster as dg

from assets.dagster_runs.history import PartitionGrid, newest_materializations, read_materializations
from assets.reports.configured import ConfiguredReport
from assets.reports.metadata import materialization, partition_metadata
from assets.reports.preview import first_rows
from assets.sensors.tick import count, left_in_all
from connector.api.client import StripeClient
from connector.checks import UnreadableError, open_file
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance, Published
from connector.dataset.store import Store
from connector.errors import StoreError
from connector.pipeline.events import Done

#: Events of one tick, of all reports together: the daemon writes them one after the other.
MOST_RECORDED = 200

#: Seconds for which a tick reads files that are unknown, at most.
RECORDING_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Recording:
    """The unknown files of one report at one tick.

    Attributes:
        unknown: how many partitions have a file that this Dagster does not know.
        events: of those that this tick records, oldest first.
        after: the key after which the next tick goes on; None where this one got to the end. Without it the
            next one begins with the oldest, and files that cannot be recorded are read once more.
    """

    unknown: int = 0
    events: Sequence[dg.AssetMaterialization] = ()
    after: str | None = None

    @property
    def notes(self) -> list[str]:
        """What a tick's summary says of it; nothing where nothing is unknown."""
        if not self.unknown:
            return []
        recorded = f"{len(self.events):,} recorded now"
        return [f"{count(self.unknown, 'file')} unknown to this Dagster, {recorded}"]


NOTHING_RECORDED = Recording()


@dataclass
class RecordingBudget:
    """What one tick may record.

    Attributes:
        left: how many files it may read.
        monotonic: the clock, in seconds.
    """

    monotonic: Callable[[], float]
    left: int = MOST_RECORDED
    seconds: float = RECORDING_SECONDS

    @classmethod
    def of(cls, client: StripeClient) -> Self:
        """What a tick that this client is for has time for."""
        return cls(client.clock.monotonic, seconds=min(RECORDING_SECONDS, left_in_all(client)))

    def __post_init__(self) -> None:
        self._until = self.monotonic() + self.seconds

    def take(self) -> bool:
        """Whether one more file may be read; it counts then."""
        if self.left <= 0 or self.monotonic() >= self._until:
            return False
        self.left -= 1
        return True


def find_unknown(
    instance: dg.DagsterInstance,
    report: ConfiguredReport,
    grid: PartitionGrid,
    *,
    files: Collection[str],
    published: Mapping[str, Provenance],
    in_hand: Set[str],
) -> list[str]:
    """The keys of files that this Dagster does not know, oldest first. No file is opened.

    Args:
        files: the keys that have a file, listed before `in_hand` was read.
        published: those whose provenance was read: a file of another report run than any event is unknown.
        in_hand: keys whose run may be about to write the event.
    """
    known = instance.get_materialized_partitions(report.key)
    looked = {key: each for key, each in published.items() if key in known and key not in in_hand}
    newest = newest_materializations(instance, report.key, looked)
    differ = [k for k, each in looked.items() if k in newest and newest[k].report_run != each.run_id]
    events = read_materializations(instance, report.key, differ)
    recorded = {(event.partition, event.report_run) for event in events}
    unknown = {key for key in files if key not in known}
    unknown |= {key for key in differ if (key, looked[key].run_id) not in recorded}
    return sorted((key for key in unknown if key in grid.place and key not in in_hand), key=grid.age)


def record_unknown(
    report: ConfiguredReport,
    unknown: Sequence[str],
    store: Store,
    dataset: Dataset,
    *,
    after: str | None,
    budget: RecordingBudget,
) -> Recording:
    """The events of unknown files, as many as the tick has room for.

    A file of another report configuration, or one that cannot be read, has no event.

    Args:
        unknown: by `find_unknown`.
        after: where the last tick stopped.
    """
    begin = unknown.index(after) + 1 if after in unknown else 0
    events: list[dg.AssetMaterialization] = []
    last: str | None = None
    for key in unknown[begin:]:
        if not budget.take():
            return Recording(len(unknown), events, last if last is not None else after)
        last = key
        if event := _event(report, store, dataset, key):
            events.append(event)
    return Recording(len(unknown), events)


def _event(
    report: ConfiguredReport, store: Store, dataset: Dataset, key: str
) -> dg.AssetMaterialization | None:
    partition = report.partition(key)
    provenance = store.provenance(dataset, key)
    if provenance is None or provenance.request != report.query.request(partition):
        return None
    try:
        with open_file(store, dataset, report.query, key) as file:
            rows = first_rows(report, file)
            published = Published(store.uri(dataset, key), file.provenance, None, outdated=False)
    except (UnreadableError, StoreError):
        return None
    metadata = partition_metadata(report, Done(partition, published, fetched=False), rows)
    return materialization(report, file.provenance, metadata)
