"""Which windows a table lacks, and which it holds twice. Pure: it looks at intervals alone."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from connector.errors import ConfigurationError
from connector.partitions import Interval, Partition, Windows

#: So many keys are named.
_SHOWN = 10


def missing(windows: Windows, present: Iterable[Interval]) -> tuple[Partition, ...]:
    """The windows between the first and the last of these intervals that none of them covers.

    What lies before the first and after the last is not missing.
    """
    gaps: list[Partition] = []
    end: datetime | None = None
    for interval in sorted(present):
        if end is not None and end < interval.start:
            gaps += _within(windows, Interval(end, interval.start))
        end = interval.end if end is None else max(end, interval.end)
    return tuple(gaps)


def _within(windows: Windows, gap: Interval) -> Iterator[Partition]:
    """The windows that make up a gap; the gap itself where windows do not fit into it."""
    try:
        yield from windows.between(gap.start, gap.end)
    except ConfigurationError:
        yield Partition(str(gap), gap)


def overlapping(intervals: Mapping[str, Interval]) -> tuple[tuple[str, str], ...]:
    """Pairs of keys whose intervals have time in common: rows of that time would be counted twice."""
    found = []
    latest: tuple[str, Interval] | None = None
    for key, interval in sorted(intervals.items(), key=lambda each: (each[1], each[0])):
        if latest is not None and interval.start < latest[1].end:
            found.append((latest[0], key))
        if latest is None or interval.end > latest[1].end:
            latest = key, interval
    return tuple(found)


def listed(keys: Iterable[str]) -> str:
    """Keys for people: the first few, and how many more."""
    names = list(keys)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
