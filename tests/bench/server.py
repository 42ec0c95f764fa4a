"""A Stripe simulator as a process of its own, under Stripe's limits: `python -m tests.bench.server`.

Its report runs take so many seconds, with a tail, or as long as `tests.bench.latency` says. It prints its
URL, and serves until its input ends. Then it prints as JSON how many requests it had and how many of them it
refused, how long each report run took in the order created, how many seconds after its end each was first
answered with as ended, and the seconds that an empty answer takes.
"""

import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

import httpx

from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.api.rate_limits import Limiter
from connector.simulator.books.seeded_random import uniform
from connector.simulator.faults import Fault, Stage
from connector.simulator.protocol.messages import Reply, Sleep
from connector.simulator.report_runs import RunPlan
from connector.simulator.server import serve
from tests.bench.latency import latency


@dataclass(frozen=True, kw_only=True)
class LongTail(Fault):
    """Report runs take `seconds` or longer; with a tail of 0.15 one in a hundred twice that."""

    stage: Stage = Stage.RUN
    taken: list[float]
    seconds: float
    tail: float

    def plan(self, plan: RunPlan) -> RunPlan:
        left = 1 - uniform(1, "bench", len(self.taken))
        self.taken.append(self.seconds * left**-self.tail)
        return replace(plan, seconds=self.taken[-1])


@dataclass(frozen=True, kw_only=True)
class ByInterval(Fault):
    """Report runs take as long as their interval says."""

    stage: Stage = Stage.RUN
    simulator: "WatchedSimulator"

    def plan(self, plan: RunPlan) -> RunPlan:
        form = parse_qs(self.simulator.body.get().decode())
        start = int(form["parameters[interval_start]"][0])
        return replace(plan, seconds=latency(form["report_type"][0], start))


class WatchedSimulator(Simulator):
    """A simulator that knows when a client has first seen that a report run has ended."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._seen: dict[str, float] = {}
        #: Of the request that is answered by this thread.
        self.body: ContextVar[bytes] = ContextVar("body")

    @property
    def lags(self) -> list[float]:
        """Seconds from the end of each report run to the answer that first showed it."""
        return [self._seen[run.id] - (run.ends_at or 0) for run in self.runs if run.id in self._seen]

    def answer(
        self, method: str, url: httpx.URL, headers: httpx.Headers, body: bytes, *, sleep: Sleep
    ) -> Reply:
        self.body.set(body)
        reply = super().answer(method, url, headers, body, sleep=sleep)
        if url.path.startswith("/v1/reporting/report_runs") and reply.status == 200:
            for run in _runs_in(json.loads(reply.body)):
                if run["status"] == "succeeded":
                    self._seen.setdefault(run["id"], time.time())
        return reply


def _runs_in(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from answer["data"] if answer["object"] == "list" else [answer]


def main() -> None:
    # It ends with its input, whoever interrupts the bench.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    taken: list[float] = []
    simulator = WatchedSimulator(volume=2, limiter=Limiter())
    fault: Fault = ByInterval(simulator=simulator)
    if sys.argv[1:] != ["by-interval"]:
        seconds, tail = map(float, sys.argv[1:])
        fault = LongTail(taken=taken, seconds=seconds, tail=tail)
    simulator.faults.add(fault, "POST", times=None)
    with serve(simulator) as url:
        with httpx.Client(auth=(SIMULATED_KEY, "")) as client:
            client.get(f"{url}/v1/reporting/report_types")
            began = time.monotonic()
            client.get(f"{url}/v1/reporting/report_types/balance.summary.1")
            empty = time.monotonic() - began
        before = len(simulator.requests)
        print(url, flush=True)
        sys.stdin.read()
    requests = simulator.requests[before:]
    refused = sum(each.status == 429 for each in requests)
    seen = {"requests": len(requests), "refused": refused, "taken": taken, "lags": simulator.lags}
    print(json.dumps({**seen, "latency": empty}))


if __name__ == "__main__":
    main()
