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
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from connector.accounts import NO_LISTS, AccountLists
from connector.api.models import Mode
from connector.dataset.filesystem.place import Place
from connector.dataset.filesystem.root import Root
from connector.dataset.identity import Dataset
from connector.dataset.schema_evolution import Footer
from connector.dataset.store import Store
from connector.errors import ConfigurationError
from connector.money import CURRENCIES, USUAL_DIGITS
from connector.sql.listing import TABLES, add_listing
from connector.sql.quoting import literal
from connector.sql.shared_files import PROTOCOL, register
from connector.sql.source import SCHEMA, Source, exact_money_macro
from connector.sql.views.derived import OF_FILES, Derived, comment, create_derived, find_derived
from connector.sql.views.files import RESTATED, partitions, restated
from connector.sql.views.table import create_view

#: How a statement that writes begins, wherever it stands in another.
_WRITES = re.compile(r"\b(copy|export|create|insert|attach|install|load|call|pragma|set)\b", re.IGNORECASE)


def open_warehouse(
    root: str | Path | Place | Root,
    mode: str | None = None,
    *,
    query: str | None = None,
    expected: Iterable[Dataset] = (),
    confined: bool = False,
    lists: AccountLists = NO_LISTS,
    only: Collection[Dataset] | None = None,
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in memory, with a view for every table below `<root>/<mode>` that has data.

    Tables are those with a pin, and their files those that count: see the README of `connector.dataset`.

    Args:
        root: a directory, the URL of a bucket, or a root that is open already.
        mode: `live`, `test` or `simulated`; the only one with data when None.
        query: what will be asked, where it is known: tables that neither it nor a view in it names are not
            looked at. Each takes a tenth of a second for a thousand files.
        expected: tables that have to be of exactly this report configuration.
        confined: nothing but these tables can be read, nothing can be written, and settings are locked. Else
            the connection is as DuckDB makes it: what is executed on it may read and write any file of this
            user, attach databases, and install extensions. Ask for `refuse_statements` as well then.
        lists: the accounts that the configuration names, for what the list of tables says is missing.
        only: the tables there are; what else lies below the root is not looked at, and is in no view.

    Raises:
        ConfigurationError: no data, or data of several modes and none was chosen; the message lists them.
        DatasetMismatchError: a table is of another report configuration than expected, naming both.
        StoreError: a table's files cannot be read as one.
    """
    store = Store(root)
    there = store.datasets() if only is None else only
    with store.snapshot(there):
        for each in expected:
            store.check(each)
        tables = _tables(store, there, mode)
        views = find_derived(tables)
        named = _named(None if query == TABLES else query, [*tables, *views, *OF_FILES])
        read = [name for name, each in tables.items() if _is_read(each, named, views)]
        counted = {name: store.footers(tables[name], whole=True) for name in read}
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE SCHEMA {SCHEMA}")
    for statement in _macros():
        connection.execute(statement)
    if store.directory is None:
        counted = {name: _by_url(store, footers) for name, footers in counted.items()}
    files = {name: {each.path: each.whole for each in footers} for name, footers in counted.items()}
    register(connection, store, files)
    sources = [
        create_view(connection, tables[name], [replace(each, whole=None) for each in footers])
        for name, footers in counted.items()
        if footers
    ]
    for source in sources:
        comment(connection, "VIEW", source.dataset.table, source.spec.about, source.abouts())
    for name in views:
        if name in named:
            create_derived(connection, views[name], sources)
    _add_files(
        connection, store, [] if query == TABLES else sources, [each for each in OF_FILES if each in named]
    )
    if query in {None, TABLES}:
        add_listing(connection, sources, [views[name] for name in views if name in named], lists)
    connection.execute(f"SET search_path = '{SCHEMA},main'")
    if confined:
        _confine(connection, [*files, *(path for each in files.values() for path in each)])
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


def _confine(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    allowed = ", ".join(literal(f"{PROTOCOL}{name}") for name in names)
    connection.execute(f"SET allowed_paths = [{allowed}]")
    for setting in ("enable_external_access", "autoinstall_known_extensions", "autoload_known_extensions"):
        connection.execute(f"SET {setting} = false")
    connection.execute("SET lock_configuration = true")


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
        comment(connection, "TABLE", name, *OF_FILES[name][:2])


def _by_url(store: Store, footers: Sequence[Footer]) -> tuple[Footer, ...]:
    """The same, where each is in a bucket with the scheme of its URL."""
    return tuple(replace(footer, path=f"{store.scheme}://{footer.path}") for footer in footers)


def _tables(store: Store, there: Collection[Dataset], mode: str | None) -> dict[str, Dataset]:
    """The tables to read, by name: those of one mode that have data.

    Raises ConfigurationError where there are none, or of several modes and none was chosen.
    """
    known = [each.value for each in Mode]
    if mode is not None and mode not in known:
        raise ConfigurationError(f"there is no mode {mode!r}; there are: {', '.join(known)}")
    having = [each for each in there if store.holds(each)]
    filled = [each for each in known if each in {dataset.mode for dataset in having}]
    if mode is None and len(filled) > 1:
        raise ConfigurationError(f"{store.root} holds data of {' and '.join(filled)}; choose one with `mode`")
    if not filled or (mode is not None and mode not in filled):
        _refuse_widening(store, mode)
        what = f"no {mode} data" if mode else "no data"
        others = f"; there are: {', '.join(filled)}" if filled else ""
        raise ConfigurationError(f"{what} under {store.root}{others}. `stripe-reports pull` puts some there.")
    return {each.table: each for each in having if each.mode == (mode or filled[0])}


def _refuse_widening(store: Store, mode: str | None) -> None:
    """Raise DatasetMismatchError where the data are there, in tables whose files are being rewritten."""
    for each in store.tables_being_widened():
        if mode in {None, each.mode}:
            store.check(each)


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
    # A decimal has all its digits as text, whatever its scale; a float may have an exponent.
    exact = (
        "(CASE WHEN typeof(amount) LIKE 'DECIMAL%' THEN amount::VARCHAR "
        "ELSE CAST(amount AS DECIMAL(38,18))::VARCHAR END)"
    )
    fraction = f"rtrim(split_part({exact}, '.', 2), '0')"
    return (
        exact_money_macro(),
        f"CREATE MACRO {SCHEMA}.currency_digits(currency) AS "
        f"CASE lower(currency) {cases} ELSE {USUAL_DIGITS} END",
        f"CREATE MACRO {SCHEMA}.money_text(amount, currency) AS split_part({exact}, '.', 1) || "
        f"CASE greatest(len({fraction}), {SCHEMA}.currency_digits(currency)) WHEN 0 THEN '' ELSE '.' || "
        f"rpad({fraction}, greatest(len({fraction}), {SCHEMA}.currency_digits(currency))::INTEGER, '0') END",
    )
