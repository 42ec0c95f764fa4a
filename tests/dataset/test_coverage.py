"""A table knows its calendar: what is missing in between, and what is there twice."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.accounts import AccountLife, AccountLists, AccountLives
from connector.dataset.coverage import Coverage, coverage_of, listed, missing, overlapping
from connector.dataset.identity import Dataset
from connector.partitions import Interval, Partition, Windows

DAYS = Windows("daily", "Europe/Berlin")
MARCH = DAYS.between(date(2026, 3, 1), date(2026, 4, 1))


@given(gone=st.sets(st.integers(0, len(MARCH) - 1), max_size=len(MARCH) - 1))
def test_the_windows_that_are_gone_between_the_first_and_the_last_are_missing(gone: set[int]) -> None:
    """Across the hour that spring takes away, too."""
    there = [number for number in range(len(MARCH)) if number not in gone]

    found = missing(DAYS, [each.interval for n, each in enumerate(MARCH) if n in there and each.interval])

    assert [each.key for each in found] == [
        MARCH[number].key for number in sorted(gone) if there[0] < number < there[-1]
    ]


@pytest.mark.parametrize("unit", ["hourly", "daily", "weekly", "monthly"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Apia"])
def test_a_key_gives_back_its_window(unit: str, zone: str) -> None:
    windows = Windows(unit, zone)
    start = windows.first_from(datetime(2026, 10, 25, tzinfo=UTC))
    end = windows.last_until(start + timedelta(days=70 if unit == "monthly" else 14))

    for window in windows.between(start, end):
        assert windows.partition(window.key) == window


def test_each_account_is_a_series_of_its_own() -> None:
    dataset = Dataset("t", "test", None, "x.1", "daily", "UTC", dimensions=("connected_account",))
    june = Windows("daily").between(date(2026, 6, 1), date(2026, 6, 4))
    first, second, third = (each.interval for each in june if each.interval)

    found = coverage_of(
        dataset, {"acct_1|2026-06-01": first, "acct_1|2026-06-03": third, "acct_2|2026-06-02": second}
    )

    assert (found.first, found.last) == ("2026-06-01", "2026-06-03")
    assert found.missing == ("acct_1|2026-06-02",)
    assert found.overlapping == ()


SERIES = Dataset("t", "test", None, "x.1", "daily", "UTC", dimensions=("connected_account",))
NUMBERS = st.integers(0, 9)
JUNE = Windows("daily").between(date(2026, 6, 1), date(2026, 6, 11))


@given(
    there=st.sets(NUMBERS, min_size=1),
    others=st.sets(NUMBERS),
    start=st.none() | NUMBERS,
    until=st.none() | NUMBERS,
)
def test_an_account_lacks_what_lies_within_its_life_as_far_as_the_table_reaches(
    there: set[int], others: set[int], start: int | None, until: int | None
) -> None:
    """Where its life has no such bound, as far as its own files reach. What lies outside is no gap."""
    assume(start is None or until is None or start <= until)
    keys = {f"acct_1|{JUNE[n].key}": JUNE[n].interval for n in there}
    keys |= {f"acct_2|{JUNE[n].key}": JUNE[n].interval for n in others}
    first, last = (None if each is None else date(2026, 6, 1 + each) for each in (start, until))

    lists = AccountLists({"t": [AccountLives((AccountLife("acct_1", first, last),))]})
    found = coverage_of(SERIES, {key: each for key, each in keys.items() if each}, lists)

    least = min(there) if start is None else max(start, min(there | others))
    most = max(there) if until is None else min(until, max(there | others))
    assert [each for each in found.missing if each.startswith("acct_1|")] == [
        f"acct_1|{JUNE[n].key}" for n in range(least, most + 1) if n not in there
    ]


@given(others=st.sets(NUMBERS, min_size=1), start=st.none() | NUMBERS, until=st.none() | NUMBERS)
def test_an_account_without_any_file_lacks_its_whole_life_as_far_as_the_table_reaches(
    others: set[int], start: int | None, until: int | None
) -> None:
    assume(start is None or until is None or start <= until)
    keys = {f"acct_2|{JUNE[n].key}": JUNE[n].interval for n in others}
    first, last = (None if each is None else date(2026, 6, 1 + each) for each in (start, until))

    lives = AccountLives((AccountLife("acct_1", first, last), AccountLife("acct_2")))
    found = coverage_of(
        SERIES, {key: each for key, each in keys.items() if each}, AccountLists({"t": [lives]})
    )

    least = max(min(others), 0 if start is None else start)
    most = min(max(others), 9 if until is None else until)
    lacks = tuple(f"acct_1|{JUNE[n].key}" for n in range(least, most + 1))
    assert [each for each in found.missing if each.startswith("acct_1|")] == [*lacks]
    assert found.absent == ({"acct_1": lacks} if lacks else {})
    assert found.describe_missing().startswith("all of acct_1") is bool(lacks)


def test_a_list_is_about_a_table_that_has_files_of_one_of_its_accounts() -> None:
    """Else it is that of a table of the same name below another root, or in another mode."""
    first = JUNE[0].interval
    assert first
    lists = AccountLists({
        "t": [AccountLives.of(["acct_1", "acct_2"]), AccountLives.of(["acct_3"])],
        "another": [AccountLives.of(["acct_1", "acct_4"])],
    })  # fmt: skip

    assert [*coverage_of(SERIES, {f"acct_1|{JUNE[0].key}": first}, lists).absent] == ["acct_2"]
    assert not coverage_of(SERIES, {f"acct_9|{JUNE[0].key}": first}, lists).absent


def test_payouts_have_no_calendar() -> None:
    dataset = Dataset("t", "test", None, "x.1", "payout", "UTC")

    assert coverage_of(dataset, {}) == Coverage(None, None, (), ())
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert coverage_of(dataset, {"po_1": Interval(noon, noon + timedelta(1))}) == Coverage(None, None, (), ())


def test_time_that_two_files_cover_is_named() -> None:
    def hours(first: int, last: int) -> Interval:
        return Interval(datetime(2026, 6, 1, first, tzinfo=UTC), datetime(2026, 6, 1, last, tzinfo=UTC))

    apart = {"a": hours(0, 1), "b": hours(1, 2), "c": hours(3, 4)}
    inside = {"long": hours(0, 6), "early": hours(1, 2), "late": hours(4, 5), "after": hours(6, 7)}

    assert overlapping(apart) == ()
    assert overlapping(inside) == (("long", "early"), ("long", "late"))


def test_a_short_file_inside_a_long_one_opens_no_gap() -> None:
    days = Windows("daily").between(date(2026, 6, 1), date(2026, 6, 6))
    first, second, *_, last = (each.interval for each in days if each.interval)

    assert missing(Windows("daily"), [Interval(first.start, last.start), second, last]) == ()


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "0"), (10, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"), (12, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more")],
)
def test_of_many_keys_the_first_ten_are_named_and_the_others_counted(count: int, said: str) -> None:
    assert listed(map(str, range(count))) == said


def test_a_gap_that_no_windows_fit_into_is_missing_as_a_whole() -> None:
    def hours(first: int, last: int) -> Interval:
        return Interval(datetime(2026, 6, 1, first, tzinfo=UTC), datetime(2026, 6, 1, last, tzinfo=UTC))

    gap = hours(1, 5)

    assert missing(Windows("daily"), [hours(0, 1), hours(5, 6)]) == (Partition(str(gap), gap),)


MONTHS = "2026-06-01, 2026-07-01, 2026-08-01"
HOURS = "2026-06-01-00:00, 2026-06-01-01:00, 2026-06-01-02:00"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        pytest.param(["2026-02-27", "2026-02-28"], "2026-02-27, 2026-02-28", id="two-days"),
        pytest.param(["2026-02-27", "2026-02-28", "2026-03-01"], "2026-02-27 to 2026-03-01", id="three-days"),
        pytest.param(
            ["2026-06-01", "2026-06-03", "2026-06-04", "2026-06-05"],
            "2026-06-01, 2026-06-03 to 2026-06-05",
            id="a-day-apart",
        ),
        pytest.param(
            ["acct_1|2026-06-01", "acct_1|2026-06-02", "acct_1|2026-06-03", "acct_2|2026-06-04"],
            "acct_1|2026-06-01 to 2026-06-03, acct_2|2026-06-04",
            id="two-accounts",
        ),
        pytest.param(
            ["2026-06-01", "2026-07-01", "2026-08-01"], "2026-06-01, 2026-07-01, 2026-08-01", id="months"
        ),
        pytest.param(
            ["2026-06-01-00:00", "2026-06-02-00:00"], "2026-06-01-00:00, 2026-06-02-00:00", id="hours"
        ),
        pytest.param(["2026-06-31", "2026-02-30"], "2026-06-31, 2026-02-30", id="not-days"),
        pytest.param(
            [f"2026-{month:02}-01" for month in range(1, 11)] + ["2026-11-01", "2026-11-02", "2026-11-03"],
            ", ".join(f"2026-{month:02}-01" for month in range(1, 11)) + " and 3 more",
            id="days-that-are-not-named-count",
        ),
    ],
)
def test_days_in_a_row_are_named_by_the_first_and_the_last(keys: list[str], said: str) -> None:
    assert listed(keys) == said
