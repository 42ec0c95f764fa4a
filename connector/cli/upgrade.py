"""`upgrade`: a table in another version of its report beside the one that is there, and the two compared."""

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
from connector.cli.display.output import show
from connector.cli.options import (
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
from connector.cli.pull import tell
from connector.errors import ConfigurationError

if TYPE_CHECKING:
    from connector.dataset.provenance import Provenance
    from connector.upgrade import Comparison, UpgradePlan

#: Partitions that differ are asked again of the old version, so that a restatement does not pass for a
#: difference between versions; more than this tell nothing new.
_ASKED_AGAIN = 31


@dataclass(frozen=True, slots=True)
class _Session:
    """What the steps of an upgrade have in common."""

    client: "connector.StripeClient"
    store: "connector.Store"
    wait_policy: "connector.WaitPolicy"
    as_json: bool

    def say(self, text: str) -> None:
        """A sentence for people; programs get it on standard error."""
        click.echo(text, err=self.as_json)

    def pull(
        self, query: "connector.ReportQuery", partitions: Sequence["connector.Partition"], *, refresh: bool
    ) -> int:
        """Bring them into the query's table; the exit code."""
        from connector.cli.display.pull_progress import PullReporter  # noqa: PLC0415 - it loads pyarrow

        began, told = time.monotonic(), PullReporter(query, len(partitions), as_json=self.as_json)
        events = connector.collect(
            self.client,
            self.store,
            query,
            partitions,
            refresh=[each.key for each in partitions] if refresh else (),
            wait_policy=self.wait_policy,
        )
        tell(events, told)
        told.summary(time.monotonic() - began)
        return told.tally.exit_code

    def kept(
        self, dataset: "connector.Dataset", keys: Sequence[str] | None = None
    ) -> Mapping[str, "Provenance"]:
        """What the table holds, by partition key."""
        found = {key: self.store.provenance(dataset, key) for key in keys or self.store.keys(dataset)}
        return {key: each for key, each in found.items() if each}


@click.command(epilog=f"{ENVIRONMENT}\n\n{EXIT_CODES}")
@click.argument("report")
@click.option("--to-version", "version", type=int, required=True, metavar="N", help="The version wanted.")
@click.option(
    "--from", "since", metavar="DATE", callback=moment, help="Compare only what begins then or later (UTC)."
)
@click.option("--to", "until", metavar="DATE", callback=moment, help="Compare only what ends by then (UTC).")
@click.option(
    "--columns", multiple=True, metavar="A,B,…", help="Of the new version; the same choice without."
)
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
    root: str,
    account: str | None,
    wait_timeout: timedelta,
    as_json: bool,
) -> None:
    """Make the table REPORT in version N of its report beside the one that is there, and compare the two.

    The new table is called REPORT_vN, and the old one stays as it is. What to put into the configuration is
    said at the end. Interrupted, the same command goes on.

    \b
    stripe-reports upgrade payouts_itemized --to-version 3
    """
    from connector.upgrade import table_named  # noqa: PLC0415 - it loads pyarrow

    store = connector.Store(root)
    with client_for(account) as client:
        session = _Session(client, store, connector.WaitPolicy(wait_timeout=wait_timeout), as_json)
        tables = [each for each in store.datasets() if each.mode == client.mode]
        pinned = table_named(report, tables)
        if pinned.report_type.endswith(f".{version}"):
            session.say(f"{pinned.table} is made from {pinned.report_type} already: nothing to do.")
            return
        compared, plan = _side_by_side(
            session, pinned, version, since=since, until=until, columns=column_names(columns)
        )
    _tell(session, plan, compared)
    _say_configuration(session, plan)


def _side_by_side(
    session: _Session,
    pinned: "connector.Dataset",
    version: int,
    *,
    since: date | None,
    until: date | None,
    columns: Sequence[str] | None,
) -> "tuple[Comparison, UpgradePlan]":
    """Both versions compared, and what was asked for that.

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
    return _compared(session, plan, old), plan


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


def _compared(session: _Session, plan: "UpgradePlan", old: Mapping[str, "Provenance"]) -> "Comparison":
    """Both versions as they stand; where they differ, the old one is asked once more."""
    from connector.column_diff import ColumnDiff  # noqa: PLC0415 - as above
    from connector.upgrade import Comparison, doubtful, partition_of  # noqa: PLC0415 - as above

    new = session.kept(plan.made, list(old))
    doubts = sorted(doubtful(old, new))[-_ASKED_AGAIN:]
    if doubts:
        session.say(
            f"{len(doubts)} partitions differ; {plan.old.spec.id} is asked for them again, in case Stripe "
            "has restated them since."
        )
        session.pull(plan.old, [partition_of(old[key], plan.pinned) for key in doubts], refresh=True)
        old = session.kept(plan.pinned, list(old))
    columns = ColumnDiff.between(session.store.columns(plan.pinned), session.store.columns(plan.made))
    return Comparison(columns, old, new, frozenset(doubts))


def _tell(session: _Session, plan: "UpgradePlan", compared: "Comparison") -> None:
    """How the two differ."""
    from connector.cli.display import upgrade_tables as told  # noqa: PLC0415 - it loads rich

    if session.as_json:
        click.echo(json.dumps(told.for_programs(plan, compared), ensure_ascii=False))
    else:
        show(*told.for_people(plan, compared))


def _say_configuration(session: _Session, plan: "UpgradePlan") -> None:
    """What to put into the configuration, so that the new table is pulled from now on."""
    lines = _lines_to_change(plan)
    session.say(f"{plan.pinned.table} is as it was, and {plan.new.name} stands beside it.")
    if lines:
        session.say("In the configuration, change")
        for line in lines:
            session.say(f"  {line}")
        session.say("to this, or to keep pulling both, add this beside it:")
    else:
        session.say("To keep pulling it, put this into the configuration:")
    session.say(f"  - report: {plan.new.spec.id}\n    name: {plan.new.name}")
    if plan.left_out:
        session.say(
            f"Leave these out of its columns, which the version does not have: {', '.join(plan.left_out)}."
        )
    session.say(
        f"In Dagster {plan.new.name} is an asset of its own. Materialize its partitions: what is here is "
        "recorded, and Stripe is not asked. Then let downstream assets read it."
    )


def _lines_to_change(plan: "UpgradePlan") -> list[str]:
    """The lines of the defs.yaml here that name the report, with their place."""
    from connector.doctor.reports import configuration  # noqa: PLC0415 - it loads yaml
    from connector.project.defs_yaml import lines_to_change  # noqa: PLC0415 - as above

    here = Path.cwd()
    return [
        f"{path.relative_to(here)}:{number}: {line}"
        for path in configuration(here).files
        for number, line in lines_to_change(path.read_text(encoding="utf-8"), plan.pinned)
    ]
