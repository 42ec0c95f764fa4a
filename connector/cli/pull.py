"""`pull`: store partitions of a report."""

import contextlib
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import click

# Its public names load when they are used, so that a misspelt option is refused at once.
import connector
from connector.cli.display.output import interrupted, logging_to_stderr
from connector.cli.options import (
    ENVIRONMENT,
    EXIT_CODES,
    columns_of,
    connection_options,
    filters_of,
    grouped,
    ids_of,
    json_option,
    moment,
    wait_option,
)
from connector.settings import Connection

if TYPE_CHECKING:
    from connector.cli.display.pull_progress import PullReporter
    from connector.pipeline.events import Event


@dataclass(frozen=True, slots=True)
class _Selection:
    """Which partitions to pull, and what their report is asked for."""

    start: date | None
    end: date | None
    payouts: tuple[str, ...]
    accounts: tuple[str, ...]
    window: str | None
    zone: str
    columns: tuple[str, ...]
    filters: tuple[str, ...]
    name: str | None

    def query(self, report: str) -> "connector.ReportQuery":
        """Raises ConfigurationError for anything the report does not have."""
        return connector.ReportQuery.of(
            report,
            name=self.name,
            columns=columns_of(self.columns),
            filters=filters_of(self.filters),
            window=self.window,
            zone=self.zone,
            by_account=bool(ids_of(self.accounts)),
        )

    def partitions(self, query: "connector.ReportQuery") -> "tuple[connector.Partition, ...]":
        """Raises UsageError where dates or payouts are missing, or do not fit the report."""
        accounts, payouts = ids_of(self.accounts), ids_of(self.payouts)
        if query.by_payout:
            if accounts:
                raise click.UsageError("give a payout's account as acct_…:po_…, not by --connected-accounts")
            if self.start or self.end or not payouts:
                raise click.UsageError(f"{query.spec.id} is about one payout: give --payout, and no dates")
            return tuple(query.payout(key) for key in payouts)
        if payouts:
            raise click.UsageError(
                f"{query.spec.id} is partitioned by time: give --from and --to, and no --payout"
            )
        if self.start is None or self.end is None:
            raise click.UsageError(f"Missing option '{'--to' if self.start else '--from'}'.")
        windows = connector.Windows(query.window, query.zone).between(self.start, self.end)
        return query.each_account(windows, accounts) if accounts else windows


_selection = grouped(
    "selection",
    _Selection,
    click.option(
        "--from", "start", metavar="DATE", callback=moment, help="Where the first partition begins."
    ),
    click.option(
        "--to", "end", metavar="DATE", callback=moment, help="Where the last one ends; not included."
    ),
    click.option(
        "--payout",
        "payouts",
        multiple=True,
        metavar="ID,…",
        help="Instead of dates, for a report about one payout: po_…, or acct_…:po_… of a connected account.",
    ),
    click.option(
        "--window",
        metavar="hourly|daily|weekly|monthly",
        help="How long one partition is; default daily. Weeks begin on Sunday.",
    ),
    click.option(
        "--zone",
        default="UTC",
        show_default=True,
        help="The time zone whose days partitions begin at, e.g. Europe/Berlin.",
    ),
    click.option(
        "--columns",
        multiple=True,
        metavar="A,B,…",
        help="Columns in file order; default the report's usual ones. Give their types, as in "
        "id:text,paid:money, for a report that is not in the catalogue.",
    ),
    click.option(
        "--filter",
        "filters",
        multiple=True,
        metavar="NAME=VALUE",
        help="A parameter of the report, e.g. currency=usd. Can be repeated.",
    ),
    click.option(
        "--connected-accounts",
        "accounts",
        multiple=True,
        metavar="ID,…",
        help="Store a file for each of these connected accounts; without it, one file holds all accounts.",
    ),
    click.option("--name", help="The table's name; default the report's."),
)


@click.command(epilog=f"{ENVIRONMENT}\n\n{EXIT_CODES}")
@click.argument("report")
@_selection
@connection_options
@click.option("--force", is_flag=True, help="Request new report runs for partitions that are already stored.")
@wait_option
@click.option(
    "--log",
    type=click.Choice(["text", "json"]),
    help="Log each step of each partition to standard error, as lines or as JSON.",
)
@json_option
def pull(
    report: str,
    *,
    selection: _Selection,
    connection: Connection,
    force: bool,
    wait_timeout: timedelta,
    log: str | None,
    as_json: bool,
) -> None:
    """Store the partitions of REPORT between two dates.

    Partitions that are already stored are skipped, and report runs that are already at Stripe are reused. So
    it can be interrupted and run again at any time.

    \b
    stripe-reports pull balance_summary --from 2026-06-01 --to 2026-07-01
    stripe-reports pull payout_reconciliation_by_id_itemized --payout po_1A2b3C
    """
    query = selection.query(report)
    partitions = selection.partitions(query)
    if query.spec.caution:
        click.echo(f"Note: {query.spec.caution}", err=True)
    from connector.cli.display.pull_progress import PullReporter  # noqa: PLC0415 - it loads pyarrow

    began = time.monotonic()
    reporter = PullReporter(query, len(partitions), as_json=as_json, logged=log is not None)
    with connection.client() as client, logging_to_stderr(log):
        events = connector.collect(
            client,
            connection.store(),
            query,
            partitions,
            refresh=[each.key for each in partitions] if force else (),
            wait_policy=connector.WaitPolicy(wait_timeout=wait_timeout),
        )
        report_events(events, reporter)
    reporter.summary(time.monotonic() - began)
    sys.exit(reporter.tally.exit_code)


def report_events(events: "Generator[Event]", reporter: "PullReporter") -> None:
    """Print each event as it comes; after an interrupt, print what is stored, and end the command."""
    try:
        with contextlib.closing(events), reporter:
            for event in events:
                reporter.event(event)
    except KeyboardInterrupt as error:
        interrupted(error, reporter.tally.so_far())
