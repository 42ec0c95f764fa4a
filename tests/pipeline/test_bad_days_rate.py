"""Limits and failures under way: what is paced ends sooner, and one in five requests may fail."""

import bisect
import random
import statistics
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from connector.api.client import StripeClient
from connector.api.rate_limit import RateLimits
from connector.api.responses import ResponseHead
from connector.dataset.store import Store
from connector.partitions import Partition
from connector.pipeline.collect import Done, collect
from connector.query import ReportQuery
from connector.simulator import SIMULATED_KEY, Fault, Simulator, Stage
from connector.simulator.api.rate_limits import Limiter
from tests.chaos.shared_time import SharedTime, SharedWorkers
from tests.faults.network import Delay, Reset, Respond, rate_limited
from tests.support.partitions import days

pytestmark = pytest.mark.long

LIVE_KEY = "sk_live_simulated0000000000000000"
#: Requests per second for all together, by key.
LIMITS = {LIVE_KEY: 100, SIMULATED_KEY: 25}
#: One request to each endpoint that we use, and how many of them a second are allowed.
THEIRS = {
    "POST https://api.stripe.com/v1/reporting/report_runs": 25,
    "GET https://api.stripe.com/v1/reporting/report_runs?limit=1": 25,
    "GET https://api.stripe.com/v1/reporting/report_runs/frr_theirs": 25,
    "GET https://api.stripe.com/v1/reporting/report_types": 25,
    "GET https://files.stripe.com/v1/files/file_theirs/contents": 20,
}
FAILURES = (Respond(500), Respond(503), Reset(), Reset(stage=Stage.AFTER), rate_limited())


def stripe(
    time: SharedTime,
    *,
    latency: float,
    run_seconds: float | tuple[float, float],
    limiter: Limiter | None = None,
    connected_accounts: Collection[str] | None = None,
) -> Simulator:
    simulator = Simulator(
        time,
        seed=7,
        volume=1,
        opening=date(2025, 6, 1),
        run_seconds=run_seconds,
        limiter=limiter,
        connected_accounts=connected_accounts,
    )
    simulator.faults.add(Delay(latency), times=None)
    return simulator


def pulled(time: SharedTime, simulator: Simulator, root: Path, first: str, count: int, **options: Any) -> int:
    """How many of these days' balance summaries are there after a pull by a process of its own."""
    query = ReportQuery.of("balance_summary")
    return pulled_of(time, simulator, root, query, days(first, count), **options)


def pulled_of(
    time: SharedTime,
    simulator: Simulator,
    root: Path,
    query: ReportQuery,
    partitions: Sequence[Partition],
    *,
    key: str = SIMULATED_KEY,
    paced: bool = True,
    seed: int = 1,
    observe: Callable[[ResponseHead], None] | None = None,
) -> int:
    """How many of the partitions are there after a pull by a process of its own."""
    draw = random.Random(seed).random
    http = httpx.Client(transport=httpx.MockTransport(simulator.handle))
    with StripeClient(key, http=http, clock=time, draw=draw, observe=observe) as client:
        if not paced:
            client._limits = RateLimits(time, live=True, processes=1e-7)
        senders, converters = SharedWorkers(time, 8), SharedWorkers(time, 2)
        events = collect(
            client, Store(root), query, partitions, senders=senders, converters=converters, draw=draw
        )
        return sum(isinstance(event, Done) for event in events)


def took(tmp_path: Path, faults: Collection[Fault], count: int) -> float:
    time = SharedTime()
    simulator = stripe(time, latency=0.1, run_seconds=(20, 60))
    for fault in faults:
        simulator.faults.add(fault, times=None, probability=0.2 / len(faults))

    assert pulled(time, simulator, tmp_path, "2025-06-01", count) == count
    assert len(simulator.runs) == count

    return time.monotonic()


def test_one_request_in_five_may_fail_and_it_takes_hardly_longer(tmp_path: Path) -> None:
    """With 365 partitions as with 60; fewer are quicker to try."""
    fair = took(tmp_path / "fair", (), 60)

    assert took(tmp_path / "foul", FAILURES, 60) < 2 * fair


def ninety(root: Path, *, paced: bool, seed: int = 1) -> tuple[float, int]:
    """How long ninety partitions take, and how many requests are refused."""
    time = SharedTime()
    simulator = stripe(time, latency=0.02, run_seconds=0, limiter=Limiter())

    assert pulled(time, simulator, root, "2025-06-01", 90, key=LIVE_KEY, paced=paced, seed=seed) == 90

    return time.monotonic(), sum(seen.status == 429 for seen in simulator.requests)


def test_below_the_limit_ninety_reports_take_as_long_as_the_limit_has_it(tmp_path: Path) -> None:
    """Twenty files in a second: 4.5 s. Without the pace every fourth request is refused."""
    took, refused = ninety(tmp_path / "paced", paced=True)
    unpaced = [ninety(tmp_path / f"unpaced-{seed}", paced=False, seed=seed) for seed in (1, 2, 3)]

    assert took < 5
    assert refused == 0
    assert min(refused for _, refused in unpaced) > 30
    assert statistics.mean(seconds for seconds, _ in unpaced) > 1.15 * took


