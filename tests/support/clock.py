"""A clock that moves only when somebody waits or moves it, so that an hour passes at once."""

import concurrent.futures
import threading
from collections.abc import Collection
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any

#: A Sunday, an hour after the data of the 6th became complete.
NOON = datetime(2026, 6, 7, 13, tzinfo=UTC)


class ManualClock:
    """A `connector.clock.Clock` that stands still until somebody waits; threads may share it."""

    def __init__(self, start: datetime = datetime(2026, 6, 10, 15, 30, tzinfo=UTC)) -> None:
        self.start = start
        self.seconds = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.seconds += max(0.0, seconds)

    def wait(self, futures: Collection["Future[Any]"], seconds: float) -> None:
        """Wait for one of `futures`, which takes no time on this clock; without any, `seconds` pass.

        The caller looks at what has ended first: `seconds` may have been computed without it.
        """
        if futures:
            concurrent.futures.wait(futures, timeout=60, return_when=concurrent.futures.FIRST_COMPLETED)
        else:
            self.sleep(seconds)

    def move_to(self, moment: datetime) -> None:
        """Jump to `moment`, also backwards, as a machine's clock may. `monotonic` moves with it."""
        with self._lock:
            self.seconds = (moment - self.start).total_seconds()
