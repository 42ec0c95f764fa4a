"""Write typed batches as one finished Parquet file, and prove that it can be read.

Reading the CSV runs in a thread of its own, ahead of encoding: both let go of the interpreter, so
two cores are used. Memory stays flat, however large the report: a row group ends soon after
`ROW_GROUP_ROWS` rows or `ROW_GROUP_BYTES`, and the reader is at most one row group ahead.

The file is Parquet 2.6, zstd, with a checksum for each page. Columns whose values come back are
dictionary-encoded, found by looking at the first rows, because an id's dictionary costs more than it saves.
Other text has no statistics either: those of random ids never let an engine leave rows out, and take time.
A file of few rows has no dictionaries, and statistics of `_date` alone: they would be larger than the rows.

Parquet's own types say all that is to be known of a column, so Arrow's schema is not written beside them: it
was half of a small file. What columns mean is in the catalogue.

Parquet has no checksum for its footer, so the file gets one: see `connector.dataset.seal`.

Source: https://arrow.apache.org/docs/python/parquet.html
"""

from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connector.convert.decode import ReportFileReader
from connector.convert.sums import Sums
from connector.dataset.seal import compare_with_seal, writing_sealed
from connector.errors import SchemaMismatchError, StoreError

#: Enough rows for good compression and for statistics worth skipping by. Two groups are in memory at once,
#: being read and being written, so these bound it, but for 20 kB of footer a group.
ROW_GROUP_ROWS = 65_536
ROW_GROUP_BYTES = 16 << 20

_SAMPLE = 8_192
#: Up to here a file has few rows, and engines read it whole.
_FEW = 256
#: A dictionary pays where a value comes back at least so often.
_REPEATS = 4


@dataclass(frozen=True, slots=True)
class WrittenRows:
    """All rows of a report, in a file that is not finished yet.

    Attributes:
        rows: how many.
        totals: the sum of the amount column by currency, over all rows of an itemized report and over the
            movements of a summary, in major units, exact. A row without a currency counts under "".
            Empty when no amount column was named, or the file has none.
        sums: of every column of numbers: see `Sums.by_column`.
    """

    rows: int
    totals: Mapping[str, Decimal]
    sums: Mapping[str, Mapping[str, Decimal]]
    _writer: pq.ParquetWriter

    def add_metadata(self, metadata: Mapping[str, str]) -> None:
        """Write this into the file's own key-value metadata."""
        self._writer.add_key_value_metadata(dict(metadata))


@contextmanager
def writing_parquet(
    path: Path,
    report: ReportFileReader,
    *,
    constants: Mapping[str, pa.Scalar],
    amount_column: str | None = None,
    currency_column: str = "currency",
    line_column: str | None = None,
    row_group_rows: int = ROW_GROUP_ROWS,
    row_group_bytes: int = ROW_GROUP_BYTES,
) -> Iterator[WrittenRows]:
    """Convert a whole report: all rows are written when the context begins, and the file at `path` is
    complete when it ends. It is gone when anything is raised, also within the context.

    Args:
        path: where to write; what stands there is overwritten.
        report: the report to read.
        constants: columns that have one value in every row, appended in this order. A null keeps its type.
        amount_column, currency_column: the stored names of the column to sum up, and of the one that says in
            which currency it is. The file may lack either.
        line_column: the stored name of the column that names a summary's lines; None for other reports.
        row_group_rows, row_group_bytes: a row group ends with the batch that reaches either. The bytes are
            those of the typed rows in memory.

    Raises:
        CellError: the report does not read; see `ReportFileReader.batches`.
        SchemaMismatchError: the report has a column named like a constant.
        StoreError: the file could not be written, or does not read back as it was written.
    """
    schema = _schema(report, constants)
    sums = Sums(report, amount_column, currency_column, line_column)
    read = _finished(_row_groups(report, row_group_rows, row_group_bytes), sums, schema, constants)
    rows = 0
    with _whole_or_gone(path, report):
        with _read_ahead(read) as groups, writing_sealed(path) as file:
            group = next(groups, None)
            with pq.ParquetWriter(file, schema, **encoding(group, schema)) as writer:
                while group is not None:
                    writer.write_table(group, group.num_rows)
                    rows += group.num_rows
                    group = next(groups, None)
                yield WrittenRows(rows, sums.totals, sums.by_column, writer)
        verify(path, rows, schema)


