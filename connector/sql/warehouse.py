"""SQL over the dataset: DuckDB with one view per table, reading the Parquet files where they lie.

Nothing is copied. A view has the files that count when it is made; partitions published later are seen when
the warehouse is opened again. Views live in the schema `stripe`, which is searched first, so
`balance_summary` and `stripe.balance_summary` are the same; beside those of the tables there are the views
that `derived` makes of them. Money in tables has the type it has in files, and instants are shown in UTC; two
macros help people read:

    money_text(amount, currency)     the amount in the currency's digits, as text
    currency_digits(currency)        how many digits those are
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from rich.text import Text

from connector.accounts import NO_LISTS, AccountLists
from connector.api.models import Mode
from connector.convert.arrow_types import MONEY, NUMBER
from connector.dataset.coverage import coverage_of
from connector.dataset.filesystem.place import Place
from connector.dataset.identity import Dataset
from connector.dataset.schema_evolution import Footer
from connector.dataset.store import Store
from connector.errors import ConfigurationError
from connector.money import CURRENCIES, USUAL_DIGITS, money_text
from connector.sql.derived import OF_FILES, Derived, comment, create_derived, find_derived
from connector.sql.files import RESTATED, partitions, restated
from connector.sql.quoting import literal
from connector.sql.source import SCHEMA, Source, exact_money_macro
from connector.sql.views import create_view, glob_escaped
from connector.terminal.console import DisplayTable
from connector.terminal.tables import table

#: The tables there are: how many columns each has, its first and last period, and how many partitions are
#: missing in between, with the first of them. A query like any other.
TABLES = """
    SELECT table_name AS "table", count(*) AS columns, any_value("from") AS "from", any_value("to") AS "to",
        any_value(missing) AS missing, any_value(first_missing) AS "first missing"
    FROM information_schema.columns JOIN temp.coverage ON table_name = name
    WHERE table_schema = 'stripe'
    GROUP BY ALL ORDER BY ALL
"""

#: How a statement that writes begins, wherever it stands in another.
_WRITES = re.compile(r"\b(copy|export|create|insert|attach|install|load|call|pragma|set)\b", re.IGNORECASE)

#: How DuckDB's names for the types of money, and of sums of money, end.
_MONEY_SCALES = f",{MONEY.scale})", f",{NUMBER.scale})"


def open_warehouse(
    root: str | Path | Place,
    mode: str | None = None,
    *,
    query: str | None = None,
    expected: Iterable[Dataset] = (),
    confined: bool = False,
    lists: AccountLists = NO_LISTS,
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in memory, with a view for every table below `<root>/<mode>` that has data.

    Tables are those with a pin, and their files those that count: see the README of `connector.dataset`.

    Args:
        root: a local directory. Object stores can be read with DuckDB itself, not yet through here.
        mode: `live`, `test` or `simulated`; the only one with data when None.
        query: what will be asked, where it is known: tables that neither it nor a view in it names are not
            looked at. Each takes a tenth of a second for a thousand files.
        expected: tables that have to be of exactly this report configuration.
        confined: nothing but these tables can be read, nothing can be written, and settings are locked. Else
            the connection is as DuckDB makes it: what is executed on it may read and write any file of this
            user, attach databases, and install extensions. Ask for `refuse_statements` as well then.
        lists: the accounts that the configuration names, for what the list of tables says is missing.

    Raises:
        ConfigurationError: no data, or data of several modes and none was chosen; the message lists them.
        DatasetMismatchError: a table is of another report configuration than expected, naming both.
        StoreError: a table's files cannot be read as one.
    """
    store = _local_store(root)
    for each in expected:
        store.check(each)
    filled = [each for each in store.datasets() if store.holds(each)]
    chosen = _chosen(
        store.root, [each for each in Mode if each in {dataset.mode for dataset in filled}], mode
    )
    tables = {each.table: each for each in filled if each.mode == chosen}
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    # A file that was written since is read again; thousands that were not are not.
    connection.execute("SET parquet_metadata_cache = true")
    connection.execute(f"CREATE SCHEMA {SCHEMA}")
    for statement in _macros():
        connection.execute(statement)
    views = find_derived(tables)
    named = _named(query, [*tables, *views, *OF_FILES])
    read = [name for name, each in tables.items() if _is_read(each, named, views)]
    counted = {name: store.footers(tables[name]) for name in read}
    sources = [create_view(connection, tables[name], footers) for name, footers in counted.items() if footers]
    for source in sources:
        comment(connection, "VIEW", source.dataset.table, source.spec.about, source.abouts())
    for name in views:
        if name in named:
            create_derived(connection, views[name], sources)
    _add_files(connection, store, sources, [name for name in OF_FILES if name in named])
    if query in {None, TABLES}:
        _add_coverage(connection, [(tables[name], footers) for name, footers in counted.items()], lists)
    connection.execute(f"SET search_path = '{SCHEMA},main'")
    if confined:
        _confine(connection, [footer.path for footers in counted.values() for footer in footers])
    return connection


