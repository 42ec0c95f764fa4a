"""The command `stripe-reports`: look at what there is, pull it, query it, or try it all without Stripe.

Besides the Dagster settings this is the only place that reads the environment. The API key comes from there
and from nowhere else: a command line is read by every process on the machine and kept in shell histories.
"""

import contextlib
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn, cast

import click

# Its public names load when they are used, so that a misspelt option is refused at once.
import connector
from connector.catalogue.spelling import hint
from connector.errors import ConfigurationError, DatasetMismatchError, ReportingError
from connector.hosts import Hosts

EXIT_CODES = """\b
Exit codes:
  0    every partition is in place
  1    some failed; the messages say why
  2    refused before any call to Stripe: usage or configuration
  3    some are late: their report runs go on at Stripe, run it again later
  4    some are not ready: Stripe has no data yet, the message says from when
  130  interrupted; what is pending is taken up the next time
Where several apply, 1 comes before 3, and 3 before 4."""

ENVIRONMENT = """\b
Environment:
  STRIPE_API_KEY       a restricted key, rk_live_… or rk_test_…; never given as an option
  STRIPE_API_BASE      where the API is; default https://api.stripe.com
  STRIPE_ACCOUNT       the connected account to act for, acct_…
  STRIPE_REPORTS_ROOT  where the files go; default data"""

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_ACCOUNT = re.compile(r"acct_[A-Za-z0-9]+")


class _Group(click.Group):
    """A group that answers a misspelt command with the nearest ones."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise click.UsageError(f"there is no command {args[0]!r}{hint(args[0], self.commands)}", ctx)
        return super().resolve_command(ctx, args)


def _moment(_context: click.Context, _parameter: click.Parameter, value: str) -> date | datetime:
    """`2026-06-01`, or a time as in `2026-06-01T05:00` with or without an offset."""
    try:
        return date.fromisoformat(value) if len(value) <= 10 else datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a date such as 2026-06-01 or 2026-06-01T05:00") from None


def _duration(_context: click.Context, _parameter: click.Parameter, value: str) -> timedelta:
    """`30m`, `1h30m`, `90s`, or seconds."""
    found = _DURATION.fullmatch(value)
    if not value or not found:
        raise click.BadParameter(f"{value!r} is not a duration such as 30m, 1h30m or 90s")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _bounds(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[float, float]:
    """One number of seconds, or the bounds to draw from: `5,15`."""
    if not re.fullmatch(r"\d+(\.\d+)?(,\d+(\.\d+)?)?", value):
        raise click.BadParameter(f"{value!r} is not a number of seconds such as 10, or two such as 5,15")
    low, _, high = value.partition(",")
    return float(low), float(high or low)


_root = click.option(
    "--root",
    envvar="STRIPE_REPORTS_ROOT",
    default="data",
    show_default=True,
    help="Where the files are: a directory, or a URL such as s3://bucket/prefix.",
)
_json = click.option("--json", "as_json", is_flag=True, help="For programs: JSON, one object on each line.")


@click.group(cls=_Group, epilog=f"{ENVIRONMENT}\n\n{EXIT_CODES}", context_settings={"max_content_width": 110})
@click.version_option(package_name="dagster-stripe-reports")
def cli() -> None:
    """Pull Stripe's financial reports into typed Parquet files, and look at them."""


@cli.command()
@click.argument("report", required=False)
@click.option("--all", "every", is_flag=True, help="Every version, also those Stripe does not document.")
@_json
def types(report: str | None, *, every: bool, as_json: bool) -> None:
    """What can be pulled; with REPORT, its parameters and columns."""
    from connector import listing  # noqa: PLC0415 - only this command needs it

    specs = [connector.report(report)] if report else list(connector.REPORTS.values())
    if as_json:
        for spec in specs:
            click.echo(json.dumps(listing.as_json(spec, columns=report is not None), ensure_ascii=False))
    elif report:
        _print(*listing.one(specs[0]))
    else:
        _print(
            listing.every(specs) if every else listing.by_name(specs),
            "`stripe-reports types NAME` shows its parameters and columns; `--all` lists every version.",
        )


@cli.command(epilog=f"{ENVIRONMENT}\n\n{EXIT_CODES}")
@click.argument("report")
@click.option(
    "--from", "start", metavar="DATE", callback=_moment, required=True, help="Where the first window begins."
)
@click.option(
    "--to",
    "end",
    metavar="DATE",
    callback=_moment,
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
@_root
@click.option("--account", envvar="STRIPE_ACCOUNT", help="The connected account to act for, acct_….")
@click.option("--force", is_flag=True, help="Ask Stripe anew for partitions that are there already.")
@click.option(
    "--wait-timeout",
    metavar="DURATION",
    callback=_duration,
    default="30m",
    show_default=True,
    help="How long a report run is waited for before it counts as late.",
)
@_json
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
    as_json: bool,
) -> None:
    """Bring every window of REPORT between two dates into the dataset.

    What is there already is left alone, report runs already at Stripe are taken up, and only the rest is
    asked for, so it can be interrupted and started again at any time.

    \b
    stripe-reports pull balance_summary --from 2026-06-01 --to 2026-07-01
    """
    query = connector.ReportQuery.of(
        report, name=name, columns=_names(columns), filters=_filters(filters), window=window, zone=zone
    )
    if query.spec.caution:
        click.echo(f"Note: {query.spec.caution}", err=True)
    partitions = connector.Windows(window, zone).between(start, end)
    from connector.progress import Told  # noqa: PLC0415 - it loads pyarrow

    began = time.monotonic()
    told = Told(query, len(partitions), as_json=as_json)
    with _client(account) as client:
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
            _interrupted(told.tally.so_far())
    told.summary(time.monotonic() - began)
    sys.exit(told.tally.exit_code)


