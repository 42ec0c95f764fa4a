"""One DuckDB view for a table, whose files may have other columns than each other.

Where all files have the same columns, DuckDB takes them from one and opens the others only when a query
needs them. Where columns came or went, they are united by name, as `schema_evolution` says; where the type of
one changed, making the view fails.

The columns of a view are fixed when it is made; files published later are seen by the next query.
"""

from pathlib import Path

import duckdb
import pyarrow.fs as pafs

from connector.dataset.schema_evolution import one_schema, read_footers
from connector.errors import StoreError
from connector.sql.quoting import literal, quoted

#: What the path says stays text: `2026-06-01` would be a date, and `2026-06-01-00:00` would not.
_HIVE = "hive_partitioning = true, hive_types_autocast = false"


def create_view(connection: duckdb.DuckDBPyConnection, schema: str, table: str, directory: Path) -> None:
    """Make the view `schema.table` over the Parquet files below a directory on this machine.

    The connection shows times in UTC. Raises StoreError for files that cannot be read as one table.
    """
    files = literal(f"{_glob_escaped(str(directory))}/**/*.parquet")
    try:
        if _shapes(connection, files) == 1:
            selected = f"* FROM read_parquet({files}, {_HIVE})"
        else:
            columns = ", ".join(map(quoted, _columns(directory)))
            selected = f"{columns} FROM read_parquet({files}, {_HIVE}, union_by_name = true)"
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


def _columns(directory: Path) -> list[str]:
    """The columns of the table, then what paths say of their rows."""
    footers = read_footers(sorted(map(str, directory.glob("**/*.parquet"))), pafs.LocalFileSystem())
    levels = [part for part in Path(footers[0].path).relative_to(directory).parts if "=" in part]
    return [*one_schema(footers).names, *(level.partition("=")[0] for level in levels)]


def _glob_escaped(path: str) -> str:
    return "".join(f"[{each}]" if each in "*?[" else each for each in path)
