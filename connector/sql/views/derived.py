"""The views that are made of tables: what each is called, what it reads, and what its columns mean.

A view is there where the tables that it needs are. A table of the same name comes first: it is somebody's
own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from connector.dataset.identity import Dataset
from connector.sql.quoting import literal, quoted
from connector.sql.source import SCHEMA, Source, spec_of
from connector.sql.views import balances, files, ledger, movements, payout_contents


@dataclass(frozen=True, slots=True)
class Derived:
    """A view on tables.

    Attributes:
        columns: what each means, in their order; empty where they are those of the table it reads.
        reads: whether a table is one that it is made of.
        select: its query; None where the tables lack columns it needs.
        example: a query of it; empty for one that adds up what its table adds up.
    """

    name: str
    about: str
    columns: Mapping[str, str]
    reads: Callable[[Dataset], bool]
    select: Callable[[Sequence[Source]], str | None]
    example: str = ""


#: The views of fixed names that are queries of tables.
VIEWS = (
    Derived(
        balances.NAME,
        balances.ABOUT,
        balances.COLUMNS,
        balances.reads,
        balances.select_balances,
        "SELECT currency, _date, closing FROM balances ORDER BY ALL",
    ),
    Derived(
        ledger.DAILY_NET,
        ledger.DAILY_NET_ABOUT,
        ledger.DAILY_NET_COLUMNS,
        ledger.reads,
        ledger.select_daily_net,
        "SELECT currency, reporting_category, sum(net) AS net FROM daily_net GROUP BY ALL",
    ),
    Derived(
        ledger.FEES,
        ledger.FEES_ABOUT,
        ledger.FEES_COLUMNS,
        ledger.reads,
        ledger.select_fees,
        "SELECT currency, reporting_category, sum(fee) AS fee FROM fees_by_category GROUP BY ALL",
    ),
    Derived(
        payout_contents.NAME,
        payout_contents.ABOUT,
        payout_contents.COLUMNS,
        payout_contents.reads,
        payout_contents.select_payout_contents,
        "SELECT payout_id, currency, amount, net FROM payout_contents WHERE difference <> 0",
    ),
)

#: The tables of fixed names that say what is known of the files: their descriptions, columns and examples.
OF_FILES: Mapping[str, tuple[str, Mapping[str, str], str]] = {
    files.PARTITIONS: (
        files.PARTITIONS_ABOUT,
        files.PARTITIONS_COLUMNS,
        "SELECT path, rows, report_run_id, as_of FROM _partitions ORDER BY as_of",
    ),
    files.RESTATED: (
        files.RESTATED_ABOUT,
        files.RESTATED_COLUMNS,
        "SELECT key, currency, net_before, net_after FROM restated",
    ),
}


def find_derived(tables: Mapping[str, Dataset]) -> dict[str, Derived]:
    """The views that there may be on these tables, by name. Whether the files have the columns that a view
    needs shows when it is made."""
    found = [*map(_movements, tables.values()), *VIEWS]
    return {
        each.name: each for each in found if each.name not in tables and any(map(each.reads, tables.values()))
    }


def create_derived(connection: duckdb.DuckDBPyConnection, view: Derived, sources: Sequence[Source]) -> None:
    """Make a view on those of the tables that it reads; nothing where they lack columns it needs."""
    read = [each for each in sources if view.reads(each.dataset)]
    selected = view.select(read) if read else None
    if selected:
        name = f"{SCHEMA}.{quoted(view.name)}"
        connection.execute(f"CREATE VIEW {name} AS {selected}")
        comment(connection, "VIEW", view.name, view.about, view.columns or read[0].abouts())


def comment(
    connection: duckdb.DuckDBPyConnection, kind: str, name: str, about: str, columns: Mapping[str, str]
) -> None:
    """Say what a table or view is and what its columns mean; `duckdb_columns()` lists it."""
    whole = f"{SCHEMA}.{quoted(name)}"
    statements = [f"COMMENT ON {kind} {whole} IS {literal(about)}"]
    statements += [
        f"COMMENT ON COLUMN {whole}.{quoted(column)} IS {literal(text)}" for column, text in columns.items()
    ]
    connection.execute("; ".join(statements))


def _movements(dataset: Dataset) -> Derived:
    """The rows of a summary that may be added up; a view on no table where the table is not one."""
    name, is_summary = dataset.table, spec_of(dataset).row_kinds is not None
    return Derived(
        f"{name}{movements.ENDING}",
        f"The rows of `{name}` without balances, subtotals and totals: to be added up.",
        {},
        lambda each: is_summary and each.table == name,
        movements.select_movements,
    )
