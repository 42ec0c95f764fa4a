"""How a pull is told while it goes: a bar for people, lines for logs, JSON for programs; and how it ended.

What is in place goes to standard output, what is missing to standard error, one line each.
"""

import json
import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from connector.errors import NotReadyError, advice
from connector.money import money_text
from connector.pipeline.events import Asked, Done, Event, Missed, Outcome
from connector.pipeline.log import fields_of
from connector.query import ReportQuery

#: Exit codes, worst first: a failure needs a person, a late run only another attempt.
EXIT_CODES = {Outcome.FAILED: 1, Outcome.LATE: 3, Outcome.NOT_READY: 4}

_COMFORT = {
    Outcome.FAILED: "What was there before is untouched.",
    Outcome.LATE: "Their report runs go on at Stripe: run this again later, and it takes them up.",
    Outcome.NOT_READY: "Stripe has no data for them.",
}
_LISTED = 5


@dataclass(slots=True)
class PullSummary:
    """What became of the partitions so far."""

    total: int
    done: list[Done] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Count an event."""
        if isinstance(event, Done):
            self.done.append(event)
        elif isinstance(event, Missed):
            self.missed.append(event)

    @property
    def exit_code(self) -> int:
        """0 when all are there; else that of the worst that happened."""
        found = {each.outcome for each in self.missed}
        return next((code for outcome, code in EXIT_CODES.items() if outcome in found), 0)

    def counts(self) -> dict[str, int]:
        """How many partitions ended how: `kept`, `created`, `adopted`, `reused`, `late`, …"""
        counts: dict[str, int] = {}
        for word in (*map(how, self.done), *(each.outcome.value for each in self.missed)):
            counts[word] = counts.get(word, 0) + 1
        return counts

    def so_far(self) -> str:
        """What to tell somebody who interrupts."""
        return (
            f"{len(self.done)} of {self.total} partitions are in place and nothing is half-written; "
            "the next pull takes up what is pending at Stripe."
        )

    def sentences(self, table: str, seconds: float) -> list[str]:
        """The summary for people."""
        rows = sum(each.published.provenance.rows for each in self.done)
        ways = {word: n for word, n in self.counts().items() if word in map(how, self.done)}
        listed = ", ".join(f"{n} {word}" for word, n in ways.items())
        told = [
            f"{table}: {len(self.done)} of {self.total} partitions in place"
            f"{f' ({listed})' if listed else ''}, {rows:,} rows, {seconds:.1f} s"
        ]
        for outcome in EXIT_CODES:
            missed = [each for each in self.missed if each.outcome is outcome]
            if missed:
                keys = [each.partition.key for each in missed]
                more = f" and {len(keys) - _LISTED} more" if len(keys) > _LISTED else ""
                told.append(
                    f"{len(keys)} {outcome.value.replace('_', ' ')}: {', '.join(keys[:_LISTED])}{more}. "
                    f"{_COMFORT[outcome]}{_expected(missed)}{_advised(missed)}"
                )
        return told


def how(done: Done) -> str:
    """How a partition came to be in place, in one word."""
    if not done.fetched or done.origin is None:
        return "kept"
    return "reused" if done.reused else done.origin.value


class PullReporter:
    """Tells what happens, event by event, in the way that suits who listens.

    Use it as a context manager; `summary` comes last.

    Args:
        total: how many partitions there are.
        as_json: one object for each partition, and one for the whole.
        logged: somebody reads the log: what is missing and what went wrong on the way is told there.
    """

    def __init__(self, query: ReportQuery, total: int, *, as_json: bool, logged: bool = False) -> None:
        self.tally = PullSummary(total)
        self._query = query
        self._json = as_json
        self._logged = logged
        self._stack = ExitStack()
        self._bar: Progress | None = None
        if not (as_json or logged) and sys.stdout.isatty() and sys.stderr.isatty():
            self._bar = _bar()
        self._task = self._bar.add_task(query.name, total=total, now="") if self._bar else None
        self._asked = 0

    def __enter__(self) -> Self:
        if self._bar:
            self._stack.enter_context(self._bar)
        self._stack.enter_context(_warnings_to(self._say))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def event(self, event: Event) -> None:
        """Tell one event."""
        self.tally.take(event)
        self._asked += isinstance(event, Asked)
        if self._json and not isinstance(event, Asked):
            click.echo(json.dumps(_as_json(event), ensure_ascii=False))
        elif isinstance(event, Missed):
            run = f"  {event.run_id}" if event.run_id else ""
            self._say(f"{event.partition.key}  {event.outcome.value.replace('_', ' ')}{run}  {event.error}")
        elif isinstance(event, Done) and self._bar is None:
            click.echo(_line(event))
        if self._bar and self._task is not None:
            ended = len(self.tally.done) + len(self.tally.missed)
            fetched = sum(each.fetched for each in self.tally.done)
            waiting = self._asked - fetched - len(self.tally.missed)
            now = f"{waiting} at Stripe" if waiting > 0 and ended < self.tally.total else ""
            self._bar.update(self._task, completed=ended, now=now)

    def summary(self, seconds: float) -> None:
        """Tell how it ended. `seconds` is how long it took."""
        if self._json:
            told = {
                "type": "summary",
                "report_type": self._query.spec.id,
                "table": self._query.name,
                "partitions": self.tally.total,
                "in_place": len(self.tally.done),
                "rows": sum(each.published.provenance.rows for each in self.tally.done),
                "outcomes": self.tally.counts(),
                "seconds": round(seconds, 3),
                "exit_code": self.tally.exit_code,
            }
            click.echo(json.dumps(told))
            return
        for sentence in self.tally.sentences(self._query.name, seconds):
            click.echo(sentence)

    def _say(self, text: str) -> None:
        """One line on standard error, above the bar where there is one; none beside a log."""
        if self._logged:
            return
        if self._bar:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(text, err=True)


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}"),
        console=Console(stderr=True),
    )


def _line(done: Done) -> str:
    kept = done.published.provenance
    rows = f"{kept.rows:,} row{'' if kept.rows == 1 else 's'}"
    change = _change(done)
    return f"{done.partition.key}  {rows}  {how(done)} {kept.run_id}{change}  {_near(done.published.uri)}"


def _change(done: Done) -> str:
    """What a file that replaced another one changed; nothing where it is the first."""
    if done.published.outdated:
        return " (a newer one was there)"
    change = done.published.change if done.fetched else None
    if change is None:
        return ""
    if change.same_bytes:
        return " (not re-checked)" if done.reused else " (unchanged)"
    moved = [f"{change.rows:+} rows"] if change.rows else []
    moved += [f"{money_text(total, name)} {name}" for name, total in change.totals.items()]
    return f" (changed: {', '.join(moved) or 'neither rows nor totals'})"


def _near(uri: str) -> str:
    """A path as seen from here where it is below; else as it is."""
    here = Path.cwd()
    path = Path(uri)
    return str(path.relative_to(here)) if path.is_relative_to(here) else uri


def _expected(missed: list[Missed]) -> str:
    times = [each.error.expected for each in missed if isinstance(each.error, NotReadyError)]
    known = [each for each in times if each is not None]
    return f" The last is expected by {max(known):%Y-%m-%d %H:%M} UTC." if known else ""


def _advised(missed: list[Missed]) -> str:
    """What to do about failures, each piece of advice once; what is late or not ready says it already."""
    failed = [each.error for each in missed if each.outcome is Outcome.FAILED]
    told = dict.fromkeys(advice(error, again="Pull again") for error in failed)
    return "".join(f" {sentence}" for sentence in told)


def _as_json(event: Done | Missed) -> dict[str, Any]:
    interval = event.partition.interval
    told: dict[str, Any] = {
        "type": "partition",
        "partition": event.partition.key,
        "outcome": event.outcome.value,
        "interval_start": _iso(interval.start) if interval else None,
        "interval_end": _iso(interval.end) if interval else None,
    }
    if isinstance(event, Missed):
        expected = event.error.expected if isinstance(event.error, NotReadyError) else None
        return told | {
            "report_run_id": event.run_id,
            "error": type(event.error).__name__,
            "message": str(event.error),
            "expected": _iso(expected) if expected else None,
        }
    kept, change = event.published.provenance, event.published.change if event.fetched else None
    return told | {
        "how": how(event),
        "report_run_id": kept.run_id,
        "file_id": kept.file_id,
        "as_of": _iso(kept.as_of),
        "rows": kept.rows,
        "totals": {currency: money_text(total, currency) for currency, total in kept.totals.items()},
        "changed": None if change is None else not change.same_bytes,
        "path": event.published.uri,
        "waited_seconds": round(event.waited, 3),
        "converted_seconds": round(event.converted, 3),
    }


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


class _warnings_to(logging.Handler):  # noqa: N801 - reads as a verb where it is used
    """While it lasts, what the connector logs as a warning is said to the person instead."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._told = say
        self._logger = logging.getLogger("connector")

    def emit(self, record: logging.LogRecord) -> None:
        if fields_of(record) is None:  # a step is told by its event
            self._told(f"warning: {record.getMessage()}")

    def __enter__(self) -> Self:
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
