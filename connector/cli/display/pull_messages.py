"""What a pull says beside its progress: what it refreshes and why, what does not add up or is gone, and a way
out where Stripe has no data."""

import contextlib
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING

import connector
from connector.cli.display.output import interrupted
from connector.errors import StoreError
from connector.text import get_logger

if TYPE_CHECKING:
    from connector.checks import Finding
    from connector.cli.display.pull_progress import PullReporter
    from connector.dataset.identity import Dataset
    from connector.pipeline.events import Event, Missed
    from connector.runs.restatement import Refresh

_log = get_logger(__name__)


def say_refreshed(due: "Sequence[Refresh]", reporter: "PullReporter") -> None:
    """What is refreshed and why, on standard error: as part of the log where there is one."""
    ages = sorted(each.age for each in due)
    counts = [f"{ages.count(age)} less than {age.days} days after the end" for age in dict.fromkeys(ages)]
    text = (
        f"{len(due)} of the stored partitions {'gets' if len(due) == 1 else 'get'} a new report run, because "
        f"Stripe restates reports. Last requested too early: {', '.join(counts)}. --no-refresh leaves them."
    )
    _log.info("%s", text)
    reporter.say(text)


def report_events(
    events: "Generator[Event]",
    reporter: "PullReporter",
    find_gone: "Callable[[Event], Finding | None]" = lambda _: None,
) -> None:
    """Print each event as it comes, and warn of what is gone with it; after an interrupt, print what is
    stored, and end the command."""
    try:
        with contextlib.closing(events), reporter:
            for event in events:
                gone = find_gone(event)
                reporter.event(event, gone)
                if gone:
                    _log.warning("%s: %s", event.partition.key, gone.reason)
    except KeyboardInterrupt as error:
        interrupted(error, reporter.tally.so_far())


def warn_of_balances(
    events: "Generator[Event]",
    store: "connector.Store",
    query: "connector.ReportQuery",
    dataset: "Dataset",
) -> "Generator[Event]":
    """The events; where a new balance summary does not add up, a warning too: sums made of it are wrong."""
    from connector.pipeline.events import Done  # noqa: PLC0415 - it loads pyarrow

    has_balances = query.spec.row_kinds is not None and "ending_balance" in query.spec.row_kinds.kinds
    with contextlib.closing(events):
        for event in events:
            yield event
            if has_balances and isinstance(event, Done) and event.fetched:
                from connector.checks.balance import check_balance  # noqa: PLC0415 - it loads DuckDB

                finding = check_balance(store, dataset, query, event.partition.key)
                if finding and finding.result == "failed":
                    _log.warning("%s %s: %s", query.name, event.partition.key, finding.reason)


def find_disappearance(
    store: "connector.Store", query: "connector.ReportQuery", dataset: "Dataset", event: "Event"
) -> "Finding | None":
    """Which accounts or currencies are gone in a file that has just replaced another one; None for none."""
    from connector.pipeline.events import Done  # noqa: PLC0415 - it loads pyarrow

    if not isinstance(event, Done) or not event.fetched or event.published.change is None:
        return None
    from connector.checks.disappearance import find_gone  # noqa: PLC0415 - it loads DuckDB
    from connector.checks.opened_file import UnreadableError  # noqa: PLC0415

    try:
        return find_gone(store, dataset, query, event.partition.key)
    except (UnreadableError, StoreError):
        return None  # `check` names the file, and what is wrong with it


def first_way_out(query: "connector.ReportQuery", missed: "Iterable[Missed]") -> str | None:
    """What can be pulled of the window within which Stripe's data begin; None where it was not pulled."""
    from connector.partitions import never_whole  # noqa: PLC0415 - nothing before needs it

    for each in missed:
        begin, interval = getattr(each.error, "available_start", None), each.partition.interval
        if begin is not None and interval is not None and interval.start < begin < interval.end:
            windows = connector.Windows(query.window, query.zone)
            return f"{never_whole(windows, each.partition, begin)}."
    return None
