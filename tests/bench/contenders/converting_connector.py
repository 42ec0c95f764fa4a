"""CSV to Parquet as a pull does it: typed, summed up, verified, with a seal, and four columns more."""

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pandas  # noqa: F401 - PyArrow imports it where it is installed, and imports are counted apart
import pyarrow as pa

from connector.catalogue import columns_of, report
from connector.convert.csv_records import RecordFile
from connector.convert.decode import Expected, open_report
from connector.convert.parquet import writing_parquet
from tests.bench.contenders.measured import measured


def convert(source: str, target: str, columns: dict[str, str], precision: int, scale: int) -> None:
    spec = report("payout_reconciliation.itemized.5")
    day, instant = date(2026, 6, 1), datetime(2026, 6, 1, tzinfo=UTC)
    constants = {
        "_date": pa.scalar(day, pa.date32()),
        "_interval_start": pa.scalar(instant, pa.timestamp("us", "UTC")),
        "_interval_end": pa.scalar(instant, pa.timestamp("us", "UTC")),
        "_report_run_id": pa.scalar("frr_1", pa.string()),
    }
    opened = open_report(RecordFile.open(Path(source), "frr_1"), Expected(columns_of(spec, list(columns))))
    with writing_parquet(
        Path(target), opened, constants=constants, amount_column=spec.amount_column
    ) as written:
        written.add_metadata({"rows": str(written.rows)})


if __name__ == "__main__":
    _source, _target, _columns, _precision, _scale = sys.argv[1:]
    with measured():
        convert(_source, _target, json.loads(_columns), int(_precision), int(_scale))
