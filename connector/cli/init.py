"""`init`: write a first `defs.yaml`, and print the commands that pull and reconcile a first month.

On a terminal it prompts for what was not given as an option; elsewhere it takes the defaults. The key is read
from its variable to call Stripe, and written nowhere.
"""

import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click

from connector.api.credentials import key_kind
from connector.api.models import Mode, ReportType
from connector.api.retry import SHORT_RETRY
from connector.catalogue import ReportSpec
from connector.cli.completion import complete_report, complete_window, complete_zone
from connector.cli.options import ENVIRONMENT, column_names
from connector.errors import ConfigurationError, StoreError
from connector.partitions import Windows
from connector.project.choices import (
    DEFAULT_REPORTS,
    available_reports,
    default_reports,
    first_starts,
    recent_span,
    reports_named,
    starts_from,
    valid_root,
    variable,
    window_start,
)
from connector.project.next_steps import commands
from connector.settings import API_KEY, Connection
from connector.terminal.lines import echo
from connector.text import visible

if TYPE_CHECKING:
    from connector.project.defs_yaml import DefsYaml

#: Where the file stands in this project, seen from its directory; elsewhere it is written to the current one.
_USUAL_PLACE = Path("assets/defs/stripe_reports/defs.yaml")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Prompt:
    """Prompts on a terminal for what the command line does not give; elsewhere takes the default."""

    terminal: bool

    def value(self, given: str | None, prompt: str, default: str, check: Callable[[str], T]) -> T:
        """What `check` returns. On a terminal an invalid answer is explained, and prompted for again."""
        if given is not None or not self.terminal:
            return check(default if given is None else given)

        def checked(text: str) -> T:
            try:
                return check(text)
            except ConfigurationError as error:
                raise click.UsageError(str(error)) from None

        answer: T = click.prompt(visible(prompt), default=default, value_proc=checked)
        return answer

    def confirm(self, prompt: str, *, default: bool) -> None:
        """Ends the command where a person at a terminal says no."""
        if self.terminal and not click.confirm(visible(prompt), default=default):
            _unchanged()


@dataclass(frozen=True, slots=True)
class _Account:
    """What Stripe offers the key: its mode, and the report types by id."""

    mode: Mode
    offered: Mapping[str, ReportType]


