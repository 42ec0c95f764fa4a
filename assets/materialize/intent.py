"""What launching a partition means: record what is there, or ask Stripe anew. Decided over plain values.

A kept file without an event in this Dagster is what a killed process left: it is the result, and only has
to be written down. A kept file with an event was seen by somebody, so launching its partition again is a
wish for fresh data. A retry is no new wish: what its earlier attempts wrote down stands.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from assets.dagster_runs.history import Recorded
from assets.dagster_runs.tags import Intent


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """Partition keys to ask anew, and those whose kept file needs no further event."""

    refresh: frozenset[str]
    recorded: frozenset[str]


def plan(
    kept: Mapping[str, str], events: Iterable[Recorded], *, attempts: Set[str], intent: Intent | None = None
) -> RefreshPlan:
    """What to do about the partitions whose file is kept.

    Args:
        kept: partition key to the report run its file came from.
        events: the materializations of these partitions in this Dagster.
        attempts: ids of this Dagster run and of the runs it is a retry of.
        intent: what the run's tag says; None leaves it to the events.
    """
    refresh, recorded = set(), set()
    for event in events:
        if kept.get(event.partition) != event.report_run:
            continue
        if event.dagster_run in attempts or intent is Intent.ENSURE:
            recorded.add(event.partition)
        else:
            refresh.add(event.partition)
    if intent is Intent.REFRESH:
        refresh = set(kept)
    return RefreshPlan(frozenset(refresh - recorded), frozenset(recorded))
