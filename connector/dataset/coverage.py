"""Which windows a table lacks, and which it holds twice. Pure: it looks at keys and intervals alone."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from connector.dataset.identity import Dataset
from connector.errors import ConfigurationError
from connector.partitions import BY_PAYOUT, Interval, Partition, Windows

#: So many keys are named.
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a table holds, as its calendar shows it.

    Attributes:
        first, last: the first and the last period that has a file; None where partitions are payouts.
        missing: keys of partitions between the first and the last of their series without a file. Each
            connected account that has partitions of its own is a series.
        overlapping: pairs of keys that have time in common.
    """

    first: str | None
    last: str | None
    missing: tuple[str, ...]
    overlapping: tuple[tuple[str, str], ...]


def coverage_of(dataset: Dataset, intervals: Mapping[str, Interval]) -> Coverage:
    """The coverage of a table with files of these keys and intervals."""
    series: dict[tuple[str, ...], dict[str, Interval]] = {}
    for key, interval in intervals.items():
        series.setdefault(dataset.key_format.values(key)[:-1], {})[key] = interval
    if dataset.window == BY_PAYOUT or not series:
        return Coverage(None, None, (), ())
    windows, form = Windows(dataset.window, dataset.zone), dataset.key_format
    ordered = sorted((interval, form.values(key)[-1]) for key, interval in intervals.items())
    return Coverage(
        ordered[0][1],
        ordered[-1][1],
        tuple(
            form.key(*whose, each.key)
            for whose, present in series.items()
            for each in missing(windows, present.values())
        ),
        tuple(pair for present in series.values() for pair in overlapping(present)),
    )


def intervals_of(dataset: Dataset, keys: Iterable[str]) -> dict[str, Interval]:
    """The interval of each key by the table's calendar; keys that are not of one of its windows are left
    out."""
    found: dict[str, Interval] = {}
    if dataset.window == BY_PAYOUT:
        return found
    windows = Windows(dataset.window, dataset.zone)
    for key in keys:
        with contextlib.suppress(ConfigurationError):
            interval = windows.partition(dataset.key_format.values(key)[-1]).interval
            if interval:
                found[key] = interval
    return found


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


def listed(keys: Iterable[str], *, separator: str = ", ") -> str:
    """Keys for people: the first few, and how many more."""
    names = list(keys)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{separator.join(names[:_SHOWN])}{more}"
