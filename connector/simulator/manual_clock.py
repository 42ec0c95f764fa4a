"""A clock that moves only when somebody waits or moves it: an hour's report takes no time."""

import threading
from collections.abc import Collection
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any


class ManualClock:
    """A `connector.clock.Clock` for tests. Waiting moves it and takes no time; threads may share it."""

    def __init__(self, start: datetime = datetime(2026, 6, 10, 15, 30, tzinfo=UTC)) -> None:
        self._start = start
        self._passed = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._passed += max(seconds, 0.0)

    def wait(self, futures: Collection["Future[Any]"], seconds: float) -> None:
        if not any(future.done() for future in futures):
            self.sleep(seconds)

    def move_to(self, moment: datetime) -> None:
        """Jump to `moment`, also backwards, as a machine's clock may. `monotonic` goes along."""
        with self._lock:
            self._passed = (moment - self._start).total_seconds()
