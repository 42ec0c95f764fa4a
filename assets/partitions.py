"""Windows of time as Dagster partitions, and a partition key as the span of time it asks Stripe for.

Keys are Dagster's; `connector.windows` gives the same ones, so that the command and the asset mean the same
file.
"""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import dagster as dg

from connector.errors import ConfigurationError
from connector.models import Interval
from connector.query import Partition
from connector.windows import Windows

_DEFINITIONS: dict[str, type[dg.TimeWindowPartitionsDefinition]] = {
    "hourly": dg.HourlyPartitionsDefinition,
    "daily": dg.DailyPartitionsDefinition,
    "weekly": dg.WeeklyPartitionsDefinition,
    "monthly": dg.MonthlyPartitionsDefinition,
}

#: Stripe has no data before; what zones will decide later nobody knows.
_YEARS = range(2011, 2038)


def partitions_definition(
    windows: Windows, start: date | datetime, *, end_offset: int = 0
) -> dg.TimeWindowPartitionsDefinition:
    """Every whole window from `start` until now.

    Args:
        windows: how long they are, and on which clock they begin.
        start: the first window begins here, or at the first bound after it. A date means its midnight on
            the zone's clock; so does a datetime, which must not have a zone of its own.
        end_offset: how many windows beyond the last whole one there are; negative leaves some out.
    """
    refuse_lossy(windows)
    if isinstance(start, datetime) and start.tzinfo is not None:
        raise ConfigurationError(
            f"start {start} has a zone of its own; give it on the clock of {windows.zone}"
        )
    first = start if isinstance(start, datetime) else datetime.combine(start, time())
    definition = _DEFINITIONS[windows.unit]
    return definition(start_date=first, timezone=windows.zone, end_offset=end_offset)  # type: ignore[call-arg]


def refuse_lossy(windows: Windows) -> None:
    """Refuse windows that Dagster cannot tile time with.

    Where a clock changes by less than an hour, as on Lord Howe Island, Dagster's hourly windows leave the
    rest of that hour out.
    """
    zone = ZoneInfo(windows.zone)
    months = (datetime(year, month, 1, tzinfo=zone) for year in _YEARS for month in range(1, 13))
    offsets = [each.utcoffset() or timedelta() for each in months]
    if windows.unit == "hourly" and any((one - two) % timedelta(hours=1) for one, two in pairwise(offsets)):
        raise ConfigurationError(
            f"hourly windows of {windows.zone} would lose a part of the hour in which its clock changes; "
            "cut the hours in UTC, or use daily windows"
        )


def partition_of(definition: dg.TimeWindowPartitionsDefinition, key: str) -> Partition:
    """The partition of that key: aware bounds on the zone's clock become seconds in UTC.

    A day has 23, 24 or 25 hours, as the clock says.
    """
    window = definition.time_window_for_partition_key(key)
    return Partition(key, Interval(window.start, window.end))
