"""Machines at once, on a disk, in memory and on a server: what `test_publishing` shows in turns."""

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from connector.dataset.store import MOST_SUPERSEDED, Store
from tests.dataset.conftest import Machine
from tests.support.datasets import DATASET, NOON, provenance, rows_in, write

DAY = "2026-06-01"
TIMES = 200

pytestmark = pytest.mark.long


def publish(store: Store, age: int) -> None:
    source = provenance(f"frr_{age:03}", made=NOON + timedelta(hours=age))
    with store.staging() as place:
        write(place / "staged.parquet", source)
        store.publish(place / "staged.parquet", DATASET, source)


def at_once(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [each.result() for each in [pool.submit(job) for job in jobs]]


@pytest.mark.parametrize("machine", ["directory", "memory", "seaweed"], indirect=True)
def test_of_two_hundred_answers_by_two_machines_the_newest_stays(machine: Machine) -> None:
    """A reader beside them never sees an older one after a newer one, and never none."""
    draw, stop = random.Random(3), threading.Event()
    ages = sorted(range(1, TIMES), key=lambda age: age + draw.uniform(0, 6))
    publish(Store(machine()), 0)

    def write_some(number: int) -> None:
        store = Store(machine())
        try:
            for age in ages[number::2]:
                publish(store, age)
        finally:
            stop.set()

    def read_on() -> list[str]:
        store, seen = Store(machine()), []
        while not stop.is_set():
            (run,) = rows_in(store)
            seen.append(run)
        return seen

    *_, seen, more = at_once([lambda: write_some(0), lambda: write_some(1), read_on, read_on])

    assert rows_in(Store(machine())) == [f"frr_{TIMES - 1:03}"]
    assert seen == sorted(seen)
    assert more == sorted(more)
    assert len(set(seen)) > 5
    assert len(list(Store(machine()).superseded(DATASET, DAY))) <= MOST_SUPERSEDED
