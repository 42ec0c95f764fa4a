"""What a probe saw, as one value: responses, report runs and files, and what was refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from connector.api.models import ReportRequest, ReportRun, ReportType
from connector.api.responses import ResponseHead
from connector.doctor.probe.csv_bytes import CsvBytes
from connector.errors import ReportingError
from connector.partitions import Interval

T = TypeVar("T")


class NotSeenError(Exception):
    """What an assumption is about was not seen. The text says why, for people."""


@dataclass(frozen=True, slots=True)
class Body:
    """The contents of a file, or of a part of it, as they came.

    Attributes:
        status: 200 or 206.
        first_byte: where in the file it begins.
        total: the length the server states for the whole file; None where it does not.
        etag: None where there is none.
        headers: of the answer, names in lower case.
        redirects: how many there were on the way.
        size: bytes that came, or that were read of what came.
        sha256: of those, hex.
        content: the first of them.
    """

    status: int
    first_byte: int
    total: int | None
    etag: str | None
    headers: dict[str, str]
    redirects: int
    size: int
    sha256: str
    content: bytes


@dataclass(slots=True)
class Observations:
    """All that was seen. What is None, or absent, was not seen; `refused` may say why.

    Attributes:
        mode: whose data: `live`, `test`, `simulated`.
        account: the account acted for; None for the key's own.
        restricted: the key is a restricted one.
        exchanges: the heads of all responses, in order.
        at: the time at Stripe, by its `Date`, when the types were read; `at_here` by our own clock.
        types: the report types of the account, by id; `type_pages` on how many pages they came.
        asked, interval: the request of both report runs.
        first: the response to the request for a report run; `first_done` the run once it had ended.
        waited: seconds until then.
        replay: the response to the same request with the same key; `replayed` whether it is marked as one.
        beyond: the run that a request beyond the available data created; none is expected.
        second, second_done: the run of the same request with another key.
        whole, part, stale, again: the first run's file; from its middle; from its middle, of another version;
            the second run's file.
        csv: the first run's file taken apart.
        newest, after_newest, since_first, until_first: pages of the list of report runs.
        summaries: balance summaries that existed already, taken apart, with their report types.
        unsettled: reports that existed already whose signs are not settled, likewise.
        refused: by what was tried, the error that came instead.
    """

    mode: str
    account: str | None
    restricted: bool = False
    exchanges: list[ResponseHead] = field(default_factory=list)
    at: datetime | None = None
    at_here: datetime | None = None
    types: dict[str, ReportType] | None = None
    type_pages: int = 0
    asked: ReportRequest | None = None
    interval: Interval | None = None
    first: ReportRun | None = None
    first_done: ReportRun | None = None
    waited: float = 0.0
    replay: ReportRun | None = None
    replayed: bool = False
    beyond: ReportRun | None = None
    second: ReportRun | None = None
    second_done: ReportRun | None = None
    whole: Body | None = None
    part: Body | None = None
    stale: Body | None = None
    again: Body | None = None
    csv: CsvBytes | None = None
    newest: Sequence[ReportRun] = ()
    after_newest: Sequence[ReportRun] = ()
    since_first: Sequence[ReportRun] = ()
    until_first: Sequence[ReportRun] = ()
    summaries: list[tuple[str, CsvBytes]] = field(default_factory=list)
    unsettled: list[tuple[str, CsvBytes]] = field(default_factory=list)
    refused: dict[str, ReportingError] = field(default_factory=dict)

    def need(self, value: T | None, step: str) -> T:
        """`value`, or NotSeenError saying what came instead of it."""
        if value is None:
            error = self.refused.get(step)
            raise NotSeenError(f"{step} failed: {error}" if error else f"{step} did not happen")
        return value