@click.command(epilog=ENVIRONMENT)
@click.option(
    "--key-variable",
    metavar="NAME",
    help=f"The variable that holds the key; default {API_KEY}. The key itself is never an option.",
)
@click.option(
    "--reports",
    multiple=True,
    shell_complete=complete_report,
    metavar="A,B,…",
    help="By name or id; default four common ones.",
)
@click.option(
    "--start", metavar="DATE", help="Where the first partition begins; default where Stripe's data begins."
)
@click.option(
    "--window",
    metavar="hourly|daily|weekly|monthly",
    shell_complete=complete_window,
    help="How long one partition is; default daily.",
)
@click.option(
    "--zone",
    shell_complete=complete_zone,
    help="The time zone whose days partitions begin at, e.g. Europe/Berlin; default UTC.",
)
@click.option("--root", help="Where to store the files; default left to STRIPE_REPORTS_ROOT.")
@click.option("--account", help="The connected account to act for (acct_…); default left to STRIPE_ACCOUNT.")
@click.option(
    "--output", metavar="FILE", help=f"Where to write; default {_USUAL_PLACE} or defs.yaml; - to print only."
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option("--yes", "-y", is_flag=True, help="Do not prompt on a terminal.")
def init(
    *,
    key_variable: str | None,
    reports: tuple[str, ...],
    start: str | None,
    window: str | None,
    zone: str | None,
    root: str | None,
    account: str | None,
    output: str | None,
    force: bool,
    yes: bool,
) -> None:
    """Write a defs.yaml for the reports you choose.

    With a key in the environment it asks Stripe which reports there are and where their data begins; the key
    is written nowhere. Then it prints the commands that pull and reconcile the first month.

    \b
    stripe-reports init
    stripe-reports init --yes --window monthly --zone Europe/Berlin --output -
    """
    from connector.project.defs_yaml import DefsYaml  # noqa: PLC0415 - it loads yaml

    prompt = _Prompt(not yes and sys.stdin.isatty() and sys.stdout.isatty())
    target = _target(output, prompt, force=force)
    holder = prompt.value(key_variable, "Variable that holds the key", API_KEY, variable)
    _validate(reports, start, window, zone, root)
    stripe = _account(Connection.from_environment(account=account, key_variable=holder), holder)
    if prompt.terminal and not reports:
        _list_reports(stripe)
    specs = prompt.value(
        ",".join(reports) or None,
        "Reports",
        ", ".join(default_reports(stripe.offered) if stripe else DEFAULT_REPORTS),
        lambda text: reports_named(column_names([text]) or ()),
    )
    unit = prompt.value(window, "Window", "daily", lambda text: Windows(text).unit)
    windows = prompt.value(zone, "Time zone", "UTC", lambda text: Windows(unit, text))
    starts, span = _starts(prompt, start, specs, windows, stripe)
    configuration = DefsYaml(specs, starts, windows, holder, root=root, account=account)
    text = configuration.text()
    if target is None:
        echo(text, nl=False)
        return
    if prompt.terminal:
        echo(f"\n{text}")
    prompt.confirm(f"Write this to {target}?", default=True)
    _write(target, text)
    _print_next(configuration, target, span, has_key=stripe is not None)


def _target(output: str | None, prompt: _Prompt, *, force: bool) -> Path | None:
    """Where to write; None for printing only. Refuses an existing file, or prompts."""
    if output == "-":
        return None
    usual = _USUAL_PLACE if _USUAL_PLACE.parent.parent.is_dir() else Path("defs.yaml")
    target = Path(output) if output else usual
    if target.is_dir():
        target /= "defs.yaml"
    if target.exists() and not force:
        if not prompt.terminal:
            raise ConfigurationError(
                f"{target} exists; replace it with --force, or name another with --output"
            )
        prompt.confirm(f"{target} exists. Replace it?", default=False)
    return target


def _unchanged() -> NoReturn:
    echo("Nothing was written.", err=True)
    sys.exit(0)


def _validate(
    reports: Sequence[str], start: str | None, window: str | None, zone: str | None, root: str | None
) -> None:
    """Raises ConfigurationError for what is invalid whatever Stripe offers, so that Stripe is not called."""
    if reports:
        reports_named(column_names(reports) or ())
    windows = Windows(window or "daily", zone or "UTC")
    if start is not None:
        _day(start, windows)
    if root is not None:
        valid_root(root)


def _day(text: str, windows: Windows) -> date:
    """A day on which one of the windows begins."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text[:80]!r} is not a date such as 2026-06-01") from None
    return window_start(day, windows)


def _account(connection: Connection, key_variable: str) -> _Account | None:
    """What Stripe offers the key; None where there is no key."""
    if not connection.api_key:
        echo(f"{key_variable} is not set, so Stripe is not asked which reports there are.", err=True)
        return None
    from connector.doctor.permissions import permissions  # noqa: PLC0415 - it loads httpx

    with connection.client(retry=SHORT_RETRY) as client:
        offered = client.report_types()
        kind = key_kind(connection.api_key)
        echo(f"The key {kind} reads {client.mode} data: {len(offered)} report types.", err=True)
        for each in permissions(client):
            if each.advice:
                echo(f"Note: {each.found} {each.advice}", err=True)
        return _Account(client.mode, offered)


def _list_reports(stripe: _Account | None) -> None:
    echo("Reports to choose from, by name or id (`stripe-reports types` describes them):")
    for name in available_reports(stripe.offered if stripe else None):
        echo(f"  {name}")


def _starts(
    prompt: _Prompt,
    start: str | None,
    specs: Sequence[ReportSpec],
    windows: Windows,
    stripe: _Account | None,
) -> tuple[dict[str, date], tuple[date, date] | None]:
    """The day each report begins on, by its id, and the span to pull first."""
    if stripe is None:
        if start is None and not prompt.terminal:
            raise ConfigurationError(
                "no start: give --start, or set the key's variable, so that Stripe is asked where the data "
                "begins"
            )
        until = datetime.now(UTC) - timedelta(days=1)
        usual = windows.day(Windows("monthly", windows.zone).last_until(until - timedelta(days=31)))
        wanted = prompt.value(start, "First day", str(usual), lambda text: _day(text, windows))
        return {spec.id: wanted for spec in specs}, recent_span(windows, wanted, until)
    first = first_starts(specs, stripe.offered, windows, stripe.mode)
    wanted = prompt.value(start, "First day", str(min(first.values())), lambda text: _day(text, windows))
    starts = starts_from(first, wanted)
    for spec in specs:
        if start and starts[spec.id] != wanted:
            echo(f"Note: {spec.name} begins on {starts[spec.id]}, where Stripe's data begins.", err=True)
    until = min(stripe.offered[spec.id].data_available_end for spec in specs)
    echo(f"Stripe has data from {min(first.values())} to {until:%Y-%m-%d %H:%M} UTC.", err=True)
    return starts, recent_span(windows, max(starts.values()), until)


def _write(target: Path, text: str) -> None:
    """The whole file or none."""
    staged = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text(text, encoding="utf-8")
        staged.replace(target)
    except OSError as error:
        raise StoreError(f"could not write {target}: {error.strerror or error}") from None
    finally:
        staged.unlink(missing_ok=True)


def _print_next(
    configuration: "DefsYaml", target: Path, span: tuple[date, date] | None, *, has_key: bool
) -> None:
    """The commands that lead to a first reconciled month, to paste line by line."""
    echo(f"Wrote {target}. Next:\n")
    if not has_key:
        echo(f"  export {configuration.key_variable}=…   # a restricted key, rk_live_… or rk_test_…")
    for command in commands(configuration, span):
        echo(f"  {command}")
    if span is None:
        echo("  (no partition is complete yet; pull once the first one has ended)")
    echo("  make dev" if target == _USUAL_PLACE else "  dg dev")
