"""`pull`: store partitions of a report."""

import functools
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

# Its public names load when they are used, so that a misspelt option is refused at once.
import connector
from connector.accounts import AccountLives
from connector.api.retry import WATCHED_RETRY
from connector.catalogue.together import advise_together
from connector.cli.completion import complete_report_or_table, complete_window, complete_zone
from connector.cli.display.output import logging_to_stderr
from connector.cli.display.pull_messages import (
    find_disappearance,
    first_way_out,
    report_events,
    say_refreshed,
    warn_of_balances,
)
from connector.cli.options import (
    ENVIRONMENT,
    EXIT_CODES,
    Connect,
    columns_of,
    configured_here,
    connect_option,
    filters_of,
    grouped,
    ids_of,
    json_option,
    moment,
    wait_option,
)
from connector.errors import ConfigurationError
from connector.terminal.lines import echo
from connector.text import get_logger

if TYPE_CHECKING:
    from connector.api.models import ReportType
    from connector.dataset.provenance import Provenance
    from connector.project.tables import ConfiguredTable
    from connector.runs.restatement import Refresh

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Selection:
    """Which partitions to pull, and what their report is asked for."""

    start: date | None
    end: date | None
    payouts: tuple[str, ...]
    accounts: tuple[str, ...]
    acting_accounts: tuple[str, ...]
    window: str | None
    zone: str | None
    columns: tuple[str, ...]
    filters: tuple[str, ...]
    name: str | None

    def query(self, report: str, table: "ConfiguredTable | None") -> "connector.ReportQuery":
        """What the options say, and what they leave out as the table is configured.

        Raises ConfigurationError for anything the report does not have.
        """
        from connector.project.tables import query_of  # noqa: PLC0415 - it loads a YAML reader

        given = {
            "name": self.name,
            "columns": columns_of(self.columns),
            "filters": filters_of(self.filters),
            "window": self.window,
            "zone": self.zone,
            "connected_accounts": self.accounts,
            "acting_accounts": self.acting_accounts,
        }
        fields = {"report": report} if table is None else table.fields
        return query_of({**fields, **{name: value for name, value in given.items() if value}})

    def partitions(
        self, query: "connector.ReportQuery", table: "ConfiguredTable | None"
    ) -> "tuple[connector.Partition, ...]":
        """Raises UsageError where dates or payouts are missing, or do not fit the report."""
        payouts = ids_of(self.payouts)
        if query.by_payout:
            if self.window:
                raise click.UsageError(f"{query.spec.id} is about one payout: it has no --window")
            if self.accounts:
                raise click.UsageError("give a payout's account as acct_…:po_…, not by --connected-accounts")
            if self.start or self.end or not payouts:
                raise click.UsageError(f"{query.spec.id} is about one payout: give --payout, and no dates")
            found = tuple(query.payout(key) for key in payouts)
            if query.acting:
                self._refuse_unlisted(found, self._listed(query, table))
            return found
        if payouts:
            raise click.UsageError(
                f"{query.spec.id} is partitioned by time: give --from and --to, and no --payout"
            )
        if self.start is None or self.end is None:
            raise click.UsageError(f"Missing option '{'--to' if self.start else '--from'}'.")
        windows = connector.Windows(query.window, query.zone).between(self.start, self.end)
        return self._of_accounts(query, windows, self._listed(query, table)) if query.dimensions else windows

    def _listed(self, query: "connector.ReportQuery", table: "ConfiguredTable | None") -> AccountLives:
        """The accounts that partitions are about."""
        from connector.project import account_list  # noqa: PLC0415 - it loads a YAML reader

        given, field = self.accounts, account_list.CONNECTED
        if query.acting:
            given, field = self.acting_accounts, account_list.ACTING
        if not given and table is not None:
            return table.accounts(field)
        return account_list.read_accounts(given, Path.cwd(), field)

    @staticmethod
    def _refuse_unlisted(payouts: "Sequence[connector.Partition]", accounts: AccountLives) -> None:
        """Raises UsageError for a payout of an account that is not to be acted for."""
        for each in payouts:
            if each.acting_for is None or accounts.get(each.acting_for) is None:
                raise click.UsageError(f"the account of {each.key} is not among the --acting-accounts")

    def _of_accounts(
        self,
        query: "connector.ReportQuery",
        windows: "Sequence[connector.Partition]",
        accounts: AccountLives,
    ) -> "tuple[connector.Partition, ...]":
        found = query.each_account(windows, accounts)
        outside = len(windows) * len(accounts) - len(found)
        if not found:
            raise ConfigurationError(
                f"no window from {self.start} to {self.end} lies in the life of one of the "
                f"{len(accounts)} accounts"
            )
        if not query.acting and (advice := advise_together(query.spec, query.window, len(accounts))):
            echo(f"Note: {advice}.", err=True)
        if outside:
            echo(f"Note: {outside} windows outside of their account's life are not asked for.", err=True)
        return found


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
        help="Instead of dates, for a report about one payout: po_…, or acct_…:po_… of a connected "
        "account, or of one to act for.",
    ),
    click.option(
        "--window",
        metavar="hourly|daily|weekly|monthly",
        shell_complete=complete_window,
        help="How long one partition is; default daily. Weeks begin on Sunday.",
    ),
    click.option(
        "--zone",
        shell_complete=complete_zone,
        help="The time zone whose days partitions begin at, e.g. Europe/Berlin; default UTC.",
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
        metavar="ID,…|@FILE",
        help="Store a file for each of these connected accounts, or of those that a file lists, with their "
        "lives; without it, one file holds all accounts.",
    ),
    click.option(
        "--acting-accounts",
        "acting_accounts",
        multiple=True,
        metavar="ID,…|@FILE",
        help="Store a file for each of these accounts in one table, asked for in the name of each "
        "(Stripe-Account): for accounts with a Dashboard of their own. Instead of --account, which is for a "
        "table of one.",
    ),
    click.option("--name", help="The table's name; default the report's."),
)


