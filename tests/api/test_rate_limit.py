"""Keeping below a rate."""

import pytest

from connector.api.rate_limit import RateLimit
from tests.support.clock import ManualClock


def test_calls_are_spread_evenly_below_the_limit(clock: ManualClock) -> None:
    pace = RateLimit(20, clock)

    for _ in range(101):
        pace.take()

    assert clock.monotonic() == pytest.approx(100 / 20)


def test_an_idle_while_earns_no_burst(clock: ManualClock) -> None:
    pace = RateLimit(1, clock)
    pace.take()
    clock.sleep(100)

    pace.take()
    pace.take()

    assert clock.monotonic() == 101


def test_a_refusal_halves_the_rate_and_successes_bring_it_back_to_the_limit(clock: ManualClock) -> None:
    pace = RateLimit(100, clock)

    pace.refused()
    halved = pace.rate
    for _ in range(200):
        pace.accepted()

    assert halved == 50
    assert pace.rate == 100


def test_the_rate_never_falls_so_low_that_it_stands_still(clock: ManualClock) -> None:
    pace = RateLimit(100, clock)

    for _ in range(100):
        pace.refused()
        clock.sleep(1)

    assert pace.rate >= 0.5


def test_refusals_of_one_second_are_one_refusal(clock: ManualClock) -> None:
    pace = RateLimit(100, clock)

    for _ in range(8):
        pace.refused()
    together = pace.rate
    clock.sleep(1)
    pace.refused()

    assert (together, pace.rate) == (50, 25)


def test_a_refusal_now_and_then_costs_little(clock: ManualClock) -> None:
    """One call in twenty-five."""
    pace = RateLimit(100, clock)

    for _ in range(100):
        pace.refused()
        for _ in range(25):
            pace.take()
            pace.accepted()

    assert pace.rate == 100


def test_one_call_that_goes_well_does_not_make_up_for_a_refusal(clock: ManualClock) -> None:
    pace = RateLimit(100, clock)
    pace.refused()

    pace.accepted()

    assert 50 < pace.rate < 60
