"""Faults and killed steps, as Dagster lives through them: nothing lost, nothing recorded twice."""

import contextlib
import hashlib
import random
from collections import Counter
from pathlib import Path

import dagster as dg
import httpx
import pytest

from connector.clock import Clock
from connector.models import epoch
from connector.simulator import Simulator
from tests.assets.conftest import Orchestra
from tests.chaos.ordeal import Killed
from tests.chaos.weather import FAULTS
from tests.conftest import days

pytestmark = pytest.mark.long

DAYS = days("2026-05-02", 6)


@pytest.mark.parametrize("seed", range(3))
def test_a_backfill_through_faults_and_kills_ends_as_the_ledger_has_it(
    instance: dg.DagsterInstance,
    simulator: Simulator,
    summary: dg.AssetsDefinition,
    clock: Clock,
    tmp_path: Path,
    *,
    seed: int,
) -> None:
    draw = random.Random(seed)
    left = iter(range(draw.randrange(3, 20)))

    def dying(request: httpx.Request) -> httpx.Response:
        response = simulator.handle(request)
        if next(left, None) is None:
            raise Killed
        return response

    names = draw.sample([name for name in sorted(FAULTS) if name != "429, Retry-After for ever"], 4)
    for name in names:
        FAULTS[name](simulator.faults, 0.1)
    first, last = DAYS[0].key, DAYS[-1].key
    with contextlib.suppress(Killed):
        Orchestra(instance, dying, clock, tmp_path).launch([summary], first, last)
    orchestra = Orchestra(instance, simulator.handle, clock, tmp_path)
    orchestra.launch([summary], first, last)
    simulator.faults.clear()
    clock.sleep(6 * 3600 + 1)

    assert orchestra.launch([summary], first, last, tags={"stripe/intent": "ensure"}).success, names

    events = orchestra.recorded(summary)
    assert Counter(key for key, _ in events) == Counter(day.key for day in DAYS), names
    for day, (_, event) in zip(DAYS, sorted(events, key=lambda each: each[0]), strict=True):
        assert day.interval
        truth = simulator.csv(
            "balance.summary.1",
            interval_start=epoch(day.interval.start),
            interval_end=epoch(day.interval.end),
            columns=["category", "description", "net_amount", "currency"],
        )
        assert event.metadata["stripe/csv_sha256"].value == hashlib.sha256(truth).hexdigest(), names
