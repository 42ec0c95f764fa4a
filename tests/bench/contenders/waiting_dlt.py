"""Small reports with dlt: deferred calls in a hundred workers, Arrow tables typed by hand,
Parquet in a folder. Its own `requests` helper retries what Stripe refuses, 20 times, where it would be 5.

Fewer workers take longer, since each of them waits for one report run; with one for each of 365 reports it
has not ended after five minutes: what Stripe refuses to so many, its helper repeats later and later. Rows as
dictionaries take longer, too.
"""

import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.bench.contenders.measured import measured

os.environ |= {
    "EXTRACT__WORKERS": "100",
    "EXTRACT__MAX_PARALLEL_ITEMS": "100",
    "RUNTIME__REQUEST_MAX_ATTEMPTS": "20",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
}

import dlt
import pyarrow as pa
from dlt.sources.helpers import requests
from pyarrow import csv

TYPES = csv.ConvertOptions(column_types={"net_amount": pa.decimal128(36, 18)}, strings_can_be_null=True)


def pull(url: str, key: str, first: date, days: int, folder: str) -> None:
    auth, runs = (key, ""), f"{url}/v1/reporting/report_runs"

    @dlt.defer  # type: ignore[untyped-decorator]
    def report(day: date) -> pa.Table:
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        asked = {
            "report_type": "balance.summary.1",
            "parameters[interval_start]": start,
            "parameters[interval_end]": start + 86_400,
        }
        run = requests.post(runs, data=asked, auth=auth).json()
        while run["status"] == "pending":
            time.sleep(2)
            run = requests.get(f"{runs}/{run['id']}", auth=auth).json()
        content = requests.get(run["result"]["url"], auth=auth).content
        return csv.read_csv(io.BytesIO(content), convert_options=TYPES)

    @dlt.resource(name="balance_summary", write_disposition="append")  # type: ignore[untyped-decorator]
    def reports() -> Iterator[Callable[[], pa.Table]]:
        for number in range(days):
            yield report(first + timedelta(days=number))

    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=f"{folder}/pipelines",
        destination=dlt.destinations.filesystem(Path(folder).absolute().as_uri()),
        dataset_name="stripe",
    )
    pipeline.run(reports(), loader_file_format="parquet").raise_on_failed_jobs()


if __name__ == "__main__":
    _url, _key, _first, _days, _folder, _ = sys.argv[1:]
    with measured():
        pull(_url, _key, date.fromisoformat(_first), int(_days), _folder)