def refuse_statements(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Raise ConfigurationError unless a query only reads: a confined connection could still write over the
    files that it may read."""
    for statement in connection.extract_statements(query):
        kind = statement.type.name
        # An explained statement may be carried out, and one that pivots is several.
        wrapped = kind == "EXPLAIN" or kind.startswith("MULTI")
        if kind != "SELECT" and not (wrapped and not _WRITES.search(statement.query)):
            raise ConfigurationError(
                f"{kind} is not allowed here, only queries of the tables: SELECT, DESCRIBE, SHOW, EXPLAIN. "
                "--files allows all that DuckDB can do, with any file"
            )


def _confine(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> None:
    allowed = ", ".join(literal(path) for path in {*paths, *map(glob_escaped, paths)})
    connection.execute(f"SET allowed_paths = [{allowed}]")
    for setting in ("enable_external_access", "autoinstall_known_extensions", "autoload_known_extensions"):
        connection.execute(f"SET {setting} = false")
    connection.execute("SET lock_configuration = true")


def _add_coverage(
    connection: duckdb.DuckDBPyConnection,
    tables: Iterable[tuple[Dataset, Sequence[Footer]]],
    lists: AccountLists,
) -> None:
    """A table of what each table holds, by the files that count."""
    connection.execute(
        'CREATE TEMP TABLE coverage (name VARCHAR, "from" VARCHAR, "to" VARCHAR, missing INTEGER, '
        "first_missing VARCHAR)"
    )
    for dataset, footers in tables:
        files = [each for footer in footers if (each := footer.provenance)]
        there = {each.period: each.interval for each in files if each.interval}
        found = coverage_of(dataset, there, lists)
        first = found.missing[0] if found.missing else None
        row = (dataset.table, found.first, found.last, len(found.missing), first)
        connection.execute("INSERT INTO coverage VALUES (?, ?, ?, ?, ?)", row)


def render(relation: duckdb.DuckDBPyRelation, *, title: str | None = None) -> DisplayTable:
    """The rows of a query as a table for people. It fetches them all: limit what may be long.

    Money is shown in the digits of the currency that stands in the same row: that of `x_currency` for an
    amount `x_amount` where there is one, else that of `currency`.
    """
    columns = list(relation.columns)
    kinds = [str(kind) for kind in relation.types]
    numbers = [name for name, kind in zip(columns, kinds, strict=True) if _is_number(kind)]
    shown = table(*columns, title=title, numbers=numbers)
    currencies = [
        _currency_of(name, columns) if kind.endswith(_MONEY_SCALES) else None
        for name, kind in zip(columns, kinds, strict=True)
    ]
    for row in relation.fetchall():
        cells = zip(row, kinds, currencies, strict=True)
        shown.add_row(*(_shown(value, kind, None if at is None else row[at]) for value, kind, at in cells))
    return shown


def _add_files(
    connection: duckdb.DuckDBPyConnection, store: Store, sources: Sequence[Source], names: Iterable[str]
) -> None:
    """The tables of that name that say what is known of the files."""
    tables = [(each.dataset, each.footers) for each in sources]
    for name in names:
        rows = restated(store, tables) if name == RESTATED else partitions(tables)
        connection.register("rows_of_files", rows)
        connection.execute(f"CREATE TABLE {SCHEMA}.{name} AS FROM rows_of_files")
        connection.unregister("rows_of_files")
        comment(connection, "TABLE", name, *OF_FILES[name])


def _local_store(root: str | Path | Place) -> Store:
    place = Place.of(root)
    if place.is_remote:
        raise ConfigurationError(
            f"{place} is not a directory on this machine; SQL over object stores is not there yet. "
            "DuckDB's own read_parquet reads them, with hive_partitioning and union_by_name."
        )
    return Store(place)


def _chosen(root: str, filled: Sequence[str], mode: str | None) -> str:
    """The mode to read. Raises ConfigurationError where there is none, or several and none was chosen."""
    known = [each.value for each in Mode]
    if mode is not None and mode not in known:
        raise ConfigurationError(f"there is no mode {mode!r}; there are: {', '.join(known)}")
    if mode is None and len(filled) > 1:
        raise ConfigurationError(f"{root} holds data of {' and '.join(filled)}; choose one with `mode`")
    if not filled or (mode is not None and mode not in filled):
        what = f"no {mode} data" if mode else "no data"
        there = f"; there are: {', '.join(filled)}" if filled else ""
        raise ConfigurationError(f"{what} under {root}{there}. `stripe-reports pull` puts some there.")
    return mode or filled[0]


def _named(query: str | None, names: Sequence[str]) -> Sequence[str]:
    """The tables and views whose names stand in a query; all where none does, as it may ask which there
    are."""
    return [each for each in names if each in (query or "").lower()] or names


def _is_read(dataset: Dataset, named: Sequence[str], views: Mapping[str, Derived]) -> bool:
    """Whether a table is named, or is one that a view that is named is made of."""
    if dataset.table in named or any(name in OF_FILES for name in named):
        return True
    return any(views[name].reads(dataset) for name in named if name in views)


def _macros() -> Sequence[str]:
    other = [(currency, count) for currency, count in CURRENCIES.items() if count != USUAL_DIGITS]
    cases = " ".join(f"WHEN '{currency}' THEN {count}" for currency, count in other)
    exact = f"CAST(amount AS DECIMAL(38,{NUMBER.scale}))::VARCHAR"
    fraction = f"rtrim(split_part({exact}, '.', 2), '0')"
    return (
        exact_money_macro(),
        f"CREATE MACRO {SCHEMA}.currency_digits(currency) AS "
        f"CASE lower(currency) {cases} ELSE {USUAL_DIGITS} END",
        f"CREATE MACRO {SCHEMA}.money_text(amount, currency) AS split_part({exact}, '.', 1) || "
        f"CASE greatest(len({fraction}), {SCHEMA}.currency_digits(currency)) WHEN 0 THEN '' ELSE '.' || "
        f"rpad({fraction}, greatest(len({fraction}), {SCHEMA}.currency_digits(currency))::INTEGER, '0') END",
    )


def _is_number(kind: str) -> bool:
    return "INT" in kind or kind.startswith("DECIMAL") or kind in {"DOUBLE", "FLOAT"}


def _currency_of(name: str, columns: Sequence[str]) -> int | None:
    """Where the currency of an amount stands in the row; None where nothing says."""
    for candidate in (re.sub(r"amount$", "currency", name), "currency"):
        if candidate != name and candidate in columns:
            return columns.index(candidate)
    return None


def _shown(value: Any, kind: str, currency: Any) -> Text:
    if value is None:
        return Text("null", style="dim")
    if isinstance(value, Decimal) and kind.endswith(_MONEY_SCALES):
        return Text(money_text(value, currency if isinstance(currency, str) else None))
    return Text(str(value))
