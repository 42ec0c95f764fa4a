"""`sql`: query the files."""

import re
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

import connector
from connector.accounts import NO_LISTS
from connector.cli.display.output import show_rows_as_json
from connector.cli.options import FILES_ENVIRONMENT, json_option, lists_here, mode_option, root_option
from connector.errors import ConfigurationError, ReportingError
from connector.settings import Connection
from connector.terminal.lines import echo
from connector.terminal.spreadsheets import echo_csv
from connector.terminal.tables import show
from connector.text import hint

if TYPE_CHECKING:
    import duckdb

#: Where DuckDB says that there is no table or view of that name.
_UNKNOWN = re.compile(r"Table with name (.+?) does not exist")

_WIDTH = 80


@click.command(epilog=FILES_ENVIRONMENT)
@click.argument("query", required=False)
@root_option
@mode_option
@json_option
@click.option(
    "--csv", "as_csv", is_flag=True, help="CSV for spreadsheets, in which no text becomes a formula."
)
@click.option("--exact", is_flag=True, help="All decimals of amounts, also those that are zero.")
@click.option("--files", is_flag=True, help="Allow all that DuckDB can do, with any file of yours.")
def sql(
    query: str | None,
    *,
    connection: Connection,
    mode: str | None,
    as_json: bool,
    as_csv: bool,
    exact: bool,
    files: bool,
) -> None:
    """Query the files with DuckDB's SQL.

    Without QUERY it lists the tables and views with an example each; with `-` it reads the query from
    standard input.

    Amounts are shown in the digits of the currency in their row, and more only where they are not zero.

    A query reads the tables and nothing else. With --files it may also read and write any file, as in
    COPY … TO, attach databases and install extensions.

    \b
    stripe-reports sql "SELECT _date, currency, closing FROM balances ORDER BY ALL"
    stripe-reports sql "FROM daily_net" --csv > daily_net.csv
    """
    import duckdb  # noqa: PLC0415 - slow to load, and only this command needs it

    from connector.sql.listing import TABLES  # noqa: PLC0415
    from connector.sql.warehouse import refuse_statements  # noqa: PLC0415

    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    statement = sys.stdin.read() if query == "-" else query or TABLES
    lists = lists_here() if statement == TABLES else NO_LISTS
    with connector.open_warehouse(
        connection.root, mode, query=statement, confined=not files, lists=lists
    ) as warehouse:
        try:
            if not files:
                refuse_statements(warehouse, statement)
            relation = cast("duckdb.DuckDBPyRelation | None", warehouse.sql(statement))
            if relation is None:  # a statement that gives no rows
                return
            if statement == TABLES and not (as_json or as_csv):
                _list(warehouse, relation)
            else:
                _show(relation, as_json=as_json, as_csv=as_csv, exact=exact)
        except duckdb.ProgrammingError as error:
            raise ConfigurationError(_explain(error, connection, mode)) from None
        except duckdb.Error as error:
            # What one of our functions in a view raised says all there is to say.
            raise ReportingError(str(error).rpartition("StoreError: ")[2].partition("\n\nAt:")[0]) from None


def _show(relation: "duckdb.DuckDBPyRelation", *, as_json: bool, as_csv: bool, exact: bool) -> None:
    from connector.sql.output import render, rows_of  # noqa: PLC0415 - it loads rich

    if as_json:
        show_rows_as_json(relation.columns, rows_of(relation, exact=exact))
    elif as_csv:
        echo_csv(relation.columns)
        for row in rows_of(relation, exact=exact):
            echo_csv(row)
    else:
        show(render(relation, exact=exact))


def _list(warehouse: "duckdb.DuckDBPyConnection", tables: "duckdb.DuckDBPyRelation") -> None:
    """The tables with what they hold; then tables and views, each with a query to begin with."""
    from connector.sql.listing import COVERAGE, examples  # noqa: PLC0415
    from connector.sql.output import render  # noqa: PLC0415

    show(render(tables.select(*COVERAGE)))
    echo('\nExamples, each for stripe-reports sql "…":')
    for name, about, example in examples(warehouse):
        lines = textwrap.wrap(f"{name}: {about}", _WIDTH, break_long_words=False, break_on_hyphens=False)
        broken = example.replace(" FROM ", "\n    FROM ") if len(example) > _WIDTH - 2 else example
        echo("\n" + "\n".join([*lines, f"  {broken}"]))


def _explain(error: Exception, connection: Connection, mode: str | None) -> str:
    """What DuckDB says; where a table is not there, which are, or why it is not read."""
    unknown = _UNKNOWN.search(str(error))
    if unknown is None:
        return str(error)
    for path, reason in connection.store().unusable_tables().items():
        if Path(path).stem == unknown[1].lower():
            return f"{path}: {reason}"
    from connector.sql.listing import TABLES, examples  # noqa: PLC0415

    with connector.open_warehouse(connection.root, mode, query=TABLES) as warehouse:
        names = [each.name for each in examples(warehouse)]
    nearest = hint(unknown[1], names)
    there = "" if "there are:" in nearest else f"; there are: {', '.join(names)}"
    return f"there is no table or view {unknown[1]!r}{nearest}{there}"
