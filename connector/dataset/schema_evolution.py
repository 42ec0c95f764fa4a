"""The files of one table, whose columns changed over time, as one table.

Over the years a column is added, or gone. The table has every column that any of its files has; a file
without it has nulls there. A column has one type in all files: where that changed, because the catalogue
learned it, say, reading is refused, with the files to pull again. Nothing is converted while it is read.

The newest file is the one that was fetched last, not that of the last period: an old period that was pulled
again is as new as can be.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from connector.dataset.filesystem.root import Root, Version
from connector.dataset.provenance import Provenance, provenance_in
from connector.dataset.seal import metadata_in, read_footer
from connector.errors import StoreError
from connector.money import NARROW, WIDE
from connector.reserved import OF_PATHS

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_NAMED = 3

#: Up to this size a file whose rows will be read is held from when its footer is read.
_SMALL = 1 << 15

#: So many footers are remembered by their bytes: who opens a table again need not take them apart again.
_REMEMBERED = 2048

_UNREADABLE = (pa.ArrowException, OSError, ValueError, MemoryError)


@dataclass(frozen=True, slots=True)
class Footer:
    """What the end of a Parquet file says of it: its columns, and where it comes from; None where it is not
    one of ours.

    Attributes:
        whole: all of a small file, where its rows will be read.
    """

    path: str
    schema: pa.Schema
    provenance: Provenance | None
    whole: bytes | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def age(self) -> tuple[str, str]:
        """Later for files that were fetched later; the path decides where the files do not say."""
        return str(self.provenance.fetched_at) if self.provenance else "", self.path


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A Parquet file that is opened once for all that is read of it.

    Attributes:
        metadata: what its footer says, for Arrow, which need not read it again.
        bytes: all of it.
    """

    footer: Footer
    metadata: pq.FileMetaData
    bytes: pa.NativeFile

    def reader(self, *, ahead: bool = False) -> pq.ParquetFile:
        """Reads rows, and leaves the file open.

        Args:
            ahead: fetch all columns of a row group at once.
        """
        return pq.ParquetFile(self.bytes, metadata=self.metadata, pre_buffer=ahead)


def read_footers(
    paths: Mapping[str, Version | None], root: Root, *, whole: bool = False
) -> dict[str, Footer | None]:
    """The footer of each file, None where there is no file; several at a time where each is a request.

    Args:
        paths: and the version of each that a listing has just shown.
        whole: hold small files, as their rows will be read.

    Raises StoreError naming a file that cannot be read.
    """
    read = partial(_footer, root, _SMALL if whole else 0)
    return dict(zip(paths, root.each(read, list(paths.items())), strict=True))


@contextmanager
def opened_file(path: str, root: Root, *, whole: bool = False) -> Iterator[OpenedFile]:
    """Open a file, and read its footer; `whole` says that its rows will be read.

    Raises StoreError naming it where that cannot be done, and FileNotFoundError where there is none.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(root.opened(path, whole=whole)).bytes
            read = metadata_in(_footer_bytes(path, file))
            said = Footer(path, *_said_in(read))
        except FileNotFoundError:
            raise
        except _UNREADABLE as error:
            raise StoreError(f"could not read {path}: {root.explain(error)}") from None
        yield OpenedFile(said, read, file)


def _footer(root: Root, small: int, listed: tuple[str, Version | None]) -> Footer | None:
    path, known = listed
    try:
        with root.opened(path, known) as file:
            whole = bytes(file.bytes.read()) if file.bytes.size() <= small else None
            footer = _footer_bytes(path, file.bytes if whole is None else pa.BufferReader(whole))
        schema, provenance = _said(footer)
        return Footer(path, schema, provenance, whole)
    except FileNotFoundError:
        return None
    except _UNREADABLE as error:
        raise StoreError(f"could not read {path}: {root.explain(error)}") from None


def _footer_bytes(path: str, file: pa.NativeFile) -> bytes:
    footer = read_footer(file)
    if footer is None:
        raise StoreError(f"could not read {path}: its footer is damaged. Pull that partition again.")
    return footer


@lru_cache(maxsize=_REMEMBERED)
def _said(footer: bytes) -> tuple[pa.Schema, Provenance | None]:
    """The columns that a footer names, and where it says that the file comes from."""
    return _said_in(metadata_in(footer))


def _said_in(metadata: pq.FileMetaData) -> tuple[pa.Schema, Provenance | None]:
    schema = metadata.schema.to_arrow_schema().remove_metadata()
    return schema, provenance_in(metadata, schema)


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
        configured: columns the table is to have whatever the files say, with their types; but money as the
            files hold it.

    Raises StoreError for a column that has another type in some files than in the newest, or than configured.
    """
    kinds = _alike(footers)
    newest = [max(same, key=lambda each: each.age) for _, same in kinds] if len(kinds) > 1 else footers[:1]
    columns: dict[str, pa.Field] = {}
    configured = _with_money_of(newest, configured or pa.schema([]))
    ours = {field.name: field.type for field in configured}
    for footer in sorted(newest, key=lambda each: each.age, reverse=True):
        for field in footer.schema:
            if field.name not in columns:
                columns[field.name] = field
                where = "as configured" if field.name in ours else f"in the newest file, {footer.path}"
                _refuse_others(kinds, field.name, ours.get(field.name, field.type), where)
    _refuse_ambiguous(columns, newest)
    found = [*columns.values(), *(field for field in configured if field.name not in columns)]
    return pa.schema(sorted(found, key=lambda field: field.name.startswith("_")))


