"""The state of each partition, and how a calendar is drawn."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.partitions import Interval, Windows
from connector.status.calendar import Facts, State, make_calendar
from connector.status.drawing import LETTERS, as_markdown, as_text, legend, lines, scale

NOW = datetime(2026, 6, 7, 13, tzinfo=UTC)
DAYS = Windows("daily").between(NOW.date().replace(day=1), NOW.date().replace(day=7))


def facts(**changes: Any) -> Facts:
    """A table of daily windows from the first of June until the 6th, and nothing there."""
    given: dict[str, Any] = {
        "table": "balance_summary",
        "mode": "test",
        "report_type": "balance.summary.1",
        "window": "daily",
        "zone": "UTC",
        "expected": {each.key: each.interval for each in DAYS},
        "there": set(),
        "now": NOW,
        "prepared": timedelta(hours=12),
    }
    return Facts(**(given | changes))


def key(day: int) -> str:
    return f"2026-06-{day:02}"


def test_each_partition_is_in_the_state_that_it_is_in() -> None:
    calendar = make_calendar(
        facts(
            there={key(1), key(2), key(3)},
            restated={key(2), key(3)},
            failing={key(3): ["balance_adds_up: off by 1.00"]},
            pending={key(5): "frr_1"},
            available=(NOW - timedelta(days=90), datetime(2026, 6, 6, tzinfo=UTC)),
        )
    )

    assert [state.value for state in calendar.states.values()] == [
        "there", "restated", "failing", "missing", "late", "not ready"
    ]  # fmt: skip
    assert dict(calendar.remarks) == {
        key(3): "balance_adds_up: off by 1.00",
        key(5): "report run frr_1 continues at Stripe",
    }
    assert calendar.summary == (
        "1 there, 1 restated, 1 not ready, 1 late (2026-06-05), 1 missing (2026-06-04), "
        "1 failing (2026-06-03)"
    )


def test_without_stripe_a_window_is_not_ready_until_it_usually_is() -> None:
    almost = datetime(2026, 6, 7, 11, 59, tzinfo=UTC)

    assert make_calendar(facts(now=almost)).states[key(6)] is State.NOT_READY
    assert make_calendar(facts(now=almost + timedelta(minutes=1))).states[key(6)] is State.MISSING


def test_what_begins_before_the_data_never_comes_and_is_not_missing() -> None:
    calendar = make_calendar(facts(available=(datetime(2026, 6, 4, tzinfo=UTC), NOW)))

    assert calendar.keys(State.MISSING) == (key(4), key(5), key(6))
    assert len(calendar.states) == 3


def test_of_several_accounts_a_day_shows_what_is_to_be_looked_at() -> None:
    expected = {f"{account}|{each.key}": each.interval for account in ("acct_1", "acct_2") for each in DAYS}
    there = {each for each in expected if each != f"acct_2|{key(3)}"}

    calendar = make_calendar(facts(expected=expected, there=there, dimensions=("connected_account",)))

    assert [period for period, state in calendar.periods.items() if state is State.MISSING] == [key(3)]
    assert calendar.counts == {State.MISSING: 1, State.THERE: 11}


def test_what_is_wrong_with_a_whole_table_is_said() -> None:
    calendar = make_calendar(facts(failing={"all": ["no_strays: a backup"]}))

    assert calendar.remarks["all"] == "no_strays: a backup"
    assert "all" not in calendar.states


#: The states of partitions that have a file.
IN_HAND = (State.THERE, State.RESTATED, State.FAILING)


@given(
    there=st.sets(st.sampled_from([each.key for each in DAYS])),
    restated=st.sets(st.sampled_from([each.key for each in DAYS])),
    failing=st.sets(st.sampled_from([each.key for each in DAYS])),
    pending=st.sets(st.sampled_from([each.key for each in DAYS])),
    ready=st.integers(0, 8),
)
def test_every_partition_has_one_state_and_one_letter(
    there: set[str], restated: set[str], failing: set[str], pending: set[str], ready: int
) -> None:
    until = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(days=ready)
    calendar = make_calendar(
        facts(
            there=there,
            restated=restated,
            failing={each: ["wrong"] for each in failing},
            pending=dict.fromkeys(pending, "frr_1"),
            available=(NOW - timedelta(days=90), until),
        )
    )
    ((_, states),) = lines(calendar)

    assert calendar.states.keys() == {each.key for each in DAYS}
    assert Counter(states) == calendar.counts
    assert there == {each for state in IN_HAND for each in calendar.keys(state)}


# Drawing


SPANS = [
    ("hourly", "Europe/Berlin", date(2026, 10, 25), date(2026, 10, 26)),
    ("hourly", "UTC", date(2026, 1, 1), date(2026, 1, 4)),
    ("daily", "America/New_York", date(2025, 1, 1), date(2026, 1, 1)),
    ("weekly", "UTC", date(2024, 1, 7), date(2026, 12, 27)),
    ("monthly", "UTC", date(2024, 1, 1), date(2026, 12, 1)),
]


@pytest.mark.parametrize(("window", "zone", "start", "end"), SPANS)
def test_every_window_has_a_place_in_80_columns(window: str, zone: str, start: date, end: date) -> None:
    partitions = Windows(window, zone).between(start, end)
    expected: dict[str, Interval | None] = {each.key: each.interval for each in partitions}
    calendar = make_calendar(
        facts(window=window, zone=zone, expected=expected, now=NOW + timedelta(days=999))
    )
    text = list(as_text(calendar))

    assert max(map(len, [*text, legend()])) <= 78
    # The hour that comes twice has one place.
    twice = len([each for each in expected if each[16:]])
    assert sum(line.count("-") for line in text) - sum(each.name.count("-") for each in lines(calendar)) == (
        len(expected) - twice
    )
    assert len(scale(calendar)) >= max(len(each.states) for each in lines(calendar)) - 3


def test_letters_differ_without_colours() -> None:
    assert len(set(LETTERS.values())) == len(State)
    assert all(letter.isascii() for letter in LETTERS.values())


def test_payouts_are_counted() -> None:
    calendar = make_calendar(
        facts(window="payout", expected={"po_1": None, "po_2": None}, there={"po_1", "po_2"})
    )

    assert lines(calendar) == []
    assert as_markdown(calendar) == "2 there\n"


def test_markdown_has_the_calendar_and_what_is_wrong() -> None:
    calendar = make_calendar(facts(there={key(1)}, failing={key(1): ["off"]}))

    assert as_markdown(calendar) == (
        "```\n         1   5    10   15   20   25   30\n2026-06  !-----\n\n" + legend() + "\n```\n\n"
        f"5 missing ({key(2)} to {key(6)}), 1 failing (2026-06-01)\n\n- 2026-06-01: off"
    )
