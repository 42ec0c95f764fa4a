"""Which partitions Stripe has data for and the dataset lacks, and which are old enough to be checked again.

Decisions over plain values. *Ready* is what Stripe says of a report type; *missing* is what the dataset says,
whatever colour Dagster shows. A partition is asked again at certain ages, because Stripe restates: entries
are booked late, disputes and fees find their day afterwards.
"""

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.api.models import ReportType
from connector.partitions import Interval
from connector.runs.readiness import not_ready

#: How long after a window's end it is asked again. The same for sums and for what they are sums of: refreshed
#: at different times they would not agree. The second lies behind the month's closing, wherever the day lies.
REFRESH_AFTER = (timedelta(days=3), timedelta(days=35))

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Window:
    """A partition as far as it matters here."""

    key: str
    interval: Interval


@dataclass(frozen=True, slots=True)
class Refresh:
    """A partition to be asked again, and the age for which."""

    key: str
    age: timedelta


def ready(windows: Iterable[Window], available: ReportType, now: datetime) -> list[Window]:
    """Those whose whole span lies within Stripe's data, both ends included; in the order given."""
    return [window for window in windows if not_ready(window.interval, available, now) is None]


def recent(windows: Sequence[Window], look_back: timedelta) -> list[Window]:
    """Those that end within `look_back` of the newest one's end, which is always among them."""
    newest = max((window.interval.end for window in windows), default=None)
    return [w for w in windows if newest is not None and w.interval.end > newest - look_back]


def missing(windows: Iterable[Window], kept: Set[str], *, leave: Set[str]) -> list[str]:
    """The keys of those without a file, oldest first.

    Args:
        kept: keys of the partitions whose file is there.
        leave: keys that are asked for already, or were since Stripe's data last advanced.
    """
    found = [w for w in windows if w.key not in kept and w.key not in leave]
    return [window.key for window in sorted(found, key=lambda window: window.interval)]


def of_age(
    windows: Iterable[Window], *, ages: Sequence[timedelta], look_back: timedelta, now: datetime
) -> list[tuple[Window, Refresh]]:
    """Those that have come of an age, oldest first; of several ages the highest counts.

    An age that was reached longer than `look_back` ago does not count any more: a first start over an old
    dataset shall not ask for all of it.

    Args:
        now: the time at Stripe.
    """
    found = []
    for window in sorted(windows, key=lambda each: each.interval):
        age = max((age for age in ages if window.interval.end + age <= now), default=None)
        if age is not None and now - (window.interval.end + age) < look_back:
            found.append((window, Refresh(window.key, age)))
    return found


def to_refresh(
    aged: Iterable[tuple[Window, Refresh]], made: Mapping[str, datetime], *, leave: Set[str]
) -> list[Refresh]:
    """Those whose file was made before they came of that age.

    Args:
        made: keys to when Stripe made the file that is there. Without a file there is nothing to restate.
        leave: keys that are asked for already.
    """
    return [
        refresh
        for window, refresh in aged
        if window.key not in leave
        and window.key in made
        and made[window.key] < window.interval.end + refresh.age
    ]


@dataclass(frozen=True, slots=True)
class SensorMemory:
    """What a sensor has asked for of one asset, so that it does not ask for the same at every tick.

    Attributes:
        until: Stripe's `data_available_end` at that time, in unix seconds.
        missing: keys of missing partitions requested while the data ended there.
        refreshed: keys to the highest age, in seconds, they were asked again for.
    """

    until: int = 0
    missing: frozenset[str] = frozenset()
    refreshed: Mapping[str, int] = field(default_factory=dict)

    def since(self, until: int) -> frozenset[str]:
        """The missing partitions requested since Stripe's data last advanced, to `until`."""
        return self.missing if self.until == until else frozenset()

    def has_refreshed(self, refresh: Refresh) -> bool:
        """Whether the partition was asked again for this age already, or for a higher one."""
        return self.refreshed.get(refresh.key, -1) >= int(refresh.age.total_seconds())

    def and_also(
        self, until: int, missing: Iterable[str], refreshed: Iterable[Refresh], *, known: Set[str]
    ) -> "SensorMemory":
        """The same with what was asked just now; partitions that are not `known` any more are forgotten."""
        aged = {**self.refreshed, **{each.key: int(each.age.total_seconds()) for each in refreshed}}
        return SensorMemory(
            until,
            (self.since(until) | frozenset(missing)) & known,
            {key: age for key, age in aged.items() if key in known},
        )


def to_cursor(memory: Mapping[str, SensorMemory]) -> str:
    """What was asked, by asset, as a sensor's cursor."""
    assets = {
        asset: {"until": asked.until, "missing": sorted(asked.missing), "refreshed": dict(asked.refreshed)}
        for asset, asked in sorted(memory.items())
    }
    return json.dumps({"version": _VERSION, "assets": assets}, separators=(",", ":"))


def from_cursor(text: str | None) -> dict[str, SensorMemory]:
    """What `to_cursor` wrote; nothing for a cursor that is lost, or not one of ours."""
    try:
        state = json.loads(text or "{}")
        if state.get("version") != _VERSION:
            return {}
        return {
            str(asset): SensorMemory(
                int(each["until"]),
                frozenset(map(str, each["missing"])),
                {str(key): int(age) for key, age in each["refreshed"].items()},
            )
            for asset, each in state["assets"].items()
        }
    except (ValueError, TypeError, AttributeError, KeyError):
        return {}
