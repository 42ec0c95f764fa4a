"""Pending report runs, polled together: one poll at a time, and no sooner than it can show anything."""

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from connector.api.client import StripeClient
from connector.api.models import ReportRun
from connector.errors import InvalidRequestError, ReportingError, UnexpectedAnswerError
from connector.runs.creation import GONE
from connector.runs.pacing import pause_before_poll
from connector.runs.threads import Workers


@dataclass(frozen=True, slots=True)
class PollResult:
    """How pending runs stand.

    Attributes:
        states: by id a run, or the error that says Stripe no longer knows it.
        unread: by id what is wrong with an answer that cannot be read; it says nothing of the others.
        pages: how many the list of them had.
    """

    states: Mapping[str, ReportRun | ReportingError]
    unread: Mapping[str, ReportingError]
    pages: int


class Poller:
    """When to poll the pending runs, and what the poll showed.

    Which runs are pending is an argument of each call. `future` is the poll under way, `due` the time of the
    next one by the client's monotonic clock.
    """

    def __init__(self, client: StripeClient, workers: Workers, draw: Callable[[], float]) -> None:
        self._client = client
        self._workers = workers
        self._draw = draw
        self._durations: dict[str, list[float]] = {}
        self._pages = 1
        self.future: Future[PollResult] | None = None
        self.due = client.clock.monotonic()

    def learn(self, runs: Iterable[ReportRun]) -> None:
        """Remember how long reports take. A reused result took no time and teaches nothing."""
        for run in runs:
            if run.succeeded_at and run.succeeded_at > run.created:
                took = (run.succeeded_at - run.created).total_seconds()
                self._durations.setdefault(run.report_type, []).append(took)

    def include(self, pending: Collection[ReportRun]) -> None:
        """One more run is pending: poll when that is worth it, and no later than planned for the others."""
        due = self._next(pending)
        self.due = due if len(pending) == 1 else min(self.due, due)

    def begin(self, pending: Collection[ReportRun]) -> None:
        """Poll the pending runs, where that is due and no poll is under way."""
        if pending and self.future is None and self._client.clock.monotonic() >= self.due:
            created = {run.id: run.created for run in pending}
            self.future = self._workers.submit(partial(poll, self._client, created, self._pages))

    def take(self) -> PollResult | None:
        """What the poll showed, once it has ended. Raises the client's errors."""
        if self.future is None or not self.future.done():
            return None
        ended, self.future = self.future, None
        result = ended.result()
        self._pages = result.pages
        return result

    def plan(self, pending: Collection[ReportRun]) -> None:
        """After a poll: when the next one is worth it."""
        self.due = self._next(pending)

    def _next(self, pending: Collection[ReportRun]) -> float:
        now = self._client.now()
        ages = [max(0.0, (now - run.created).total_seconds()) for run in pending] or [0.0]
        types = {run.report_type for run in pending}
        durations = [seconds for name in types for seconds in self._durations.get(name, [])]
        return self._client.clock.monotonic() + pause_before_poll(ages, durations, self._draw())


def poll(client: StripeClient, pending: Mapping[str, datetime], listed_pages: int) -> PollResult:
    """How pending runs stand: by list where that is fewer requests, else one by one.

    A run that is missing from the list is fetched by id: lists shift while they are read.

    Args:
        pending: ids and when each was created.
        listed_pages: how many pages the last listing took.
    """
    found: dict[str, ReportRun | ReportingError] = {}
    unread: dict[str, ReportingError] = {}
    pages = listed_pages
    if len(pending) > listed_pages:
        pages = 0
        # Other processes create runs all the time; only those of our own span are read.
        for page in client.every_report_run(since=min(pending.values()), until=max(pending.values())):
            pages += 1
            found |= {run.id: run for run in page.data if run.id in pending}
            if len(found) == len(pending):
                break
    for run_id in pending.keys() - found.keys():
        try:
            found[run_id] = client.report_run(run_id)
        except UnexpectedAnswerError as error:
            unread[run_id] = error
        except InvalidRequestError as error:
            if error.status not in GONE:
                raise
            found[run_id] = error
    return PollResult(found, unread, max(1, pages))
