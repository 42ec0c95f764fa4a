"""What there is to query: each table with the periods it has, each view, and an example for each."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import duckdb

from connector.accounts import AccountLists
from connector.dataset.coverage import coverage_of
from connector.sql.source import Source
from connector.sql.views.derived import OF_FILES, Derived

#: The tables there are: how many columns each has, its first and last period, and how many partitions are
#: missing in between, with the first of them; an example, and the views on it. A query like any other.
TABLES = """
    SELECT table_name AS "table", count(*) AS columns, any_value("from") AS "from", any_value("to") AS "to",
        any_value(missing) AS missing, any_value(first_missing) AS "first missing",
        any_value(example) AS example, any_value(views) AS views
    FROM information_schema.columns JOIN temp.coverage ON table_name = name
    WHERE table_schema = 'stripe'
    GROUP BY ALL ORDER BY ALL
"""

#: Those of them that people look at.
COVERAGE = ("table", "columns", "from", "to", "missing", "first missing")


class Example(NamedTuple):
    """A table or view, in a sentence, and a query of it."""

    name: str
    about: str
    query: str


def add_listing(
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[Source],
    views: Iterable[Derived],
    lists: AccountLists,
) -> None:
    """Add what `TABLES` reads: what each table holds, by the files that count."""
    there = [each for each in views if _is_there(connection, each.name)]
    connection.execute(
        'CREATE TEMP TABLE coverage (name VARCHAR, "from" VARCHAR, "to" VARCHAR, missing INTEGER, '
        "first_missing VARCHAR, example VARCHAR, views VARCHAR[])"
    )
    for source in sources:
        files = [footer.provenance for footer in source.footers if footer.provenance]
        periods = {each.period: each.interval for each in files if each.interval}
        found = coverage_of(source.dataset, periods, lists)
        name, first = source.dataset.table, found.missing[0] if found.missing else None
        names = [each.name for each in there if each.reads(source.dataset)]
        row = (name, found.first, found.last, len(found.missing), first, _example(source), names)
        connection.execute("INSERT INTO coverage VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute("CREATE TEMP TABLE examples (name VARCHAR, about VARCHAR, query VARCHAR)")
    for each in _examples(sources, there):
        connection.execute("INSERT INTO examples VALUES (?, ?, ?)", each)


def examples(connection: duckdb.DuckDBPyConnection) -> list[Example]:
    """An example for each table and each view, of a warehouse that was opened for `TABLES`."""
    return [Example(*row) for row in connection.execute("FROM temp.examples").fetchall()]


def _examples(sources: Sequence[Source], views: Sequence[Derived]) -> Iterator[Example]:
    for source in sources:
        yield Example(source.dataset.table, source.spec.about, _example(source))
    for view in views:
        (table, *_) = [each for each in sources if view.reads(each.dataset)]
        yield Example(view.name, view.about, view.example or _summed(table, view.name))
    for name, (about, _, query) in OF_FILES.items():
        yield Example(name, about, query)


def _example(source: Source) -> str:
    """A query of a table, which adds up what may be added up."""
    if source.spec.row_kinds is None:
        return _summed(source, source.dataset.table)
    return f"FROM {source.dataset.table} LIMIT 10"


def _summed(source: Source, name: str) -> str:
    currency, amount = source.spec.currency_column, source.spec.amount_column
    if amount is None or not source.has(currency, amount):
        return f"FROM {name} LIMIT 10"
    return f"SELECT {currency}, sum({amount}) AS {amount} FROM {name} GROUP BY ALL"  # noqa: S608 - ours


def _is_there(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether the tables had the columns that a view needs."""
    found = connection.execute(
        "SELECT 1 FROM duckdb_views() WHERE schema_name = 'stripe' AND view_name = ?", [name]
    )
    return found.fetchone() is not None
