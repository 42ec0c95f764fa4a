"""How many runs at once, and when to poll."""

import math

from hypothesis import given
from hypothesis import strategies as st

from connector.runs.pacing import (
    FIRST_LIMIT,
    CreationPace,
    PendingLimit,
    pause_after_refusal,
    pause_before_poll,
)

draws = st.floats(0, 1, exclude_max=True)


def polls_until(duration: float) -> tuple[int, float, float]:
    """How many polls a run of `duration` seconds takes, the age at the last, and the pause before that."""
    age, polls, pause = 0.0, 0, 0.0
    while age < duration:
        pause = pause_before_poll(age)
        age += pause
        polls += 1
    return polls, age, pause


def test_the_limit_grows_while_stripe_accepts() -> None:
    limit = PendingLimit()
    for _ in range(100):
        limit.accepted()

    assert limit.size == FIRST_LIMIT + 100


def test_a_first_refusal_falls_back_to_what_stripe_was_carrying() -> None:
    limit = PendingLimit()
    limit.accepted()

    limit.refused(pending=20)

    assert limit.size == 20


def test_a_refusal_below_the_limit_halves_it_since_others_share_it() -> None:
    limit = PendingLimit()
    limit.refused(pending=20)

    limit.refused(pending=12)

    assert limit.size == 10


def test_the_limit_recovers_slowly_and_never_reaches_zero() -> None:
    limit = PendingLimit()
    for _ in range(10):
        limit.refused(pending=0)
    assert limit.size == 1

    for _ in range(2):
        limit.finished()

    assert limit.size == 2


def test_polls_grow_with_the_logarithm_of_the_duration() -> None:
    minute, hour, day = (polls_until(seconds)[0] for seconds in (60, 3600, 86400))

    assert minute <= 40
    assert hour - minute <= 60
    assert day - hour <= 60


@given(duration=st.floats(0.1, 1e6))
def test_an_end_is_noticed_within_a_second_or_a_tenth_of_the_age(duration: float) -> None:
    _, age, pause = polls_until(duration)

    assert pause <= max(1.0, 0.1 * age) * (1 + 1e-9)


@given(refusals=st.integers(1, 100), draw=draws)
def test_refusals_are_answered_with_a_bounded_pause(refusals: int, draw: float) -> None:
    assert 0.5 <= pause_after_refusal(refusals, draw) <= 32


def test_a_pause_doubles_with_each_refusal_up_to_half_a_minute_and_half_of_it_is_drawn() -> None:
    assert [pause_after_refusal(refusals, 0.0) for refusals in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 16, 16]
    assert pause_after_refusal(3, 0.5) == 3.0


def test_what_was_sent_together_and_refused_together_counts_once() -> None:
    pace = CreationPace(0.0, most=600)
    for _ in range(8):
        pace.refused(3, 10.0, retry_after=None, draw=0.0)

    assert pace.due(0) < 12.0
    assert pace.allows(31, 12.0), "one refusal says nothing of how many may be pending"


def test_three_refusals_one_after_another_mean_that_too_many_are_pending() -> None:
    pace, now = CreationPace(0.0, most=600), 0.0
    for _ in range(3):
        now = pace.due(5)
        pace.refused(5, now, retry_after=None, draw=0.0)

    assert not pace.allows(5, now + 3600)
    assert pace.allows(4, now + 3600)


def test_one_refusal_is_enough_where_stripe_says_that_too_many_are_pending() -> None:
    pace = CreationPace(0.0, most=600)
    pace.refused(5, 0.0, retry_after=None, draw=0.0, too_many=True)

    assert not pace.allows(5, 3600)
    assert pace.allows(4, 3600)


def test_a_time_that_stripe_named_is_kept_even_when_a_run_ends() -> None:
    pace = CreationPace(0.0, most=600)
    pace.refused(5, 0.0, retry_after=20.0, draw=0.0)
    pace.ended(1.0)

    assert not pace.allows(4, 19.9)
    assert pace.allows(4, 20.0)


def test_a_run_that_ends_makes_room_at_once() -> None:
    pace, now = CreationPace(0.0, most=600), 0.0
    for _ in range(3):
        now = pace.due(5)
        pace.refused(5, now, retry_after=None, draw=1.0)
    pace.ended(now)

    assert pace.allows(4, now)


def test_hope_is_given_up_when_nothing_moves_for_as_long_as_was_allowed() -> None:
    pace = CreationPace(0.0, most=600)
    assert pace.hopeless_at(0) == math.inf

    pace.refused(0, 50.0, retry_after=10_000.0, draw=0.0)

    assert pace.hopeless_at(1) == math.inf, "the run that is under way may end"
    assert pace.due(0) == pace.hopeless_at(0) == 600.0


def test_where_as_many_runs_are_pending_as_may_be_nothing_is_due_until_one_ends() -> None:
    pace = CreationPace(0.0, most=600)

    assert pace.due(FIRST_LIMIT - 1) == 0.0
    assert pace.due(FIRST_LIMIT) == math.inf
    assert not pace.allows(FIRST_LIMIT, 0.0)
