"""`upgrade`: pull another version of a table's report into a second table, and compare the two; or rewrite a
table's files with money in its wide type."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

import connector
from connector.cli.completion import complete_stored_table
from connector.cli.display.pull_messages import report_events
from connector.cli.options import (
    ENVIRONMENT,
    EXIT_CODES,
    column_names,
    connection_options,
    json_option,
    moment,
    wait_option,
)
from connector.errors import ConfigurationError
from connector.settings import Connection
from connector.terminal.lines import echo, echo_json
from connector.terminal.tables import show

if TYPE_CHECKING:
    from connector.dataset.provenance import Provenance
    from connector.upgrade import Comparison, UpgradePlan

#: Partitions that differ are refreshed in the old version, so that a restatement does not pass for a
#: difference between versions; more than this add nothing.
_REFRESHED = 31


@dataclass(frozen=True, slots=True)
class _Session:
    """What the steps of an upgrade share."""

    client: "connector.StripeClient"
    store: "connector.Store"
    wait_policy: "connector.WaitPolicy"
    as_json: bool

    def say(self, text: str) -> None:
        """A sentence for people; programs get it on standard error."""
        echo(text, err=self.as_json)

    def pull(
        self, query: "connector.ReportQuery", partitions: Sequence["connector.Partition"], *, refresh: bool
    ) -> int:
        """Store them in the query's table; the exit code."""
        from connector.cli.display.pull_progress import PullReporter  # noqa: PLC0415 - it loads pyarrow

        began = time.monotonic()
        reporter = PullReporter(query, len(partitions), as_json=self.as_json)
        events = connector.collect(
            self.client,
            self.store,
            query,
            partitions,
            refresh=[each.key for each in partitions] if refresh else (),
            wait_policy=self.wait_policy,
        )
        report_events(events, reporter)
        reporter.summary(time.monotonic() - began)
        return reporter.tally.exit_code

    def stored(
        self, dataset: "connector.Dataset", keys: Sequence[str] | None = None
    ) -> Mapping[str, "Provenance"]:
        """The files of the table, by partition key."""
        found = self.store.provenances(dataset, keys)
        return {key: each for key, each in found.items() if each}


@click.command(epilog=f"{ENVIRONMENT}\n\n{EXIT_CODES}")
@click.argument("report", shell_complete=complete_stored_table)
@click.option("--to-version", "version", type=int, metavar="N", help="The version to compare with.")
@click.option("--wide", is_flag=True, help="Rewrite the files with money in 36 digits, 18 behind the point.")
@click.option(
    "--from", "since", metavar="DATE", callback=moment, help="Only partitions from this date on (UTC)."
)
@click.option("--to", "until", metavar="DATE", callback=moment, help="Only partitions up to this date (UTC).")
@click.option(
    "--columns", multiple=True, metavar="A,B,…", help="Columns of the new version; default the same."
)
@connection_options
@wait_option
@json_option
def upgrade(
    report: str,
    *,
    version: int | None,
    wide: bool,
    since: date | None,
    until: date | None,
    columns: tuple[str, ...],
    connection: Connection,
    wait_timeout: timedelta,
    as_json: bool,
) -> None:
    """Compare a report's versions, or widen a table's money.

    Version N is pulled into a second table, REPORT_vN; the table REPORT stays as it is. At the end it prints
    what to configure.

    --wide is for a table that gets an amount with more digits than its files hold. It rewrites them, exactly
    and without report runs; the next pull stores the partition that was refused.

    Both can be interrupted and run again at any time.

    \b
    stripe-reports upgrade payouts_itemized --to-version 3
    stripe-reports upgrade payouts_itemized --to-version 3 --from 2026-06-01
    stripe-reports upgrade balance_change_from_activity_itemized --wide
    """
    from connector.upgrade import table_named  # noqa: PLC0415 - it loads pyarrow

    if wide == (version is not None) or (wide and (since or until or columns)):
        raise click.UsageError("give --to-version N, or --wide without dates and columns")
    store = connection.store()
    with connection.client() as client:
        session = _Session(client, store, connector.WaitPolicy(wait_timeout=wait_timeout), as_json)
        tables = [each for each in store.datasets() if each.mode == client.mode]
        if version is None:
            begun = [each for each in store.tables_being_widened() if each.mode == client.mode]
            _widen(session, table_named(report, [*tables, *begun]))
            return
        pinned = table_named(report, tables)
        if pinned.report_type.endswith(f".{version}"):
            session.say(f"{pinned.table} already holds {pinned.report_type}: nothing to do.")
            return
        compared, plan = _side_by_side(
            session, pinned, version, since=since, until=until, columns=column_names(columns)
        )
    _show(session, plan, compared)
    _say_configuration(session, plan)


