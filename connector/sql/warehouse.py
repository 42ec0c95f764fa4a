"""SQL over the dataset: DuckDB with one view per table, reading the Parquet files where they lie.

Nothing is copied, and what is published later is seen by the next query. Views live in the schema `stripe`,
which is searched first, so `balance_summary` and `stripe.balance_summary` are the same. Money stays
`DECIMAL(36,18)` and instants are shown in UTC; two macros help people read:

    money_text(amount, currency)     the amount in the currency's digits, as text
    currency_digits(currency)        how many digits those are
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from rich.text import Text

from connector.api.models import Mode
from connector.convert.arrow_types import MONEY
from connector.dataset.coverage import coverage_of, intervals_of
from connector.dataset.store import Store
from connector.errors import ConfigurationError
from connector.money import CURRENCIES, USUAL_DIGITS, money_text
from connector.sql.views import create_view
from connector.terminal.console import DisplayTable
from connector.terminal.tables import table

SCHEMA = "stripe"

#: The tables there are: how many columns each has, its first and last period, and how many partitions are
#: missing in between, with the first of them. A query like any other.
TABLES = """
    SELECT table_name AS "table", count(*) AS columns, any_value("from") AS "from", any_value("to") AS "to",
        any_value(missing) AS missing, any_value(first_missing) AS "first missing"
    FROM information_schema.columns LEFT JOIN temp.coverage ON table_name = name
    WHERE table_schema = 'stripe'
    GROUP BY ALL ORDER BY ALL
"""

#: How DuckDB's name for the type of money, and of a sum of money, ends.
_MONEY_SCALE = f",{MONEY.scale})"


def open_warehouse(
    root: str | Path, mode: str | None = None, *, query: str | None = None
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in memory, with a view for every table below `<root>/<mode>` that has data.

    Args:
        root: a local directory. Object stores can be read with DuckDB itself, not yet through here.
        mode: `live`, `test` or `simulated`; the only one with data when None.
        query: what will be asked, where it is known: tables it does not name are not looked at. Each takes
            half a second for a thousand files.

    Raises:
        ConfigurationError: no data, or data of several modes and none was chosen; the message lists them.
        StoreError: a table's files cannot be read as one.
    """
    base = _local(root)
    chosen = _chosen(base, mode)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    # A file that was written since is read again; thousands that were not are not.
    connection.execute("SET parquet_metadata_cache = true")
    connection.execute(f"CREATE SCHEMA {SCHEMA}")
    for statement in _macros():
        connection.execute(statement)
    for name in _named(query, _tables(base / chosen)):
        create_view(connection, SCHEMA, name, base / chosen / name)
    if query in {None, TABLES}:
        _add_coverage(connection, root, chosen)
    connection.execute(f"SET search_path = '{SCHEMA},main'")
    return connection


def _add_coverage(connection: duckdb.DuckDBPyConnection, root: str | Path, mode: str) -> None:
    """A table of what each pinned table holds, by the keys of its files: none of them is opened."""
    connection.execute(
        'CREATE TEMP TABLE coverage (name VARCHAR, "from" VARCHAR, "to" VARCHAR, missing INTEGER, '
        "first_missing VARCHAR)"
    )
    store = Store(root)
    for dataset in (each for each in store.datasets() if each.mode == mode):
        found = coverage_of(dataset, intervals_of(dataset, store.keys(dataset)))
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
        _currency_of(name, columns) if kind.endswith(_MONEY_SCALE) else None
        for name, kind in zip(columns, kinds, strict=True)
    ]
    for row in relation.fetchall():
        cells = zip(row, kinds, currencies, strict=True)
        shown.add_row(*(_shown(value, kind, None if at is None else row[at]) for value, kind, at in cells))
    return shown


def _local(root: str | Path) -> Path:
    if "://" in str(root):
        raise ConfigurationError(
            f"{root} is not a directory on this machine; SQL over object stores is not there yet. "
            "DuckDB's own read_parquet reads them, with hive_partitioning and union_by_name."
        )
    return Path(root).absolute()


def _chosen(base: Path, mode: str | None) -> str:
    """The mode to read. Raises ConfigurationError where there is none, or several and none was chosen."""
    known = [each.value for each in Mode]
    if mode is not None and mode not in known:
        raise ConfigurationError(f"there is no mode {mode!r}; there are: {', '.join(known)}")
    filled = [each for each in known if _tables(base / each)]
    if mode is None and len(filled) > 1:
        raise ConfigurationError(f"{base} holds data of {' and '.join(filled)}; choose one with `mode`")
    if not filled or (mode is not None and mode not in filled):
        what = f"no {mode} data" if mode else "no data"
        there = f"; there are: {', '.join(filled)}" if filled else ""
        raise ConfigurationError(f"{what} under {base}{there}. `stripe-reports pull` puts some there.")
    return mode or filled[0]


def _tables(directory: Path) -> list[str]:
    """Names of the tables below a mode's directory that have a file."""
    if not directory.is_dir():
        return []
    names = (
        each.name for each in directory.iterdir() if each.is_dir() and not each.name.startswith(("_", "."))
    )
    return sorted(name for name in names if next((directory / name).glob("**/*.parquet"), None))


def _named(query: str | None, tables: Sequence[str]) -> Sequence[str]:
    """The tables whose names stand in a query; all where none does, as it may ask which there are."""
    return [table for table in tables if table in (query or "").lower()] or tables


def _macros() -> Sequence[str]:
    other = [(currency, count) for currency, count in CURRENCIES.items() if count != USUAL_DIGITS]
    cases = " ".join(f"WHEN '{currency}' THEN {count}" for currency, count in other)
    exact = f"CAST(amount AS DECIMAL(38,{MONEY.scale}))::VARCHAR"
    fraction = f"rtrim(split_part({exact}, '.', 2), '0')"
    return (
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
    if isinstance(value, Decimal) and kind.endswith(_MONEY_SCALE):
        return Text(money_text(value, currency if isinstance(currency, str) else None))
    return Text(str(value))
