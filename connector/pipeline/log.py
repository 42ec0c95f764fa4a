"""What happens to each partition, step by step: a log record each, with a line for people and fields.

    created, adopted         a report run works for it
    ready                    the report run has its file
    downloaded               the file is here, whole
    published, outdated      its rows are in the dataset; or a newer file was there and stays
    kept                     the dataset held the answer, and Stripe was not asked
    late, not_ready, failed  it has no new data

Records come from this module's logger, the last row as warnings, all others as information. The fields are
in `record.stripe`, a dict of plain JSON values: ids, counts and durations, never data.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from connector.api.download import Download
from connector.pipeline.events import Asked, Done, Event, Missed
from connector.query import ReportQuery
from connector.runs.events import Finished

#: The name of the attribute of a record that holds the fields.
FIELDS = "stripe"

_log = logging.getLogger(__name__)
_package = logging.getLogger("connector")


def told(query: ReportQuery, event: Event) -> Event:
    """Write an event down, and give it back."""
    run_id = event.published.provenance.run_id if isinstance(event, Done) else event.run_id
    name, text, fields = _account(event)
    _step(
        name,
        table=query.name,
        partition=event.partition.key,
        text=text,
        missed=isinstance(event, Missed),
        report_type=query.spec.id,
        report_run_id=run_id,
        **fields,
    )
    return event


def _account(event: Event) -> tuple[str, str, Mapping[str, object]]:
    """The step's name, what to say of it, and its own fields."""
    if isinstance(event, Asked):
        return event.origin.value, f"report run {event.run_id}", {}
    if isinstance(event, Missed):
        kind = type(event.error).__name__
        return event.outcome.value, str(event.error), {"error": kind, "reason": str(event.error)}
    kept = event.published.provenance
    text = f"{kept.rows:,} row{'' if kept.rows == 1 else 's'} of {kept.run_id}"
    fields = {"file_id": kept.file_id, "rows": kept.rows, "as_of": f"{kept.as_of:%Y-%m-%dT%H:%M:%SZ}"}
    if not event.fetched:
        return "kept", text, fields
    name = "outdated" if event.published.outdated else "published"
    took = {"reused": event.reused, "converted_seconds": round(event.converted, 3)}
    return name, f"{text}, {event.converted:.1f} s after it was ready", fields | took


def tell_ready(query: ReportQuery, finished: Finished) -> None:
    """A report run has its file."""
    _step(
        "ready",
        table=query.name,
        partition=finished.wanted.key,
        text=f"report run {finished.run.id}, waited for {finished.waited:.1f} s",
        report_type=query.spec.id,
        report_run_id=finished.run.id,
        attempts=finished.attempts,
        waited_seconds=round(finished.waited, 3),
    )


def tell_downloaded(query: ReportQuery, finished: Finished, fetched: Download, seconds: float) -> None:
    """A file is here, whole, after `seconds`."""
    file = finished.run.result
    _step(
        "downloaded",
        table=query.name,
        partition=finished.wanted.key,
        text=f"{fetched.size:,} bytes of {finished.run.id} in {seconds:.1f} s",
        report_type=query.spec.id,
        report_run_id=finished.run.id,
        file_id=file.id if file else None,
        bytes=fetched.size,
        transfers=fetched.transfers,
        download_seconds=round(seconds, 3),
    )


def _step(
    name: str, *, table: str, partition: str, text: str, missed: bool = False, **fields: object
) -> None:
    """One step of one partition. Fields with the value None are left out."""
    fields_told: dict[str, object] = {"step": name, "table": table, "partition": partition}
    fields_told |= {key: value for key, value in fields.items() if value is not None}
    _log.log(
        logging.WARNING if missed else logging.INFO,
        "%s %s %s: %s",
        table,
        partition,
        name.replace("_", " "),
        text,
        extra={FIELDS: fields_told},
    )


def fields_of(record: logging.LogRecord) -> Mapping[str, Any] | None:
    """The fields of a step; None for any other record."""
    return getattr(record, FIELDS, None)


class JsonLines(logging.Formatter):
    """Each record as one JSON object: `time` in UTC, `level`, `logger`, `message`, and a step's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        told = {
            "time": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(told | dict(fields_of(record) or {}), ensure_ascii=False)


@contextmanager
def listening(handler: logging.Handler) -> Iterator[None]:
    """While it lasts, `handler` gets every record of this package from information upward."""
    before = _package.level
    _package.addHandler(handler)
    if not _package.isEnabledFor(logging.INFO):
        _package.setLevel(logging.INFO)
    try:
        yield
    finally:
        _package.removeHandler(handler)
        _package.setLevel(before)
