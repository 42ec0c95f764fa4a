"""`types`: which reports can be pulled, from the catalogue or from Stripe, and what is configured here."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

import connector
from connector.api.retry import SHORT_RETRY
from connector.cli.completion import complete_report_or_table
from connector.cli.options import STRIPE_ENVIRONMENT, account_option, json_option
from connector.settings import Connection
from connector.terminal.lines import echo_json
from connector.terminal.tables import show

if TYPE_CHECKING:
    from connector.query import ReportQuery


@click.command(epilog=STRIPE_ENVIRONMENT)
@click.argument("report", required=False, shell_complete=complete_report_or_table)
@click.option("--all", "every", is_flag=True, help="Every version, including undocumented ones.")
@click.option("--live", is_flag=True, help="Ask Stripe which reports this account has. Needs a key.")
@account_option
@json_option
def types(report: str | None, *, every: bool, live: bool, connection: Connection, as_json: bool) -> None:
    """List the reports; with REPORT, show its parameters and columns.

    REPORT is a report type, or a table that the defs.yaml here configures.

    With --live it compares what Stripe offers this account with the catalogue, and shows for which times
    Stripe has data.

    \b
    stripe-reports types
    stripe-reports types balance_summary
    """
    tables = _configured(report)
    if live:
        _offered(tables[0][1].spec.id if report and tables else report, connection, as_json=as_json)
        return
    from connector.cli.display import types_tables as display  # noqa: PLC0415 - only this command needs it

    if report and tables:
        for file, query in tables:
            if as_json:
                echo_json({"table": query.name, **display.as_json(query.spec, columns=True)})
            else:
                show(display.configured(file, query), "", *display.one(query.spec))
        return
    specs = [connector.report(report)] if report else list(connector.REPORTS.values())
    if as_json:
        for spec in specs:
            echo_json(display.as_json(spec, columns=report is not None))
    elif report:
        show(*display.one(specs[0]))
    else:
        show(
            *(display.every(specs) if every else display.by_name(specs)),
            *(["", *(display.configured(file, query) for file, query in tables), ""] if tables else []),
            "`stripe-reports types NAME` shows its parameters and columns; `--all` lists every version.",
        )


def _configured(name: str | None) -> "list[tuple[Path, ReportQuery]]":
    """The tables that files here configure, or those of this name, each with its file relative to here."""
    from connector.project.tables import configured_tables, query_of  # noqa: PLC0415 - it loads a YAML reader

    here = Path.cwd()
    return [
        (table.file.relative_to(here), query_of(table.fields))
        for found, table in configured_tables(here)
        if name in (None, found)
    ]


def _offered(report: str | None, connection: Connection, *, as_json: bool) -> None:
    """Stripe's list of report types compared with the catalogue."""
    from connector.catalogue.offering import about, offerings  # noqa: PLC0415
    from connector.cli.display import types_tables as display  # noqa: PLC0415 - as above

    with connection.client(retry=SHORT_RETRY) as client:
        found = offerings(client.report_types().values(), connector.REPORTS, client.mode)
    if report:
        found = about(report, found)
    if as_json:
        for each in found:
            echo_json(display.offering_as_json(each))
    else:
        show(*display.offered(found))
