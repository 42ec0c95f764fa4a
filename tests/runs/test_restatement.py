"""When a published file is due for a new report run: decisions over plain values."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.partitions import Interval, Partition
from connector.runs.restatement import (
    Refresh,
    can_become_due,
    find_aged,
    select_due,
)
from tests.support.datasets import provenance
from tests.support.partitions import days

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
AGES = (3 * DAY, 35 * DAY)

(JUNE_1,) = days("2026-06-01", 1)
END = datetime(2026, 6, 2, tzinfo=UTC)


def due(partition: Partition, made: datetime, now: datetime, ages: tuple[timedelta, ...] = AGES) -> list[int]:
    """The ages in days for which a file made at a time is due at another."""
    published = {partition.key: provenance(made=made)}
    return [each.age.days for each in select_due(find_aged([partition], ages=ages, now=now), published)]


@pytest.mark.parametrize(
    ("made", "now", "expected"),
    [
        pytest.param(HOUR, 3 * DAY - HOUR, [], id="too-young"),
        pytest.param(HOUR, 3 * DAY, [3], id="at-the-age-itself"),
        pytest.param(3 * DAY - HOUR, 30 * DAY, [3], id="made-just-before"),
        pytest.param(3 * DAY, 30 * DAY, [], id="made-at-the-age"),
        pytest.param(4 * DAY, 35 * DAY - HOUR, [], id="between-the-ages"),
        pytest.param(4 * DAY, 35 * DAY, [35], id="second-age"),
        pytest.param(HOUR, 400 * DAY, [35], id="however-long-ago-and-once"),
        pytest.param(35 * DAY, 400 * DAY, [], id="final"),
        pytest.param(200 * DAY, 400 * DAY, [], id="first-pulled-late"),
    ],
)
def test_a_file_from_before_an_age_is_due_once_the_window_has_it(
    made: timedelta, now: timedelta, expected: list[int]
) -> None:
    assert due(JUNE_1, END + made, END + now) == expected


def test_what_stripe_answered_with_an_earlier_file_is_not_due_again() -> None:
    replayed = provenance(made=END + HOUR, run_created=END + 3 * DAY)

    assert select_due(find_aged([JUNE_1], ages=AGES, now=END + 4 * DAY), {JUNE_1.key: replayed}) == []


def test_a_file_made_after_its_age_for_a_run_created_before_it_is_not_due() -> None:
    slow = provenance(made=END + 3 * DAY + HOUR, run_created=END + 3 * DAY - HOUR)

    assert select_due(find_aged([JUNE_1], ages=AGES, now=END + 4 * DAY), {JUNE_1.key: slow}) == []


def test_ages_count_from_the_end_of_the_window() -> None:
    month = Partition("2026-05-01", Interval(datetime(2026, 5, 1, tzinfo=UTC), END - DAY))

    assert due(month, END, END - DAY + 3 * DAY) == [3]


def test_without_a_file_a_window_or_an_age_nothing_is_due() -> None:
    payout = Partition("po_1", None)
    published = {"po_1": provenance(made=END)}

    assert select_due(find_aged([JUNE_1], ages=AGES, now=END + 9 * DAY), {}) == []
    assert find_aged([payout], ages=AGES, now=END + 9 * DAY) == []
    assert not can_become_due(payout, published["po_1"], AGES)
    assert due(JUNE_1, END, END + 9 * DAY, ages=()) == []
    assert not can_become_due(JUNE_1, published["po_1"], ())


def test_due_partitions_come_oldest_first() -> None:
    aged = find_aged(days("2026-06-01", 5)[::-1], ages=AGES, now=END + 4 * DAY)

    assert [refresh for _, refresh in aged] == [
        Refresh("2026-06-01", 3 * DAY),
        Refresh("2026-06-02", 3 * DAY),
    ]


def test_an_age_reached_longer_ago_than_the_look_back_does_not_count() -> None:
    history = days("2024-01-01", 800)
    (*_, last) = history
    assert last.interval is not None

    aged = find_aged(history, ages=AGES, look_back=14 * DAY, now=last.interval.end)

    assert len(aged) == 14 + 14


#: Hours after a window's end.
HOURS = st.integers(0, 60 * 24).map(lambda hours: hours * HOUR)
A_FEW_AGES = st.lists(st.integers(1, 40).map(lambda number: number * DAY), max_size=3).map(tuple)


@given(made=HOURS, now=HOURS, ages=A_FEW_AGES)
def test_due_means_an_age_between_the_file_and_now(
    made: timedelta, now: timedelta, ages: tuple[timedelta, ...]
) -> None:
    found = due(JUNE_1, END + made, END + now, ages)

    assert bool(found) == any(made < age <= now for age in ages)


@given(made=HOURS, now=HOURS, ages=A_FEW_AGES)
def test_a_file_made_now_is_not_due_so_that_refreshes_end(
    made: timedelta, now: timedelta, ages: tuple[timedelta, ...]
) -> None:
    assert due(JUNE_1, END + max(made, now), END + now, ages) == []


@given(made=HOURS, ages=A_FEW_AGES)
def test_what_can_become_due_is_due_at_some_time(made: timedelta, ages: tuple[timedelta, ...]) -> None:
    late_enough = END + 41 * DAY

    assert can_become_due(JUNE_1, provenance(made=END + made), ages) == bool(
        due(JUNE_1, END + made, late_enough, ages)
    )


def test_partitions_of_one_window_come_together_whichever_account_they_are_of() -> None:
    theirs = Partition(f"acct_1|{JUNE_1.key}", JUNE_1.interval)

    aged = find_aged([theirs, JUNE_1], ages=AGES, now=END + 9 * DAY)

    assert [partition for partition, _ in aged] == [theirs, JUNE_1]
