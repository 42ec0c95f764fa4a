"""Windows as Dagster partitions: the same keys and bounds as everywhere else, and no hour lost."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.reports.partitions import partition_of, partitions_definition
from connector.errors import ConfigurationError
from connector.partitions import UNITS, Windows

NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param("2026-03-08", 23, id="clocks-go-forward"),
        pytest.param("2026-03-09", 24, id="an-ordinary-day"),
        pytest.param("2025-11-02", 25, id="clocks-go-back"),
    ],
)
def test_a_day_has_as_many_hours_as_its_clock_shows(day: str, hours: int) -> None:
    definition = partitions_definition(Windows("daily", NEW_YORK), date(2025, 1, 1))

    interval = partition_of(definition, day).interval

    assert interval is not None
    assert interval.end - interval.start == timedelta(hours=hours)


def span(unit: str) -> tuple[date, datetime]:
    """A start and a now with a change of the clocks between them, and not too many windows."""
    if unit == "hourly":
        return date(2025, 10, 24), datetime(2025, 11, 4, tzinfo=UTC)
    return date(2025, 9, 10), datetime(2026, 4, 20, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["UTC", NEW_YORK, "Europe/Berlin", "Asia/Kolkata", "America/Santiago"])
@pytest.mark.parametrize("unit", UNITS)
def test_dagster_and_the_command_mean_the_same_files(unit: str, zone: str) -> None:
    windows = Windows(unit, zone)
    start, now = span(unit)
    definition = partitions_definition(windows, start)
    ours = [partition_of(definition, key) for key in definition.get_partition_keys(now)]
    first, last = ours[0].interval, ours[-1].interval
    assert first is not None
    assert last is not None

    assert tuple(ours) == windows.between(first.start, last.end)


@given(
    unit=st.sampled_from(["daily", "weekly", "monthly"]),
    zone=st.sampled_from(["UTC", NEW_YORK, "Australia/Lord_Howe", "Pacific/Apia"]),
    start=st.dates(date(2024, 1, 1), date(2025, 12, 1)),
)
@settings(max_examples=25)
def test_consecutive_partitions_leave_no_gap_and_no_overlap(unit: str, zone: str, start: date) -> None:
    definition = partitions_definition(Windows(unit, zone), start)
    keys = definition.get_partition_keys(datetime(2026, 4, 20, tzinfo=UTC))

    intervals = [partition_of(definition, key).interval for key in keys]

    assert all(one and two and one.end == two.start for one, two in pairwise(intervals))


def test_hours_of_a_clock_that_changes_by_half_an_hour_are_refused() -> None:
    """Dagster leaves out 02:30 to 03:00 on the island's first Sunday in October."""
    with pytest.raises(ConfigurationError, match="lose a part of the hour"):
        partitions_definition(Windows("hourly", "Australia/Lord_Howe"), date(2025, 1, 1))


def test_an_end_offset_adds_or_leaves_out_the_latest_windows() -> None:
    now = datetime(2026, 1, 10, 12, tzinfo=UTC)

    def last(offset: int) -> str:
        definition = partitions_definition(Windows("daily"), date(2026, 1, 1), end_offset=offset)
        return definition.get_partition_keys(now)[-1]

    assert [last(offset) for offset in (-1, 0, 1)] == ["2026-01-08", "2026-01-09", "2026-01-10"]


def test_a_start_with_a_zone_of_its_own_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="on the clock of UTC"):
        partitions_definition(Windows("daily"), datetime(2026, 1, 1, tzinfo=UTC))
