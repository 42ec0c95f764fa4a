"""Partitions that are all published: `collect` finds that nothing is to be done. Stripe is here, too."""

import sys
import tempfile
from datetime import date, timedelta

import httpx

from connector import Done, ReportQuery, Store, StripeClient, Windows, collect
from connector.simulator import SIMULATED_KEY, Simulator
from tests.bench.contenders.measured import measured
from tests.support.datasets import repeat


def main(count: int) -> None:
    simulator = Simulator(run_seconds=0.0)
    http = httpx.Client(transport=httpx.MockTransport(simulator.handle))
    query, last = ReportQuery.of("balance_summary"), date(2026, 6, 1)
    partitions = Windows("daily").between(last - timedelta(days=count - 1), last + timedelta(days=1))
    with tempfile.TemporaryDirectory() as folder, StripeClient(SIMULATED_KEY, http=http) as client:
        store = Store(folder)
        (done,) = (
            event for event in collect(client, store, query, partitions[-1:]) if isinstance(event, Done)
        )
        dataset = query.dataset(mode=client.mode, account=client.account)
        repeat(store, dataset, done.published, partitions[:-1])
        requests = len(simulator.requests)
        with measured():
            events = collect(client, store, query, partitions)
            there = sum(isinstance(event, Done) and not event.fetched for event in events)
        if there != count or len(simulator.requests) != requests:
            raise RuntimeError(f"{there} of {count} partitions were found")


if __name__ == "__main__":
    main(int(sys.argv[1]))
