"""Whose turn it is: only a few Dagster runs are in hand at once, so each account and report has its turn.

Within a turn the oldest partitions come first. Where the last tick stopped, the next one goes on, so however
much one account has to bring in, another one waits for one run of each at most.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import NamedTuple, TypeVar

from assets.dagster_runs.history import PartitionGrid
from assets.dagster_runs.run_requests import RangeRunRequest
from assets.dagster_runs.tags import INTENT_TAG, Intent


class Turn(NamedTuple):
    """Those that wait for one another.

    Attributes:
        asset: its key.
        row: of its grid: the account; of a request for several, the first.
        refresh: the partitions are there and are to be read again.
    """

    asset: str
    row: int
    refresh: bool

    @classmethod
    def of(cls, request: RangeRunRequest, grid: PartitionGrid) -> "Turn":
        """Whose turn a request belongs to."""
        row, _ = grid.place[request.keys[0]]
        return cls(grid.asset, row, request.tags.get(INTENT_TAG) == Intent.REFRESH)


Waiting = TypeVar("Waiting")


def take_turns(queues: Mapping[Turn, Sequence[Waiting]], behind: Turn | None) -> list[Waiting]:
    """The first of each queue, then the second of each, and so on.

    Args:
        behind: the turn of the last one that was granted; the one after it begins.
    """
    turns = sorted(queues)
    start = 0 if behind is None else bisect_right(turns, behind)
    rounds = zip_longest(*(queues[turn] for turn in [*turns[start:], *turns[:start]]))
    return [each for each in chain.from_iterable(rounds) if each is not None]