@cli.command()
@click.argument("query", required=False)
@_root
@click.option("--mode", help="live, test or simulated; needed when there are data of several.")
@_json
def sql(query: str | None, *, root: str, mode: str | None, as_json: bool) -> None:
    """Query the files with DuckDB's SQL.

    Without QUERY the tables are listed; with `-` it is read from standard input.

    \b
    stripe-reports sql "SELECT currency, sum(net_amount) FROM balance_summary
                        WHERE _row_kind = 'movement' GROUP BY ALL"
    """
    import duckdb  # noqa: PLC0415 - slow to load, and only this command needs it

    from connector.warehouse import TABLES, render  # noqa: PLC0415

    asked = sys.stdin.read() if query == "-" else query or TABLES
    with connector.open_warehouse(root, mode) as warehouse:
        try:
            relation = cast("duckdb.DuckDBPyRelation | None", warehouse.sql(asked))
            if relation is None:  # a statement that gives no rows
                return
            if as_json:
                _rows_as_json(relation.columns, relation.fetchall())
            else:
                _print(render(relation))
        except duckdb.ProgrammingError as error:
            raise ConfigurationError(str(error)) from None
        except duckdb.Error as error:
            raise ReportingError(str(error)) from None


@cli.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=4242, show_default=True, help="0 takes a free one."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed tells the same story.")
@click.option(
    "--run-seconds",
    metavar="LOW,HIGH",
    callback=_bounds,
    default="5,15",
    show_default=True,
    help="How long a report run takes, or the bounds to draw from.",
)
@click.option("--volume", type=click.IntRange(1), default=25, show_default=True, help="Usual sales in a day.")
def simulate(*, port: int, seed: int, run_seconds: tuple[float, float], volume: int) -> None:
    """Serve a Stripe on this machine until Ctrl-C.

    It has a made-up account with a real ledger, takes any key, and forgets all when it ends.
    """
    from connector.simulator import SIMULATED_KEY, Simulator  # noqa: PLC0415
    from connector.simulator.server import serve  # noqa: PLC0415

    simulator = Simulator(seed=seed, run_seconds=run_seconds, volume=volume)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with serve(simulator, port=port) as url:
            last = datetime.now(UTC).date().replace(day=1)
            first = (last - timedelta(days=1)).replace(day=1)
            click.echo(
                f"A simulated Stripe listens on {url} until Ctrl-C. In another shell:\n\n"
                f"  export STRIPE_API_BASE={url}\n"
                f"  export STRIPE_API_KEY={SIMULATED_KEY}\n"
                f"  stripe-reports pull balance_summary --from {first} --to {last}\n"
            )
            ended.wait()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(f"port {port}: {reason}; choose another with --port") from None
    click.echo(f"\nEnded after {len(simulator.requests)} requests and {len(simulator.runs)} report runs.")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit. Every foreseeable fault is one message and an exit code."""
    try:
        cli.main(None if arguments is None else list(arguments), "stripe-reports", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _interrupted()
    except ReportingError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2 if isinstance(error, ConfigurationError | DatasetMismatchError) else 1)
    sys.exit(0)


def _interrupted(what: str = "") -> NoReturn:
    # A second Ctrl-C would only replace this message by a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    click.echo(f"Interrupted. {what}".rstrip(), err=True)
    sys.exit(130)


def _client(account: str | None) -> "connector.StripeClient":
    """The client the environment describes. Raises ConfigurationError before anything is sent."""
    if account and not _ACCOUNT.fullmatch(account):
        raise ConfigurationError(f"account {account[:80]!r} is no account id; it looks like acct_1A2b3C")
    base = os.environ.get("STRIPE_API_BASE")
    hosts = Hosts.of(base) if base else Hosts.of()
    return connector.StripeClient(os.environ.get("STRIPE_API_KEY", ""), hosts=hosts, account=account or None)


def _names(given: Sequence[str]) -> list[str] | None:
    """Column names, split at commas that are not part of a metadata key."""
    names = [name.strip() for each in given for name in re.split(r",(?![^\[\]]*\])", each)]
    return [name for name in names if name] or None


def _filters(given: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in given:
        name, separator, value = each.partition("=")
        if not separator or not value:
            raise ConfigurationError(f"filter {each!r} is not of the form name=value, e.g. currency=usd")
        if name in found:
            raise ConfigurationError(f"filter {name} is given twice: {found[name]} and {value}")
        found[name] = value.split(",") if name == "connected_accounts" else value
    return found


def _rows_as_json(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """One object a row: money as text, so that no reader makes a float of it; instants in ISO 8601."""
    twice = sorted({name for name in columns if list(columns).count(name) > 1})
    if twice:
        raise ConfigurationError(f"two columns are called {', '.join(twice)}: give one another name with AS")
    for row in rows:
        click.echo(json.dumps(dict(zip(columns, row, strict=True)), default=_plain, ensure_ascii=False))


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _print(*things: Any) -> None:
    """Tables as wide as the terminal; in a file or a pipe as wide as they need to be."""
    from rich.console import Console  # noqa: PLC0415 - not needed for most of what is typed

    console = Console(width=None if sys.stdout.isatty() else 400, highlight=False)
    for thing in things:
        console.print(thing, markup=False)
