"""A Stripe simulator as a process of its own, under Stripe's limits: `python -m tests.bench.server`.

It prints its URL, and serves until its input ends. Then it prints as JSON how many requests it had and how
many of them it refused, how long each report run took in the order created, and the seconds that an empty
answer takes.
"""

import json
import sys
import time
from dataclasses import dataclass, replace

import httpx

from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.api.rate_limits import Limiter
from connector.simulator.books.seeded_random import uniform
from connector.simulator.faults import Fault, Stage
from connector.simulator.report_runs import RunPlan
from connector.simulator.server import serve


@dataclass(frozen=True, kw_only=True)
class LongTail(Fault):
    """Report runs take `seconds` or longer; with a tail of 0.2 one in a hundred two and a half times that."""

    stage: Stage = Stage.RUN
    taken: list[float]
    seconds: float
    tail: float

    def plan(self, plan: RunPlan) -> RunPlan:
        left = 1 - uniform(1, "bench", len(self.taken))
        self.taken.append(self.seconds * left**-self.tail)
        return replace(plan, seconds=self.taken[-1])


def main() -> None:
    seconds, tail = map(float, sys.argv[1:])
    taken: list[float] = []
    simulator = Simulator(volume=2, limiter=Limiter())
    simulator.faults.add(LongTail(taken=taken, seconds=seconds, tail=tail), "POST", times=None)
    with serve(simulator) as url:
        with httpx.Client(auth=(SIMULATED_KEY, "")) as client:
            client.get(f"{url}/v1/reporting/report_types")
            began = time.monotonic()
            client.get(f"{url}/v1/reporting/report_types/balance.summary.1")
            latency = time.monotonic() - began
        before = len(simulator.requests)
        print(url, flush=True)
        sys.stdin.read()
    requests = simulator.requests[before:]
    refused = sum(each.status == 429 for each in requests)
    print(json.dumps({"requests": len(requests), "refused": refused, "taken": taken, "latency": latency}))


if __name__ == "__main__":
    main()
