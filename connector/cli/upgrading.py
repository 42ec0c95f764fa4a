"""`upgrade`: a table in another version of its report, side by side, compared, and switched when wanted."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

import connector
from connector.cli.given import (
    ENVIRONMENT,
    EXIT_CODES,
    account_option,
    client_for,
    column_names,
    duration,
    json_option,
    moment,
    root_option,
)
from connector.cli.pulling import tell
from connector.cli.shown import show
from connector.errors import ConfigurationError

if TYPE_CHECKING:
    from connector.provenance import Provenance
    from connector.succession import Succession
    from connector.upgrade import Comparison, Upgrade

#: Partitions that differ are asked again of the old version, so that a restatement does not pass for a
#: difference between versions; more than this tell nothing new.
_ASKED_AGAIN = 31


@dataclass(frozen=True, slots=True)
class _Session:
    """What the steps of an upgrade have in common."""

    client: "connector.StripeClient"
    store: "connector.Store"
    patience: "connector.Patience"
    as_json: bool

    def say(self, text: str) -> None:
        """A sentence for people; programs get it on standard error."""
        click.echo(text, err=self.as_json)

    def pull(
        self, query: "connector.ReportQuery", partitions: Sequence["connector.Partition"], *, refresh: bool
    ) -> int:
        """Bring them into the query's table; the exit code."""
        from connector.progress import Told  # noqa: PLC0415 - it loads pyarrow

        began, told = time.monotonic(), Told(query, len(partitions), as_json=self.as_json)
        events = connector.collect(
            self.client,
            self.store,
            query,
            partitions,
            refresh=[each.key for each in partitions] if refresh else (),
            patience=self.patience,
        )
        tell(events, told)
        told.summary(time.monotonic() - began)
        return told.tally.exit_code

    def kept(
        self, dataset: "connector.Dataset", keys: Sequence[str] | None = None
    ) -> Mapping[str, "Provenance"]:
        """What the table holds, by partition key."""
        found = {key: self.store.kept(dataset, key) for key in keys or self.store.keys(dataset)}
        return {key: each for key, each in found.items() if each}


@click.command(epilog=f"{ENVIRONMENT}\n\n{EXIT_CODES}")
@click.argument("report")
@click.option("--to", "version", type=int, required=True, metavar="N", help="The version wanted.")
@click.option(
    "--from", "since", metavar="DATE", callback=moment, help="Compare only what begins then or later (UTC)."
)
@click.option(
    "--to-date", "until", metavar="DATE", callback=moment, help="Compare only what ends by then (UTC)."
)
@click.option(
    "--columns", multiple=True, metavar="A,B,…", help="Of the new version; the same choice without."
)
@click.option("--switch", is_flag=True, help="Let the new table take the name of the old one, which is kept.")
@root_option
@account_option
@click.option(
    "--wait-timeout",
    metavar="DURATION",
    callback=duration,
    default="30m",
    show_default=True,
    help="How long a report run is waited for before it counts as late.",
)
@json_option
def upgrade(
    report: str,
    *,
    version: int,
    since: date | None,
    until: date | None,
    columns: tuple[str, ...],
    switch: bool,
    root: str,
    account: str | None,
    wait_timeout: timedelta,
    as_json: bool,
) -> None:
    """Make the table REPORT in version N of its report beside the one that is there, and compare the two.

    The new one is called REPORT_vN until --switch, or a yes on the terminal, gives it the name; the old one
    is kept as REPORT_vM. Killed at any moment, both are readable, and the same command goes on.

    \b
    stripe-reports upgrade payouts_itemized --to 3
    """
    from connector.upgrade import table_named  # noqa: PLC0415 - it loads pyarrow

    store = connector.Store(root)
    with client_for(account) as client:
        session = _Session(client, store, connector.Patience(wait_timeout=wait_timeout), as_json)
        tables = [each for each in store.datasets() if each.mode == client.mode]
        pinned = table_named(report, tables)
        if begun := store.unfinished(pinned):
            _finish(session, begun, version)
            return
        if pinned.report_type.endswith(f".{version}"):
            session.say(f"{pinned.table} is made from {pinned.report_type} already: nothing to do.")
            return
        compared, plan, whole = _side_by_side(
            session, pinned, version, since=since, until=until, columns=column_names(columns)
        )
    _tell(session, plan, compared)
    if not whole:
        session.say("That is a part of the partitions; all of them are needed to switch.")
    elif _wanted(session, plan, switch=switch):
        store.switch(plan.succession)
        _tell_switched(session, plan.succession, plan.left_out)


def _side_by_side(
    session: _Session,
    pinned: "connector.Dataset",
    version: int,
    *,
    since: date | None,
    until: date | None,
    columns: Sequence[str] | None,
) -> "tuple[Comparison, Upgrade, bool]":
    """Both versions compared, what was asked for that, and whether it was about every partition.

    Ends the command where a partition is not in place.
    """
    from connector.upgrade import partition_of, planned  # noqa: PLC0415 - as above

    everything = session.kept(pinned)
    if not everything:
        raise connector.ReportingError(f"{pinned.table} has no partition to compare with")
    plan = planned(pinned, version, everything[max(everything)], columns)
    old = _within(everything, since, until)
    if plan.new.spec.caution:
        session.say(f"Note: {plan.new.spec.caution}")
    code = session.pull(plan.new, [partition_of(each, pinned) for each in old.values()], refresh=False)
    if code:
        session.say("The two are compared when every partition is in place.")
        sys.exit(code)
    return _compared(session, plan, old), plan, len(old) == len(everything)


