"""Which partitions are ready or missing: decisions over plain values."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.sensors.availability_decisions import (
    find_missing,
    interval_of,
    select_ready,
    select_recent,
)
from connector.api.models import ReportType
from connector.errors import ConfigurationError
from connector.partitions import Interval, Partition

NOW = datetime(2026, 6, 7, 13, tzinfo=UTC)
DAY = timedelta(days=1)


def available(first: str, last: str) -> ReportType:
    start, end = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (first, last))
    return ReportType("balance.summary.1", "Balance summary", start, end, updated=NOW)


def days(first: str, count: int) -> list[Partition]:
    start = datetime.fromisoformat(first).replace(tzinfo=UTC)
    starts = [start + DAY * number for number in range(count)]
    return [Partition(f"{at:%Y-%m-%d}", Interval(at, at + DAY)) for at in starts]


def keys(windows: list[Partition]) -> list[str]:
    return [window.key for window in windows]


@pytest.mark.parametrize(
    ("until", "last"),
    [
        pytest.param("2026-06-06 00:00", "2026-06-05", id="at-midnight"),
        pytest.param("2026-06-06 12:00", "2026-06-05", id="at-noon-half-a-day-does-not-count"),
        pytest.param("2026-06-07 00:00", "2026-06-06", id="the-end-itself-counts"),
    ],
)
def test_a_day_is_ready_when_all_of_it_lies_within_the_data(until: str, last: str) -> None:
    windows = select_ready(days("2026-06-01", 7), available("2026-01-01", until), NOW)

    assert keys(windows)[-1] == last


def test_what_begins_before_the_data_do_is_never_ready() -> None:
    windows = select_ready(days("2026-06-01", 3), available("2026-06-02", "2026-06-07"), NOW)

    assert keys(windows) == ["2026-06-02", "2026-06-03"]


def test_a_payout_has_no_window() -> None:
    with pytest.raises(ConfigurationError, match="partition po_1 has no window of time"):
        interval_of(Partition("po_1", None))


def test_the_newest_ready_partition_is_always_recent() -> None:
    month = Partition("2026-05-01", Interval(NOW.replace(month=5, day=1), NOW.replace(day=1)))

    assert select_recent([month], timedelta(days=1)) == [month]
    assert select_recent([], timedelta(days=1)) == []


def test_missing_partitions_come_oldest_first_without_those_to_leave_alone() -> None:
    windows = days("2026-06-01", 5)[::-1]

    found = find_missing(windows, {"2026-06-02"}, leave={"2026-06-04"})

    assert found == ["2026-06-01", "2026-06-03", "2026-06-05"]


@given(st.sets(st.integers(0, 29)), st.sets(st.integers(0, 29)))
def test_every_partition_is_published_left_alone_or_missing(published: set[int], leave: set[int]) -> None:
    windows = days("2026-05-01", 30)
    there, alone = ({windows[at].key for at in some} for some in (published, leave))

    found = find_missing(windows, there, leave=alone)

    assert set(found) == set(keys(windows)) - there - alone
    assert found == sorted(found)
