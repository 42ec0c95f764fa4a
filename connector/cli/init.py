"""`init`: from a key to a configuration that loads, and to the first month.

On a terminal it asks for what was not given as an option; elsewhere it takes what is usual. The key is read
from its variable to ask Stripe, and goes nowhere else.
"""

import os
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import click

from connector.api.credentials import key_kind
from connector.api.models import Mode, ReportType
from connector.catalogue import ReportSpec
from connector.cli.options import ENVIRONMENT, SOON, client_for, column_names
from connector.errors import ConfigurationError, StoreError
from connector.partitions import Windows
from connector.project.defs_yaml import (
    DEFAULT_REPORTS,
    KEY_VARIABLE,
    DefsYaml,
    aligned,
    begun,
    chosen,
    first_starts,
    place,
    recent_span,
    usual_reports,
    variable,
)
from connector.project.next_steps import commands

#: Where a file of this project stands, seen from its directory; elsewhere the file is made right here.
_USUAL_PLACE = Path("assets/defs/stripe_reports/defs.yaml")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks on a terminal for what the command line did not say; elsewhere takes what is usual."""

    terminal: bool

    def value(self, given: str | None, question: str, usual: str, check: Callable[[str], T]) -> T:
        """What `check` makes of it. On a terminal a slip is told, and asked again."""
        if given is not None or not self.terminal:
            return check(usual if given is None else given)

        def checked(text: str) -> T:
            try:
                return check(text)
            except ConfigurationError as error:
                raise click.UsageError(str(error)) from None

        answer: T = click.prompt(question, default=usual, value_proc=checked)
        return answer

    def agreed(self, question: str) -> None:
        """Ends the command where a person at a terminal says no."""
        if self.terminal:
            click.confirm(question, default=True, abort=True)


@dataclass(frozen=True, slots=True)
class _Account:
    """What Stripe says of the key: its mode, and the report types it may ask for by id."""

    mode: Mode
    offered: Mapping[str, ReportType]


@click.command(epilog=ENVIRONMENT)
@click.option(
    "--key-variable",
    metavar="NAME",
    help=f"The variable that holds the key; default {KEY_VARIABLE}. The key itself is never asked for.",
)
@click.option("--reports", multiple=True, metavar="A,B,…", help="By name or id; four usual ones without.")
@click.option("--start", metavar="DATE", help="Where the first window begins; where the data do, without.")
@click.option("--window", metavar="hourly|daily|weekly|monthly", help="How long one partition is.")
@click.option("--zone", help="Whose calendar cuts time, e.g. Europe/Berlin.")
@click.option("--root", help="Where the files go; STRIPE_REPORTS_ROOT decides without.")
@click.option("--account", help="The connected account to act for, acct_…; STRIPE_ACCOUNT decides without.")
@click.option(
    "--output", metavar="FILE", help=f"Where to write; {_USUAL_PLACE} or defs.yaml without, - to show only."
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing, also on a terminal.")
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
    """Write a defs.yaml for the reports you want, with a start that exists.

    With a key in the environment it asks Stripe which reports there are and since when; the key is written
    nowhere. Afterwards it says how to pull and reconcile the first month.

    \b
    stripe-reports init
    stripe-reports init --yes --reports balance_summary,payouts_itemized --window monthly
    """
    ask = _Asker(not yes and sys.stdin.isatty() and sys.stdout.isatty())
    target = _target(output, ask, force=force)
    holder = ask.value(key_variable, "Variable that holds the key", KEY_VARIABLE, variable)
    _refuse_slips(reports, start, window, zone, root)
    stripe = _asked(holder, account)
    wanted = usual_reports(stripe.offered) if stripe else DEFAULT_REPORTS
    specs = ask.value(
        ",".join(reports) or None,
        "Reports",
        ", ".join(wanted),
        lambda text: chosen(column_names([text]) or ()),
    )
    unit = ask.value(window, "Window", "daily", lambda text: Windows(text).unit)
    windows = ask.value(zone, "Time zone", "UTC", lambda text: Windows(unit, text))
    starts, span = _begin(ask, start, specs, windows, stripe)
    configuration = DefsYaml(specs, starts, windows, holder, root=root, account=account)
    text = configuration.text()
    if target is None:
        click.echo(text, nl=False)
        return
    if ask.terminal:
        click.echo(f"\n{text}")
    ask.agreed(f"Write this to {target}?")
    _write(target, text)
    _tell_next(configuration, target, span, has_key=stripe is not None)


def _target(output: str | None, ask: _Asker, *, force: bool) -> Path | None:
    """Where to write; None for showing only. Refuses a file that is there, or asks."""
    if output == "-":
        return None
    usual = _USUAL_PLACE if _USUAL_PLACE.parent.parent.is_dir() else Path("defs.yaml")
    target = Path(output) if output else usual
    if target.is_dir():
        target /= "defs.yaml"
    if target.exists() and not force:
        if not ask.terminal:
            raise ConfigurationError(
                f"{target} is there already; --force replaces it, --output names another one"
            )
        click.confirm(f"{target} is there already. Replace it?", abort=True)
    return target


def _refuse_slips(
    reports: Sequence[str], start: str | None, window: str | None, zone: str | None, root: str | None
) -> None:
    """What can be seen to be wrong without Stripe is refused before Stripe is asked."""
    if reports:
        chosen(column_names(reports) or ())
    windows = Windows(window or "daily", zone or "UTC")
    if start is not None:
        _day(start, windows)
    if root is not None:
        place(root)


def _day(text: str, windows: Windows) -> date:
    """A day on which one of the windows begins."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text[:80]!r} is not a date such as 2026-06-01") from None
    return aligned(day, windows)


