"""How long Stripe takes in a backfill, for the simulator and for what only sleeps: 20 seconds as a rule."""

from collections.abc import Iterable
from datetime import UTC, datetime

from connector.simulator.books.seeded_random import uniform

_LEAST, _MOST = 15.0, 60.0


def latency(report_type: str, start: int) -> float:
    """Seconds that the report run of an interval takes, which begins at `start` in Unix time."""
    left: float = 1 - uniform(1, "latency", report_type, start)
    taken: float = _LEAST / left**0.3
    return min(_MOST, taken)


def longest(report_type: str, days: Iterable[str]) -> float:
    """The seconds of the longest of these days, in UTC."""
    starts = (int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) for day in days)
    return max(latency(report_type, start) for start in starts)
