"""`status`: which partitions are there, as calendars."""

import itertools
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.api.retry import SHORT_RETRY
from connector.cli.options import (
    ENVIRONMENT,
    connection_options,
    json_option,
    lists_here,
    mode_option,
    tables_named,
    tables_of_mode,
)
from connector.clock import SystemClock
from connector.errors import ReportingError
from connector.settings import Connection
from connector.terminal.lines import Colored, echo, echo_json

if TYPE_CHECKING:
    from connector.dataset.identity import Dataset
    from connector.status.calendar import Calendar
    from connector.status.gathering import AtStripe, Wanted

#: So many lines of each calendar are shown: a year of days.
_SHOWN = 12

_WIDTH = 80

_COLOURS = {
    "there": "green",
    "restated": "cyan",
    "failing": "red",
    "missing": "red",
    "late": "yellow",
    "not ready": "blue",
}

_CODES = """\b
Exit codes:
  0  every partition is there that can be
  1  some are missing, or fail a check
  2  refused: usage, or there are no such files
  3  some are late, and no others are missing"""


@click.command(epilog=f"{ENVIRONMENT}\n\n{_CODES}")
@click.argument("tables", nargs=-1, metavar="[TABLE]...")
@connection_options
@mode_option
@click.option("--all", "whole", is_flag=True, help=f"Whole calendars, not their last {_SHOWN} lines.")
@click.option("--no-checks", is_flag=True, help="Do not evaluate checks, which reads all rows.")
@click.option("--offline", is_flag=True, help="Do not ask Stripe, also where there is a key.")
@json_option
def status(
    tables: tuple[str, ...],
    *,
    connection: Connection,
    mode: str | None,
    whole: bool,
    no_checks: bool,
    offline: bool,
    as_json: bool,
) -> None:
    """Show calendars of what is there, missing or late.

    Of the tables named, else of all. What a defs.yaml here configures is expected from its start until now;
    of other tables, what lies between their files. With a key it asks Stripe, in two or three requests,
    which data it has and which report runs are still on their way.

    \b
    stripe-reports status
    stripe-reports status balance_summary --all --no-checks
    """
    from connector.status.calendar import make_calendar  # noqa: PLC0415 - it loads pyarrow
    from connector.status.gathering import gather  # noqa: PLC0415

    store, lists, wanted = connection.store(), lists_here(), _configured(connection)
    there = _with_configured(store.datasets(), wanted, connection, mode)
    chosen = tables_of_mode(there, mode, store.root)
    stripe = None if offline else _at_stripe(connection, chosen)
    calendars = []
    for dataset in tables_named(tables, chosen):
        facts = gather(
            store,
            dataset,
            SystemClock().now(),
            wanted=wanted.get(dataset.table),
            stripe=stripe if stripe and dataset.account == connection.account else None,
            others=None if no_checks else [each for each in chosen if each != dataset],
            lists=lists,
        )
        calendar = make_calendar(facts)
        calendars.append(calendar)
        if as_json:
            echo_json(_as_json(calendar))
        else:
            _draw(calendar, whole=whole)
    _conclude(calendars, as_json=as_json)


def _configured(connection: Connection) -> "Mapping[str, Wanted]":
    """The tables that the `defs.yaml` files here configure below this root, by name."""
    from connector.project.account_list import ACTING, CONNECTED  # noqa: PLC0415 - they load a YAML reader
    from connector.project.roots import named_root, same_root  # noqa: PLC0415
    from connector.project.tables import configured_tables, query_of  # noqa: PLC0415
    from connector.status.gathering import Wanted  # noqa: PLC0415

    found = {}
    for name, table in configured_tables(Path.cwd()):
        if not same_root(named_root(table.fields["connection"]) or connection.root, connection.root):
            continue
        query = query_of(table.fields)
        accounts = table.accounts(ACTING if query.acting else CONNECTED)
        found[name] = Wanted(query, table.fields["start"], accounts)
    return found


def _with_configured(
    stored: "Sequence[Dataset]", wanted: "Mapping[str, Wanted]", connection: Connection, mode: str | None
) -> "list[Dataset]":
    """The tables that are stored, and those that are configured and have no file yet: of the one mode that is
    looked at, which without any files is the key's."""
    modes = {mode} if mode else {each.mode for each in stored}
    if not modes and connection.api_key:
        modes = {connection.mode().value}
    if len(modes) != 1:
        return [*stored]
    (only,) = modes
    names = {each.table for each in stored if each.mode == only}
    without = (each for name, each in wanted.items() if name not in names)
    return [*stored, *(each.query.dataset(mode=only, account=connection.account) for each in without)]


def _at_stripe(connection: Connection, chosen: "Sequence[Dataset]") -> "AtStripe | None":
    """What Stripe says of tables in the key's mode; None without a key, and where it cannot be asked."""
    from connector.status.gathering import ask_stripe  # noqa: PLC0415

    if not connection.api_key:
        return None
    try:
        if connection.mode().value not in {each.mode for each in chosen}:
            return None
        with connection.client(retry=SHORT_RETRY) as client:
            return ask_stripe(client)
    except ReportingError as error:
        echo(f"Note: Stripe was not asked, so nothing is known to be late: {error}", err=True)
        return None


def _draw(calendar: "Calendar", *, whole: bool) -> None:
    from connector.status.drawing import LETTERS, lines, scale  # noqa: PLC0415

    facts = calendar.facts
    what = "payouts" if not scale(calendar) else f"{facts.window} windows of {facts.zone}"
    echo(f"{facts.table}  {what}")
    drawn = lines(calendar)
    shown = drawn if whole else drawn[-_SHOWN:]
    if len(shown) < len(drawn):
        echo(f"  and {len(drawn) - len(shown)} before, with --all")
    if shown:
        echo(f"  {'':{len(shown[0].name)}}  {scale(calendar)}")
    for name, states in shown:
        runs = [(state, len(list(same))) for state, same in itertools.groupby(states)]
        letters = (
            Colored(LETTERS[state] * count, _COLOURS[state]) if state else " " * count
            for state, count in runs
        )
        echo(f"  {name}  ", *letters)
    for text in (calendar.summary, *(f"{key}: {remark}" for key, remark in calendar.remarks.items())):
        for line in textwrap.wrap(text, _WIDTH - 2, break_on_hyphens=False):
            echo(f"  {line}")
    echo("")


def _as_json(calendar: "Calendar") -> dict[str, Any]:
    facts = calendar.facts
    return {
        "type": "table",
        "table": facts.table,
        "mode": facts.mode,
        "report_type": facts.report_type,
        "window": facts.window,
        "zone": facts.zone,
        "counts": {state.value: count for state, count in calendar.counts.items()},
        "partitions": {key: state.value for key, state in calendar.states.items()},
        "remarks": dict(calendar.remarks),
        "asked_stripe": facts.available is not None,
        "as_of": facts.now,
    }


def _conclude(calendars: "Sequence[Calendar]", *, as_json: bool) -> None:
    from connector.status.calendar import State  # noqa: PLC0415
    from connector.status.drawing import legend  # noqa: PLC0415

    found = {state for each in calendars for state in each.counts}
    wrong = found & {State.MISSING, State.FAILING} or any(each.facts.failing for each in calendars)
    code = 1 if wrong else 3 if State.LATE in found else 0
    if as_json:
        echo_json({"type": "summary", "exit_code": code})
    else:
        echo(legend())
    sys.exit(code)