def _asked(key_variable: str, account: str | None) -> _Account | None:
    """What Stripe says of the key; None where there is no key to ask with."""
    key = os.environ.get(key_variable)
    if not key:
        click.echo(f"{key_variable} is not set, so Stripe is not asked what there is.", err=True)
        return None
    from connector.doctor.permissions import permissions  # noqa: PLC0415 - it loads what speaks to Stripe

    with client_for(
        account or os.environ.get("STRIPE_ACCOUNT"), key_variable=key_variable, retry=SOON
    ) as client:
        offered = client.report_types()
        click.echo(
            f"The key {key_kind(key)} reads {client.mode} data: {len(offered)} report types.", err=True
        )
        for said in permissions(client):
            if said.advice:
                click.echo(f"Note: {said.found} {said.advice}", err=True)
        return _Account(client.mode, offered)


def _begin(
    ask: _Asker, start: str | None, specs: Sequence[ReportSpec], windows: Windows, stripe: _Account | None
) -> tuple[dict[str, date], tuple[date, date] | None]:
    """The day each report begins on, by its id, and the span of a first look."""
    if stripe is None:
        if start is None and not ask.terminal:
            raise ConfigurationError(
                "from when on? Give --start, or set the key's variable, and Stripe is asked since when there "
                "are data"
            )
        until = datetime.now(UTC) - timedelta(days=1)
        usual = windows.day(Windows("monthly", windows.zone).last_until(until - timedelta(days=31)))
        wished = ask.value(start, "First day", str(usual), lambda text: _day(text, windows))
        return {spec.id: wished for spec in specs}, recent_span(windows, wished, until)
    first = first_starts(specs, stripe.offered, windows, stripe.mode)
    wished = ask.value(start, "First day", str(min(first.values())), lambda text: _day(text, windows))
    starts = begun(first, wished)
    for spec in specs:
        if start and starts[spec.id] != wished:
            click.echo(f"Note: {spec.name} begins on {starts[spec.id]}; there are no data before.", err=True)
    until = min(stripe.offered[spec.id].data_available_end for spec in specs)
    click.echo(f"Stripe has data from {min(first.values())} on, up to {until:%Y-%m-%d %H:%M} UTC.", err=True)
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


def _tell_next(
    configuration: DefsYaml, target: Path, span: tuple[date, date] | None, *, has_key: bool
) -> None:
    """The way from here to the first month that reconciles, to paste line by line."""
    click.echo(f"Wrote {target}. Go on with:\n")
    if not has_key:
        click.echo(f"  export {configuration.key_variable}=…   # a restricted key, rk_live_… or rk_test_…")
    for command in commands(configuration, span):
        click.echo(f"  {command}")
    if span is None:
        click.echo("  (there is no whole window yet; pull when the first one has ended)")
    click.echo("  make dev" if target == _USUAL_PLACE else "  dg dev")
