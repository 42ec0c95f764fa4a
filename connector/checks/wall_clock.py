"""Which times a zone's clock showed during an interval.

A clock that is put back shows an hour twice and a clock put forward skips one, so an interval of instants is
not one stretch on it. A printed time is inside when it was shown inside, whichever of two readings is meant.
"""

import zoneinfo
from bisect import bisect
from datetime import datetime, timedelta

from connector.partitions import Interval

_HOUR = 3_600
_SECOND = timedelta(seconds=1)


def spans(interval: Interval, zone: str) -> list[tuple[datetime, datetime]]:
    """The stretches `[first, last)` that the clock of `zone` went through, naive; they may overlap."""
    clock = zoneinfo.ZoneInfo(zone)
    found = []
    start = interval.start
    while start < interval.end:
        end = _change(start, interval.end, clock)
        offset = _offset(start, clock)
        found.append(((start + offset).replace(tzinfo=None), (end + offset).replace(tzinfo=None)))
        start = end
    return found


def _change(start: datetime, end: datetime, clock: zoneinfo.ZoneInfo) -> datetime:
    """The first second after `start` at which the clock goes by another offset; `end` where none comes."""
    offset = _offset(start, clock)
    seconds = range(int((end - start).total_seconds()))

    def changed(second: int) -> bool:  # False sorts before True
        return _offset(start + second * _SECOND, clock) != offset

    for hour in seconds[::_HOUR]:
        within = seconds[hour : hour + _HOUR + 1]
        if changed(within[-1]):
            return start + within[bisect(within, 0, key=changed)] * _SECOND
    return end


def _offset(at: datetime, clock: zoneinfo.ZoneInfo) -> timedelta:
    return at.astimezone(clock).utcoffset() or timedelta(0)
