"""Backfills that people launch: what Dagster's daemon does about each, a run at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import dagster as dg

from assets.dagster_runs.history import Backfill
from assets.dagster_runs.tags import BACKFILL
from tests.model.location.place import Launched, Place
from tests.support.runs import Runs


@dataclass
class UnderWay:
    """A backfill that is not finished.

    Attributes:
        left: the partitions of each run that is still to come.
        done: those it has brought in.
    """

    backfill: Backfill
    keys: Sequence[str]
    left: list[Sequence[str]]
    done: set[str] = field(default_factory=set)


class Backfills:
    """Those of one location."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def launch(self, keys: Sequence[str], *, at_once: int | None) -> None:
        """As the UI does: it is requested, and none of its runs is there yet.

        Args:
            at_once: partitions in one run; None for all of them.
        """
        place, size = self._place, at_once or len(keys)
        backfill = self._runs.add_backfill(keys, status="REQUESTED")
        runs = [keys[first : first + size] for first in range(0, len(keys), size)]
        place.backfills[backfill.backfill_id] = UnderWay(backfill, keys, runs)
        place.wanted[backfill.backfill_id] = keys

    def go_on(self, id: str, ends: str) -> Launched | None:
        """The next run.

        Args:
            ends: well, which means that it is carried out; dead or cancelled before it began.
        """
        place, under_way = self._place, self._place.backfills[id]
        keys, tags, run = under_way.left.pop(0), {BACKFILL: id}, None
        if ends == "well":
            run = place.launch(keys, tags)
            brought = {key for key, event in place.events().items() if event.dagster_run == run.run_id}
            under_way.done |= brought & set(keys)
        else:
            status = dg.DagsterRunStatus.FAILURE if ends == "dead" else dg.DagsterRunStatus.CANCELED
            place.record_run(keys, status, tags)
        all_there = under_way.done == set(under_way.keys)
        ended = "COMPLETED_SUCCESS" if all_there else "COMPLETED_FAILED"
        self._update(under_way, "REQUESTED" if under_way.left else ended)
        return run

    def cancel(self, id: str) -> None:
        """A person cancels it, and with it what it has not brought in."""
        under_way = self._place.backfills[id]
        # A run of it that was cancelled before counts as cancelled with it.
        self._place.put_down -= set(under_way.keys) & self._place.wanted_since(id)
        self._place.cancel(set(under_way.keys) - under_way.done, id)
        self._update(under_way, "CANCELED")

    @property
    def _runs(self) -> Runs:
        return Runs(self._place.instance, self._place.report)

    def _update(self, under_way: UnderWay, status: str) -> None:
        if status != "REQUESTED":
            del self._place.backfills[under_way.backfill.backfill_id]
        self._runs.update_backfill(under_way.backfill, under_way.keys, status=status, done=under_way.done)
