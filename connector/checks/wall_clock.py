"""Which times a zone's clock showed during an interval.

A clock that is put back shows an hour twice and one that is put forward skips one, so an interval of instants
can be several spans on the clock. A printed time is inside when the clock showed it during the interval,
whichever of two instants is meant.
"""

import zoneinfo
from bisect import bisect
from datetime import datetime, timedelta

from connector.partitions import Interval

_HOUR = 3_600
_SECOND = timedelta(seconds=1)


def find_spans(interval: Interval, zone: str) -> list[tuple[datetime, datetime]]:
    """The spans `[first, last)` that the clock of `zone` went through, naive; they may overlap."""
    clock = zoneinfo.ZoneInfo(zone)
    found = []
    start = interval.start
    while start < interval.end:
        end = _find_change(start, interval.end, clock)
        offset = _find_offset(start, clock)
        found.append(((start + offset).replace(tzinfo=None), (end + offset).replace(tzinfo=None)))
        start = end
    return found


def _find_change(start: datetime, end: datetime, clock: zoneinfo.ZoneInfo) -> datetime:
    """The first second after `start` at which the clock goes by another offset; `end` where none comes."""
    offset = _find_offset(start, clock)
    seconds = range(int((end - start).total_seconds()))

    def changed(second: int) -> bool:  # False sorts before True
        return _find_offset(start + second * _SECOND, clock) != offset

    for hour in seconds[::_HOUR]:
        within = seconds[hour : hour + _HOUR + 1]
        if changed(within[-1]):
            return start + within[bisect(within, 0, key=changed)] * _SECOND
    return end


def _find_offset(at: datetime, clock: zoneinfo.ZoneInfo) -> timedelta:
    return at.astimezone(clock).utcoffset() or timedelta(0)
