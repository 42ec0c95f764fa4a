"""What materializing a partition means: record the file that is there, or request a new report run.

Decided over plain values. A published file without an event in this Dagster is what a killed process left:
it is the result, and only its event is missing. A published file with an event was materialized before, so
materializing its partition again requests a refresh. A run that continues one which ended badly does not:
what was recorded since that one was launched stands. A run that is to refresh does so for each partition,
also where the file is gone: the report run which that was from must not come back as the answer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assets.dagster_runs.history import MaterializationEvent
from assets.dagster_runs.tags import Intent
from assets.materialize.wish import Wish


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """Partition keys that only a new report run answers, and those whose file needs no further event."""

    refresh: frozenset[str]
    recorded: frozenset[str]


def plan_refresh(
    keys: Iterable[str],
    published: Mapping[str, str],
    events: Iterable[MaterializationEvent],
    *,
    wish: Wish,
) -> RefreshPlan:
    """What to do about the partitions of a run.

    Args:
        keys: all of them.
        published: those that have a file, and the report run it came from.
        events: the materializations of these partitions in this Dagster.
        wish: what the run is for.

    Raises ConfigurationError for a tag of the run that says neither of the two intents.
    """
    refresh, recorded, intent = set(), set(), wish.intent
    for event in events:
        if event.partition not in published or published[event.partition] != event.report_run:
            continue
        if wish.is_fulfilled_by(event) or intent is Intent.ENSURE:
            recorded.add(event.partition)
        else:
            refresh.add(event.partition)
    if intent is Intent.REFRESH:
        refresh = set(keys)
    return RefreshPlan(frozenset(refresh - recorded), frozenset(recorded))
