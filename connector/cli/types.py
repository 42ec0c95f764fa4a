"""`types`: which reports can be pulled, from the catalogue or from Stripe."""

import click

import connector
from connector.api.retry import SHORT_RETRY
from connector.cli.completion import complete_report
from connector.cli.options import STRIPE_ENVIRONMENT, account_option, json_option
from connector.settings import Connection
from connector.terminal.lines import echo_json
from connector.terminal.tables import show


@click.command(epilog=STRIPE_ENVIRONMENT)
@click.argument("report", required=False, shell_complete=complete_report)
@click.option("--all", "every", is_flag=True, help="Every version, including undocumented ones.")
@click.option("--live", is_flag=True, help="Ask Stripe which reports this account has. Needs a key.")
@account_option
@json_option
def types(report: str | None, *, every: bool, live: bool, connection: Connection, as_json: bool) -> None:
    """List the reports; with REPORT, show its parameters and columns.

    With --live it compares what Stripe offers this account with the catalogue, and shows for which times
    Stripe has data.

    \b
    stripe-reports types
    stripe-reports types balance_summary
    """
    if live:
        _offered(report, connection, as_json=as_json)
        return
    from connector.cli.display import types_tables as display  # noqa: PLC0415 - only this command needs it

    specs = [connector.report(report)] if report else list(connector.REPORTS.values())
    if as_json:
        for spec in specs:
            echo_json(display.as_json(spec, columns=report is not None))
    elif report:
        show(*display.one(specs[0]))
    else:
        show(
            *(display.every(specs) if every else display.by_name(specs)),
            "`stripe-reports types NAME` shows its parameters and columns; `--all` lists every version.",
        )


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
