"""Windows: whole hours, days, weeks and months of a zone's calendar, and nothing between them."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from connector.errors import ConfigurationError
from connector.partitions import UNITS, Windows, never_whole

#: Zones whose clocks do unusual things: half hours, quarter hours, changes at midnight, a skipped day.
ODD_ZONES = (
    "UTC",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Havana",
    "America/Nuuk",
    "America/St_Johns",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Africa/Casablanca",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
)

days = st.dates(date(1995, 1, 1), date(2036, 12, 31))
zones = st.sampled_from(ODD_ZONES) | st.timezone_keys(allow_prefix=False)


def hours(key: str, zone: str) -> float:
    day = date.fromisoformat(key)
    (partition,) = Windows("daily", zone).between(day, day + timedelta(days=1))
    assert partition.interval is not None
    return (partition.interval.end - partition.interval.start) / timedelta(hours=1)


@pytest.mark.parametrize(
    ("day", "zone", "length"),
    [
        pytest.param("2025-03-09", "America/New_York", 23, id="spring-in-new-york"),
        pytest.param("2025-11-02", "America/New_York", 25, id="autumn-in-new-york"),
        pytest.param("2025-11-03", "America/New_York", 24, id="the-day-after"),
        pytest.param("2018-11-04", "America/Sao_Paulo", 23, id="a-day-that-begins-at-one"),
        pytest.param("2024-11-03", "America/Havana", 25, id="a-day-with-two-midnights"),
        pytest.param("2025-04-06", "Australia/Lord_Howe", 24.5, id="a-change-by-half-an-hour"),
        pytest.param("2025-03-09", "UTC", 24, id="utc-never-changes"),
    ],
)
def test_a_day_is_as_long_as_its_zone_has_it(day: str, zone: str, length: float) -> None:
    assert hours(day, zone) == length


def first_day(day: date, unit: str) -> date:
    if unit == "weekly":
        return day - timedelta(days=day.isoweekday() % 7)
    return day.replace(day=1) if unit == "monthly" else day


@given(start=days, length=st.integers(1, 120), zone=zones, unit=st.sampled_from(UNITS))
@example(start=date(2025, 4, 6), length=1, zone="Australia/Lord_Howe", unit="hourly")
def test_windows_tile_what_lies_between_without_gap_or_overlap(
    start: date, length: int, zone: str, unit: str
) -> None:
    span = min(length, 7) if unit == "hourly" else length
    first, last = first_day(start, unit), first_day(start + timedelta(days=span), unit)
    assume(first < last)
    clock = ZoneInfo(zone)
    begin = datetime(first.year, first.month, first.day, tzinfo=clock).astimezone(UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=clock).astimezone(UTC)
    assume(begin < end)  # a zone that skipped a whole day has no window for it

    partitions = Windows(unit, zone).between(first, last)

    intervals = [partition.interval for partition in partitions if partition.interval]
    assert intervals[0].start == begin
    assert intervals[-1].end == end
    assert all(one.end == after.start for one, after in pairwise(intervals))
    assert len({partition.key for partition in partitions}) == len(partitions) == len(intervals)
    assert unit != "hourly" or {each.start.astimezone(clock).minute for each in intervals} == {0}


@given(start=days, cut=st.integers(1, 28), zone=zones)
def test_a_range_is_the_same_windows_wherever_it_is_cut(start: date, cut: int, zone: str) -> None:
    """Two pulls over neighbouring ranges must not share a window or leave one out."""
    windows, end = Windows("daily", zone), start + timedelta(days=30)
    whole = windows.between(start, end)
    interval = whole[cut].interval
    assert interval is not None

    parts = windows.between(start, interval.start) + windows.between(interval.start, end)

    assert parts == whole


def test_the_hour_that_comes_twice_has_two_keys() -> None:
    keys = [
        each.key
        for each in Windows("hourly", "America/New_York").between(date(2025, 11, 2), date(2025, 11, 3))
    ]

    assert keys[1:4] == ["2025-11-02-01:00", "2025-11-02-01:00-0500", "2025-11-02-02:00"]
    assert len(keys) == 25


def test_the_second_of_the_hours_that_come_twice_begins_where_the_first_ends() -> None:
    windows = Windows("hourly", "America/New_York")
    between = datetime(2025, 11, 2, 5, 30, tzinfo=UTC)

    assert windows.last_until(between) == datetime(2025, 11, 2, 5, tzinfo=UTC)
    assert windows.first_from(between) == datetime(2025, 11, 2, 6, tzinfo=UTC)


def test_a_bound_may_be_given_in_any_zone() -> None:
    offset = timezone(timedelta(hours=-5))
    windows = Windows("daily", "America/New_York")

    assert windows.between(datetime(2026, 1, 1, tzinfo=offset), date(2026, 1, 3)) == windows.between(
        datetime(2026, 1, 1, 5, tzinfo=UTC),
        datetime(2026, 1, 3),  # noqa: DTZ001 - the zone's own clock is meant
    )


@pytest.mark.parametrize(
    ("unit", "start", "nearest"),
    [
        pytest.param("daily", datetime(2026, 6, 1, 12, tzinfo=UTC), "2026-06-01 and 2026-06-02", id="noon"),
        pytest.param("weekly", date(2026, 6, 3), "2026-05-31 and 2026-06-07", id="a-wednesday"),
        pytest.param("monthly", date(2026, 6, 3), "2026-06-01 and 2026-07-01", id="the-third"),
        pytest.param(
            "hourly",
            datetime(2026, 6, 3, 4, 5, tzinfo=UTC),
            "2026-06-03T04:00+00:00 and 2026-06-03T05:00+00:00",
            id="five-past",
        ),
    ],
)
def test_a_bound_inside_a_window_is_refused_naming_the_nearest(unit: str, start: date, nearest: str) -> None:
    with pytest.raises(ConfigurationError, match=nearest.replace("+", r"\+")):
        Windows(unit).between(start, date(2026, 8, 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: Windows("dayly"), "nearest: daily", id="unknown-unit"),
        pytest.param(lambda: Windows("daily", "Europe/Berln"), "Europe/Berlin", id="misspelt-zone"),
        pytest.param(lambda: Windows("daily", "../secret"), "not an IANA time zone", id="a-path-is-no-zone"),
        pytest.param(
            lambda: Windows("daily").between(date(2026, 6, 2), date(2026, 6, 1)),
            "2026-06-02 is not before 2026-06-01",
            id="backwards",
        ),
        pytest.param(
            lambda: Windows("daily").between(date(2026, 6, 1), date(2026, 6, 1)), "not before", id="empty"
        ),
        pytest.param(
            lambda: Windows("daily", "Asia/Tokyo").between(date(1, 1, 1), date(2026, 6, 1)),
            "beyond the calendar",
            id="before-the-first-year",
        ),
        pytest.param(
            lambda: Windows("weekly").between(date(9999, 12, 19), date(9999, 12, 31)),
            "9999-12-31 is beyond the calendar",
            id="after-the-last-year",
        ),
    ],
)
def test_what_cannot_be_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ConfigurationError, match=message):
        make()


@pytest.mark.parametrize(
    ("unit", "key", "said"),
    [
        ("monthly", "2026-05-01", "The daily windows from 2026-05-13 on can"),
        ("weekly", "2026-05-10", "The daily windows from 2026-05-13 on can"),
        ("daily", "2026-05-12", "The hourly windows from 2026-05-12 on can"),
        ("monthly", "2026-04-01", "there are none for it"),
        ("hourly", "2026-05-12-09:00", "it can never be pulled whole"),
    ],
)
def test_what_begins_before_the_data_can_never_be_pulled_and_what_can_is_said(
    unit: str, key: str, said: str
) -> None:
    windows = Windows(unit)

    found = never_whole(windows, windows.partition(key), datetime(2026, 5, 12, 9, 30, tzinfo=UTC))

    assert found is not None
    assert found.startswith(f"{key} begins before the data, which begin at 2026-05-12T09:30:00Z")
    assert said in found


def test_what_begins_with_the_data_or_later_can_be_pulled() -> None:
    windows = Windows("monthly")

    for key in ("2026-05-01", "2026-06-01"):
        assert never_whole(windows, windows.partition(key), datetime(2026, 5, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("unit", "key"),
    [
        ("daily", "x"),
        ("daily", "2026-13-01"),
        ("monthly", "2026-05-02"),
        ("hourly", "2026-05-01"),
        ("daily", "20260501"),
    ],
)
def test_a_key_that_no_window_has_is_refused(unit: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match="is not the key of one of the"):
        Windows(unit).partition(key)
