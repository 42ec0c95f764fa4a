"""How a report's CSV becomes typed Arrow batches: exact, in bounded memory, or an error naming the cell.

`csv_records` cuts the file into columns of bytes and `cells` says what the bytes of a cell mean. This module
knows what was asked for: which columns the file must have, what each becomes, and what its rows are.

Source: https://docs.stripe.com/reports/api
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from connector.catalogue.columns import sounds_free
from connector.catalogue.spec import Column, ColumnType, RowKindRules
from connector.convert.arrow_types import arrow_type
from connector.convert.cells import BadCellError, convert
from connector.convert.csv_records import BLOCK_SIZE, RecordFile
from connector.errors import CellError, SchemaMismatchError
from connector.money import NARROW, WIDE
from connector.text import visible

__all__ = [
    "BLOCK_SIZE",
    "DECODER_VERSION",
    "NOT_ASKED_FOR",
    "ROW_KIND",
    "Expected",
    "ReportFileReader",
    "open_report",
    "refuse_prose",
    "stored_schema",
]

#: Part of every data version. Raise it when the same bytes come out typed otherwise.
DECODER_VERSION = 3

#: The column that says what a row of a summary is.
ROW_KIND = "_row_kind"

#: All that is known of a column that only the file has.
NOT_ASKED_FOR = "Not asked for; stored as text."

_LONGEST_SHOWN = 60

#: A column name of Stripe's. Without known columns, any sentence would pass as a CSV.
_NAME = re.compile(r"\w+(\[[^\[\]]*\])?")


@dataclass(frozen=True, slots=True)
class Expected:
    """What was asked for, so what the file has to hold.

    Attributes:
        columns: the columns that must be there, in the order they are stored.
        timezone: the run's `timezone`. With None, `Etc/UTC` or `UTC` local times are instants,
            `timestamp[us, UTC]`; with another zone they are naive wall-clock times. `_utc` columns are
            always instants.
        row_kinds: which rows of a summary are subtotals: adds the column `_row_kind`; None adds none.
        withheld: columns the file may hold and that are not to be stored.
        money: how the table holds money, `NARROW` or `WIDE` of `connector.money`.
        table: its name, for the way out where that is too narrow.
    """

    columns: tuple[Column, ...]
    timezone: str | None = None
    row_kinds: RowKindRules | None = None
    withheld: tuple[str, ...] = ()
    money: str = NARROW
    table: str = "TABLE"


@dataclass(frozen=True, slots=True)
class ReportFileReader:
    """A report file whose header is right. Made by `open_report`; reading it twice is fine.

    Attributes:
        schema: what `batches` yields: the columns asked for, in that order, under their stored names; then
            columns that were not asked for; then `_row_kind`. All are nullable.
        added_columns: Stripe's names of columns that were not asked for. They are stored as text.
        columns: the columns the file holds, in the order of `schema`.
    """

    schema: pa.Schema
    added_columns: tuple[str, ...]
    columns: tuple[Column, ...]
    _records: RecordFile
    _row_kinds: RowKindRules | None
    _table: str

    @property
    def csv_bytes(self) -> int:
        """The length of the file."""
        return self._records.path.stat().st_size

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in file order, in batches of about a block. A file without rows yields nothing.

        Money and numbers are decimals in major units, never rounded. A bare empty field is null; so is a
        quoted empty one, except in text, where it is "". The kind of a summary's row depends on what else
        is in the file, so that is read twice then.

        Raises:
            CellError: a value does not fit its column, or a row has not as many fields as the header. It
                names run, column and row, and shows the value's beginning unless it is personal. Where an
                amount needs the wide type of money, it names the command that rewrites the table.
        """
        standing = self._standing_parts()
        for row, piece in self._records.pieces():
            arrays = self._all_typed(piece, row)
            if self._row_kinds:
                arrays.append(self._kinds_of(self._row_kinds, piece, row, standing))
            yield pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _all_typed(self, piece: pa.RecordBatch, row: int) -> list[pa.Array]:
        """The columns of a piece, in the order of `schema`.

        One that has the bytes and the type of a column before it is typed once: in UTC `created` and
        `created_utc` are the same, as are all other times, and most customers pay in the account's currency.
        Text takes no longer to type than to compare, and a file may have thousands of columns of it.
        """
        arrays: list[pa.Array] = []
        typed: dict[pa.DataType, list[tuple[pa.Array, pa.Array]]] = {}
        for column in self.columns:
            cells = piece.column(self._records.header.index(column.name))
            is_text, stored = column.type is ColumnType.TEXT, self.schema.field(column.stored_name).type
            before = [] if is_text else typed.setdefault(stored, [])
            same = next((array for seen, array in before if seen.equals(cells)), None)
            arrays.append(self._typed(column, piece, row) if same is None else same)
            before.append((cells, arrays[-1]))
        return arrays

    def _typed(self, column: Column, piece: pa.RecordBatch, row: int) -> pa.Array:
        """One column of a piece whose first row has the number `row`."""
        cells = piece.column(self._records.header.index(column.name))
        try:
            return convert(cells, column.type, self.schema.field(column.stored_name).type)
        except BadCellError as bad:
            value = "a value" if column.personal or column.free_text else _shown(cells[bad.index].as_py())
            name, bad_row = _shortened(column.name), row + bad.index
            message = f"{self._records.run_id}: column {name!r}, row {bad_row}: {value} {bad.why}"
            if bad.is_wide:
                message += (
                    f". `stripe-reports upgrade {self._table} --wide` rewrites the table's files with money "
                    f"as {WIDE}, without new report runs; then pull again"
                )
            raise CellError(message, column=column.name, row=bad_row) from None

    def _standing_parts(self) -> Mapping[str, set[str | None]]:
        """For each part of a subtotal that stands in the file, the currencies it stands there for."""
        standing: dict[str, set[str | None]] = {}
        kinds = self._row_kinds
        if kinds and kinds.parts:
            for row, piece in self._records.pieces():
                for value, currency in self._named(kinds, piece, row):
                    if value and kinds.is_part(value):
                        standing.setdefault(value, set()).add(currency)
        return standing

    def _kinds_of(
        self, kinds: RowKindRules, piece: pa.RecordBatch, row: int, standing: Mapping[str, set[str | None]]
    ) -> pa.Array:
        found = [kinds.kind(value, currency, standing) for value, currency in self._named(kinds, piece, row)]
        return pa.array([kind.value if kind else None for kind in found], pa.string())

    def _named(
        self, kinds: RowKindRules, piece: pa.RecordBatch, row: int
    ) -> Iterator[tuple[str | None, str | None]]:
        """What names each row, and its currency; None where the file does not say."""
        known = {column.name: column for column in self.columns}
        values, currencies = (
            self._typed(known[name], piece, row).to_pylist() if name in known else [None] * piece.num_rows
            for name in (kinds.column, kinds.currency)
        )
        return ((value, currency or None) for value, currency in zip(values, currencies, strict=True))


