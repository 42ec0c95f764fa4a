"""One DuckDB view for a table, whose files may have other columns than each other.

Where all files have the same columns, DuckDB takes them from one and opens no other before a query needs it.
Where columns came or went, they are united by name. Where the type of one changed, its view has the type of
the newest file, and values of older files are read as `reading` reads them, when a query asks for them.

The columns of a view stand when it is made; files published later are seen by the next query.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.fs as pafs

from connector.cells import INSTANT, MONEY, WALL_CLOCK, BadCellError
from connector.errors import StoreError
from connector.reading import conform, misfit, one_schema, read_footers

#: What the path says stays text: `2026-06-01` would be a date, and `2026-06-01-00:00` would not.
_HIVE = "hive_partitioning = true, hive_types_autocast = false"

_DUCKDB_TYPES: Mapping[pa.DataType, str] = {
    pa.string(): "VARCHAR",
    MONEY: "DECIMAL(36,18)",
    pa.int64(): "BIGINT",
    INSTANT: "TIMESTAMP WITH TIME ZONE",
    WALL_CLOCK: "TIMESTAMP",
    pa.date32(): "DATE",
    pa.bool_(): "BOOLEAN",
}

Read = Callable[[pa.ChunkedArray, pa.ChunkedArray], pa.Array]


def create_view(connection: duckdb.DuckDBPyConnection, schema: str, table: str, directory: Path) -> None:
    """Make the view `schema.table` over the Parquet files below a directory on this machine.

    The connection shows times in UTC. Raises StoreError for files that cannot be read as one table.
    """
    files = _literal(f"{_glob_escaped(str(directory))}/**/*.parquet")
    try:
        if _shapes(connection, files) == 1:
            selected = f"* FROM read_parquet({files}, {_HIVE})"
        else:
            columns = ", ".join(_columns(connection, table, directory))
            selected = f"{columns} FROM read_parquet({files}, {_HIVE}, union_by_name = true, filename = true)"
        connection.execute(f'CREATE VIEW {schema}."{table}" AS SELECT {selected}')
    except duckdb.Error as error:
        raise StoreError(f"table {table} cannot be read: {error}") from None


def _shapes(connection: duckdb.DuckDBPyConnection, files: str) -> int:
    """How many different sets of typed columns the files have. What DuckDB reads for it, it remembers."""
    one = "concat_ws(' ', name, type, converted_type, logical_type, scale, precision)"
    ((count,),) = connection.execute(
        f"SELECT count(DISTINCT shape) FROM (SELECT string_agg({one}, ',' ORDER BY name) AS shape "  # noqa: S608
        f"FROM parquet_schema({files}) GROUP BY file_name)"
    ).fetchall()
    return int(count)


def _columns(connection: duckdb.DuckDBPyConnection, table: str, directory: Path) -> list[str]:
    """The columns of the view as SQL; those whose type changed are read by a function of their own."""
    footers = read_footers(sorted(map(str, directory.glob("**/*.parquet"))), pafs.LocalFileSystem())
    selected = []
    for field in one_schema(footers):
        held = {
            each.path: each.schema.field(field.name).type
            for each in footers
            if field.name in each.schema.names
        }
        name = _quoted(field.name)
        if set(held.values()) != {field.type}:
            function = f"read {table}.{field.name}"
            parameters = ["VARCHAR", "VARCHAR"]
            # The enums behind the two texts are to be found elsewhere in each version of DuckDB.
            connection.create_function(  # type: ignore[call-overload]
                function,
                _read_as(field, held),
                parameters,
                _DUCKDB_TYPES[field.type],
                type="arrow",
                null_handling="special",
            )
            name = f"{_quoted(function)}(CAST({name} AS VARCHAR), filename) AS {name}"
        selected.append(name)
    levels = [part for part in Path(footers[0].path).relative_to(directory).parts if "=" in part]
    return [*selected, *(_quoted(level.partition("=")[0]) for level in levels)]


def _read_as(field: pa.Field, held: Mapping[str, pa.DataType]) -> Read:
    """A function of texts and the files they come from: the values, with the type of `field`."""
    personal = (field.metadata or {}).get(b"personal") == b"true"

    def read(texts: pa.ChunkedArray, files: pa.ChunkedArray) -> pa.Array:
        paths = files.to_pylist()
        printed = [_printed(t, held.get(p)) for t, p in zip(texts.to_pylist(), paths, strict=True)]
        array = pa.array(printed, pa.string())
        try:
            return conform(array, field.type)
        except BadCellError as bad:
            at = bad.index
            raise misfit(paths[at], field, array[at], bad, personal=personal) from None

    return read


def _printed(text: str | None, held: pa.DataType | None) -> str | None:
    """DuckDB's text for a value as `reading` would write it; what was text is as it was."""
    if text is None or held is None or held == pa.string():
        return text
    if held == INSTANT:
        return text.removesuffix("+00")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _glob_escaped(path: str) -> str:
    return "".join(f"[{each}]" if each in "*?[" else each for each in path)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
