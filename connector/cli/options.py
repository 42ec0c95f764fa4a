"""Options that several commands share, and what their text means.

Invalid options are refused before anything is sent.
"""

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.accounts import NO_LISTS, AccountLists
from connector.cli.completion import complete_mode
from connector.errors import ConfigurationError
from connector.settings import Connection
from connector.terminal.lines import echo
from connector.text import hint

if TYPE_CHECKING:
    from connector.dataset.filesystem.place import Place
    from connector.dataset.identity import Dataset
    from connector.project.tables import ConfiguredTable

EXIT_CODES = """\b
Exit codes:
  0    every partition is stored
  1    some failed; the messages say why
  2    refused before any call to Stripe: usage or configuration
  3    some are late: their report runs continue at Stripe; run it again later
  4    some are not ready: Stripe has no data yet; the message says from when
  5    some begin before Stripe's data do, so they never become ready
  130  interrupted (129, 143: by SIGHUP, SIGTERM); run it again to continue
If several apply, the exit code is the first of 1, 3, 4, 5."""

_FILES = "  STRIPE_REPORTS_ROOT  where the files are stored; default data"

#: For commands that call Stripe and read no files; that read files only; and that do both.
STRIPE_ENVIRONMENT = """\b
Environment:
  STRIPE_API_KEY       a restricted key, rk_live_… or rk_test_…
  STRIPE_API_BASE      another server; default https://api.stripe.com
  STRIPE_ACCOUNT       the connected account to act for, acct_…
  STRIPE_PROCESSES     how many processes use the key at once; default 1
  STRIPE_SHARE         how much of Stripe's rate limits they take; default 1"""
FILES_ENVIRONMENT = f"\b\nEnvironment:\n{_FILES}"
ENVIRONMENT = f"{STRIPE_ENVIRONMENT}\n{_FILES}"

#: Longer than any report takes, and short enough for every clock.
_LONGEST = timedelta(days=365)

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
#: A column and its type. The key of `payment_metadata[a:b]` may hold a colon of its own.
_TYPED = re.compile(r"(.+):([^\[\]:]*)")

#: Makes the connection to a table that a file here configures; None for one that none does.
Connect = Callable[["ConfiguredTable | None"], Connection]

#: What a decorator takes and gives: a command's function.
Command = Callable[..., Any]


def lists_here() -> AccountLists:
    """The lists of accounts of the configuration in the current directory; none where it cannot be read,
    which is said."""
    from connector.project.account_list import configured_lists  # noqa: PLC0415 - it loads a YAML reader

    try:
        return configured_lists(Path.cwd())
    except ConfigurationError as error:
        echo(f"Note: the accounts configured here are not considered: {error}", err=True)
        return NO_LISTS


def moment(_context: click.Context, _parameter: click.Parameter, value: str | None) -> date | datetime | None:
    """`2026-06-01`, or a time as in `2026-06-01T05:00` with or without an offset; None for none."""
    if value is None:
        return None
    try:
        return date.fromisoformat(value) if len(value) <= 10 else datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a date such as 2026-06-01 or 2026-06-01T05:00") from None


def duration(_context: click.Context, _parameter: click.Parameter, value: str) -> timedelta:
    """`30m`, `1h30m`, `90s`, or seconds; up to a year."""
    found = _DURATION.fullmatch(value)
    if not value or not found:
        raise click.BadParameter(f"{value[:80]!r} is not a duration such as 30m, 1h30m or 90s")
    try:
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        meant = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    except (OverflowError, ValueError):
        meant = timedelta.max
    if meant > _LONGEST:
        raise click.BadParameter(f"{value[:80]!r} is longer than {_LONGEST.days} days")
    return meant


def grouped(
    parameter: str, make: Callable[..., Any], *options: Callable[[Command], Command]
) -> Callable[[Command], Command]:
    """Several options that a command takes as one value.

    Args:
        parameter: the command's parameter for it.
        make: called with the options' values by name.
        options: click's decorators.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def collected(*arguments: Any, **given: Any) -> Any:
            value = make(**{name: given.pop(name) for name in names})
            return command(*arguments, **given, **{parameter: value})

        result: Command = collected
        before = len(getattr(command, "__click_params__", ()))
        for option in reversed(options):
            result = option(result)
        names = [each.name for each in result.__click_params__[before:]]  # type: ignore[attr-defined]
        return result

    return decorate


_ROOT = "default what the defs.yaml here says, or STRIPE_REPORTS_ROOT, or data."

_account = click.option(
    "--account", help="The connected account to act for (acct_…); default STRIPE_ACCOUNT."
)
_root = click.option(
    "--root", help=f"Where the files are: a directory, or a URL such as s3://bucket/prefix; {_ROOT}"
)

_processes = click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="How many processes use the key at once: Stripe's rate limits are divided by it; default "
    "STRIPE_PROCESSES, or 1.",
)
_share = click.option(
    "--share",
    type=click.FloatRange(min=0, max=1, min_open=True),
    help="How much of Stripe's rate limits they take together, such as 0.5: checkout and others share the "
    "limits; default STRIPE_SHARE, or 1.",
)


def _connect(*, root: str | None, **given: Any) -> Connection:
    from connector.project.roots import access_to  # noqa: PLC0415 - it loads a YAML reader

    root = root or _root_here()
    return Connection.from_environment(root=root, access=access_to(root, Path.cwd()), **given)


def _root_here() -> str:
    from connector.project.roots import root_here  # noqa: PLC0415 - it loads a YAML reader

    return root_here(Path.cwd())


def configured_here(report: str) -> "ConfiguredTable | None":
    """The table of this name in a `defs.yaml` here, which `--root` chooses where there are several."""
    from connector.project.tables import configured_table  # noqa: PLC0415 - it loads a YAML reader

    return configured_table(Path.cwd(), report, click.get_current_context().params.get("root"))


def _connecting(**given: Any) -> "Connect":
    def connect(table: "ConfiguredTable | None") -> Connection:
        if table is None:
            return _connect(**given)
        from connector.project.roots import access_to  # noqa: PLC0415 - they load a YAML reader
        from connector.project.tables import connection_of  # noqa: PLC0415

        connection = connection_of(table.fields["connection"], **given)
        access = access_to(connection.root, Path.cwd())
        return replace(connection, access=access) if access else connection

    return connect


def roots_here(connection: Connection) -> "tuple[str | Place, ...]":
    """All roots of the `defs.yaml` files here; the connection's own where the command line names it."""
    from connector.project.roots import configured_roots, reached  # noqa: PLC0415 - it loads a YAML reader

    here = Path.cwd()
    named = click.get_current_context().params.get("root")
    roots = (connection.root,) if named else configured_roots(here)
    return tuple(reached(root, here) for root in roots)