def _widen(session: _Session, pinned: "connector.Dataset") -> None:
    """Rewrite the table's files with money in its wide type."""
    from connector.money import WIDE  # noqa: PLC0415 - as above
    from connector.pipeline.widening import widen_table  # noqa: PLC0415

    count = sum(1 for _ in widen_table(session.store, pinned))
    if session.as_json:
        echo_json({"type": "widened", "table": pinned.table, "money": WIDE, "files": count})
    else:
        echo(
            f"{pinned.table} holds money as {WIDE}: {count:,} {'file' if count == 1 else 'files'} rewritten."
        )


def _side_by_side(
    session: _Session,
    pinned: "connector.Dataset",
    version: int,
    *,
    since: date | None,
    until: date | None,
    columns: Sequence[str] | None,
) -> "tuple[Comparison, UpgradePlan]":
    """Both versions compared, and what was requested for it.

    Ends the command where a partition could not be stored.
    """
    from connector.upgrade import partition_of, planned  # noqa: PLC0415 - as above

    everything = session.stored(pinned)
    if not everything:
        raise connector.ReportingError(f"{pinned.table} has no partition to compare with")
    plan = planned(pinned, version, everything[max(everything)], columns)
    old = _within(everything, since, until)
    if plan.new.spec.caution:
        session.say(f"Note: {plan.new.spec.caution}")
    code = session.pull(plan.new, [partition_of(each, pinned) for each in old.values()], refresh=False)
    if code:
        session.say("The versions are compared once every partition is stored.")
        sys.exit(code)
    return _compared(session, plan, old), plan


def _within(
    everything: Mapping[str, "Provenance"], since: date | None, until: date | None
) -> Mapping[str, "Provenance"]:
    """The partitions between two dates. Raises ConfigurationError where there is none."""
    from connector.upgrade import between  # noqa: PLC0415 - as above

    found = {each.period: each for each in between(everything.values(), _instant(since), _instant(until))}
    if not found:
        raise ConfigurationError(
            f"there is no partition between these dates; there are {min(everything)} to {max(everything)}"
        )
    return found


def _instant(day: date | None) -> datetime | None:
    if day is None:
        return None
    at = day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)  # noqa: DTZ001 - set below
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _compared(session: _Session, plan: "UpgradePlan", old: Mapping[str, "Provenance"]) -> "Comparison":
    """Both versions as stored; where they differ, the old one is refreshed first."""
    from connector.column_diff import ColumnDiff  # noqa: PLC0415 - as above
    from connector.upgrade import Comparison, doubtful, partition_of  # noqa: PLC0415 - as above

    new = session.stored(plan.made, list(old))
    doubts = sorted(doubtful(old, new))[-_REFRESHED:]
    if doubts:
        session.say(
            f"Partitions that differ: {len(doubts)}. {plan.old.spec.id} is requested again for them, in case "
            "Stripe restated the data since."
        )
        session.pull(plan.old, [partition_of(old[key], plan.pinned) for key in doubts], refresh=True)
        old = session.stored(plan.pinned, list(old))
    columns = ColumnDiff.between(session.store.columns(plan.pinned), session.store.columns(plan.made))
    return Comparison(columns, old, new, frozenset(doubts))


def _show(session: _Session, plan: "UpgradePlan", compared: "Comparison") -> None:
    """Print how the two differ."""
    from connector.cli.display import upgrade_tables as display  # noqa: PLC0415 - it loads rich

    if session.as_json:
        echo_json(display.for_programs(plan, compared))
    else:
        show(*display.for_people(plan, compared))


def _say_configuration(session: _Session, plan: "UpgradePlan") -> None:
    """Print what to configure, so that the new table is pulled from now on."""
    lines = _lines_to_change(plan)
    session.say(f"{plan.pinned.table} is unchanged; the other version is in {plan.new.name}.")
    if lines:
        session.say("In the configuration, change")
        for line in lines:
            session.say(f"  {line}")
        session.say("to this or, to pull both, add this:")
    else:
        session.say("To keep pulling it, add this to the configuration:")
    session.say(f"  - report: {plan.new.spec.id}\n    name: {plan.new.name}")
    if plan.left_out:
        session.say(
            f"Remove these from its columns, which this version does not have: {', '.join(plan.left_out)}."
        )
    session.say(
        f"In Dagster {plan.new.name} is a separate asset. Materialize its partitions: their files are "
        "reused without calling Stripe. Then let downstream assets read it."
    )


def _lines_to_change(plan: "UpgradePlan") -> list[str]:
    """The lines of the defs.yaml files here that name the report, with file and number."""
    from connector.project.defs_yaml import found_files  # noqa: PLC0415 - it loads yaml

    here, names = Path.cwd(), {plan.old.spec.id, plan.old.spec.name}
    files, _ = found_files(here)
    return [
        f"{file.path.relative_to(here)}:{number}: {line}"
        for file in files
        for number, line in file.lines_naming(names)
    ]