# Limits as documented


@pytest.mark.parametrize("key", [LIVE_KEY, SIMULATED_KEY], ids=["live", "sandbox"])
@pytest.mark.parametrize("run_seconds", [0.0, (5.0, 60.0)], ids=["at-once", "a-while"])
def test_a_backfill_of_a_year_is_never_refused(
    tmp_path: Path, key: str, run_seconds: float | tuple[float, float]
) -> None:
    time = SharedTime()
    simulator = stripe(time, latency=0.02, run_seconds=run_seconds, limiter=Limiter())

    assert pulled(time, simulator, tmp_path, "2025-06-01", 365, key=key) == 365

    assert {seen.status for seen in simulator.requests} == {200}


@pytest.mark.parametrize("key", [LIVE_KEY, SIMULATED_KEY], ids=["live", "sandbox"])
@pytest.mark.parametrize("acting", [False, True])
def test_sixty_accounts_of_a_platform_are_never_refused(tmp_path: Path, key: str, acting: bool) -> None:
    time = SharedTime()
    accounts = [f"acct_{number}" for number in range(60)]
    simulator = stripe(time, latency=0.02, run_seconds=5, limiter=Limiter(), connected_accounts=accounts)
    query = (
        ReportQuery.of("balance_change_from_activity.itemized.3", acting=True)
        if acting
        else ReportQuery.of("connected_account_balance_change_from_activity.itemized.3", by_account=True)
    )
    partitions = query.each_account(days("2025-06-01", 2), accounts)

    assert pulled_of(time, simulator, tmp_path, query, partitions, key=key) == 120

    assert {seen.status for seen in simulator.requests} == {200}


@pytest.mark.parametrize("key", [LIVE_KEY, SIMULATED_KEY], ids=["live", "sandbox"])
def test_who_shares_the_limits_with_somebody_who_uses_half_of_them_fails_nowhere_and_does_not_insist(
    tmp_path: Path, key: str
) -> None:
    alone, _ = beside_another(tmp_path / "alone", key, others=0)
    took, ours = beside_another(tmp_path / "beside", key, others=0.5)

    refused = sum(status == 429 for _, status in ours)
    assert 0 < refused < len(ours) / 10
    assert max(in_one_second(at for at, _ in ours)) <= LIMITS[key]
    assert took < 3 * alone


def beside_another(root: Path, key: str, *, others: float) -> tuple[float, list[tuple[float, int]]]:
    """How long a year takes, and our own requests, while somebody has this share of every limit's requests.

    Requests are pairs of the time in seconds and the status.
    """
    time = SharedTime()
    simulator = stripe(time, latency=0.02, run_seconds=0, limiter=Limiter())
    ours: list[tuple[float, int]] = []
    over = threading.Event()

    def another(request: httpx.Request, per_second: float) -> None:
        while not over.is_set():
            simulator.handle(request)
            time.sleep(1 / per_second)
        time.leave()

    threads = []
    for url, most in THEIRS.items() if others else ():
        request = httpx.Request(*url.split(" "), headers={"Authorization": f"Bearer {key}"})
        threads.append(threading.Thread(target=another, args=(request, others * min(most, LIMITS[key] / 5))))
        time.enter()
    for thread in threads:
        thread.start()
    there = pulled(
        time,
        simulator,
        root,
        "2025-06-01",
        365,
        key=key,
        observe=lambda head: ours.append((time.monotonic(), head.status)),
    )
    took = time.monotonic()
    over.set()
    time.leave()
    for thread in threads:
        thread.join()

    assert there == 365
    return took, ours


def in_one_second(times: Iterable[float]) -> list[int]:
    """For each moment, how many of them lie in the second up to it."""
    sent = sorted(times)
    return [number + 1 - bisect.bisect_right(sent, at - 1) for number, at in enumerate(sent)]


def test_processes_that_share_a_key_come_to_share_its_limit(tmp_path: Path) -> None:
    """Each paces for the whole limit and knows nothing of the others; all end, and none long after."""
    time = SharedTime()
    simulator = stripe(time, latency=0.02, run_seconds=5, limiter=Limiter())
    ends: dict[int, float] = {}

    def process(number: int) -> None:
        there = pulled(time, simulator, tmp_path / str(number), f"2025-{6 + number:02}-01", 20, seed=number)
        ends[number] = time.monotonic() if there == 20 else float("inf")
        time.leave()

    threads = [threading.Thread(target=process, args=(number,)) for number in range(4)]
    for thread in threads:
        time.enter()
        thread.start()
    time.leave()
    for thread in threads:
        thread.join()

    assert len(simulator.runs) == 80
    assert max(ends.values()) < 60
    assert max(ends.values()) < 2 * min(ends.values())
