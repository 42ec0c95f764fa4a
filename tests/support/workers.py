"""Workers without threads."""

import heapq
import itertools
from collections.abc import Callable, Collection
from concurrent.futures import Future
from datetime import datetime
from typing import Any, TypeVar

from tests.support.clock import ManualClock

T = TypeVar("T")


class InlineWorkers:
    """Does the work in the caller's thread, one thing after another."""

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        future: Future[T] = Future()
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)
        return future


class AsideClock(ManualClock):
    """A manual clock by which the work of `AsideWorkers` takes its time: a future ends when the clock gets
    there. Not for threads."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._ends: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def aside(self, work: Callable[[], Callable[[], None]]) -> None:
        """Do the work from now on; what it returns is called once the clock gets to the work's end."""
        now = self.seconds
        end = work()
        heapq.heappush(self._ends, (self.seconds, next(self._count), end))
        self.seconds = now
        self._reach()

    def wait(self, futures: Collection["Future[Any]"], seconds: float) -> None:
        if any(future.done() for future in futures):
            return
        until = self.seconds + max(0.0, seconds)
        self.seconds = min(until, self._ends[0][0]) if futures and self._ends else until
        self._reach()

    def _reach(self) -> None:
        while self._ends and self._ends[0][0] <= self.seconds:
            heapq.heappop(self._ends)[2]()


class AsideWorkers:
    """As many threads as there is work, without threads: all goes on side by side by an `AsideClock`."""

    def __init__(self, clock: AsideClock) -> None:
        self._clock = clock

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        future: Future[T] = Future()

        def carry_out() -> Callable[[], None]:
            ended = InlineWorkers().submit(work)
            error = ended.exception()
            return lambda: future.set_exception(error) if error else future.set_result(ended.result())

        self._clock.aside(carry_out)
        return future
