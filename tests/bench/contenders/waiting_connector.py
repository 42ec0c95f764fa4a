"""Small reports as a pull does them: `collect`, one loop for all, paced below Stripe's limits."""

import sys
from datetime import date, timedelta

from connector import Hosts, Missed, ReportQuery, Store, StripeClient, Windows, collect
from tests.bench.contenders.measured import measured


def pull(url: str, key: str, first: date, days: int, folder: str) -> None:
    query = ReportQuery.of("balance_summary")
    partitions = Windows("daily").between(first, first + timedelta(days=days))
    with StripeClient(key, hosts=Hosts.of(url)) as client:
        for event in collect(client, Store(folder), query, partitions):
            if isinstance(event, Missed):
                raise event.error


if __name__ == "__main__":
    _url, _key, _first, _days, _folder, _ = sys.argv[1:]
    with measured():
        pull(_url, _key, date.fromisoformat(_first), int(_days), _folder)
