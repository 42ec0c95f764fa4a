"""A partition's published file, opened for queries: DuckDB over the rows of the Parquet file.

Rows are read through the store's own file system, so any root will do, and only the columns a query is
about, so memory stays flat. One DuckDB serves the whole process: starting one takes longer than most checks.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from connector.catalogue import Column
from connector.checks.finding import Check, CheckResult, Finding
from connector.checks.wording import REFRESH
from connector.convert.arrow_types import is_stored_as
from connector.dataset.identity import Dataset
from connector.dataset.provenance import METADATA_KEY, Provenance
from connector.dataset.store import Store
from connector.errors import NoDataError, StoreError
from connector.query import ReportQuery
from connector.sql.quoting import stored

if TYPE_CHECKING:
    import pyarrow.dataset as ds

#: What DuckDB may take before it goes on in files. Keys of five million rows then cost 100 MiB in all.
_MEMORY = "64MB"

#: So many row groups are too many to be held in memory.
_SMALL = 2


class UnreadableError(Exception):
    """There is a file, but not a whole Parquet file of ours; the text says what is wrong with it."""


class InconclusiveError(Exception):
    """The rows do not show whether a check holds; the text says why, as a sentence."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """One partition's file, as checks see it.

    Attributes:
        uri: where the file is.
        data: the file as an Arrow dataset of one fragment.
        is_small: its rows are in memory, and DuckDB has them under the name `report`.
    """

    query: ReportQuery
    uri: str
    provenance: Provenance
    data: "ds.Dataset"
    is_small: bool
    _connection: duckdb.DuckDBPyConnection

    def select(self, reads: Iterable[Column | str], select: str, rest: str = "") -> list[tuple[Any, ...]]:
        """The rows of `SELECT <select> FROM report <rest>`, which may name the columns in `reads`.

        Those of a large file are read for each query, a row group at a time: Arrow's scanner would run ahead
        of DuckDB and take several times the memory.
        """
        query = f"SELECT {select} FROM report {rest}"  # noqa: S608 - our columns, and literals of ours
        if self.is_small:
            return self._connection.execute(query).fetchall()
        names = set(map(stored, reads))
        with self.open_bytes() as source, pq.ParquetFile(source, pre_buffer=False) as file:
            schema = pa.schema([field for field in file.schema_arrow if field.name in names])
            batches = file.iter_batches(columns=schema.names, use_threads=False)
            self._connection.register("report", pa.RecordBatchReader.from_batches(schema, batches))
            return self._connection.execute(query).fetchall()

    def open_bytes(self) -> pa.NativeFile:
        """The bytes of the file."""
        return self.data.filesystem.open_input_file(self.data.files[0])

    def explain_lack(self, columns: Sequence[Column]) -> str | None:
        """Why these columns cannot be checked, as a sentence; None where all of them are there.

        A file from before a change of the configuration, or of the decoder, may lack one or have it as
        another type.
        """
        missing = [each.name for each in columns if each.stored_name not in self.data.schema.names]
        if missing:
            return (
                f"The file has no {' and no '.join(missing)}: it was requested with other columns. {REFRESH}"
            )
        schema = self.data.schema
        mistyped = [
            each.name for each in columns if not is_stored_as(each, schema.field(each.stored_name).type)
        ]
        return f"The file stores {' and '.join(mistyped)} as another type. {REFRESH}" if mistyped else None


@dataclass(frozen=True, slots=True)
class FileCheck:
    """A check of one file.

    Attributes:
        columns: which columns it reads; None where the check does not apply to a query.
        evaluate: what it finds in a file that has these columns.
    """

    check: Check
    columns: Callable[[ReportQuery], Sequence[Column] | None]
    evaluate: Callable[[OpenFile], Finding]

    def evaluate_on(self, file: OpenFile) -> Finding:
        """What the check finds in the file; inconclusive, never an error, where it cannot be evaluated."""
        if reason := file.explain_lack(self.columns(file.query) or ()):
            return inconclusive(reason)
        return evaluate_safely(lambda: self.evaluate(file))


def evaluate_safely(evaluate: Callable[[], Finding]) -> Finding:
    """What `evaluate` finds, or why it could not."""
    try:
        return evaluate()
    except InconclusiveError as error:
        return inconclusive(str(error))
    except duckdb.OutOfRangeException:
        return inconclusive("The amounts are too large to be added up exactly in 38 digits.")
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        return inconclusive(f"The rows could not be read: {first_line(error)}")


def inconclusive(reason: str) -> Finding:
    """A finding that is neither passed nor failed."""
    return Finding(CheckResult.INCONCLUSIVE, reason)


@contextmanager
def open_file(store: Store, dataset: Dataset, query: ReportQuery, partition: str) -> Iterator[OpenFile]:
    """Open the file of a partition.

    Raises:
        StoreError: there is none.
        UnreadableError: it is not a whole Parquet file, or not one of ours.
    """
    try:
        data = store.arrow_dataset(dataset, [partition])
        (fragment,) = data.get_fragments()
        origin = (fragment.metadata.metadata or {}).get(METADATA_KEY.encode(), b"")
        is_small = fragment.num_row_groups < _SMALL
        rows = data.to_table() if is_small else None
    except NoDataError:
        raise
    except (StoreError, pa.ArrowException, OSError) as error:
        raise UnreadableError(f"it is not a whole Parquet file: {first_line(error)}") from None
    try:
        provenance = Provenance.from_json(origin)
    except ValueError:
        raise UnreadableError("it does not say which report run it was made from") from None
    with _engine(os.getpid()).cursor() as connection:
        if rows is not None:
            connection.register("report", rows)
        yield OpenFile(query, store.uri(dataset, partition), provenance, data, is_small, connection)


def find_columns(query: ReportQuery, names: Sequence[str]) -> tuple[Column, ...] | None:
    """The columns of those names; None unless all were requested."""
    requested = {column.name: column for column in query.columns}
    return tuple(requested[name] for name in names) if requested.keys() >= set(names) else None


@cache
def _engine(_process: int) -> duckdb.DuckDBPyConnection:
    """The DuckDB of this process; a forked one must not share its parent's."""
    spill = tempfile.mkdtemp(prefix="stripe-reports-checks-")
    atexit.register(shutil.rmtree, spill, ignore_errors=True)
    engine = duckdb.connect(config={"memory_limit": _MEMORY, "threads": "1", "temp_directory": spill})
    return engine.execute("SET GLOBAL TimeZone = 'UTC'")


def first_line(error: BaseException) -> str:
    """An error in one line."""
    return (str(error) or type(error).__name__).splitlines()[0]
