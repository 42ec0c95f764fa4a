"""`pull`: bring partitions into the dataset."""

import contextlib
import sys
import time
from collections.abc import Generator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import click

# Its public names load when they are used, so that a misspelt option is refused at once.
import connector
from connector.cli.display.output import interrupted, logging_to_stderr
from connector.cli.options import (
    ENVIRONMENT,
    EXIT_CODES,
    account_option,
    client_for,
    columns_of,
    duration,
    filters_of,
    ids_of,
    json_option,
    moment,
    root_option,
)

if TYPE_CHECKING:
    from connector.cli.display.pull_progress import PullReporter
    from connector.pipeline.events import Event


@click.command(epilog=f"{ENVIRONMENT}\n\n{EXIT_CODES}")
@click.argument("report")
@click.option("--from", "start", metavar="DATE", callback=moment, help="Where the first window begins.")
@click.option("--to", "end", metavar="DATE", callback=moment, help="Where the last one ends; not included.")
@click.option(
    "--payout",
    "payouts",
    multiple=True,
    metavar="ID,…",
    help="Instead of dates, of a report about one payout: po_…, or acct_…:po_… of a connected account.",
)
@click.option(
    "--window",
    show_default="daily",
    metavar="hourly|daily|weekly|monthly",
    help="How long one partition is. Weeks begin on Sunday.",
)
@click.option(
    "--zone", default="UTC", show_default=True, help="Whose calendar cuts time, e.g. Europe/Berlin."
)
@click.option(
    "--columns",
    multiple=True,
    metavar="A,B,…",
    help="Columns in file order; the report's default without. With their types, as in id:text,paid:money, "
    "for a report that is not in the catalogue.",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the report, e.g. currency=usd. Can be repeated.",
)
@click.option(
    "--connected-accounts",
    "accounts",
    multiple=True,
    metavar="ID,…",
    help="Connected accounts that get a file each. Without, one file holds all accounts.",
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
    start: date | None,
    end: date | None,
    payouts: tuple[str, ...],
    window: str | None,
    zone: str,
    columns: tuple[str, ...],
    filters: tuple[str, ...],
    accounts: tuple[str, ...],
    name: str | None,
    root: str,
    account: str | None,
    force: bool,
    wait_timeout: timedelta,
    log: str | None,
    as_json: bool,
) -> None:
    """Bring every window of REPORT between two dates into the dataset, or payouts of a report about one.

    What is there already is left alone, report runs already at Stripe are taken up, and only the rest is
    asked for, so it can be interrupted and started again at any time.

    \b
    stripe-reports pull balance_summary --from 2026-06-01 --to 2026-07-01
    stripe-reports pull payout_reconciliation_by_id_itemized --payout po_1A2b3C
    """
    query = connector.ReportQuery.of(
        report,
        name=name,
        columns=columns_of(columns),
        filters=filters_of(filters),
        window=window,
        zone=zone,
        by_account=bool(ids_of(accounts)),
    )
    partitions = _partitions(query, start, end, ids_of(payouts), ids_of(accounts))
    if query.spec.caution:
        click.echo(f"Note: {query.spec.caution}", err=True)
    from connector.cli.display.pull_progress import PullReporter  # noqa: PLC0415 - it loads pyarrow

    began = time.monotonic()
    told = PullReporter(query, len(partitions), as_json=as_json, logged=log is not None)
    with client_for(account) as client, logging_to_stderr(log):
        events = connector.collect(
            client,
            connector.Store(root),
            query,
            partitions,
            refresh=[each.key for each in partitions] if force else (),
            wait_policy=connector.WaitPolicy(wait_timeout=wait_timeout),
        )
        tell(events, told)
    told.summary(time.monotonic() - began)
    sys.exit(told.tally.exit_code)


def _partitions(
    query: "connector.ReportQuery",
    start: date | None,
    end: date | None,
    payouts: Sequence[str],
    accounts: Sequence[str],
) -> "tuple[connector.Partition, ...]":
    """What is to be brought in. Raises UsageError where dates or payouts are missing, or are out of place."""
    if query.by_payout:
        if accounts:
            raise click.UsageError("a payout says whose it is, as acct_…:po_…; leave the accounts out")
        if start or end or not payouts:
            raise click.UsageError(f"{query.spec.id} is about one payout: give --payout, and no dates")
        return tuple(query.payout(key) for key in payouts)
    if payouts:
        raise click.UsageError(f"{query.spec.id} is about windows of time: give --from and --to, no --payout")
    if start is None or end is None:
        raise click.UsageError(f"Missing option '{'--to' if start else '--from'}'.")
    windows = connector.Windows(query.window, query.zone).between(start, end)
    return query.each_account(windows, accounts) if accounts else windows


def tell(events: "Generator[Event]", told: "PullReporter") -> None:
    """Tell each event as it comes, and what is in place when somebody interrupts."""
    try:
        with contextlib.closing(events), told:
            for event in events:
                told.event(event)
    except KeyboardInterrupt:
        interrupted(told.tally.so_far())
