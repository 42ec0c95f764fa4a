"""What materializing a partition that has a file means: record that file, or request a new report run.

Decided over plain values. A published file without an event in this Dagster is what a killed process left:
it is the result, and only its event is missing. A published file with an event was materialized before, so
materializing its partition again requests a refresh. A retry does not: the events of its earlier attempts
stand.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from assets.dagster_runs.history import MaterializationEvent
from assets.dagster_runs.tags import Intent


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """Partition keys that need a new report run, and those whose file needs no further event."""

    refresh: frozenset[str]
    recorded: frozenset[str]


def plan_refresh(
    published: Mapping[str, str],
    events: Iterable[MaterializationEvent],
    *,
    attempts: Set[str],
    intent: Intent | None = None,
) -> RefreshPlan:
    """What to do about the partitions that have a file.

    Args:
        published: partition key to the report run its file came from.
        events: the materializations of these partitions in this Dagster.
        attempts: ids of this Dagster run and of the runs it is a retry of.
        intent: the value of the run's tag; None leaves it to the events.
    """
    refresh, recorded = set(), set()
    for event in events:
        if published.get(event.partition) != event.report_run:
            continue
        if event.dagster_run in attempts or intent is Intent.ENSURE:
            recorded.add(event.partition)
        else:
            refresh.add(event.partition)
    if intent is Intent.REFRESH:
        refresh = set(published)
    return RefreshPlan(frozenset(refresh - recorded), frozenset(recorded))
