"""What each partition needs: nothing, since its published file is the answer; a report run; or to be
converted again."""

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.shape import FileState
from connector.dataset.store import Store
from connector.partitions import Partition
from connector.pipeline.events import Missed
from connector.pipeline.reconversion import ConfiguredShape, Reconversion
from connector.query import ReportQuery
from connector.runs.adoption import PartitionRequest

#: Of so many published files all is held at once, about 5 MB; in a bucket, as many cost one listing more.
_AT_ONCE = 500

#: Which of these partitions, whose published files are given by their keys, are due for a new report run.
FindDue = Callable[[Sequence[Partition], Mapping[str, Provenance]], Collection[str]]


@dataclass(slots=True)
class Plan:
    """What some partitions need.

    Attributes:
        unread: partitions whose published file the file system refuses to read.
        there: partitions whose published file is the answer.
        older: partitions whose published file is to be converted again.
        wanted: partitions that need a report run.
    """

    unread: list[Missed] = field(default_factory=list)
    there: list[tuple[Partition, Provenance]] = field(default_factory=list)
    older: list[Reconversion] = field(default_factory=list)
    wanted: list[PartitionRequest] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Planner:
    """Compares what is wanted with what a dataset holds.

    Attributes:
        shape: what files are stored as now.
        published: keys to what `store.provenance` has for them, as far as that is known already.
        refresh, find_due, run_ids, reconvert: as in `collect`.
        droppable: keys of partitions whose file may be replaced by one that lacks columns.
    """

    store: Store
    dataset: Dataset
    query: ReportQuery
    shape: ConfiguredShape
    published: Mapping[str, Provenance | None]
    refresh: Collection[str]
    run_ids: Mapping[str, str]
    droppable: Collection[str]
    reconvert: bool
    find_due: FindDue | None = None

    def plans(self, partitions: Sequence[Partition], *, at_once: int = _AT_ONCE) -> Iterator[Plan]:
        """What they need, so many at a time: what is known of their files is held no longer.

        Raises DatasetMismatchError where a file would be replaced by one that lacks columns, and what
        `find_due` raises.
        """
        left, pinned = iter(partitions), False
        while some := list(itertools.islice(left, at_once)):
            plan = Plan()
            published = self._read(some, plan)
            there = {key: each for key, each in published.items() if each is not None}
            if there and not pinned:
                self.store.restore_pin(self.dataset, next(iter(there.values())))
                pinned = True
            due = self.find_due(some, there) if self.find_due else ()
            for partition in some:
                if partition.key in published:
                    refresh = partition.key in self.refresh or partition.key in due
                    self._add(plan, partition, published[partition.key], refresh=refresh)
            yield plan

    def _read(self, partitions: Sequence[Partition], plan: Plan) -> Mapping[str, Provenance | None]:
        """What the dataset holds, by key, but for what cannot be read, which goes into the plan."""
        known = {each.key: self.published[each.key] for each in partitions if each.key in self.published}
        unknown = {each.key: each for each in partitions if each.key not in known}
        found, refused = self.store.readable(self.dataset, tuple(unknown))
        plan.unread += [Missed(unknown[key], error, None) for key, error in refused.items()]
        return known | found

    def _state(self, partition: Partition, published: Provenance) -> FileState:
        """How a published file stands to what is configured now."""
        found = self.shape.compare(partition, published)
        if partition.key not in self.droppable:
            self.shape.refuse_loss(partition, published, found)
        return found.state

    def _add(self, plan: Plan, partition: Partition, published: Provenance | None, *, refresh: bool) -> None:
        """Sort in one partition."""
        named = self.run_ids.get(partition.key)
        # A named run is wanted, or a newer one.
        refresh = refresh and named is None
        wanted = PartitionRequest(partition, self.query.request(partition), run_id=named, refresh=refresh)
        if published is None:
            plan.wanted.append(wanted)
            return
        state = self._state(partition, published)
        if state in {FileState.OTHER_REQUEST, FileState.LACKING_COLUMNS}:
            plan.wanted.append(replace(wanted, replaces=published))
        elif refresh or (named is not None and named != published.run_id):
            plan.wanted.append(replace(wanted, published=published))
        elif state is FileState.OLDER_SHAPE and self.reconvert:
            plan.older.append(Reconversion(partition, published))
        else:
            plan.there.append((partition, published))
