"""What is there in the end: every partition once, at Dagster, on disk and at Stripe; and what it cost."""

import heapq
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow.parquet as pq

from connector.simulator import Simulator
from tests.e2e.console import Asset
from tests.e2e.deployment import Deployment

_BACKFILL_LOOP = 30.0
"""Dagster looks at its backfills this often, and that cannot be configured."""


def days_from(first: date, count: int) -> list[str]:
    """The keys of `count` daily partitions."""
    return [f"{first + timedelta(days=number)}" for number in range(count)]


def repeated_requests(simulator: Simulator) -> list[tuple[str, int]]:
    """The requests for which there is more than one report run, with how many."""
    requests = Counter(f"{run.report_type} {sorted(run.parameters.items())}" for run in simulator.runs)
    return [(request, number) for request, number in requests.items() if number > 1]


def expect_everything_once(dagster: Deployment, assets: Sequence[Asset], days: Sequence[str]) -> None:
    """Each partition has one event and one whole file, and both name the same report run."""
    for asset in assets:
        events = dagster.console.materializations(asset, days)
        counts = Counter(event.partition for event in events)
        assert {day: counts[day] for day in days} == dict.fromkeys(days, 1)
        assert dagster.console.partition_statuses(asset, days) == dict.fromkeys(days, "MATERIALIZED")
        for event in events:
            (path,) = dagster.root.glob(f"*/{asset[-1]}/account=*/period={event.partition}/report.parquet")
            table = pq.read_table(path, columns=["_report_run_id"])
            assert table.num_rows == event.metadata["dagster/partition_row_count"]
            runs = set(table.column(0).to_pylist())
            assert runs <= {event.metadata["stripe/report_run_id"]}


def requests_by_kind(simulator: Simulator) -> dict[str, int]:
    """How many requests there were of each kind, ids left out."""
    return dict(Counter(f"{each.method} {_ID.sub('…', each.path)}" for each in simulator.requests))


_ID = re.compile(r"(?:frr|file)_\w+")


@dataclass(frozen=True)
class Cost:
    """What a backfill took. Seconds; `floor` is what it could not have done without.

    Attributes:
        waiting: the part of the floor that is Stripe's: the longest report run of each Dagster run, as many
            Dagster runs at once as are allowed.
    """

    partitions: int
    report_runs: int
    requests: int
    dagster_runs: int
    wall: float
    waiting: float

    @property
    def floor(self) -> float:
        return self.waiting + _BACKFILL_LOOP

    @property
    def requests_per_partition(self) -> float:
        return self.requests / self.partitions

    def __str__(self) -> str:
        return (
            f"{self.partitions} partitions: {self.report_runs} report runs, {self.requests} requests "
            f"({self.requests_per_partition:.2f} per partition), {self.dagster_runs} Dagster runs, "
            f"{self.wall:.0f} s; floor {self.floor:.0f} s ({self.waiting:.0f} s for Stripe, "
            f"{_BACKFILL_LOOP:.0f} s for Dagster's backfill loop), ratio {self.wall / self.floor:.2f}"
        )


def shortest_wait(simulator: Simulator, *, range_size: int, at_once: int) -> float:
    """Seconds that a backfill spends on report runs even if all else took no time.

    Each range of partitions is as slow as its slowest report run, and `at_once` ranges go side by side, in
    the order in which Dagster begins them.
    """
    durations: dict[str, dict[int, float]] = {}
    for run in simulator.runs:
        took = run.ends_at - run.created if run.ends_at is not None else 0.0
        durations.setdefault(run.report_type, {})[run.parameters["interval_start"]] = took
    ranges = [
        max(took for _, took in ordered[first : first + range_size])
        for ordered in (sorted(by_start.items()) for by_start in durations.values())
        for first in range(0, len(ordered), range_size)
    ]
    lanes = [0.0] * at_once
    for took in ranges:
        heapq.heappush(lanes, heapq.heappop(lanes) + took)
    return max(lanes)
