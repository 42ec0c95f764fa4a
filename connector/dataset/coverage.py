"""Which windows a table lacks, and which it holds twice. Pure: it looks at keys and intervals alone."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from connector.accounts import NO_LISTS, AccountLife, AccountLists
from connector.dataset.identity import Dataset
from connector.errors import ConfigurationError
from connector.partitions import BY_PAYOUT, Interval, Partition, Windows

#: So many keys are named, and so many days in a row by the first and the last of them.
_SHOWN, _IN_A_ROW = 10, 3
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a table holds, as its calendar shows it.

    Attributes:
        first, last: the first and the last period that has a file; None where partitions are payouts.
        missing: keys of partitions between the first and the last of their series without a file. Each
            connected account that has partitions of its own is a series. Where its life is known, what lies
            outside of it is not missing, and what lies within is, as far as the table reaches.
        overlapping: pairs of keys that have time in common.
        absent: accounts that are configured for the table and have no file in it, though their lives lie
            within its reach. Each with the keys that it lacks, which are among `missing`.
    """

    first: str | None
    last: str | None
    missing: tuple[str, ...]
    overlapping: tuple[tuple[str, str], ...]
    absent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def describe_missing(self) -> str:
        """What is missing, for people: accounts that lack all before the keys of the others."""
        whole = {key for keys in self.absent.values() for key in keys}
        keys = [key for key in self.missing if key not in whole]
        accounts = [f"all of {listed(self.absent)}"] if self.absent else []
        return "; ".join([*accounts, *([listed(keys)] if keys else [])])


def coverage_of(
    dataset: Dataset, intervals: Mapping[str, Interval], lists: AccountLists = NO_LISTS
) -> Coverage:
    """The coverage of a table with files of these keys and intervals.

    Args:
        lists: the accounts that the configuration names. One of the table's that has no file at all lacks
            its whole life, as far as the table reaches.
    """
    series: dict[tuple[str, ...], dict[str, Interval]] = {}
    for key, interval in intervals.items():
        series.setdefault(dataset.key_format.values(key)[:-1], {})[key] = interval
    if dataset.window == BY_PAYOUT or not series:
        return Coverage(None, None, (), ())
    windows, form = Windows(dataset.window, dataset.zone), dataset.key_format
    lives = lists.of_table(dataset.table, dataset.dimension_values(intervals))
    without = [(life.account,) for life in lives if (life.account,) not in series]
    series |= {whose: {} for whose in without}
    ordered = sorted((interval, form.values(key)[-1]) for key, interval in intervals.items())
    whole = Interval(ordered[0][0].start, max(interval.end for interval, _ in ordered))
    lacks = {
        whose: tuple(
            form.key(*whose, each.key)
            for each in _missing_of(
                windows, list(present.values()), whole, lives.get(whose[0]) if whose else None
            )
        )
        for whose, present in series.items()
    }
    return Coverage(
        ordered[0][1],
        ordered[-1][1],
        tuple(key for keys in lacks.values() for key in keys),
        tuple(pair for present in series.values() for pair in overlapping(present)),
        {account: lacks[account,] for (account,) in without if lacks[account,]},
    )


def _missing_of(
    windows: Windows, present: Sequence[Interval], whole: Interval, life: AccountLife | None
) -> Iterator[Partition]:
    """What a series lacks, in a table that reaches over `whole`."""
    start = whole.start if not present or (life and life.start) else min(each.start for each in present)
    end = whole.end if not present or (life and life.until) else max(each.end for each in present)
    for each in missing(windows, [*present], Interval(start, end)):
        if life is None or life.overlaps(each.interval, windows.zone):
            yield each


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


def missing(
    windows: Windows, present: Iterable[Interval], span: Interval | None = None
) -> tuple[Partition, ...]:
    """The windows between the first and the last of these intervals that none of them covers.

    What lies before the first and after the last is missing only where it lies in `span`.
    """
    gaps: list[Partition] = []
    end = span.start if span else None
    for interval in sorted(present):
        if end is not None and end < interval.start:
            gaps += _within(windows, Interval(end, interval.start))
        end = interval.end if end is None else max(end, interval.end)
    if span and end is not None and end < span.end:
        gaps += _within(windows, Interval(end, span.end))
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
    """Keys for people: the first few, and how many more. From three days in a row on, the first and the last
    of them are named: `2026-06-01 to 2026-06-30`."""
    found: list[list[str]] = []
    for key in keys:
        if found and _is_day_after(found[-1][-1], key):
            found[-1].append(key)
        else:
            found.append([key])
    parts = [part for days in found for part in _parts(days)]
    more = sum(count for _, count in parts[_SHOWN:])
    shown = separator.join(text for text, _ in parts[:_SHOWN])
    return f"{shown} and {more:,} more" if more else shown


def _is_day_after(before: str, key: str) -> bool:
    """Whether two keys of one account are of two days in a row."""
    (whose, _, day), (same, _, following) = before.rpartition("|"), key.rpartition("|")
    if whose == same and _DAY.fullmatch(day) and _DAY.fullmatch(following):
        with contextlib.suppress(ValueError):  # the thirtieth of February, as a file may be named
            return date.fromisoformat(day) + timedelta(days=1) == date.fromisoformat(following)
    return False


def _parts(days: Sequence[str]) -> list[tuple[str, int]]:
    """How days in a row are named, and how many each name stands for."""
    if len(days) < _IN_A_ROW:
        return [(day, 1) for day in days]
    return [(f"{days[0]} to {days[-1].rpartition('|')[2]}", len(days))]
