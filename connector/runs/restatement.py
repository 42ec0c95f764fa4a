"""When a published file is due for a new report run, because Stripe restates closed windows.

Entries are booked late, disputes and fees get their day afterwards. So each window is requested again at
certain ages, counted from its end. Decisions over plain values; a partition without a window is never due.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.dataset.provenance import Provenance
from connector.partitions import Interval, Partition

#: The same for sums and for what they are sums of: refreshed at different times they would not agree. The
#: last is after the month's closing, whichever day of the month it is.
REFRESH_AFTER = (timedelta(days=3), timedelta(days=35))

#: Fees come up to 96 hours late, and some within 35 days.
#: Source: https://docs.stripe.com/reports/all-fees
FEES_REFRESH_AFTER = (timedelta(days=5), timedelta(days=35))

#: The highest age of any report type.
LAST_REFRESH = max(*REFRESH_AFTER, *FEES_REFRESH_AFTER)


@dataclass(frozen=True, slots=True)
class Refresh:
    """A partition to refresh, and the age for which."""

    key: str
    age: timedelta


def refresh_ages(report_type: str) -> tuple[timedelta, ...]:
    """The ages at which windows of a report type are requested again, by its id, youngest first."""
    return FEES_REFRESH_AFTER if is_about_fees(report_type) else REFRESH_AFTER


def is_about_fees(report_type: str) -> bool:
    """Whether a report type is of a family whose rows come as late as fees do, in the catalogue or not."""
    return "fees" in report_type


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
