"""`types`: what can be pulled."""

import json

import click

import connector
from connector.cli.given import json_option
from connector.cli.shown import show


@click.command()
@click.argument("report", required=False)
@click.option("--all", "every", is_flag=True, help="Every version, also those Stripe does not document.")
@json_option
def types(report: str | None, *, every: bool, as_json: bool) -> None:
    """What can be pulled; with REPORT, its parameters and columns."""
    from connector import listing  # noqa: PLC0415 - only this command needs it

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
