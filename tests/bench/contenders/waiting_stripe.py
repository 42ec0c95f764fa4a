"""Small reports with Stripe's official SDK and pandas, as most write it: a pool of threads, each creates a
report run, asks for it every two seconds, downloads its file, and has pandas read and write it.

16 threads: the SDK does not retry what a rate limit refuses, so that of more threads some lose their report.
"""

import io
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import requests
import stripe

from tests.bench.contenders.measured import measured


def pull(url: str, key: str, first: date, days: int, folder: str) -> None:
    client = stripe.StripeClient(key, base_addresses={"api": url, "files": url}, max_network_retries=5)

    def report(day: date) -> None:
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        run = client.v1.reporting.report_runs.create(
            {
                "report_type": "balance.summary.1",
                "parameters": {"interval_start": start, "interval_end": start + 86_400},
            }
        )
        while run.status == "pending":
            time.sleep(2)
            run = client.v1.reporting.report_runs.retrieve(run.id)
        if run.result is None or run.result.url is None:
            raise RuntimeError(f"report run {run.id} is {run.status}")
        for attempt in range(6):
            answer = requests.get(run.result.url, auth=(key, ""), timeout=80)
            if answer.status_code != 429:
                break
            time.sleep(2**attempt)
        answer.raise_for_status()
        frame = pd.read_csv(io.BytesIO(answer.content))
        frame.to_parquet(Path(folder) / f"{day}.parquet")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(report, (first + timedelta(days=number) for number in range(days))))


if __name__ == "__main__":
    _url, _key, _first, _days, _folder = sys.argv[1:]
    with measured():
        pull(_url, _key, date.fromisoformat(_first), int(_days), _folder)