def _within(
    everything: Mapping[str, "Provenance"], since: date | None, until: date | None
) -> Mapping[str, "Provenance"]:
    """The partitions between two dates. Raises ConfigurationError where there is none."""
    from connector.upgrade import between  # noqa: PLC0415 - as above

    found = {each.period: each for each in between(everything.values(), _instant(since), _instant(until))}
    if not found:
        raise ConfigurationError(
            f"there is no partition between those dates; there are {min(everything)} to {max(everything)}"
        )
    return found


def _instant(day: date | None) -> datetime | None:
    if day is None:
        return None
    at = day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)  # noqa: DTZ001 - set below
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _compared(session: _Session, plan: "Upgrade", old: Mapping[str, "Provenance"]) -> "Comparison":
    """Both versions as they stand; where they differ, the old one is asked once more."""
    from connector.upgrade import Columns, Comparison, doubtful, partition_of  # noqa: PLC0415 - as above

    made = plan.succession.successor
    new = session.kept(made, list(old))
    doubts = sorted(doubtful(old, new))[-_ASKED_AGAIN:]
    if doubts:
        session.say(
            f"{len(doubts)} partitions differ; {plan.old.spec.id} is asked for them again, in case Stripe "
            "has restated them since."
        )
        session.pull(plan.old, [partition_of(old[key], plan.pinned) for key in doubts], refresh=True)
        old = session.kept(plan.pinned, list(old))
    columns = Columns.between(session.store.columns(plan.pinned), session.store.columns(made))
    return Comparison(columns, old, new, frozenset(doubts))


def _tell(session: _Session, plan: "Upgrade", compared: "Comparison") -> None:
    """How the two differ."""
    from connector.cli import compared as told  # noqa: PLC0415 - it loads rich

    if session.as_json:
        click.echo(json.dumps(told.for_programs(plan, compared), ensure_ascii=False))
    else:
        show(*told.for_people(plan, compared))


def _wanted(session: _Session, plan: "Upgrade", *, switch: bool) -> bool:
    """Whether to switch: as told, or as a person at a terminal says."""
    table, made = plan.pinned.table, plan.new.name
    if switch:
        return True
    if not session.as_json and sys.stdin.isatty() and sys.stdout.isatty():
        kept = plan.succession.retired.table
        question = f"Let {made} take the name {table}? The old one is kept as {kept}."
        if click.confirm(question, default=False):
            return True
    session.say(
        f"{table} is untouched, and {made} stands beside it. The same command with --switch switches."
    )
    return False


def _finish(session: _Session, begun: "Succession", version: int) -> None:
    """Finish a switch that was interrupted."""
    new = begun.successor.report_type
    if not new.endswith(f".{version}"):
        raise ConfigurationError(
            f"{begun.predecessor.table} is in the middle of a switch to {new}; finish that one first: "
            f"--to {new.rpartition('.')[2]}"
        )
    session.say(f"A switch of {begun.predecessor.table} to {new} was interrupted; finishing it.")
    session.store.switch(begun)
    _tell_switched(session, begun, ())


def _tell_switched(session: _Session, done: "Succession", left_out: Sequence[str]) -> None:
    """What is where now, and what to change in the configuration."""
    if session.as_json:
        told = {
            "type": "switched",
            "table": done.heir.table,
            "report_type": done.heir.report_type,
            "kept": done.retired.table,
            "columns_left_out": list(left_out),
        }
        click.echo(json.dumps(told, ensure_ascii=False))
    session.say(
        f"{done.heir.table} is {done.heir.report_type} now; the old one is kept as {done.retired.table}."
    )
    session.say("Change the configuration, before anything is pulled again:")
    for line in _lines_to_change(done) or [f"  report: {done.predecessor.report_type}"]:
        session.say(f"{line}   ->   report: {done.heir.report_type}")
    if left_out:
        session.say(
            f"and take these out of its columns, which the version does not have: {', '.join(left_out)}"
        )
    session.say(
        "In Dagster the asset keeps its name and its history; its partitions show changed code. Materialize "
        "them: what is here already is recorded, and Stripe is not asked."
    )


def _lines_to_change(done: "Succession") -> list[str]:
    """The lines of the defs.yaml here that name the report, with their place."""
    from connector.doctor.reports import configuration  # noqa: PLC0415 - it loads yaml
    from connector.upgrade import lines_to_change  # noqa: PLC0415 - as above

    here = Path.cwd()
    return [
        f"  {path.relative_to(here)}:{number}: {line}"
        for path in configuration(here).files
        for number, line in lines_to_change(path.read_text(encoding="utf-8"), done.predecessor)
    ]
