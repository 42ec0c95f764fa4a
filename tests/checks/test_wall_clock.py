"""What a zone's clock showed during an interval, hours that come twice or not at all included."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.checks.wall_clock import find_spans
from connector.partitions import Interval

ZONES = ("America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Tokyo", "Africa/Casablanca")
START = datetime(2011, 12, 1, tzinfo=UTC)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DAYS = [
    pytest.param(
        "Asia/Tokyo", "2026-06-01", "2026-06-02",
        [("2026-06-01T09:00", "2026-06-02T09:00")], id="no-change",
    ),
    pytest.param(
        "America/New_York", "2026-03-08T05:00", "2026-03-09T04:00",
        [("2026-03-08T00:00", "2026-03-08T02:00"), ("2026-03-08T03:00", "2026-03-09T00:00")],
        id="an-hour-is-skipped",
    ),
    pytest.param(
        "America/New_York", "2026-11-01T04:00", "2026-11-02T05:00",
        [("2026-11-01T00:00", "2026-11-01T02:00"), ("2026-11-01T01:00", "2026-11-02T00:00")],
        id="an-hour-comes-twice",
    ),
    pytest.param(
        "Pacific/Apia", "2011-12-30T00:00", "2011-12-31T00:00",
        [("2011-12-29T14:00", "2011-12-30T00:00"), ("2011-12-31T00:00", "2011-12-31T14:00")],
        id="a-day-is-skipped",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "start", "end", "shown"), DAYS)
def test_the_stretches_a_clock_goes_through(
    zone: str, start: str, end: str, shown: list[tuple[str, str]]
) -> None:
    expected = [(local(first), local(last)) for first, last in shown]

    assert find_spans(Interval(utc(start), utc(end)), zone) == expected


@given(
    zone=st.sampled_from(ZONES),
    start=st.integers(0, 700 * 24),
    hours=st.integers(1, 40 * 24),
    at=st.floats(-0.2, 1.2),
)
def test_a_printed_time_is_inside_when_one_of_its_readings_is(
    zone: str, start: int, hours: int, at: float
) -> None:
    interval = Interval(
        START + timedelta(hours=start, seconds=start), START + timedelta(hours=start + hours, seconds=start)
    )
    moment = interval.start + timedelta(seconds=int(at * hours * 3600))
    shown = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    readings = {shown.replace(fold=fold, tzinfo=ZoneInfo(zone)).astimezone(UTC) for fold in (0, 1)}

    inside = any(first <= shown < last for first, last in find_spans(interval, zone))

    assert inside == any(interval.start <= reading < interval.end for reading in readings)
