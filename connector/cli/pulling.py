"""`pull`: bring partitions into the dataset."""

import contextlib
import sys
import time
from datetime import date, timedelta

import click

# Its public names load when they are used, so that a misspelt option is refused at once.
import connector
from connector.cli.given import (
    ENVIRONMENT,
    EXIT_CODES,
    account_option,
    client_for,
    column_names,
    duration,
    filters_of,
    json_option,
    moment,
    root_option,
)
from connector.cli.shown import interrupted, logging_to_stderr


@click.command(epilog=f"{ENVIRONMENT}\n\n{EXIT_CODES}")
@click.argument("report")
@click.option(
    "--from", "start", metavar="DATE", callback=moment, required=True, help="Where the first window begins."
)
@click.option(
    "--to",
    "end",
    metavar="DATE",
    callback=moment,
    required=True,
    help="Where the last one ends; not included.",
)
@click.option(
    "--window",
    default="daily",
    show_default=True,
    metavar="hourly|daily|weekly|monthly",
    help="How long one partition is. Weeks begin on Sunday.",
)
@click.option(
    "--zone", default="UTC", show_default=True, help="Whose calendar cuts time, e.g. Europe/Berlin."
)
@click.option(
    "--columns", multiple=True, metavar="A,B,…", help="Columns in file order; the report's default without."
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the report, e.g. currency=usd. Can be repeated.",
)
@click.option("--name", help="Name of the table, when it shall not be the report's.")
@root_option
@account_option
@click.option("--force", is_flag=True, help="Ask Stripe anew for partitions that are there already.")
@click.option(
    "--wait-timeout",
    metavar="DURATION",
    callback=duration,
    default="30m",
    show_default=True,
    help="How long a report run is waited for before it counts as late.",
)
@click.option(
    "--log",
    "log",
    type=click.Choice(["text", "json"]),
    help="Write each step of each partition to standard error: a line each, or an object for programs.",
)
@json_option
def pull(
    report: str,
    *,
    start: date,
    end: date,
    window: str,
    zone: str,
    columns: tuple[str, ...],
    filters: tuple[str, ...],
    name: str | None,
    root: str,
    account: str | None,
    force: bool,
    wait_timeout: timedelta,
    log: str | None,
    as_json: bool,
) -> None:
    """Bring every window of REPORT between two dates into the dataset.

    What is there already is left alone, report runs already at Stripe are taken up, and only the rest is
    asked for, so it can be interrupted and started again at any time.

    \b
    stripe-reports pull balance_summary --from 2026-06-01 --to 2026-07-01
    """
    query = connector.ReportQuery.of(
        report,
        name=name,
        columns=column_names(columns),
        filters=filters_of(filters),
        window=window,
        zone=zone,
    )
    if query.spec.caution:
        click.echo(f"Note: {query.spec.caution}", err=True)
    partitions = connector.Windows(window, zone).between(start, end)
    from connector.progress import Told  # noqa: PLC0415 - it loads pyarrow

    began = time.monotonic()
    told = Told(query, len(partitions), as_json=as_json, logged=log is not None)
    with client_for(account) as client, logging_to_stderr(log):
        events = connector.collect(
            client,
            connector.Store(root),
            query,
            partitions,
            refresh=[each.key for each in partitions] if force else (),
            patience=connector.Patience(wait_timeout=wait_timeout),
        )
        try:
            with contextlib.closing(events), told:
                for event in events:
                    told.event(event)
        except KeyboardInterrupt:
            interrupted(told.tally.so_far())
    told.summary(time.monotonic() - began)
    sys.exit(told.tally.exit_code)
