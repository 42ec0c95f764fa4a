"""The files of one table, whose columns changed over time, as one table.

Over the years a column is added, or gone, or was text until the catalogue learned its type. The table has
every column that any of its files has, each with the type that the newest file gives it; a file without it
has nulls there. What a file holds with another type becomes what the decoder would make of it today: text is
read as a cell of the CSV is, exactly, or is an error that names file, column and row; and what has a type
becomes text where the newest file holds text, since there no value is ever in the way.

The newest file is the one that was fetched last, not that of the last period: an old period that was pulled
again is as new as can be.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from connector.catalogue.spec import ColumnType
from connector.cells import INSTANT, MONEY, WALL_CLOCK, BadCellError, convert
from connector.errors import StoreError
from connector.provenance import METADATA_KEY

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_AT_ONCE = 8
_LONGEST_SHOWN = 60

_KINDS: Mapping[pa.DataType, ColumnType] = {
    MONEY: ColumnType.MONEY,
    pa.int64(): ColumnType.INTEGER,
    INSTANT: ColumnType.TIMESTAMP,
    WALL_CLOCK: ColumnType.TIMESTAMP,
    pa.date32(): ColumnType.DATE,
    pa.bool_(): ColumnType.BOOLEAN,
}


@dataclass(frozen=True, slots=True)
class Footer:
    """What the end of a Parquet file says of it: its columns, and in their metadata where it comes from."""

    path: str
    schema: pa.Schema

    @property
    def age(self) -> tuple[str, str]:
        """Later for files that were fetched later; the path decides where the files do not say."""
        with contextlib.suppress(ValueError, TypeError, KeyError):
            stated = (self.schema.metadata or {})[METADATA_KEY.encode()]
            return str(json.loads(stated)["fetched_at"]), self.path
        return "", self.path


def read_footers(paths: Sequence[str], filesystem: pafs.FileSystem) -> list[Footer]:
    """The footer of each file, each read once; several at a time where each is a journey.

    Raises StoreError naming a file that cannot be read.
    """
    read = partial(_footer, filesystem)
    if isinstance(filesystem, pafs.LocalFileSystem):
        return [read(path) for path in paths]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="footers") as pool:
        return list(pool.map(read, paths))


def _footer(filesystem: pafs.FileSystem, path: str) -> Footer:
    try:
        return Footer(path, pq.read_schema(path, filesystem=filesystem))
    except (pa.ArrowInvalid, OSError) as error:
        raise StoreError(f"could not read {path}: {error}") from None


def _alike(footers: Sequence[Footer]) -> list[tuple[pa.Schema, list[Footer]]]:
    """The files by what columns they have. There are few kinds, however many files."""
    kinds: list[tuple[pa.Schema, list[Footer]]] = []
    for footer in footers:
        same = next((files for schema, files in kinds if schema.equals(footer.schema)), None)
        if same is None:
            kinds.append((footer.schema, [footer]))
        else:
            same.append(footer)
    return kinds


def one_schema(footers: Sequence[Footer], configured: pa.Schema | None = None) -> pa.Schema:
    """The columns of the table: those of the newest file, then those only older files have, then ours.

    Args:
        footers: all files of the table, or those to be read.
        configured: columns the table is to have whatever the files say, with their types.
    """
    kinds = _alike(footers)
    newest = [max(same, key=lambda each: each.age) for _, same in kinds] if len(kinds) > 1 else footers[:1]
    fields = {field.name: field for field in configured or ()}
    order: dict[str, pa.Field] = {}
    for footer in sorted(newest, key=lambda each: each.age, reverse=True):
        for field in footer.schema:
            order.setdefault(field.name, _typed(field, fields.get(field.name)))
    columns = {**order, **{name: field for name, field in fields.items() if name not in order}}
    return pa.schema(sorted(columns.values(), key=lambda field: field.name.startswith("_")))


def _typed(found: pa.Field, configured: pa.Field | None) -> pa.Field:
    return found.with_type(configured.type) if configured is not None else found


def one_dataset(
    footers: Sequence[Footer],
    schema: pa.Schema,
    path_columns: Sequence[str],
    filesystem: pafs.FileSystem,
    base: str,
) -> "ds.Dataset":
    """A lazy Arrow dataset over the files, in their order, with the columns of `schema`.

    Files that fit are read where they lie, when they are read. The others are converted now: an Arrow
    dataset cannot do that exactly while it reads. They are held in a temporary file that is mapped into
    memory and goes with the dataset.

    Args:
        path_columns: what paths say of their rows, as text: engines would guess a date for one key and not
            for another.
        base: the table's directory, below which paths say it.

    Raises StoreError for a value that is nothing of its column's type.
    """
    # It imports pandas, which nothing else here needs.
    import pyarrow.dataset as ds  # noqa: PLC0415

    of_path = pa.schema([(name, pa.string()) for name in path_columns])
    whole = pa.schema([*schema, *of_path])
    lying = partial(
        ds.dataset,
        filesystem=filesystem,
        format="parquet",
        partitioning=ds.partitioning(of_path, flavor="hive"),
        partition_base_dir=base,
    )
    parts = []
    fitting = {footer.path for held, same in _alike(footers) if _fits(held, schema) for footer in same}
    for fits, run in groupby(footers, key=lambda footer: footer.path in fitting):
        same = list(run)
        if fits:
            parts.append(lying([footer.path for footer in same], schema=whole))
            continue
        batches = (
            conformed
            for footer in same
            for conformed in _conformed(
                lying([footer.path], schema=pa.schema([*footer.schema, *of_path])), footer.path, whole
            )
        )
        parts.append(ds.InMemoryDataset(_mapped(batches, whole)))
    if not parts:
        return lying([], schema=whole)
    return parts[0] if len(parts) == 1 else ds.UnionDataset(whole, parts)


def _fits(held: pa.Schema, schema: pa.Schema) -> bool:
    return all(field.type == schema.field(field.name).type for field in held)


def _conformed(file: "ds.Dataset", path: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of one file with the columns of the table."""
    row = 1
    for batch in file.to_batches(batch_readahead=1, fragment_readahead=0):
        arrays = [
            _column(batch, field, path, row) if field.name in batch.schema.names else _nulls(batch, field)
            for field in schema
        ]
        row += batch.num_rows
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _nulls(batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
    return pa.nulls(batch.num_rows, field.type)


def _column(batch: pa.RecordBatch, field: pa.Field, path: str, row: int) -> pa.Array:
    held = batch.column(field.name)
    try:
        return conform(held, field.type)
    except BadCellError as bad:
        personal = (batch.schema.field(field.name).metadata or {}).get(b"personal") == b"true"
        raise misfit(path, field, held[bad.index], bad, row=row + bad.index, personal=personal) from None


def misfit(
    path: str,
    field: pa.Field,
    value: pa.Scalar,
    bad: BadCellError,
    *,
    row: int | None = None,
    personal: bool = False,
) -> StoreError:
    """The error for a value of an older file that is nothing of the type its column has by now."""
    shown = "a value" if personal else repr(str(value.as_py())[:_LONGEST_SHOWN])
    place = f"column {field.name!r}" + (f", row {row}" if row is not None else "")
    return StoreError(
        f"{path}: {place}: {shown} {bad.why}, and newer files of the table hold {field.type} there. "
        f"Pull that partition again, or give {field.name} the type text in `columns`."
    )


def conform(held: pa.Array, wanted: pa.DataType) -> pa.Array:
    """A column as another type, exactly: text as the decoder reads a cell, anything else by way of its text.

    Raises BadCellError for the first value that is nothing of the kind.
    """
    if held.type == wanted:
        return held
    if pa.types.is_timestamp(held.type) and pa.types.is_timestamp(wanted):
        return _refuse_other_clock(held, wanted)
    texts = held if pa.types.is_string(held.type) else _texts(held)
    return texts if pa.types.is_string(wanted) else convert(texts.cast(pa.binary()), _kind(wanted), wanted)


def _kind(wanted: pa.DataType) -> ColumnType:
    if wanted not in _KINDS:
        raise StoreError(f"{wanted} is no type that report files have; who wrote to this table?")
    return _KINDS[wanted]


def _refuse_other_clock(held: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Which instant a time on a wall clock was, the file alone cannot tell."""
    if held.null_count == len(held):
        return pa.nulls(len(held), wanted)
    first = held.is_valid().index(True).as_py()
    raise BadCellError(first, "is a time on another clock than those")


def _texts(held: pa.Array) -> pa.Array:
    """Values as Stripe prints them, as far as that can be known: fractions without zeros at their end."""
    return pa.array([None if value is None else _text(value) for value in held.to_pylist()], pa.string())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        plain = value.replace(tzinfo=None).isoformat(sep=" ")
    else:
        plain = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _mapped(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """The rows as a table that is held by the disk, not by memory, and by nobody once it is forgotten."""
    handle, name = tempfile.mkstemp(prefix="stripe-reports-", suffix=".arrow")
    try:
        with os.fdopen(handle, "wb") as file, pa.ipc.new_file(file, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
        return pa.ipc.open_file(pa.memory_map(name)).read_all()
    except OSError as error:
        raise StoreError(f"could not write {name}: {error}") from None
    finally:
        # A file that is mapped lives on without a name, but not on Windows, where it stays until a cleanup.
        with contextlib.suppress(OSError):
            Path(name).unlink()
