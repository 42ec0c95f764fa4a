"""Keeping below a rate."""

import random
from collections import deque
from collections.abc import Sequence

import pytest

from connector.api.rate_limit import TEST_RATE, Pace, RateLimit, RateLimits, divided
from tests.support.clock import ManualClock

CREATE, LOOK = "POST /v1/reporting/report_runs", "GET /v1/reporting/report_runs"


def seconds_for(clock: ManualClock, *calls: Pace) -> float:
    began = clock.monotonic()
    for pace in calls:
        pace.take()
    return clock.monotonic() - began


@pytest.mark.parametrize(
    ("live", "endpoints", "per_second"),
    [
        pytest.param(True, [CREATE], 25, id="one-endpoint-of-a-live-key"),
        pytest.param(True, [CREATE, LOOK], 50, id="two-endpoints-of-a-live-key"),
        pytest.param(True, [f"GET /v1/{n}" for n in range(8)], 100, id="all-endpoints-of-a-live-key"),
        pytest.param(False, [CREATE, LOOK], 25, id="reads-and-writes-of-a-test-key-together"),
        pytest.param(True, ["GET /v1/files/{id}", "GET /v1/files"], 20, id="all-files"),
    ],
)
def test_calls_are_spread_evenly_below_each_limit(
    clock: ManualClock, live: bool, endpoints: list[str], per_second: float
) -> None:
    limits = RateLimits(clock, live=live)
    calls = [limits.of(endpoint) for _ in range(100) for endpoint in endpoints]

    assert seconds_for(clock, *calls) == pytest.approx(1.03 * (len(calls) - 1) / per_second, rel=0.02)


class TiredClock(ManualClock):
    """It wakes up a moment after it should."""

    def __init__(self) -> None:
        super().__init__()
        self._random = random.Random(7)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds + self._random.choice([0.0, 0.002, 0.009]))


def test_who_comes_late_slows_nobody_down_and_a_limit_holds_though_calls_arrive_unevenly() -> None:
    clock = TiredClock()
    pace, sent = RateLimits(clock, live=True).of("GET /v1/files/{id}/contents"), list[float]()
    for _ in range(400):
        pace.take()
        sent.append(clock.monotonic())

    assert sent[-1] <= 1.03 * 399 / 20 + 0.02
    assert min(later - earlier for earlier, later in zip(sent, sent[20:], strict=False)) >= 1.015 - 1e-9


def sent_and_refused(clock: ManualClock, paces: Sequence[Pace], limit: float, calls: int) -> tuple[int, int]:
    """How many calls of processes were sent and refused: each has calls to send all the time."""
    counted: deque[float] = deque()
    refused = 0
    for _ in range(calls):
        pace = min(paces, key=lambda each: max(limit.free_at for limit in each._limits.values()))
        pace.take()
        while counted and clock.monotonic() - counted[0] >= 1:
            counted.popleft()
        if len(counted) < limit:
            counted.append(clock.monotonic())
            pace.accepted()
        else:
            refused += 1
            pace.refused("global-rate")
    return calls, refused


@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.parametrize("processes", [2, 7, 25, 60])
def test_processes_that_know_nothing_of_each_other_are_hardly_ever_refused(
    clock: ManualClock, processes: int, share: float
) -> None:
    """Each with calls to send all the time, and all started at once."""
    draw, limit = random.Random(7).random, TEST_RATE * share
    paces = [
        RateLimits(clock, live=False, processes=processes, share=share, draw=draw).of(CREATE)
        for _ in range(processes)
    ]
    sent, refused = sent_and_refused(clock, paces, limit, 3000)

    assert refused < sent / 100
    assert (sent - refused) / clock.monotonic() > limit / 2


@pytest.mark.parametrize(("processes", "calls", "most"), [(2, 200, 0.08), (3, 300, 0.12), (3, 3000, 0.07)])
def test_processes_that_were_not_told_of_each_other_learn_it_from_few_refusals(
    clock: ManualClock, processes: int, calls: int, most: float
) -> None:
    """Each paces for the whole limit, and all started at once."""
    paces = [RateLimits(clock, live=False).of(CREATE) for _ in range(processes)]

    sent, refused = sent_and_refused(clock, paces, TEST_RATE, calls)

    assert refused < most * sent
    assert (sent - refused) / clock.monotonic() > 0.75 * TEST_RATE


