"""Calendar windows as partitions: hours, days, weeks and months of any time zone, as half-open intervals.

A day is what lies between two midnights on the clock of a zone: 23 hours in spring, 25 in autumn. So bounds
are found on that clock and only then become instants; nothing here adds 86,400 seconds. Keys are the ones
Dagster's partitions definitions give, so that the command and the asset mean the same file.
"""

import contextlib
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from connector.errors import ConfigurationError
from connector.text import hint


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A half-open span of time `[start, end)`: a row at `end` belongs to the next one.

    Both bounds are aware, whole seconds, and held in UTC; `start < end`.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value: datetime = getattr(self, name)
            if value.tzinfo is None:
                raise ConfigurationError(f"interval {name} {value} has no time zone; give an aware datetime")
            if value.microsecond:
                raise ConfigurationError(
                    f"interval {name} {value} is not a whole second; Stripe counts in seconds"
                )
            object.__setattr__(self, name, value.astimezone(UTC))
        if self.start >= self.end:
            raise ConfigurationError(f"interval starts at {self.start}, not before its end at {self.end}")

    def __str__(self) -> str:
        return f"[{self.start:%Y-%m-%dT%H:%M:%SZ}, {self.end:%Y-%m-%dT%H:%M:%SZ})"


#: The dimension of partitions that are about one connected account each, which a run parameter names.
CONNECTED_ACCOUNT = "connected_account"

#: The dimension of partitions that are asked for in the name of one account each, by the header
#: `Stripe-Account`.
ACTING_FOR = "account"


@dataclass(frozen=True, slots=True)
class Partition:
    """One window of a dataset: its key, and the span of time it asks for.

    Attributes:
        interval: None for reports that have none.
        parameters: what else distinguishes partitions: `payout`, `connected_account`.
        acting_for: the account in whose name it is asked for, where each partition has its own.
    """

    key: str
    interval: Interval | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    acting_for: str | None = None

    @property
    def account(self) -> str | None:
        """The one account it is about, whichever way that is asked for; None where nothing here says so."""
        named = self.parameters.get(CONNECTED_ACCOUNT)
        return self.acting_for or (None if named is None else str(named))


#: The window of a report whose partitions are payouts: they have no span of time.
BY_PAYOUT = "payout"


@dataclass(frozen=True, slots=True)
class KeyFormat:
    """How the key of a partition is made of its values and taken apart again.

    Keys are as Dagster writes those of two dimensions: `acct_1|2026-06-01`. Payouts are one dimension there,
    also where they need the connected account: `acct_1:po_1`.

    Attributes:
        window: `hourly`, `daily`, `weekly`, `monthly`, or `payout`.
        dimensions: what distinguishes partitions besides their period: `connected_account` or `account`.
    """

    window: str
    dimensions: tuple[str, ...] = ()

    def key(self, *values: str) -> str:
        """The key of a partition: its value in each of the dimensions, then its period."""
        return self._separator.join(values)

    def values(self, key: str) -> tuple[str, ...]:
        """What `key` put together. Raises ConfigurationError for a key of another form."""
        found = tuple(key.split(self._separator, len(self.dimensions)))
        if len(found) <= len(self.dimensions) or not all(found):
            form = self.key(*(f"<{name}>" for name in (*self.dimensions, self.window)))
            raise ConfigurationError(f"{key[:80]!r} is not the key of a partition; keys look like {form}")
        return found

    @property
    def _separator(self) -> str:
        return ":" if self.window == BY_PAYOUT else "|"


UNITS = ("hourly", "daily", "weekly", "monthly")

#: What to pull where a window begins before the data.
_SMALLER = {"monthly": "daily", "weekly": "daily", "daily": "hourly"}

#: Zones of many accounts, no two alike all year, which `midnight_zone` looks through.
_USUAL_ZONES = (
    "UTC", "Europe/London", "Europe/Berlin", "Europe/Athens", "America/New_York", "America/Chicago",
    "America/Denver", "America/Los_Angeles", "America/Sao_Paulo", "Asia/Dubai", "Asia/Kolkata",
    "Asia/Bangkok", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)

#: Hours on the clock around a change of it: a country that crosses the date line skips a whole day.
_AROUND_A_CHANGE = 26


