"""What a Dagster run is for: its tags, and the runs it re-executes.

Re-executing a run that failed or was cancelled continues it, as Dagster's automatic retries do. Re-executing
a run that ended well is a new wish, which the orders of the first one do not bind.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import dagster as dg

from assets.dagster_runs.history import MaterializationEvent
from assets.dagster_runs.tags import ATTEMPTS_TAG, INTENT_TAG, PARENT_RUN, REPORT_RUNS_TAG, Intent
from connector.errors import ConfigurationError

_ENDED_BADLY = frozenset({dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED})

#: A re-execution carries the tags of its parent. These were for the parent alone.
_ORDERS = frozenset({INTENT_TAG, REPORT_RUNS_TAG, ATTEMPTS_TAG})


@dataclass(frozen=True, slots=True)
class Wish:
    """What a run is for.

    Attributes:
        attempts: ids of the run and of those it continues.
        since: when the first of several attempts was launched, in unix seconds; None where there is one.
        tags: those of the run that hold.
    """

    attempts: frozenset[str]
    since: float | None
    tags: Mapping[str, str]

    @classmethod
    def of(cls, run: dg.DagsterRun, find: Callable[[str], dg.RunRecord | None]) -> Self:
        """The wish of a run.

        Args:
            find: the run with an id, as `DagsterInstance.get_run_record_by_id` finds it.
        """
        attempts, since, parent = [run.run_id], None, _parent(run, find)
        while parent and parent.dagster_run.status in _ENDED_BADLY:
            attempts.append(parent.dagster_run.run_id)
            since = parent.create_timestamp.timestamp()
            parent = _parent(parent.dagster_run, find)
        tags = dict(run.tags)
        if parent and parent.dagster_run.status is dg.DagsterRunStatus.SUCCESS:
            said = parent.dagster_run.tags
            tags = {name: tag for name, tag in tags.items() if name not in _ORDERS or said.get(name) != tag}
            tags.setdefault(INTENT_TAG, Intent.REFRESH)
        return cls(frozenset(attempts), since, tags)

    @property
    def intent(self) -> Intent | None:
        """What the run's tag says; None leaves it to the events.

        Raises ConfigurationError for a value that is neither of the two.
        """
        value = self.tags.get(INTENT_TAG)
        try:
            return Intent(value) if value else None
        except ValueError:
            raise ConfigurationError(
                f"run tag {INTENT_TAG}={value}: expected {' or '.join(Intent)}"
            ) from None

    def is_fulfilled_by(self, event: MaterializationEvent) -> bool:
        """Whether a partition with this event needs no further report run: it came with an attempt, or since
        the first one was launched, by whatever run."""
        return event.dagster_run in self.attempts or (
            self.since is not None and event.timestamp >= self.since
        )


def _parent(run: dg.DagsterRun, find: Callable[[str], dg.RunRecord | None]) -> dg.RunRecord | None:
    """The run it is a re-execution of; None for none, and where that was deleted."""
    parent = run.tags.get(PARENT_RUN)
    return find(parent) if parent else None
