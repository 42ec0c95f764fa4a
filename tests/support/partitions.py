"""Days to collect, and what became of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from connector.partitions import Interval, Partition
from connector.pipeline.collect import Done, Event, Missed


def days(first: str, count: int) -> tuple[Partition, ...]:
    """`count` UTC days from `first` on."""
    start = datetime.fromisoformat(first).replace(tzinfo=UTC)
    starts = [start + timedelta(days=number) for number in range(count)]
    return tuple(Partition(f"{at:%Y-%m-%d}", Interval(at, at + timedelta(days=1))) for at in starts)


def done(events: Sequence[Event]) -> dict[str, Done]:
    """The partitions that were collected, by key."""
    return {event.partition.key: event for event in events if isinstance(event, Done)}


def missed(events: Sequence[Event]) -> dict[str, Missed]:
    """The partitions that were not, by key."""
    return {event.partition.key: event for event in events if isinstance(event, Missed)}
