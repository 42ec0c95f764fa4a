"""A partition's published file, opened for queries: DuckDB over the rows of the Parquet file.

Rows are read through the store's own file system, so any root will do, and only the columns a query is
about, so memory stays flat. One DuckDB serves the whole process: starting one takes longer than most checks.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from connector.catalogue import Column
from connector.checks.finding import Check, CheckResult, Finding
from connector.checks.wording import REFRESH
from connector.convert.arrow_types import is_stored_as
from connector.convert.parquet import read_through
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.schema_evolution import OpenedFile
from connector.dataset.seal import compare_with_seal
from connector.dataset.store import Store
from connector.errors import NoDataError, StoreError
from connector.partitions import CONNECTED_ACCOUNT
from connector.query import ReportQuery
from connector.sql.quoting import literal, stored

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
        schema: its columns.
        rows: those of a small file, which DuckDB has under the name `report`; None for a large one.
        former: opens the files that it and those before it have replaced, as far as they are still there and
            can be read, the newest first, each until the next one.
        account: the connected account whose rows `select` reads; None for all rows.
    """

    query: ReportQuery
    uri: str
    provenance: Provenance
    schema: pa.Schema
    rows: pa.Table | None
    former: "Callable[[], Iterator[OpenFile]]"
    _store: Store
    _file: OpenedFile
    _connection: duckdb.DuckDBPyConnection
    account: str | None = None

    def of_account(self, account: str) -> "OpenFile":
        """The same file as if it had the rows of one connected account alone."""
        return replace(self, account=account)

    def select(self, reads: Iterable[Column | str], select: str, rest: str = "") -> list[tuple[Any, ...]]:
        """The rows of `SELECT <select> FROM report <rest>`, which may name the columns in `reads`.

        Those of a large file are read for each query, a row group at a time: Arrow's scanner would run ahead
        of DuckDB and take several times the memory.
        """
        rows, names = "report", {*map(stored, reads)}
        if self.account is not None:
            rows = f"(SELECT * FROM report WHERE {CONNECTED_ACCOUNT} = {literal(self.account)})"  # noqa: S608 - quoted
            names.add(CONNECTED_ACCOUNT)
        query = f"SELECT {select} FROM {rows} {rest}"  # noqa: S608 - our columns, and literals of ours
        if self.rows is not None:
            return self._connection.execute(query).fetchall()
        with self._file.reader() as file:
            schema = pa.schema([field for field in file.schema_arrow if field.name in names])
            batches = file.iter_batches(columns=schema.names, use_threads=False)
            self._connection.register("report", pa.RecordBatchReader.from_batches(schema, batches))
            return self._connection.execute(query).fetchall()

    def read_through(self) -> int:
        """How many rows there are, after all bytes were compared with the seal and all pages read.

        Raises StoreError, ArrowException or OSError for a file that is not as it was written.
        """
        if self.rows is None:
            return read_through(self._file.bytes)
        compare_with_seal(self._file.bytes)
        return int(self.rows.num_rows)

    def head(self, count: int) -> pa.Table:
        """The first rows. Raises StoreError where they cannot be read."""
        if self.rows is not None:
            return self.rows.slice(0, count)
        try:
            with self._file.reader() as file:
                first = next(file.iter_batches(count, use_threads=False), None)
                return pa.Table.from_batches([] if first is None else [first], self.schema)
        except (pa.ArrowException, OSError) as error:
            raise StoreError(f"could not read {self.uri}: {self.explain(error)}") from None

    def explain(self, error: BaseException) -> str:
        """What Arrow, DuckDB or the system says of the file, fit to be shown."""
        return self._store.explain(error)

    def explain_lack(self, columns: Sequence[Column]) -> str | None:
        """Why these columns cannot be checked, as a sentence; None where all of them are there.

        A file from before a change of the configuration, or of the decoder, may lack one or have it as
        another type.
        """
        missing = [each.name for each in columns if each.stored_name not in self.schema.names]
        if missing:
            return (
                f"The file has no {' and no '.join(missing)}: it was requested with other columns. {REFRESH}"
            )
        mistyped = [
            each.name for each in columns if not is_stored_as(each, self.schema.field(each.stored_name).type)
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
        return evaluate_safely(lambda: self.evaluate(file), file)


Found = TypeVar("Found")


def evaluate_safely(evaluate: Callable[[], Found], file: OpenFile) -> Found | Finding:
    """What `evaluate` finds in the file, or why it could not."""
    try:
        return evaluate()
    except InconclusiveError as error:
        return inconclusive(str(error))
    except duckdb.OutOfRangeException:
        return inconclusive("The amounts are too large to be added up exactly in 38 digits.")
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        return inconclusive(f"The rows could not be read: {file.explain(error)}")


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

    def former() -> Iterator[OpenFile]:
        for uri, replaced in store.superseded(dataset, partition):
            with suppress(UnreadableError), _opened(store, query, uri, replaced, lambda: iter(())) as file:
                yield file

    with ExitStack() as stack:
        try:
            opened = stack.enter_context(store.opened(dataset, partition))
        except NoDataError:
            raise
        except StoreError as error:
            raise UnreadableError(f"it is not a whole Parquet file: {store.explain(error)}") from None
        yield stack.enter_context(_opened(store, query, store.uri(dataset, partition), opened, former))


@contextmanager
def _opened(
    store: Store, query: ReportQuery, uri: str, opened: OpenedFile, former: Callable[[], Iterator[OpenFile]]
) -> Iterator[OpenFile]:
    origin, schema = opened.footer.provenance, opened.footer.schema
    try:
        with opened.reader(ahead=True) as file:
            rows = file.read(use_threads=False) if file.num_row_groups < _SMALL else None
    except (pa.ArrowException, OSError) as error:
        raise UnreadableError(f"it is not a whole Parquet file: {store.explain(error)}") from None
    if origin is None:
        raise UnreadableError("it does not say which report run it was made from")
    with _engine(os.getpid()).cursor() as connection:
        if rows is not None:
            connection.register("report", rows)
        yield OpenFile(query, uri, origin, schema, rows, former, store, opened, connection)


@contextmanager
def opened(
    store: Store, dataset: Dataset, query: ReportQuery, partition: str
) -> Iterator[OpenFile | UnreadableError]:
    """The same, to go on with a file that cannot be read. Raises StoreError where there is none."""
    with ExitStack() as stack:
        file: OpenFile | UnreadableError
        try:
            file = stack.enter_context(open_file(store, dataset, query, partition))
        except UnreadableError as error:
            file = error
        yield file


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
