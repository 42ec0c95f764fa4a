"""The log of a pull: each step of each partition as one record, a line for people and fields for programs.

    created, adopted         a report run works for it
    ready                    the report run has its file
    downloaded               the file is here, whole
    published, outdated      its rows are in the dataset; or a newer file was there and stays
    reconverted              its file was converted again: other columns or types are configured now
    kept                     the published file answered, and Stripe was not asked
    late, not_ready, before_data, failed      it has no new data

Records come from this module's logger, the last row as warnings, all others as information. The fields are
in `record.stripe`, a dict of plain JSON values: ids, counts and durations, never data.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.errors import InternalError
from connector.pipeline.events import Asked, Done, Downloaded, Missed, Step
from connector.query import ReportQuery
from connector.runs.events import Origin
from connector.terminal.lines import json_line
from connector.text import get_logger

#: The name of the attribute of a record that holds the fields.
FIELDS = "stripe"

_log = get_logger(__name__)
_package = logging.getLogger("connector")

#: What a step is called, its line, and its own fields.
_Entry = tuple[str, str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class StepLog:
    """Called with each step of a pull, it writes the step's record. Threads may share it."""

    query: ReportQuery

    def __call__(self, step: Step) -> None:
        """Write one step."""
        name, text, own = _entry(step)
        table, partition = self.query.name, _partition(step)
        fields: dict[str, object] = {
            "step": name,
            "table": table,
            "partition": partition,
            "report_type": self.query.spec.id,
            "report_run_id": _run_id(step),
            **own,
        }
        _log.log(
            logging.WARNING if isinstance(step, Missed) else logging.INFO,
            "%s %s %s: %s",
            table,
            partition,
            name.replace("_", " "),
            text,
            extra={FIELDS: {key: value for key, value in fields.items() if value is not None}},
            exc_info=_unforeseen(step),
        )


def _partition(step: Step) -> str:
    if isinstance(step, Downloaded):
        step = step.finished
    return (step.partition if isinstance(step, Asked | Done | Missed) else step.wanted.partition).key


def _run_id(step: Step) -> str | None:
    if isinstance(step, Downloaded):
        step = step.finished
    if isinstance(step, Done):
        return step.published.provenance.run_id
    return step.run_id if isinstance(step, Asked | Missed) else step.run.id


def _unforeseen(step: Step) -> BaseException | None:
    """The error that somebody has to look into, where it is not one of those that are expected."""
    return (
        step.error.__cause__ if isinstance(step, Missed) and isinstance(step.error, InternalError) else None
    )


def _entry(step: Step) -> _Entry:
    match step:
        case Asked():
            return step.origin.value, f"report run {step.run_id}", {}
        case Downloaded():
            return _downloaded(step)
        case Done():
            return _done(step)
        case Missed():
            reason = str(step.error)
            return step.outcome.value, reason, {"error": type(step.error).__name__, "reason": reason}
        case _:
            text = f"report run {step.run.id}, waited for {step.waited:.1f} s"
            return "ready", text, {"attempts": step.attempts, "waited_seconds": round(step.waited, 3)}


def _downloaded(step: Downloaded) -> _Entry:
    run_id, file = step.finished.run.id, step.file
    fields = {
        "file_id": step.finished.file.id,
        "bytes": file.size,
        "transfers": file.transfers,
        "download_seconds": round(step.seconds, 3),
    }
    return "downloaded", f"{file.size:,} bytes of {run_id} in {step.seconds:.1f} s", fields


def _done(step: Done) -> _Entry:
    there = step.published.provenance
    text = f"{there.rows:,} row{'' if there.rows == 1 else 's'} of {there.run_id}"
    fields = {"file_id": there.file_id, "rows": there.rows, "as_of": f"{there.as_of:%Y-%m-%dT%H:%M:%SZ}"}
    if not step.fetched:
        return "kept", text, fields
    name = "outdated" if step.published.outdated else "published"
    name = "reconverted" if step.origin is Origin.RECONVERTED else name
    took = {"reused": step.reused, "converted_seconds": round(step.converted, 3)}
    return name, f"{text}, {step.converted:.1f} s after it was ready", fields | took


def fields_of(record: logging.LogRecord) -> Mapping[str, Any] | None:
    """The fields of a step; None for any other record."""
    return getattr(record, FIELDS, None)


class JsonLines(logging.Formatter):
    """Each record as one JSON object: `time` in UTC, `level`, `logger`, `message`, and a step's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        line = {
            "time": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json_line(line | dict(fields_of(record) or {}))


@contextmanager
def listening(handler: logging.Handler) -> Iterator[None]:
    """Within this context, `handler` gets every record of this package from information upward."""
    before = _package.level
    _package.addHandler(handler)
    if not _package.isEnabledFor(logging.INFO):
        _package.setLevel(logging.INFO)
    try:
        yield
    finally:
        _package.removeHandler(handler)
        _package.setLevel(before)
