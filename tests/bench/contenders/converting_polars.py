"""CSV to Parquet with Polars: its streaming engine, `scan_csv` to `sink_parquet`.

Text is read as text and typed by expressions, since its reader has no decimals of its own. zstd, statistics,
row groups of 65,536 rows: larger ones take more memory and no less time.
"""

import json
import sys
from collections.abc import Callable

import polars as pl

from tests.bench.contenders.measured import measured


def convert(source: str, target: str, columns: dict[str, str], precision: int, scale: int) -> None:
    typed: dict[str, Callable[[str], pl.Expr]] = {
        "text": pl.col,
        "money": lambda name: pl.col(name).str.to_decimal(scale=scale).cast(pl.Decimal(precision, scale)),
        "time": lambda name: pl.col(name).str.to_datetime(
            "%Y-%m-%d %H:%M:%S", time_unit="us", time_zone="UTC"
        ),
    }
    pl.scan_csv(source, schema=dict.fromkeys(columns, pl.String)).select(
        typed[kind](name) for name, kind in columns.items()
    ).sink_parquet(target, compression="zstd", row_group_size=65_536, statistics=True)


if __name__ == "__main__":
    _source, _target, _columns, _precision, _scale = sys.argv[1:]
    with measured():
        convert(_source, _target, json.loads(_columns), int(_precision), int(_scale))