def _with_money_of(newest: Sequence[Footer], configured: pa.Schema) -> pa.Schema:
    """The same columns, those of money in the wide type where the files hold them in that."""
    held = {field.name: field.type for footer in newest for field in footer.schema}
    return pa.schema(
        field.with_type(held[field.name])
        if str(field.type) == NARROW and str(held.get(field.name)) == WIDE
        else field
        for field in configured
    )


def _refuse_ambiguous(names: Iterable[str], footers: Sequence[Footer]) -> None:
    """Raise StoreError for names that are one name to SQL, where case does not count, or that of a path."""
    seen = dict.fromkeys(OF_PATHS, "what the path says")
    for name in names:
        other = seen.setdefault(name.lower(), f"the column {name!r}")
        if other != f"the column {name!r}":
            paths = [footer.path for footer in footers if name in footer.schema.names]
            raise StoreError(
                f"column {name!r} in {_listed(paths)} cannot be distinguished from {other}. Pull those "
                "partitions again, without this column."
            )


def _refuse_others(
    kinds: Sequence[tuple[pa.Schema, Sequence[Footer]]], name: str, wanted: pa.DataType, where: str
) -> None:
    """Raise StoreError where files hold a column with another type than it has `where`."""
    others: dict[pa.DataType, list[str]] = {}
    for schema, same in kinds:
        if name in schema.names and (held := schema.field(name).type) != wanted:
            others.setdefault(held, []).extend(each.path for each in same)
    if others:
        listed = "; ".join(f"{held} in {_listed(paths)}" for held, paths in others.items())
        raise StoreError(
            f"column {name!r} is {wanted} {where}, but {listed}. Pull those partitions again, or "
            "materialize them again in Dagster."
        )


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    files = "1 file" if len(paths) == 1 else f"{len(paths)} files"
    return f"{files}: {', '.join(sorted(paths)[:_NAMED])}{more}"


def one_dataset(
    footers: Sequence[Footer],
    schema: pa.Schema,
    path_columns: Sequence[str],
    filesystem: pafs.FileSystem,
    base: str,
) -> "ds.Dataset":
    """A lazy Arrow dataset over the files, in their order, with the columns of `one_schema`.

    Args:
        path_columns: what paths say of their rows, as text: engines would guess a date for one key and not
            for another.
        base: the table's directory, below which paths say it.
    """
    # It imports pandas, which nothing else here needs.
    import pyarrow.dataset as ds  # noqa: PLC0415

    of_path = pa.schema([(name, pa.string()) for name in path_columns])
    return ds.dataset(
        [footer.path for footer in footers],
        schema=pa.schema([*schema, *of_path]),
        filesystem=filesystem,
        format="parquet",
        partitioning=ds.partitioning(of_path, flavor="hive"),
        partition_base_dir=base,
    )
