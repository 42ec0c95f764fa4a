"""CSV to Parquet with PyArrow: `open_csv` in blocks of 4 MB, read ahead by a thread, to a `ParquetWriter`.

Arrow's reader types the cells itself. A dictionary for the columns alone that are worth it, decimals as
integers, zstd, statistics; row groups of 65,536 rows.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from tests.bench.contenders.measured import measured

REPEATING = [
    *("automatic_payout_id", "automatic_payout_effective_at", "automatic_payout_effective_at_utc"),
    *("available_on", "available_on_utc", "currency", "reporting_category", "customer_facing_currency"),
    *("card_brand", "card_country", "payment_method_type"),
]


def convert(source: str, target: str, columns: dict[str, str], precision: int, scale: int) -> None:
    types = {"text": pa.string(), "money": pa.decimal128(precision, scale), "time": pa.timestamp("us")}
    # A time without an offset is read as one of no zone, and becomes an instant of UTC at no cost.
    stored = pa.schema(
        [
            (name, pa.timestamp("us", "UTC") if kind == "time" else types[kind])
            for name, kind in columns.items()
        ]
    )
    reader = csv.open_csv(
        source,
        csv.ReadOptions(block_size=4 << 20),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types={name: types[kind] for name, kind in columns.items()},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    with (
        pq.ParquetWriter(
            target, stored, compression="zstd", use_dictionary=REPEATING, store_decimal_as_integer=True
        ) as writer,
        ThreadPoolExecutor(1) as ahead,
    ):
        following = ahead.submit(next, reader, None)
        gathered: list[pa.RecordBatch] = []
        while (batch := following.result()) is not None:
            following = ahead.submit(next, reader, None)
            gathered.append(batch)
            if sum(each.num_rows for each in gathered) >= 65_536:
                writer.write_table(pa.Table.from_batches(gathered).cast(stored))
                gathered = []
        if gathered:
            writer.write_table(pa.Table.from_batches(gathered).cast(stored))


if __name__ == "__main__":
    _source, _target, _columns, _precision, _scale = sys.argv[1:]
    with measured():
        convert(_source, _target, json.loads(_columns), int(_precision), int(_scale))
