"""When a published file is due for a new report run, because Stripe restates closed windows.

Entries are booked late, disputes and fees get their day afterwards. So each window is requested again at
certain ages, counted from its end; the catalogue says at which. Decisions over plain values; a partition
without a window is never due.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.dataset.provenance import Provenance
from connector.partitions import Interval, Partition


@dataclass(frozen=True, slots=True)
class Refresh:
    """A partition to refresh, and the age for which."""

    key: str
    age: timedelta


def find_aged(
    partitions: Iterable[Partition],
    *,
    ages: Sequence[timedelta],
    now: datetime,
    look_back: timedelta | None = None,
) -> list[tuple[Partition, Refresh]]:
    """Those that have reached an age, oldest first; of several ages the highest counts.

    Args:
        now: the time at Stripe.
        look_back: an age that was reached longer ago does not count: a sensor's first start over an old
            dataset must not refresh all of it. None for no limit.
    """
    found = []
    for interval, partition in _by_interval(partitions):
        age = max((age for age in ages if interval.end + age <= now), default=None)
        if age is not None and (look_back is None or now - (interval.end + age) < look_back):
            found.append((partition, Refresh(partition.key, age)))
    return found


def select_due(
    aged: Iterable[tuple[Partition, Refresh]], published: Mapping[str, Provenance]
) -> list[Refresh]:
    """Those whose file is from before they reached that age.

    What was requested at that age is not due again, also where Stripe answered with an earlier run's file.

    Args:
        published: keys to the published files. Without a file there is nothing to refresh.
    """
    return [
        refresh
        for partition, refresh in aged
        if partition.interval is not None
        and partition.key in published
        and _checked(published[partition.key]) < partition.interval.end + refresh.age
    ]


def can_become_due(partition: Partition, published: Provenance, ages: Sequence[timedelta]) -> bool:
    """Whether the file is due now or will be, whatever the time is now."""
    last = max(ages, default=None)
    return (
        last is not None
        and partition.interval is not None
        and _checked(published) < partition.interval.end + last
    )


def _checked(published: Provenance) -> datetime:
    """When Stripe was last asked for this, or made the file where that is later."""
    return max(published.as_of, published.run_created)


def _by_interval(partitions: Iterable[Partition]) -> list[tuple[Interval, Partition]]:
    dated = [(each.interval, each) for each in partitions if each.interval is not None]
    return sorted(dated, key=lambda pair: pair[0])
