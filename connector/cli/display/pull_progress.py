"""What a pull prints while it runs and at its end: a bar for people, lines for logs, JSON for programs.

What is stored goes to standard output, what is missing to standard error, one line each.
"""

import contextlib
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from connector.errors import NotReadyError
from connector.money import money_text
from connector.pipeline.events import Asked, Done, Event, Missed, Outcome
from connector.pipeline.log import fields_of
from connector.query import ReportQuery
from connector.runs.wording import COMMAND, Reasons, outlook, sentence, what_to_do
from connector.terminal.lines import echo, echo_json
from connector.terminal.progress import bar, is_watched
from connector.text import iso, join_names

if TYPE_CHECKING:
    from rich.progress import Progress

    from connector.checks import Finding

#: Exit codes, worst first: a failure needs a person, a late run only another attempt.
EXIT_CODES = {
    Outcome.FAILED: 1,
    Outcome.GONE: 1,
    Outcome.LATE: 3,
    Outcome.NOT_READY: 4,
    Outcome.BEFORE_DATA: 5,
}

_LISTED = 5

_KEPT = "kept"


@dataclass(slots=True)
class PullSummary:
    """The outcomes of the partitions so far.

    Attributes:
        total: how many partitions there are.
        stored: how many are stored, by how they came to be: what their files say is not held.
        rows: of all files together.
    """

    total: int
    stored: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    missed: list[Missed] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Count an event."""
        if isinstance(event, Done):
            self.stored[how(event)] += 1
            self.rows += event.published.provenance.rows
        elif isinstance(event, Missed):
            self.missed.append(event)

    @property
    def done(self) -> int:
        """How many partitions are stored."""
        return self.stored.total()

    @property
    def exit_code(self) -> int:
        """0 when all are stored; else that of the worst outcome."""
        found = {each.outcome for each in self.missed}
        return next((code for outcome, code in EXIT_CODES.items() if outcome in found), 0)

    def counts(self) -> dict[str, int]:
        """How many partitions ended how: `kept`, `created`, `adopted`, `reused`, `late`, …"""
        return self.stored + Counter(each.outcome.value for each in self.missed)

    def so_far(self) -> str:
        """A sentence for after an interrupt."""
        return (
            f"{self.done} of {self.total} partitions are stored and nothing is half-written; "
            "the next pull reuses the report runs that are pending at Stripe."
        )

    def sentences(self, table: str, seconds: float) -> list[str]:
        """The summary for people."""
        listed = ", ".join(f"{n} {word}" for word, n in self.stored.items())
        sentences = [
            f"{table}: {self.done} of {self.total} partitions stored"
            f"{f' ({listed})' if listed else ''}, {self.rows:,} rows, {seconds:.1f} s"
        ]
        for outcome in EXIT_CODES:
            missed = [each for each in self.missed if each.outcome is outcome]
            if missed:
                keys = [each.partition.key for each in missed]
                more = f" and {len(keys) - _LISTED} more" if len(keys) > _LISTED else ""
                sentences.append(
                    f"{len(keys)} {outcome.value.replace('_', ' ')}: {', '.join(keys[:_LISTED])}{more}. "
                    f"Files stored before are unchanged. {what_to_do([e.error for e in missed], COMMAND)}"
                )
        return sentences


def how(done: Done) -> str:
    """How a partition came to be stored, in one word."""
    if not done.fetched or done.origin is None:
        return _KEPT
    return "reused" if done.reused else done.origin.value


class PullReporter:
    """Prints each event as a bar, a line, or JSON.

    Use it as a context manager; `summary` comes last.

    Args:
        total: how many partitions there are.
        as_json: one object for each partition, and one for the whole.
        logged: the log is printed as well: misses and warnings are left to it.
    """

    def __init__(self, query: ReportQuery, total: int, *, as_json: bool, logged: bool = False) -> None:
        self.tally = PullSummary(total)
        self._query = query
        self._json = as_json
        self._logged = logged
        self._stack = contextlib.ExitStack()
        self._bar: Progress | None = None
        if not (as_json or logged) and is_watched():
            self._bar = bar()
        self._task = self._bar.add_task(query.name, total=total, now="") if self._bar else None
        self._pending = 0
        self._reasons = Reasons()

    def __enter__(self) -> Self:
        if self._bar:
            self._stack.enter_context(self._bar)
        self._stack.enter_context(_Warnings(self.say))
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone
            self._stack.close()

    def event(self, event: Event, gone: "Finding | None" = None) -> None:
        """Print one event.

        Args:
            gone: what the file that was replaced had, and this one has not.
        """
        self.tally.take(event)
        self._pending += isinstance(event, Asked)
        if self._json and not isinstance(event, Asked):
            echo_json(_as_json(event) | ({"gone": [dict(each) for each in gone.examples]} if gone else {}))
        elif isinstance(event, Missed):
            run = f"  {event.run_id}" if event.run_id else ""
            outcome = event.outcome.value.replace("_", " ")
            key, comes = event.partition.key, outlook([event.error], COMMAND, beside=True)
            said = self._reasons.known(key, event.error) or f"{sentence(event.error)} {comes}"
            self.say(f"{key}  {outcome}{run}  {said}")
        elif isinstance(event, Done) and self._bar is None:
            echo(_line(event, gone))
        if self._bar and self._task is not None:
            ended = self.tally.done + len(self.tally.missed)
            waiting = self._pending - ended + self.tally.stored[_KEPT]
            now = f"{waiting} at Stripe" if waiting > 0 and ended < self.tally.total else ""
            self._bar.update(self._task, completed=ended, now=now)

    def summary(self, seconds: float) -> None:
        """Print how it ended. `seconds` is how long it took."""
        if self._json:
            summary = {
                "type": "summary",
                "report_type": self._query.spec.id,
                "table": self._query.name,
                "partitions": self.tally.total,
                "in_place": self.tally.done,
                "rows": self.tally.rows,
                "outcomes": self.tally.counts(),
                "seconds": round(seconds, 3),
                "exit_code": self.tally.exit_code,
            }
            echo_json(summary)
            return
        for line in self.tally.sentences(self._query.name, seconds):
            echo(line)

    def say(self, text: str) -> None:
        """One line on standard error, above the bar where there is one; none where there is a log."""
        if self._logged:
            return
        if self._bar:
            self._bar.console.print(text, soft_wrap=True)
        else:
            echo(text, err=True)


def _line(done: Done, gone: "Finding | None") -> str:
    file = done.published.provenance
    rows = f"{file.rows:,} row{'' if file.rows == 1 else 's'}"
    change = _change(done, gone)
    return f"{done.partition.key}  {rows}  {how(done)} {file.run_id}{change}  {_near(done.published.uri)}"


def _change(done: Done, gone: "Finding | None") -> str:
    """What a file changed that replaced another one; nothing where it is the first."""
    if done.published.outdated:
        return " (not re-checked)" if done.reused else " (a newer file was stored already)"
    change = done.published.change if done.fetched else None
    if change is None:
        return ""
    if change.same_bytes and not change.columns:
        return " (not re-checked)" if done.reused else " (unchanged)"
    names = dict.fromkeys(each["gone"] for each in gone.examples) if gone else ()
    lost = f"; gone: {join_names(names)}" if names else ""
    return f" (changed: {', '.join(change.texts()) or 'neither rows nor sums'}{lost})"


def _near(uri: str) -> str:
    """A path relative to the current directory where it is below it; else as it is."""
    here = Path.cwd()
    path = Path(uri)
    return str(path.relative_to(here)) if path.is_relative_to(here) else uri


def _as_json(event: Done | Missed) -> dict[str, Any]:
    interval = event.partition.interval
    common: dict[str, Any] = {
        "type": "partition",
        "partition": event.partition.key,
        "outcome": event.outcome.value,
        "interval_start": iso(interval.start) if interval else None,
        "interval_end": iso(interval.end) if interval else None,
    }
    if isinstance(event, Missed):
        expected = event.error.expected if isinstance(event.error, NotReadyError) else None
        return common | {
            "report_run_id": event.run_id,
            "error": type(event.error).__name__,
            "message": str(event.error),
            "what_to_do": what_to_do([event.error], COMMAND),
            "expected": iso(expected) if expected else None,
        }
    file, change = event.published.provenance, event.published.change if event.fetched else None
    return common | {
        "how": how(event),
        "report_run_id": file.run_id,
        "file_id": file.file_id,
        "as_of": iso(file.as_of),
        "rows": file.rows,
        "totals": {currency: money_text(total, currency) for currency, total in file.totals.items()},
        "changed": None if change is None else not change.same_bytes,
        "path": event.published.uri,
        "waited_seconds": round(event.waited, 3),
        "converted_seconds": round(event.converted, 3),
    }


class _Warnings(logging.Handler):
    """While it lasts, the connector's warnings are printed, each once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._say = say
        self._said: set[str] = set()
        self._logger = logging.getLogger("connector")

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if fields_of(record) is None and text not in self._said:  # a step is printed as its event
            self._said.add(text)
            self._say(f"warning: {text}")

    def __enter__(self) -> Self:
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