@click.command(epilog=f"{ENVIRONMENT}\n\n{EXIT_CODES}")
@click.argument("report", shell_complete=complete_report_or_table)
@_selection
@connect_option
@click.option("--force", is_flag=True, help="Request new report runs for partitions that are already stored.")
@click.option(
    "--no-refresh", is_flag=True, help="Leave stored partitions as they are, also where a refresh is due."
)
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
    connect: Connect,
    force: bool,
    no_refresh: bool,
    wait_timeout: timedelta,
    log: str | None,
    as_json: bool,
) -> None:
    """Store the partitions of REPORT between two dates.

    REPORT is a report type, or a table that the defs.yaml here configures: then options that are not given
    are as that says. With --name it is a report type.

    Partitions that are already stored are skipped, and report runs that are already at Stripe are reused. So
    it can be interrupted and run again at any time.

    Stripe restates reports. So a stored partition gets a new report run when it is pulled 3 days after its
    end, and again 35 days after; 5 and 35 for reports about fees. --no-refresh prevents that.

    \b
    stripe-reports pull balance_summary --from 2026-06-01 --to 2026-07-01
    stripe-reports pull payout_reconciliation_by_id_itemized --payout po_1A2b3C
    """
    if force and no_refresh:
        raise click.UsageError("--force refreshes every partition, --no-refresh none: give one of them")
    table = None if selection.name else configured_here(report)
    connection = connect(table)
    query = selection.query(report, table)
    query.refuse_acting_for(connection.account)
    partitions = selection.partitions(query, table)
    if query.spec.caution:
        echo(f"Note: {query.spec.caution}", err=True)
    from connector.cli.display.pull_progress import PullReporter  # noqa: PLC0415 - it loads pyarrow

    began = time.monotonic()
    reporter = PullReporter(query, len(partitions), as_json=as_json, logged=log is not None)
    retry = WATCHED_RETRY if sys.stderr.isatty() else None
    with connection.client(retry=retry) as client, logging_to_stderr(log):
        store = connection.store()
        report_types = functools.cache(client.report_types)

        def find_due(
            some: "Sequence[connector.Partition]", published: "Mapping[str, Provenance]"
        ) -> "Collection[str]":
            due = find_refreshes(client, query, some, published, report_types=report_types)
            if due:
                say_refreshed(due, reporter)
            return {each.key for each in due}

        forced = [each.key for each in partitions] if force else []
        events = connector.collect(
            client,
            store,
            query,
            partitions,
            refresh=forced,
            find_due=None if force or no_refresh else find_due,
            drop_columns=forced,
            wait_policy=connector.WaitPolicy(wait_timeout=wait_timeout),
        )
        dataset = query.dataset(mode=client.mode, account=client.account)
        warned = warn_of_balances(events, store, query, dataset)
        report_events(warned, reporter, functools.partial(find_disappearance, store, query, dataset))
    reporter.summary(time.monotonic() - began)
    if not as_json and (way_out := first_way_out(query, reporter.tally.missed)):
        echo(way_out)
    sys.exit(reporter.tally.exit_code)


def find_refreshes(
    client: "connector.StripeClient",
    query: "connector.ReportQuery",
    partitions: "Iterable[connector.Partition]",
    published: "Mapping[str, Provenance]",
    *,
    report_types: "Callable[[], Mapping[str, ReportType]] | None" = None,
) -> "list[Refresh]":
    """The partitions that a pull refreshes, oldest first: stored, due by the restatement policy, and ready.

    One call to Stripe, for its time and its data's; none where no file can become due any more.

    Args:
        report_types: asks Stripe for these, where the caller has asked already or will again.
    """
    from connector.catalogue import latency_of  # noqa: PLC0415 - they load pyarrow, or what loads it
    from connector.dataset.shape import FileState  # noqa: PLC0415
    from connector.money import NARROW  # noqa: PLC0415
    from connector.pipeline.reconversion import ConfiguredShape  # noqa: PLC0415
    from connector.runs.readiness import not_ready  # noqa: PLC0415
    from connector.runs.restatement import can_become_due, find_aged, select_due  # noqa: PLC0415

    ages = latency_of(query.spec.id).refresh_after
    # Another type of money is another shape, and that answers, too.
    shape = ConfiguredShape(query, NARROW)
    answering = {FileState.CURRENT, FileState.OLDER_SHAPE}
    open_ones = [
        partition
        for partition in partitions
        if partition.key in published
        and can_become_due(partition, published[partition.key], ages)
        and shape.compare(partition, published[partition.key]).state in answering
    ]
    available = (report_types or client.report_types)().get(query.spec.id) if open_ones else None
    if available is None:
        return []
    now = client.now()
    ready = [each for each in open_ones if not_ready(each.interval, available, now) is None]
    return select_due(find_aged(ready, ages=ages, now=now), published)