def test_a_refusal_never_quickens_a_slow_process(clock: ManualClock) -> None:
    pace = RateLimits(clock, live=False, processes=200).of(CREATE)
    before = seconds_for(clock, *[pace] * 3)
    for _ in range(5):
        pace.refused(None)
        clock.sleep(2)

    assert seconds_for(clock, *[pace] * 3) > before


def test_an_idle_while_earns_no_burst(clock: ManualClock) -> None:
    pace = RateLimits(clock, live=False).of(CREATE)
    pace.take()
    clock.sleep(100)

    assert seconds_for(clock, *[pace] * 26) >= 1.015 - 1e-9


@pytest.mark.parametrize(
    ("reason", "creations", "looks"),
    [
        ("endpoint-rate", 2, 1),
        ("global-rate", 1, 1),
        ("global-concurrency", 1, 1),
        ("resource-specific", 1, 1),
        ("endpoint-concurrency", 1, 1),
        (None, 2, 1),
        ("account-rate", 2, 1),
        ("", 2, 1),
    ],
)
def test_the_limit_that_the_reason_names_is_slowed(
    clock: ManualClock, reason: str | None, creations: int, looks: int
) -> None:
    """A live key's global limit, once halved, is still above one endpoint's."""
    limits = RateLimits(clock, live=True)
    limits.of(CREATE).refused(reason)

    spent = [seconds_for(clock, *[limits.of(each)] * 26) for each in (CREATE, LOOK)]

    assert spent == pytest.approx([creations, looks], rel=0.1)


def test_a_refusal_halves_the_rate_and_successes_bring_it_back_to_the_limit() -> None:
    limit = RateLimit(100)

    limit.refused(0)
    halved = limit.rate
    for _ in range(200):
        limit.accepted()

    assert (halved, limit.rate) == (50, 100)


def test_the_rate_never_falls_so_low_that_it_stands_still() -> None:
    limit = RateLimit(100)

    for second in range(100):
        limit.refused(second)

    assert limit.rate >= 0.5


def test_refusals_of_one_second_are_one_refusal() -> None:
    limit = RateLimit(100)

    for _ in range(8):
        limit.refused(0)
    together = limit.rate
    limit.refused(1)

    assert (together, limit.rate) == (50, 25)


@pytest.mark.parametrize(("reason", "calls"), [(None, 25), ("endpoint-rate", 50)])
def test_a_refusal_now_and_then_costs_little(clock: ManualClock, reason: str | None, calls: int) -> None:
    """The rate is back at the limit when the next refusal comes; after one that names the limit, which others
    then share, that takes twice as many calls."""
    refused, spared = (RateLimits(clock, live=False).of(CREATE) for _ in range(2))

    def seconds(pace: Pace, *, refusals: bool) -> float:
        began = clock.monotonic()
        for _ in range(100):
            if refusals:
                pace.refused(reason)
            for _ in range(calls):
                pace.take()
                pace.accepted()
        return clock.monotonic() - began

    assert seconds(refused, refusals=True) < 1.5 * seconds(spared, refusals=False)


def test_one_call_that_goes_well_does_not_make_up_for_a_refusal() -> None:
    limit = RateLimit(100)
    limit.refused(0)

    limit.accepted()

    assert 50 < limit.rate < 60


@pytest.mark.parametrize(
    ("limit", "processes", "share", "each"),
    [(25, 1, 1.0, 25), (25, 4, 1.0, 23 / 4), (100, 4, 0.5, 12), (4, 100, 1.0, 0.02), (25, 2, 0.04, 0.25)],
)
def test_of_a_limit_about_its_square_root_is_left_free_and_never_more_than_half(
    limit: float, processes: int, share: float, each: float
) -> None:
    assert divided(limit, processes=processes, share=share) == pytest.approx(each)


@pytest.mark.parametrize(("processes", "waited"), [(1, 0.0), (2, 0.5 / ((25 - 2**0.5) / 2))])
def test_of_several_processes_each_begins_within_its_first_pause(
    clock: ManualClock, processes: int, waited: float
) -> None:
    paces = [
        RateLimits(clock, live=True, processes=processes, draw=lambda: 0.5).of(each)
        for each in (CREATE, LOOK)
    ]

    assert seconds_for(clock, paces[0]) == pytest.approx(waited)
    assert seconds_for(clock, paces[1]) == 0, "its own has begun meanwhile"


def test_a_small_limit_falls_to_an_eighth_of_it_and_a_large_one_to_one_call_in_two_seconds() -> None:
    small, large = RateLimit(2), RateLimit(100)
    for second in range(20):
        small.refused(second)
        large.refused(second)

    assert (small.rate, large.rate) == (0.25, 0.5)
