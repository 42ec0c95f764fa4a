"""As soon as Stripe allows: many reports take hardly longer than latency and limits dictate, by a clock that
is simulated, so that no machine is too slow for it."""

import random
from collections.abc import Callable
from concurrent.futures import Future
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from connector.api.client import StripeClient
from connector.dataset.store import Store
from connector.pipeline.collect import collect
from connector.query import ReportQuery
from connector.runs.polling import poll
from connector.simulator import Simulator
from connector.simulator.api.rate_limits import Limiter
from tests.bench.server import LongTail
from tests.bench.waiting import floor
from tests.chaos.shared_time import SharedTime, SharedWorkers
from tests.support.partitions import days, done

LIVE_KEY = "rk_live_" + 24 * "0"
#: Seconds from a request to its answer on average, and by how much one is later than another to arrive.
LATENCY, UNEVEN = 0.02, 0.01

T = TypeVar("T")


class Senders:
    """Polls have a thread of their own, as in every pull."""

    def __init__(self, time: SharedTime) -> None:
        self._creators, self._pollers = SharedWorkers(time, 8), SharedWorkers(time, 1)

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        is_poll = isinstance(work, partial) and work.func is poll
        return (self._pollers if is_poll else self._creators).submit(work)


@pytest.mark.parametrize(
    ("reports", "seconds", "tail", "requests"),
    [
        pytest.param(90, 2.0, 0.0, 2.3, id="90-of-2s"),
        pytest.param(90, 3.7, 0.0, 2.3, id="90-of-4s"),
        pytest.param(90, 60.0, 0.15, 2.6, id="90-of-60s-and-longer", marks=pytest.mark.long),
        pytest.param(365, 2.0, 0.0, 2.3, id="365-of-2s", marks=pytest.mark.long),
        pytest.param(365, 60.0, 0.15, 2.6, id="365-of-60s-and-longer", marks=pytest.mark.long),
    ],
)
def test_many_reports_take_hardly_longer_than_stripe_does(
    tmp_path: Path, reports: int, seconds: float, tail: float, requests: float
) -> None:
    """With a live key, of which nothing is refused; what each report costs in requests stays as it is."""
    time, taken, draw = SharedTime(), list[float](), random.Random(7).random
    simulator = Simulator(time, seed=7, volume=0, opening=date(2025, 6, 1), limiter=Limiter())
    simulator.faults.add(LongTail(taken=taken, seconds=seconds, tail=tail), "POST", times=None)

    def handle(request: httpx.Request) -> httpx.Response:
        underway = (LATENCY - UNEVEN) / 2 + UNEVEN * draw()
        time.sleep(underway)
        answer = simulator.handle(request)
        time.sleep(LATENCY - underway)
        return answer

    with StripeClient(
        LIVE_KEY, http=httpx.Client(transport=httpx.MockTransport(handle)), clock=time, draw=draw
    ) as client:
        events = collect(
            client,
            Store(tmp_path),
            ReportQuery.of("balance_summary"),
            days("2025-06-01", reports),
            senders=Senders(time),
            converters=SharedWorkers(time, 8),
            draw=draw,
        )
        assert len(done(list(events))) == reports

    assert time.monotonic() <= 1.15 * floor(taken, LATENCY)
    assert {seen.status for seen in simulator.requests} == {200}
    assert len(simulator.requests) <= requests * reports
