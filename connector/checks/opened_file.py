"""A partition's published file, opened for questions: DuckDB over the rows where they lie.

Rows are read through the store's own file system, so any root will do, and only the columns a question is
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
from connector.convert.arrow_types import is_stored_as
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
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
    """A file stands there, and is no whole Parquet file of ours; the text says what is wrong with it."""


class UndecidableError(Exception):
    """The rows do not show whether a check holds; the text says why, as a sentence."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """One partition, as checks see it.

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

    def ask(self, reads: Iterable[Column | str], select: str, rest: str = "") -> list[tuple[Any, ...]]:
        """The answer to `SELECT <select> FROM report <rest>`, which may name the columns in `reads`.

        Those of a large file are read anew for each question, a row group at a time: Arrow's scanner would
        run ahead of DuckDB and take several times the memory.
        """
        question = f"SELECT {select} FROM report {rest}"  # noqa: S608 - our columns, and literals of ours
        if self.is_small:
            return self._connection.execute(question).fetchall()
        names = set(map(stored, reads))
        with self.bytes() as source, pq.ParquetFile(source, pre_buffer=False) as file:
            schema = pa.schema([field for field in file.schema_arrow if field.name in names])
            batches = file.iter_batches(columns=schema.names, use_threads=False)
            self._connection.register("report", pa.RecordBatchReader.from_batches(schema, batches))
            return self._connection.execute(question).fetchall()

    def bytes(self) -> pa.NativeFile:
        """The file as it lies there."""
        return self.data.filesystem.open_input_file(self.data.files[0])

    def lacks(self, columns: Sequence[Column]) -> str | None:
        """Why these columns cannot be judged, as a sentence; None where all of them are there.

        A file from before a change of the configuration, or of the decoder, may lack one or have it as
        another type.
        """
        missing = [each.name for each in columns if each.stored_name not in self.data.schema.names]
        if missing:
            return f"The file has no {' and no '.join(missing)}: it was asked for with other columns."
        mistyped = [
            each.name
            for each in columns
            if not is_stored_as(each, self.data.schema.field(each.stored_name).type)
        ]
        return f"The file has {' and '.join(mistyped)} as another type." if mistyped else None


@dataclass(frozen=True, slots=True)
class FileCheck:
    """A check of one file.

    Attributes:
        columns: which columns it looks at; None where a question has none that it could be put to.
        evaluate: what it comes to. The columns are there when it is asked.
    """

    check: Check
    columns: Callable[[ReportQuery], Sequence[Column] | None]
    evaluate: Callable[[OpenFile], Finding]

    def finding(self, file: OpenFile) -> Finding:
        """What the check says of the file. A file that it cannot be put to is undecidable, never an error."""
        if reason := file.lacks(self.columns(file.query) or ()):
            return undecidable(self.check, reason)
        return decided(self.check, lambda: self.evaluate(file))


def decided(check: Check, evaluate: Callable[[], Finding]) -> Finding:
    """What `evaluate` finds, or why it could not."""
    try:
        return evaluate()
    except UndecidableError as error:
        return undecidable(check, str(error))
    except duckdb.OutOfRangeException:
        return undecidable(check, "The amounts are too large to be added up exactly in 38 digits.")
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        return undecidable(check, f"The rows could not be read: {first_line(error)}")


def undecidable(check: Check, reason: str) -> Finding:
    """Neither passed nor failed."""
    return Finding(check.name, CheckResult.UNDECIDABLE, reason)


@contextmanager
def opened(store: Store, dataset: Dataset, query: ReportQuery, period: str) -> Iterator[OpenFile]:
    """Open the file of a period.

    Raises:
        StoreError: there is none.
        UnreadableError: it is not a whole Parquet file, or not one of ours.
    """
    try:
        data = store.arrow_dataset(dataset, [period])
        kept = store.provenance(dataset, period)
        is_small = sum(each.num_row_groups for each in data.get_fragments()) < _SMALL
        rows = data.to_table() if is_small else None
    except NoDataError:
        raise
    except (StoreError, pa.ArrowException, OSError) as error:
        raise UnreadableError(f"it is no whole Parquet file: {first_line(error)}") from None
    if kept is None:
        raise UnreadableError("it does not say which report run it was made from")
    with _engine(os.getpid()).cursor() as connection:
        if rows is not None:
            connection.register("report", rows)
        yield OpenFile(query, store.uri(dataset, period), kept, data, is_small, connection)


def is_there(store: Store, dataset: Dataset, period: str) -> bool:
    """Whether a valid file stands for the period."""
    return store.provenance(dataset, period) is not None


def columns_named(query: ReportQuery, names: Sequence[str]) -> tuple[Column, ...] | None:
    """The columns of those names; None unless all were asked for."""
    asked = {column.name: column for column in query.columns}
    return tuple(asked[name] for name in names) if asked.keys() >= set(names) else None


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