def refuse_prose(records: RecordFile) -> None:
    """Raise SchemaMismatchError for a file that does not begin with names of columns.

    Where nothing is known of a report's columns, their names alone distinguish it from something else.
    """
    if not all(_NAME.fullmatch(name) for name in records.header):
        raise SchemaMismatchError(
            f"{records.run_id}: the file does not begin with names of columns but with "
            f"{_listed(records.header)}{records.likeness()}"
        )


def open_report(records: RecordFile, expected: Expected) -> ReportFileReader:
    """Compare the header of a report file with what was asked for.

    Args:
        records: the CSV as Stripe serves it: UTF-8, comma-separated, one header row.
        expected: what was asked for. The file may have the columns in another order.

    Raises:
        SchemaMismatchError: a column is missing, stands twice or has no name, or this is not a CSV.
    """
    asked = [column.name for column in expected.columns]
    _refuse_header(records, asked)
    schema, columns = stored_schema(records.header, expected)
    if len({name.lower() for name in schema.names}) < len(schema):
        raise SchemaMismatchError(
            f"{records.run_id}: two columns would be stored under one name, as case does not count in SQL; "
            f"it has {_listed(records.header)}"
        )
    added = tuple(column.name for column in columns[len(expected.columns) :])
    return ReportFileReader(schema, added, columns, records, expected.row_kinds, expected.table)


def stored_schema(header: Sequence[str], expected: Expected) -> tuple[pa.Schema, tuple[Column, ...]]:
    """What a file with this header is stored as: the columns expected, then those that were not asked for,
    then `_row_kind`; and the columns themselves, without that."""
    known = {*(column.name for column in expected.columns), *expected.withheld}
    columns = expected.columns + tuple(
        Column(name, ColumnType.TEXT, NOT_ASKED_FOR, free_text=sounds_free(name))
        for name in header
        if name not in known
    )
    fields = [(each.stored_name, arrow_type(each, expected.timezone, expected.money)) for each in columns]
    if expected.row_kinds:
        fields.append((ROW_KIND, pa.string()))
    return pa.schema(fields), columns


def _refuse_header(records: RecordFile, asked: Sequence[str]) -> None:
    header, run_id = records.header, records.run_id
    present = set(header)
    missing = tuple(name for name in asked if name not in present)
    if missing:
        raise SchemaMismatchError(
            f"{run_id}: the file lacks {_listed(missing)}; it has {_listed(header)}{records.likeness()}",
            missing=missing,
        )
    if len(present) < len(header):
        twice = sorted(name for name in present if header.count(name) > 1)
        raise SchemaMismatchError(f"{run_id}: the file has {_listed(twice)} more than once")
    if any(not name.strip() or "\0" in name for name in header):
        raise SchemaMismatchError(f"{run_id}: a column of the file has no name; it has {_listed(header)}")


def _shown(cell: bytes) -> str:
    """The beginning of a value, short enough for an error message."""
    return repr(_shortened(cell[: 4 * _LONGEST_SHOWN].decode(errors="backslashreplace")))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(_shortened(visible(name)) for name in names[:20])
    return f"{shown} and {len(names) - 20} more" if len(names) > 20 else shown
