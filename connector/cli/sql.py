"""`sql`: query the files."""

import sys
from typing import cast

import click

import connector
from connector.accounts import NO_LISTS
from connector.cli.display.output import show_rows_as_json
from connector.cli.options import FILES_ENVIRONMENT, directory_option, json_option, lists_here, mode_option
from connector.errors import ConfigurationError, ReportingError
from connector.settings import Connection
from connector.terminal.tables import show


@click.command(epilog=FILES_ENVIRONMENT)
@click.argument("query", required=False)
@directory_option
@mode_option
@json_option
@click.option("--files", is_flag=True, help="Allow all that DuckDB can do, with any file of yours.")
def sql(query: str | None, *, connection: Connection, mode: str | None, as_json: bool, files: bool) -> None:
    """Query the files with DuckDB's SQL.

    Without QUERY it lists the tables; with `-` it reads the query from standard input. Files in an object
    store cannot be queried here yet.

    A query reads the tables and nothing else. With --files it may also read and write any file, as in
    COPY … TO, attach databases and install extensions.

    \b
    stripe-reports sql "SELECT currency, sum(net_amount) FROM balance_summary
                        WHERE _row_kind = 'movement' GROUP BY ALL"
    """
    import duckdb  # noqa: PLC0415 - slow to load, and only this command needs it

    from connector.sql.warehouse import TABLES, refuse_statements, render  # noqa: PLC0415

    statement = sys.stdin.read() if query == "-" else query or TABLES
    lists = lists_here() if statement == TABLES else NO_LISTS
    with connector.open_warehouse(
        connection.place(), mode, query=statement, confined=not files, lists=lists
    ) as warehouse:
        try:
            if not files:
                refuse_statements(warehouse, statement)
            relation = cast("duckdb.DuckDBPyRelation | None", warehouse.sql(statement))
            if relation is None:  # a statement that gives no rows
                return
            if as_json:
                show_rows_as_json(relation.columns, relation.fetchall())
            else:
                show(render(relation))
        except duckdb.ProgrammingError as error:
            raise ConfigurationError(str(error)) from None
        except duckdb.Error as error:
            # What one of our functions in a view raised says all there is to say.
            raise ReportingError(str(error).rpartition("StoreError: ")[2].partition("\n\nAt:")[0]) from None
