"""Limits and failures under way: what is paced ends sooner, and one in five requests may fail."""

import random
import threading
from collections.abc import Collection
from datetime import date
from pathlib import Path

import httpx
import pytest

from connector.api.client import StripeClient
from connector.api.rate_limit import RateLimit
from connector.dataset.store import Store
from connector.pipeline.collect import Done, collect
from connector.query import ReportQuery
from connector.simulator import SIMULATED_KEY, Fault, Simulator, Stage
from connector.simulator.api.rate_limits import Limiter
from tests.chaos.shared_time import SharedTime, SharedWorkers
from tests.faults.network import Delay, Reset, Respond, rate_limited
from tests.support.partitions import days

pytestmark = pytest.mark.long

LIVE_KEY = "sk_live_simulated0000000000000000"
FAILURES = (Respond(500), Respond(503), Reset(), Reset(stage=Stage.AFTER), rate_limited())


def stripe(
    time: SharedTime,
    *,
    latency: float,
    run_seconds: float | tuple[float, float],
    limiter: Limiter | None = None,
) -> Simulator:
    simulator = Simulator(
        time, seed=7, volume=1, opening=date(2025, 6, 1), run_seconds=run_seconds, limiter=limiter
    )
    simulator.faults.add(Delay(latency), times=None)
    return simulator


def pulled(
    time: SharedTime,
    simulator: Simulator,
    root: Path,
    first: str,
    count: int,
    *,
    key: str = SIMULATED_KEY,
    paced: bool = True,
    seed: int = 1,
) -> int:
    """How many of the partitions are there after a pull by a process of its own."""
    draw = random.Random(seed).random
    http = httpx.Client(transport=httpx.MockTransport(simulator.handle))
    with StripeClient(key, http=http, clock=time, draw=draw) as client:
        if not paced:
            client._reads = client._writes = client._files = RateLimit(1e9, time)
        senders, converters = SharedWorkers(time, 8), SharedWorkers(time, 2)
        query, partitions = ReportQuery.of("balance_summary"), days(first, count)
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


@pytest.mark.parametrize("paced", [True, False])
def test_below_the_limit_ninety_reports_take_as_long_as_the_limit_has_it(tmp_path: Path, paced: bool) -> None:
    """Twenty files in a second: 4.5 s. Whoever runs into it and backs off needs more than twice that."""
    time = SharedTime()
    simulator = stripe(time, latency=0.02, run_seconds=0, limiter=Limiter())

    assert pulled(time, simulator, tmp_path, "2025-06-01", 90, key=LIVE_KEY, paced=paced) == 90

    refused = sum(seen.status == 429 for seen in simulator.requests)
    if paced:
        assert refused == 0
        assert time.monotonic() < 5
    else:
        assert refused > 0
        assert time.monotonic() > 9


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
