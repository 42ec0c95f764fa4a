"""Test on a real account what is assumed of Stripe, with at most two report runs of one day.

The steps only collect observations; assumptions are tested afterwards, so that one refusal affects only what
depends on it. A report run that is created unexpectedly counts, and no further one is created then.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from connector.api.client import StripeClient
from connector.api.models import ReportFile, ReportRequest, ReportRun, ReportType, RunStatus, epoch
from connector.catalogue import report
from connector.doctor.permissions import ResponseLog
from connector.doctor.probe import about_answers, about_files
from connector.doctor.probe.assumptions import ProbeFinding
from connector.doctor.probe.csv_bytes import CsvBytes
from connector.doctor.probe.observations import Body, Observations
from connector.errors import InvalidRequestError, ReportingError
from connector.partitions import Interval

REPORT_TYPE = "balance_change_from_activity.itemized.3"
#: Not in Stripe's order, with one that can be null, and nothing personal.
COLUMNS = (
    "reporting_category",
    "currency",
    "net",
    "fee",
    "gross",
    "created_utc",
    "automatic_payout_id",
    "balance_transaction_id",
)
MOST_RUNS = 2

ASSUMPTIONS = (*about_answers.ASSUMPTIONS, *about_files.ASSUMPTIONS)

_TIMEOUT = 900.0
_LONGEST_PAUSE = 10.0
#: How many bytes of a file are examined; the rest is counted.
_EXAMINED = 8 << 20
_PART = 4096
_OTHER_VERSION = '"another-version"'

T = TypeVar("T")
Say = Callable[[str], None]


def probe(
    client: StripeClient, responses: ResponseLog, *, token: str, restricted: bool, say: Say = lambda _: None
) -> Iterator[ProbeFinding]:
    """Run every step, then test each assumption.

    Args:
        responses: the client's `observe`.
        restricted: whether its key is a restricted one.
        token: makes the idempotency keys of this probe differ from those of any other.
        say: called, for people, with what is being waited for.
    """
    seen = _Probing(client, responses, token, say).run(restricted=restricted)
    return (each.result(seen) for each in ASSUMPTIONS)


@dataclass(slots=True)
class _Probing:
    """The steps, in order, and what they saw."""

    client: StripeClient
    responses: ResponseLog
    token: str
    say: Say

    def run(self, *, restricted: bool) -> Observations:
        seen = Observations(
            mode=self.client.mode.value,
            account=self.client.account,
            restricted=restricted,
            exchanges=self.responses.exchanges,
        )
        self._types(seen)
        available = (seen.types or {}).get(REPORT_TYPE)
        if seen.types is not None and available is None:
            seen.refused["the first report run"] = ReportingError(f"the account has no {REPORT_TYPE}")
        if available:
            self._first(seen, available)
        if available and seen.first and seen.interval:
            self._replay(seen)
            self._beyond(seen, available)
            self._second(seen)
            self._list(seen, seen.first)
            self._files(seen)
        self._summaries(seen)
        return seen

    def _try(self, seen: Observations, step: str, what: Callable[[], T]) -> T | None:
        try:
            return what()
        except ReportingError as error:
            seen.refused[step] = error
            return None

    # Report types

    def _types(self, seen: Observations) -> None:
        before = len(self.responses.exchanges)
        types = self._try(seen, "reading report types", self.client.report_types)
        if types is not None:
            seen.types = types
            seen.type_pages = sum(each.status == 200 for each in self.responses.exchanges[before:])
            seen.at, seen.at_here = self.client.now(), self.client.clock.now()

    # Report runs

    def _first(self, seen: Observations, available: ReportType) -> None:
        """A day up to the end of the data; where that end is refused, the day before."""
        for step, end in (
            ("an interval up to the end of the data", available.data_available_end),
            ("the first report run", available.data_available_end - timedelta(days=1)),
        ):
            start = max(end - timedelta(days=1), available.data_available_start)
            if start >= end:
                seen.refused["the first report run"] = ReportingError("the account has no data yet")
                return
            seen.interval = Interval(start, end)
            seen.asked = self._request(seen.interval)
            seen.first = self._try(seen, step, lambda: self._create(seen, "first"))
            if seen.first or not isinstance(seen.refused.get(step), InvalidRequestError):
                break
        if seen.first:
            self.say(f"Waiting for the report run of {seen.interval}: usually seconds, sometimes minutes.")
            began = self.client.clock.monotonic()
            seen.first_done = self._ended(seen, "the first report run's end", seen.first)
            seen.waited = self.client.clock.monotonic() - began
        elif error := seen.refused.get("an interval up to the end of the data"):
            seen.refused.setdefault("the first report run", error)

    def _replay(self, seen: Observations) -> None:
        seen.replay = self._try(seen, "the same request once more", lambda: self._create(seen, "first"))
        seen.replayed = self.responses.exchanges[-1].headers.get("idempotent-replayed") == "true"

    def _beyond(self, seen: Observations, available: ReportType) -> None:
        """A request that Stripe should refuse; sent only while one more run may be created."""
        if self._made(seen) >= MOST_RUNS or not seen.interval:
            return
        end = available.data_available_end + timedelta(seconds=1)
        request = self._request(Interval(seen.interval.start, end))
        seen.beyond = self._try(
            seen, "an interval beyond the data", lambda: self._create(seen, "beyond", request)
        )

    def _second(self, seen: Observations) -> None:
        if self._made(seen) >= MOST_RUNS:
            seen.refused["the second report run's end"] = ReportingError("no further report run was created")
            return
        seen.second = self._try(seen, "the second report run's end", lambda: self._create(seen, "second"))
        if seen.second:
            self.say("Waiting for the second one, with the same request.")
            seen.second_done = self._ended(seen, "the second report run's end", seen.second)

    def _made(self, seen: Observations) -> int:
        made = (seen.first, seen.replay, seen.beyond, seen.second)
        return len({run.id for run in made if run})

    def _request(self, interval: Interval) -> ReportRequest:
        bounds = {"interval_start": epoch(interval.start), "interval_end": epoch(interval.end)}
        return ReportRequest.of(REPORT_TYPE, {**bounds, "columns": list(COLUMNS)})

    def _create(self, seen: Observations, key: str, request: ReportRequest | None = None) -> ReportRun:
        asked = request or seen.need(seen.asked, key)
        return self.client.create_report_run(asked, idempotency_key=f"probe-{self.token}-{key}")

    def _ended(self, seen: Observations, step: str, run: ReportRun) -> ReportRun | None:
        clock, pause = self.client.clock, 1.0
        deadline = clock.monotonic() + _TIMEOUT
        current: ReportRun | None = run
        while current and current.status is RunStatus.PENDING:
            if clock.monotonic() > deadline:
                seen.refused[step] = ReportingError(f"it was still pending after {_TIMEOUT:.0f} s")
                return None
            clock.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
            current = self._try(seen, step, lambda: self.client.report_run(run.id))
        return current

    # The list

    def _list(self, seen: Observations, first: ReportRun) -> None:
        def page(**query: object) -> tuple[ReportRun, ...]:
            found = self._try(seen, "listing report runs", lambda: self.client.report_runs(**query).data)  # type: ignore[arg-type]
            return found or ()

        seen.newest = page(limit=1)
        if seen.newest:
            seen.after_newest = page(limit=10, starting_after=seen.newest[0].id)
        seen.since_first = page(created={"gte": first.created})
        seen.until_first = page(created={"lte": first.created})

    # Files

    def _files(self, seen: Observations) -> None:
        file = seen.first_done.result if seen.first_done else None
        if file is None:
            return
        seen.whole = self._try(seen, "reading the file", lambda: self._read(file))
        if seen.whole:
            seen.csv = CsvBytes.of(seen.whole.content, whole=seen.whole.size == len(seen.whole.content))
        if seen.whole and seen.whole.size > 1:
            middle, tag = min(seen.whole.size, _EXAMINED - _PART) // 2, seen.whole.etag
            seen.part = self._try(
                seen,
                "reading a part of the file",
                lambda: self._read(file, offset=middle, etag=tag, most=_PART),
            )
            seen.stale = self._try(
                seen,
                "reading a part of another version",
                lambda: self._read(file, offset=middle, etag=_OTHER_VERSION, most=_PART),
            )
        other = seen.second_done.result if seen.second_done else None
        if other:
            seen.again = self._try(seen, "reading the second file", lambda: self._read(other))

    def _read(
        self, file: ReportFile, *, offset: int = 0, etag: str | None = None, most: int | None = None
    ) -> Body:
        """The contents and their first bytes; no more than `most` are read where it is given."""
        before = len(self.responses.exchanges)
        digest, content, size = hashlib.sha256(), bytearray(), 0
        with self.client.contents(file, offset=offset, etag=etag) as contents:
            for chunk in contents.chunks:
                digest.update(chunk)
                size += len(chunk)
                content += chunk[: max(0, (most or _EXAMINED) - len(content))]
                if most is not None and size >= most:
                    break
        heads = self.responses.exchanges[before:]
        return Body(
            status=contents.status,
            first_byte=contents.first_byte,
            total=contents.total,
            etag=contents.etag,
            headers=dict(heads[-1].headers),
            redirects=sum(300 <= each.status < 400 for each in heads),
            size=size,
            sha256=digest.hexdigest(),
            content=bytes(content),
        )

    def _summaries(self, seen: Observations) -> None:
        """Balance summaries, for their kinds of lines, and reports whose signs are not settled: the newest of
        each type that exists already."""
        runs = self._try(seen, "listing report runs", lambda: self.client.report_runs().data) or ()
        wanted = report("balance_summary").id.rpartition(".")[0]
        newest: dict[str, ReportFile] = {}
        for run in runs:
            is_summary = run.report_type.rpartition(".")[0] == wanted
            if run.result and (is_summary or run.report_type in about_files.UNSETTLED):
                newest.setdefault(run.report_type, run.result)
        for report_type, file in newest.items():
            body = self._try(seen, f"reading a {report_type}", lambda file=file: self._read(file))  # type: ignore[misc]
            if body:
                csv = CsvBytes.of(body.content, whole=body.size == len(body.content))
                kept = seen.unsettled if report_type in about_files.UNSETTLED else seen.summaries
                kept.append((report_type, csv))
