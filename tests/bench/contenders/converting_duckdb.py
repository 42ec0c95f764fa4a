"""CSV to Parquet with DuckDB: one COPY, types given, nothing sniffed, in the order of the file.

512 MB of memory, below which it spills; `parallel` reading is on, since quoted line breaks are handled.
"""

import json
import sys

import duckdb

from tests.bench.contenders.measured import measured


def convert(source: str, target: str, columns: dict[str, str], precision: int, scale: int) -> None:
    types = {"text": "VARCHAR", "money": f"DECIMAL({precision}, {scale})", "time": "TIMESTAMP"}
    listed = ", ".join(f"'{name}': '{types[kind]}'" for name, kind in columns.items())
    shown = ", ".join(
        f"{name} AT TIME ZONE 'UTC' AS {name}" if kind == "time" else name for name, kind in columns.items()
    )
    duckdb.execute("SET memory_limit = '512MB'; SET TimeZone = 'UTC'; SET preserve_insertion_order = true")
    reader = (
        "read_csv(?, header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', "
        f"columns = {{{listed}}}, timestampformat = '%Y-%m-%d %H:%M:%S', allow_quoted_nulls = false)"
    )
    written = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536"
    duckdb.execute(f"COPY (SELECT {shown} FROM {reader}) TO '{target}' ({written})", [source])  # noqa: S608


if __name__ == "__main__":
    _source, _target, _columns, _precision, _scale = sys.argv[1:]
    with measured():
        convert(_source, _target, json.loads(_columns), int(_precision), int(_scale))
