"""Small reports with Stripe's official SDK and pandas, as most write it: a pool of threads, each creates a
report run, asks for it every two seconds, downloads its file, and has pandas read and write it.

16 threads for runs of seconds: more do not create faster than Stripe allows. For runs of a minute 100, which
ask every five seconds, since the threads would be what is waited for. What a rate limit refuses the SDK does
not retry; that is done here, with pauses that double.
"""

import io
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from random import uniform
from typing import TypeVar

import pandas as pd
import requests
import stripe

from tests.bench.contenders.measured import measured

T = TypeVar("T")


def patiently(call: Callable[[], T]) -> T:
    """Call again what a rate limit refuses."""
    for attempt in range(8):
        try:
            return call()
        except stripe.RateLimitError:
            time.sleep(uniform(0.5, 1) * 2**attempt)
    return call()


def pull(url: str, key: str, first: date, days: int, folder: str, *, long: bool) -> None:
    threads, pause = (100, 5) if long else (16, 2)
    client = stripe.StripeClient(key, base_addresses={"api": url, "files": url}, max_network_retries=5)

    def report(day: date) -> None:
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        run = patiently(
            lambda: client.v1.reporting.report_runs.create(
                {
                    "report_type": "balance.summary.1",
                    "parameters": {"interval_start": start, "interval_end": start + 86_400},
                }
            )
        )
        while run.status == "pending":
            time.sleep(pause)
            run = patiently(partial(client.v1.reporting.report_runs.retrieve, run.id))
        if run.result is None or run.result.url is None:
            raise RuntimeError(f"report run {run.id} is {run.status}")
        for attempt in range(8):
            answer = requests.get(run.result.url, auth=(key, ""), timeout=80)
            if answer.status_code != 429:
                break
            time.sleep(uniform(0.5, 1) * 2**attempt)
        answer.raise_for_status()
        frame = pd.read_csv(io.BytesIO(answer.content))
        frame.to_parquet(Path(folder) / f"{day}.parquet")

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(report, (first + timedelta(days=number) for number in range(days))))


if __name__ == "__main__":
    _url, _key, _first, _days, _folder, _seconds = sys.argv[1:]
    with measured():
        pull(_url, _key, date.fromisoformat(_first), int(_days), _folder, long=float(_seconds) > 30)