#: Each gives the command a `connection`, made from these options, the `defs.yaml` here, of which it takes the
#: root, and the environment.
connection_options = grouped("connection", _connect, _root, _account, _processes, _share)
root_option = grouped("connection", _connect, _root)
account_option = grouped("connection", Connection.from_environment, _account)
#: Gives the command a `connect`, which makes the connection to a table as that is configured.
connect_option = grouped("connect", _connecting, _root, _account, _processes, _share)
#: Gives a `connection` to a command that goes through `roots_here`.
each_root_options = grouped("connection", Connection.from_environment, _root, _account, _processes, _share)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="JSON for programs, one object on each line."
)
mode_option = click.option(
    "--mode",
    shell_complete=complete_mode,
    help="live, test or simulated; needed where there is data of more than one mode.",
)
wait_option = click.option(
    "--wait-timeout",
    metavar="DURATION",
    callback=duration,
    default="30m",
    show_default=True,
    help="How long to wait for a report run before it counts as late.",
)


def ids_of(given: Sequence[str]) -> list[str]:
    """Ids, split at commas, each once."""
    return list(dict.fromkeys(id.strip() for each in given for id in each.split(",") if id.strip()))


def column_names(given: Sequence[str]) -> list[str] | None:
    """Column names, split at commas that are not part of a metadata key; None where none is given."""
    names = [name.strip() for each in given for name in re.split(r",(?![^\[\]]*\])", each)]
    return [name for name in names if name] or None


def columns_of(given: Sequence[str]) -> list[str] | dict[str, str | None] | None:
    """Column names, or names with their types where any has one, as in `id:text,paid:money`."""
    names = column_names(given) or []
    if not any(_TYPED.fullmatch(name) for name in names):
        return names or None
    found: dict[str, str | None] = {}
    for each in names:
        typed = _TYPED.fullmatch(each)
        name, type_ = typed.groups() if typed else (each, None)
        if name in found:
            raise ConfigurationError(f"column {name} is given twice")
        found[name] = type_
    return found


def filters_of(given: Sequence[str]) -> dict[str, Any]:
    """`name=value` pairs by name. Raises ConfigurationError for anything else, and for a name given twice."""
    found: dict[str, Any] = {}
    for each in given:
        name, separator, value = each.partition("=")
        if not separator or not value:
            raise ConfigurationError(f"filter {each!r} is not of the form name=value, e.g. currency=usd")
        if name in found:
            raise ConfigurationError(
                f"filter {name} is given twice: {found[name]} and {value}; pull each into a table of "
                "its own, with --name"
            )
        found[name] = value
    return found


def tables_of_mode(datasets: "Sequence[Dataset]", mode: str | None, root: str) -> "list[Dataset]":
    """The tables of the mode that `mode_option` names; without one, of the only mode there is.

    Raises ConfigurationError where there is no such table, or tables of several modes.
    """
    from connector.api.models import Mode  # noqa: PLC0415 - most commands need no more than the options

    known = [each.value for each in Mode]
    if mode is not None and mode not in known:
        raise ConfigurationError(f"there is no mode {mode!r}; there are: {', '.join(known)}")
    modes = sorted({each.mode for each in datasets})
    if mode is None and len(modes) > 1:
        raise ConfigurationError(f"{root} holds {' and '.join(modes)} data; choose one with --mode")
    found = [each for each in datasets if mode in {None, each.mode}]
    if not found:
        what = f"no {mode} data" if mode else "no data"
        raise ConfigurationError(f"{what} under {root}. Store some with `stripe-reports pull`.")
    return found


def tables_named(names: Sequence[str], there: "Sequence[Dataset]") -> "list[Dataset]":
    """The tables of these names; all where none is named.

    Raises ConfigurationError for one that is not there.
    """
    known = [each.table for each in there]
    for each in names:
        if each not in known:
            raise ConfigurationError(f"there is no table {each!r}{hint(each, known)}")
    return [each for each in there if not names or each.table in names]