@dataclass(frozen=True, slots=True)
class Windows:
    """How time is cut into partitions.

    Attributes:
        unit: `hourly`, `daily`, `weekly` (from Sunday) or `monthly` (from the first).
        zone: the IANA zone whose clock and calendar set the bounds.

    Raises ConfigurationError for an unknown unit or zone, naming the nearest.
    """

    unit: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise ConfigurationError(f"there are no {self.unit!r} windows{hint(self.unit, UNITS)}")
        _zone(self.zone)

    def between(self, start: date | datetime, end: date | datetime) -> tuple[Partition, ...]:
        """The windows that make up `[start, end)`, oldest first.

        Args:
            start, end: a date means its midnight in the zone; a datetime without a zone is read on the
                zone's clock. Both have to be bounds of windows, so that nothing is cut.

        Raises ConfigurationError naming the nearest bounds.
        """
        first, last = self.bound(start), self.bound(end)
        if first >= last:
            raise ConfigurationError(f"{start} is not before {end}: there is no window between them")
        return tuple(self._walk(first, last))

    def bound(self, given: date | datetime) -> datetime:
        """`given` as an instant in UTC, once it is known to be the bound of a window; read as in `between`.

        Raises ConfigurationError naming the nearest bounds.
        """
        clock = _zone(self.zone)
        try:
            at = _instant(given, clock)
            before = self._floor(at, clock)
            if before == at:
                return at
            after = self._next(before, clock)
        except (OverflowError, ValueError):
            raise ConfigurationError(f"{given} is beyond the calendar") from None
        raise ConfigurationError(
            f"{given} is not where one of the {self.unit} windows of {self.zone} begins; nearest: "
            f"{self._shown(before, clock)} and {self._shown(after, clock)}"
        )

    def partition(self, key: str) -> Partition:
        """The window of that key. Raises ConfigurationError for a key that no window has."""
        clock = _zone(self.zone)
        try:
            start = self._start(key)
            if self._key(start, clock) == key:
                return Partition(key, Interval(start, self._next(start, clock)))
        except (ConfigurationError, ValueError, OverflowError):
            pass
        raise ConfigurationError(f"{key[:80]!r} is not the key of one of the {self.unit} windows")

    def _start(self, key: str) -> datetime:
        if self.unit != "hourly":
            return self.bound(date.fromisoformat(key))
        shown, offset = key[:16], key[16:]
        if offset:
            return datetime.strptime(key, "%Y-%m-%d-%H:%M%z").astimezone(UTC)
        return self.bound(datetime.strptime(shown, "%Y-%m-%d-%H:%M"))  # noqa: DTZ007 - the zone's own clock

    def first_from(self, at: datetime) -> datetime:
        """Where the first whole window at or after `at` begins: an aware instant, given back in UTC."""
        clock = _zone(self.zone)
        moment = at.astimezone(UTC)
        before = self._floor(moment, clock)
        return before if before == moment else self._next(before, clock)

    def last_until(self, at: datetime) -> datetime:
        """Where the last whole window at or before `at` ends: an aware instant, given back in UTC."""
        return self._floor(at.astimezone(UTC), _zone(self.zone))

    def day(self, at: datetime) -> date:
        """The day that the zone's calendar shows at an aware instant."""
        return date_in(self.zone, at)

    def _walk(self, first: datetime, last: datetime) -> Iterator[Partition]:
        clock = _zone(self.zone)
        start = first
        while start < last:
            end = self._next(start, clock)
            yield Partition(self._key(start, clock), Interval(start, end))
            start = end

    def _key(self, start: datetime, clock: tzinfo) -> str:
        """As Dagster names it. In the autumn hour that comes twice, the second carries its offset."""
        local = start.astimezone(clock)
        if self.unit != "hourly":
            return f"{local:%Y-%m-%d}"
        return f"{local:%Y-%m-%d-%H:%M}{local:%z}" if local.fold else f"{local:%Y-%m-%d-%H:%M}"

    def _shown(self, at: datetime, clock: tzinfo) -> str:
        local = at.astimezone(clock)
        return local.isoformat(timespec="minutes") if self.unit == "hourly" else f"{local:%Y-%m-%d}"

    def _floor(self, at: datetime, clock: tzinfo) -> datetime:
        """The last bound at or before `at`; UTC in, UTC out."""
        local = at.astimezone(clock)
        if self.unit == "hourly":
            hour = local.replace(minute=0, second=0, microsecond=0)
            whole = [each for each in _clock_hours(hour, -_AROUND_A_CHANGE, 0, clock) if each <= at]
            return max(whole)
        return _midnight(self._first_day(local.date()), clock)

    def _next(self, start: datetime, clock: tzinfo) -> datetime:
        """The bound after the bound `start`; UTC in, UTC out."""
        local = start.astimezone(clock)
        if self.unit == "hourly":
            later = start + _HOUR
            if later.astimezone(clock).utcoffset() == local.utcoffset():
                return later
            return min(each for each in _clock_hours(local, 0, _AROUND_A_CHANGE, clock) if each > start)
        day = local.date()
        while True:
            day = self._following_day(day)
            end = _midnight(day, clock)
            if end > start:  # not so where a zone skipped the whole day
                return end

    def _first_day(self, day: date) -> date:
        """The day on which the window that holds `day` begins."""
        if self.unit == "weekly":
            return day - (day.isoweekday() % 7) * _DAY
        return day.replace(day=1) if self.unit == "monthly" else day

    def _following_day(self, day: date) -> date:
        """The day on which the next window begins, when one begins on `day`."""
        if self.unit == "monthly":
            return (day.replace(day=1) + 31 * _DAY).replace(day=1)
        return day + (7 if self.unit == "weekly" else 1) * _DAY


