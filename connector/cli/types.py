"""`types`: what can be pulled, by what is known here or by asking Stripe."""

import json

import click

import connector
from connector.cli.display.output import show
from connector.cli.options import SOON, account_option, client_for, json_option


@click.command()
@click.argument("report", required=False)
@click.option("--all", "every", is_flag=True, help="Every version, also those Stripe does not document.")
@click.option(
    "--live", is_flag=True, help="Ask Stripe which ones this account has, and for which times. Needs a key."
)
@account_option
@json_option
def types(report: str | None, *, every: bool, live: bool, account: str | None, as_json: bool) -> None:
    """What can be pulled; with REPORT, its parameters and columns.

    With --live: what Stripe offers the account, beside what is known here.
    """
    if live:
        _offered(report, account, as_json=as_json)
        return
    from connector.cli.display import types_tables as listing  # noqa: PLC0415 - only this command needs it

    specs = [connector.report(report)] if report else list(connector.REPORTS.values())
    if as_json:
        for spec in specs:
            click.echo(json.dumps(listing.as_json(spec, columns=report is not None), ensure_ascii=False))
    elif report:
        show(*listing.one(specs[0]))
    else:
        show(
            listing.every(specs) if every else listing.by_name(specs),
            "`stripe-reports types NAME` shows its parameters and columns; `--all` lists every version.",
        )


def _offered(report: str | None, account: str | None, *, as_json: bool) -> None:
    """Stripe's list of report types beside the catalogue."""
    from connector.catalogue.offering import about, offerings  # noqa: PLC0415
    from connector.cli.display import types_tables as listing  # noqa: PLC0415 - as above

    with client_for(account, retry=SOON) as client:
        found = offerings(client.report_types().values(), connector.REPORTS, client.mode)
    if report:
        found = about(report, found)
    if as_json:
        for each in found:
            click.echo(json.dumps(listing.offering_as_json(each), ensure_ascii=False))
    else:
        show(*listing.offered(found))
