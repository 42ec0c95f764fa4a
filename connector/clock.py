"""What time it is, and how to wait: the one place where real time enters.

Everything that waits takes a `Clock`, so that a test owns its time and a report that takes an hour
takes none.
"""

import concurrent.futures
import time
from collections.abc import Collection
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, Protocol

#: UTC by all names that it has among IANA's zones.
UTC_NAMES = frozenset({"Etc/UCT", "Etc/UTC", "Etc/Universal", "Etc/Zulu", "UCT", "UTC", "Universal", "Zulu"})


def is_utc(zone: str | None) -> bool:
    """Whether a zone is UTC; None counts as UTC, as everywhere here."""
    return zone is None or zone in UTC_NAMES


class Clock(Protocol):
    """Time as an argument."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC. For what is shown or stored; never to measure a duration."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back. For durations and deadlines."""

    def sleep(self, seconds: float) -> None:
        """Wait. Zero or less returns at once."""

    def wait(self, futures: Collection["Future[Any]"], seconds: float) -> None:
        """Wait until one of `futures` is done or `seconds` have passed, whichever comes first.

        Without futures this is `sleep`. Returns nothing: look at the futures.
        """


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)

    def wait(self, futures: Collection["Future[Any]"], seconds: float) -> None:
        if futures:
            concurrent.futures.wait(
                futures, timeout=max(seconds, 0), return_when=concurrent.futures.FIRST_COMPLETED
            )
        else:
            self.sleep(seconds)