def never_whole(windows: Windows, partition: Partition, data_start: datetime) -> str | None:
    """Why a window can never be pulled, and what can, as a sentence; None where the data begin before it.

    Args:
        data_start: when Stripe's data begin, aware.
    """
    if partition.interval is None or partition.interval.start >= data_start:
        return None
    begins = f"{partition.key} begins before the data, which begin at {data_start:%Y-%m-%dT%H:%M:%SZ}"
    if partition.interval.end <= data_start:
        return f"{begins}: there are none for it"
    if windows.unit not in _SMALLER:
        return f"{begins}, so it can never be pulled whole"
    smaller = Windows(_SMALLER[windows.unit], windows.zone)
    return (
        f"{begins}, so it can never be pulled whole. The {smaller.unit} windows from "
        f"{date_in(windows.zone, smaller.first_from(data_start))} on can, in a table of their own: give them "
        "the window and a `name`"
    )


def midnight_zone(at: datetime) -> str | None:
    """A usual IANA zone whose clock shows midnight at an aware instant; None where none does."""
    return next((zone for zone in _USUAL_ZONES if _shows_midnight(zone, at)), None)


def other_zone(interval: Interval, data_start: datetime) -> str | None:
    """The zone in which days are whole from the first on, where data begin within `interval`; None where
    they begin at no usual zone's midnight, or `interval` begins with a day of that zone already.

    Args:
        data_start: when Stripe's data begin, aware: as seen, at midnight in the account's zone.
    """
    zone = midnight_zone(data_start) if interval.start < data_start < interval.end else None
    return zone if zone and not _shows_midnight(zone, interval.start) else None


def date_in(zone: str, at: datetime) -> date:
    """The day that the calendar of an IANA zone shows at an aware instant."""
    return at.astimezone(_zone(zone)).date()


def _shows_midnight(zone: str, at: datetime) -> bool:
    return at.astimezone(_zone(zone)).time() == time()


def _zone(name: str) -> zoneinfo.ZoneInfo:
    with contextlib.suppress(zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return zoneinfo.ZoneInfo(name)
    # Out here it leaves zoneinfo's error behind, which repeats the name: it may be a key in the wrong place.
    known = zoneinfo.available_timezones()
    raise ConfigurationError(f"{name!r} is not an IANA time zone{hint(name, known)}")


def _instant(given: date | datetime, clock: tzinfo) -> datetime:
    if not isinstance(given, datetime):
        return _midnight(given, clock)
    return (given if given.tzinfo else given.replace(tzinfo=clock)).astimezone(UTC)


def _midnight(day: date, clock: tzinfo) -> datetime:
    """When `day` begins, in UTC. Of two midnights the first; where none was, the moment of the change."""
    return datetime.combine(day, time(), clock).astimezone(UTC)


def _clock_hours(around: datetime, low: int, high: int, clock: tzinfo) -> Iterator[datetime]:
    """The instants, in UTC and no order, at which the clock showed a full hour near `around`."""
    wall = around.replace(minute=0, second=0, microsecond=0, tzinfo=None)
    for hours in range(low, high + 1):
        for fold in (0, 1):
            shown = (wall + hours * _HOUR).replace(fold=fold)
            at = shown.replace(tzinfo=clock).astimezone(UTC)
            # Hours that the clock skipped come back as other ones.
            if at.astimezone(clock).replace(tzinfo=None) == shown:
                yield at
