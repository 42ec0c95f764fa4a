"""One launch of partitions: what it was for, who launched it, how it stands, and what follows for others.

Sensors, schedules and people launch partitions of the same assets. Who launched a run is in its tags: those
of sensors, schedules and automation conditions have their names there, also in Dagster's own retries.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from assets.dagster_runs.history import PartitionGrid
from assets.dagster_runs.tags import ASKED_TAG, OUTCOME_TAG, PARENT_RUN, PARTITION, RANGE_END, RANGE_START
from connector.pipeline.events import Outcome as PartitionOutcome

_RETRY_NUMBER = "dagster/retry_number"

_BY_SENSOR = "dagster/sensor_name"

#: Any of these in the tags says that no person launched it.
_LAUNCHED_BY = {
    _BY_SENSOR,
    "dagster/schedule_name",
    "dagster/auto_materialize",
    "dagster/from_automation_condition",
}

_WITHOUT_DATA = {PartitionOutcome.NOT_READY, PartitionOutcome.BEFORE_DATA}


class Outcome(Enum):
    """How a launch stands."""

    UNFINISHED = auto()
    SUCCEEDED = auto()
    FAILED = auto()
    CANCELLED = auto()


@dataclass(frozen=True, slots=True)
class Launch:
    """One Dagster run, or a backfill as a whole.

    Attributes:
        id: of the run or the backfill.
        assets: the asset keys it selects, as people read them; None for all assets of its job.
        first, last: the keys of its range of partitions; the same for a single one.
        keys: of a backfill, the partitions of each asset, instead of a range.
        sensor: the name of the sensor that requested it.
        created: when, in unix seconds.
        asked: what a sensor or schedule of ours asked for with it: the value of `ASKED_TAG`.
        not_ready: it ended because Stripe does not have the data, yet or at all.
    """

    id: str
    assets: frozenset[str] | None
    first: str = ""
    last: str = ""
    keys: Callable[[str], frozenset[str]] | None = None
    outcome: Outcome = Outcome.UNFINISHED
    by_person: bool = True
    sensor: str | None = None
    created: float = 0.0
    asked: str | None = None
    not_ready: bool = False

    def partitions(self, grid: PartitionGrid) -> Collection[str]:
        """Its partitions of one asset; none where it selects others, or keys that are gone."""
        if self.assets is not None and grid.asset not in self.assets:
            return ()
        if self.keys is not None:
            return self.keys(grid.asset) & grid.place.keys()
        return grid.between(self.first, self.last)


def launched_by_person(tags: Mapping[str, str]) -> bool:
    """Whether a person launched the run or backfill with these tags.

    A person's re-execution of a sensor's run has the sensor's tags too; Dagster's own retries have a number.
    """
    if _RETRY_NUMBER in tags:
        return False
    return PARENT_RUN in tags or not _LAUNCHED_BY & tags.keys()


def covered(launches: Iterable[Launch], grid: PartitionGrid) -> frozenset[str]:
    """The keys of an asset's partitions that any of these was launched for."""
    return frozenset(key for launch in launches for key in launch.partitions(grid))


def find_put_down(
    newest_first: Iterable[Launch], grid: PartitionGrid, keys: Collection[str]
) -> frozenset[str]:
    """Which of these keys a person cancelled and no person has launched since.

    Whoever launched what was cancelled; a later launch by a sensor or schedule changes nothing.

    Args:
        newest_first: taken only as far as it takes to know of each key.
    """
    put_down: set[str] = set()
    left = set(keys)
    for launch in newest_first if left else ():
        cancelled = launch.outcome is Outcome.CANCELLED
        if cancelled or launch.by_person:
            decided = left.intersection(launch.partitions(grid))
            put_down |= decided if cancelled else set()
            left -= decided
        if not left:
            break
    return frozenset(put_down)


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """The partitions of a report that nothing asks for by itself.

    Attributes:
        in_hand: queued, running, about to be retried, or in an unfinished backfill, started or not.
        put_down: cancelled by a person, until a person launches them again.
    """

    in_hand: frozenset[str]
    put_down: frozenset[str]

    @property
    def keys(self) -> frozenset[str]:
        """All of them."""
        return self.in_hand | self.put_down


NOTHING_LEFT_ALONE = LeftAlone(frozenset(), frozenset())


def launch_of(
    id: str,
    assets: Iterable[Any] | None,
    tags: Mapping[str, str],
    *,
    outcome: Outcome = Outcome.UNFINISHED,
    created: float = 0.0,
) -> Launch | None:
    """The run with these tags; None where it has no partition."""
    single = tags.get(PARTITION)
    first, last = tags.get(RANGE_START, single), tags.get(RANGE_END, single)
    if first is None or last is None:
        return None
    return Launch(
        id,
        None if assets is None else frozenset(key.to_user_string() for key in assets),
        first,
        last,
        outcome=outcome,
        by_person=launched_by_person(tags),
        sensor=tags.get(_BY_SENSOR),
        created=created,
        asked=tags.get(ASKED_TAG),
        not_ready=tags.get(OUTCOME_TAG) in _WITHOUT_DATA,
    )