def read_through(source: pa.NativeFile) -> int:
    """Compare a finished file with its seal and read every page of it. Returns how many rows there are.

    One row group at a time is in memory.

    Raises StoreError, ArrowException or OSError for a file that is not as it was written.
    """
    compare_with_seal(source)
    with pq.ParquetFile(source) as file:
        return sum(file.read_row_group(number).num_rows for number in range(file.num_row_groups))


def _schema(report: ReportFileReader, constants: Mapping[str, pa.Scalar]) -> pa.Schema:
    clashes = sorted(set(constants) & set(report.schema.names))
    if clashes:
        raise SchemaMismatchError(f"the file has columns under names that are ours: {', '.join(clashes)}")
    appended = [pa.field(name, scalar.type) for name, scalar in constants.items()]
    return pa.schema([*report.schema, *appended])


def _row_groups(report: ReportFileReader, most_rows: int, most_bytes: int) -> Generator[pa.Table, None, None]:
    """The report's batches, gathered to the size of a row group."""
    gathered: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in report.batches():
        gathered.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= most_rows or size >= most_bytes:
            yield pa.Table.from_batches(gathered, report.schema)
            gathered, rows, size = [], 0, 0
    if gathered:
        yield pa.Table.from_batches(gathered, report.schema)


def _finished(
    groups: Iterator[pa.Table], sums: Sums, schema: pa.Schema, constants: Mapping[str, pa.Scalar]
) -> Generator[pa.Table, None, None]:
    """The same row groups, added up and with the constants: in the reading thread, as writing is slower."""
    for group in groups:
        sums.add(group)
        appended = [pa.repeat(scalar, group.num_rows) for scalar in constants.values()]
        yield pa.Table.from_arrays([*group.columns, *appended], schema=schema)


@contextmanager
def _read_ahead(tables: Generator[pa.Table, None, None]) -> Iterator[Iterator[pa.Table]]:
    """The same tables, each made in another thread while the one before it is used.

    What the thread raises is raised here, in its turn. The thread has ended when the context has, also
    when not all was read.
    """

    def ahead() -> Iterator[pa.Table]:
        following: Future[pa.Table | None] = thread.submit(next, tables, None)
        while (table := following.result()) is not None:
            following = thread.submit(next, tables, None)
            yield table

    with ThreadPoolExecutor(1, thread_name_prefix="report-reader") as thread:
        yield ahead()
    tables.close()


@contextmanager
def _whole_or_gone(path: Path, report: ReportFileReader) -> Iterator[None]:
    """Remove the file at `path` where writing or verifying it fails."""
    try:
        yield
    except OSError as error:
        path.unlink(missing_ok=True)
        reason = error.strerror or error
        raise StoreError(
            f"could not write {path}: {reason}; the CSV it is made of has {report.csv_bytes:,} bytes"
        ) from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def encoding(first: pa.Table | None, schema: pa.Schema) -> dict[str, Any]:
    """How the file is written, as arguments of `ParquetWriter`, chosen by its first rows, if it has any."""
    sample = first.slice(0, _SAMPLE) if first is not None else schema.empty_table()
    repeating = [name for name in schema.names if _repeats(sample[name])]
    telling = [each.name for each in schema if each.name in repeating or not pa.types.is_string(each.type)]
    few = sample.num_rows <= _FEW
    return {
        "version": "2.6",
        "compression": "zstd",
        "use_dictionary": [] if few else repeating,
        "write_statistics": ["_date"] if few else telling,
        "write_page_checksum": True,
        "store_schema": False,
        "store_decimal_as_integer": True,
    }


def _repeats(column: pa.ChunkedArray) -> bool:
    """Whether the values of a column, where it has one, come back often enough for a dictionary."""
    filled = len(column) - column.null_count
    return bool(pc.count_distinct(column, mode="only_valid").as_py() * _REPEATS <= filled)


def verify(path: Path, rows: int, schema: pa.Schema) -> None:
    """Read back what was written: its footer, its schema and how many rows it says it has."""
    with pq.ParquetFile(path) as written:
        if written.metadata.num_rows != rows or not written.schema_arrow.equals(schema):
            raise StoreError(f"{path} does not read back as it was written: {written.metadata.num_rows} rows")
