"""Time that many threads share and nobody waits for: it moves on when all of them are waiting."""

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tests.support.clock import NOON

T = TypeVar("T")


@dataclass
class _Waiting:
    parked: bool = False
    over: bool = False


class SharedTime:
    """A clock for the thread that makes it, those that `enter`, and the workers of `SharedWorkers`."""

    def __init__(self) -> None:
        self._passed = 0.0
        self._busy = 1
        self._sleepers: list[tuple[float, int, _Waiting]] = []
        self._order = itertools.count()
        self._turn = threading.Condition()

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._park(_Waiting(), seconds)

    def wait(self, futures: Collection["Future[Any]"], seconds: float) -> None:
        waiting = _Waiting()
        for future in futures:
            future.add_done_callback(lambda _: self._wake(waiting))
        self._park(waiting, seconds)

    def enter(self) -> None:
        """One more thread is at work."""
        with self._turn:
            self._busy += 1

    def leave(self) -> None:
        """One less."""
        with self._turn:
            self._busy -= 1
            self._move_on()

    def _park(self, waiting: _Waiting, seconds: float) -> None:
        with self._turn:
            if waiting.over:
                return
            waiting.parked = True
            heapq.heappush(self._sleepers, (self._passed + max(seconds, 0.0), next(self._order), waiting))
            self._busy -= 1
            self._move_on()
            while not waiting.over:
                self._turn.wait()

    def _wake(self, waiting: _Waiting) -> None:
        with self._turn:
            self._end(waiting)

    def _end(self, waiting: _Waiting) -> None:
        if not waiting.over:
            waiting.over = True
            if waiting.parked:
                self._busy += 1
                self._turn.notify_all()

    def _move_on(self) -> None:
        while self._busy == 0 and self._sleepers:
            until, _, waiting = heapq.heappop(self._sleepers)
            if not waiting.over:
                self._passed = max(self._passed, until)
                self._end(waiting)


class SharedWorkers:
    """`count` threads on a shared clock."""

    def __init__(self, time: SharedTime, count: int) -> None:
        self._time = time
        self._free = count
        self._queue: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        future: Future[T] = Future()

        def run() -> None:
            try:
                result = work()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._lock:
            self._queue.append(run)
            if self._free:
                self._free -= 1
                self._time.enter()
                threading.Thread(target=self._work, daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._free += 1
                    break
                run = self._queue.popleft()
            run()
        self._time.leave()
