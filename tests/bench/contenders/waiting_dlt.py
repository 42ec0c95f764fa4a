"""Small reports with dlt: deferred calls in as many workers as there are reports, Arrow tables typed by hand,
Parquet in a folder. Its own `requests` helper retries what Stripe refuses, 20 times, where it would be 5.

Fewer workers take longer, since each of them waits for one report run; rows as dictionaries take longer, too.
They ask half as often as Stripe permits to all of them together: its helper waits up to five minutes after a
429, and longer with each.
"""

import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.bench.contenders.measured import measured

_days_asked = sys.argv[4]
os.environ |= {
    "EXTRACT__WORKERS": _days_asked,
    "EXTRACT__MAX_PARALLEL_ITEMS": _days_asked,
    "RUNTIME__REQUEST_MAX_ATTEMPTS": "20",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
}

import dlt  # noqa: E402 - it reads the environment
import pyarrow as pa  # noqa: E402
from dlt.sources.helpers import requests  # noqa: E402
from pyarrow import csv  # noqa: E402

#: Seconds from one look at a report run to the next.
PAUSE = max(2.0, int(_days_asked) / 50)

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
            time.sleep(PAUSE)
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
