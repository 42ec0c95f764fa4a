"""One DuckDB view for a table, over the files that count, which may have other columns than each other.

Where all files have the same columns, DuckDB takes them from one and opens the others only when a query
needs them. Where columns came or went, they are united by name, as `schema_evolution` says; where the type of
one changed, making the view fails.

DuckDB gets the list of files from `shared_files`, and does not read what paths say: a directory above the
root may be called `currency=eur`. The last levels of each path become columns here, as text: `2026-06-01`
would be a date, and `2026-06-01-00:00` would not.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from connector.dataset.identity import Dataset
from connector.dataset.schema_evolution import Footer, one_schema
from connector.errors import StoreError
from connector.sql.quoting import literal, quoted
from connector.sql.shared_files import PROTOCOL
from connector.sql.source import SCHEMA, WHOSE, Source

#: DuckDB's name for the file that a row is from; no report can have such a column.
_FILE = "_file"


def create_view(connection: duckdb.DuckDBPyConnection, dataset: Dataset, footers: Sequence[Footer]) -> Source:
    """Make the view on a table over its files, of which there is at least one: those of `shared_files`.

    The connection shows times in UTC. Raises StoreError for files that cannot be read as one table.
    """
    schema = one_schema(footers)
    columns = schema.names
    alike = all(footer.schema.equals(footers[0].schema) for footer in footers)
    files = literal(f"{PROTOCOL}{dataset.table}")
    options = f"hive_partitioning = false, union_by_name = {not alike}, filename = {literal(_FILE)}"
    levels = dataset.path_columns
    of_path = {
        name: f"url_decode(split_part(split_part({_FILE}, '/', {at - len(levels) - 1}), '=', 2))"
        for at, name in enumerate(levels)
    }
    whose = "account_id" if "account_id" in columns else of_path.get("connected")
    if dataset.acting:
        whose = of_path["account"]
    if whose and WHOSE not in columns:
        of_path[WHOSE] = whose
    selected = [*map(quoted, columns), *(f"{found} AS {name}" for name, found in of_path.items())]
    view = f"{SCHEMA}.{quoted(dataset.table)}"
    rows = f"SELECT {', '.join(selected)} FROM read_parquet({files}, {options})"  # noqa: S608 - all quoted
    try:
        connection.execute(f"CREATE VIEW {view} AS {rows}")
    except duckdb.Error as error:
        raise StoreError(f"table {dataset.table} cannot be read: {error}") from None
    kinds = dict(zip(columns, schema.types, strict=True))
    return Source(dataset, kinds | dict.fromkeys(of_path, pa.string()), footers)
