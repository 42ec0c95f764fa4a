"""Create report runs: each once, and as many at a time as Stripe bears.

Source: https://docs.stripe.com/api/reporting/report_run/create, https://docs.stripe.com/api/idempotent_requests
"""

import hashlib
import json
import math
from collections import deque
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from connector.api.client import StripeClient
from connector.api.models import API_VERSION, ReportRequest, ReportRun
from connector.errors import InvalidRequestError, RateLimitError, ReportingError, ServerError
from connector.runs.pacing import CreationPace
from connector.runs.progress import PartitionProgress
from connector.runs.threads import Workers

#: How Stripe says that it no longer knows a run.
GONE = frozenset({404, 410})

_ATTEMPTS = 6
_PAUSE = 0.5
#: How far back to look for a run whose answer was lost: our own, and one of an earlier attempt.
_JUST_NOW, _EARLIER = timedelta(minutes=1), timedelta(hours=6)


class RunCreator:
    """Partitions that wait for a report run of their own, and the requests under way for them.

    Nothing here waits: `send` begins a request, `take` returns what was answered.

    Args:
        most: for how many seconds refusals (HTTP 429) are borne while nothing else moves.
        draw: a uniform random number from [0, 1), for jitter.
    """

    def __init__(
        self, client: StripeClient, workers: Workers, *, most: float, draw: Callable[[], float]
    ) -> None:
        self._client = client
        self._workers = workers
        self._draw = draw
        self._queue: deque[PartitionProgress] = deque()
        self._sent: dict[Future[ReportRun], PartitionProgress] = {}
        self._pace = CreationPace(client.clock.monotonic(), most=most)

    @property
    def idle(self) -> bool:
        """Whether no partition waits for a run to be created."""
        return not (self._queue or self._sent)

    @property
    def futures(self) -> list[Future[ReportRun]]:
        """The requests under way."""
        return list(self._sent)

    def due(self, pending: int) -> float:
        """When `send` or `given_up` has something to do, while `pending` runs are under way at Stripe."""
        return self._pace.due(pending + len(self._sent)) if self._queue else math.inf

    def add(self, item: PartitionProgress) -> None:
        """A partition that needs a new report run; it goes to the end of the queue."""
        self._queue.append(item)

    def send(self, pending: int) -> Future[ReportRun] | None:
        """Request one more run; None where there is none to request, or Stripe would refuse it for now.

        `pending` is how many runs are under way there.
        """
        if not (self._queue and self._pace.allows(pending + len(self._sent), self._client.clock.monotonic())):
            return None
        item = self._queue.popleft()
        create = partial(create_once, self._client, item.wanted.request, item.same, alike=item.alike)
        future = self._workers.submit(create)
        self._sent[future] = item
        return future

    def take(self, pending: int) -> list[tuple[PartitionProgress, ReportRun | Exception]]:
        """What was answered, but for refusals (HTTP 429): those partitions are queued again."""
        answered: list[tuple[PartitionProgress, ReportRun | Exception]] = []
        for future in [each for each in self._sent if each.done()]:
            item = self._sent.pop(future)
            error = future.exception()
            if isinstance(error, RateLimitError):
                self._refused(item, error, pending)
            elif isinstance(error, Exception):
                answered.append((item, error))
            elif error is not None:
                raise error
            else:
                self._pace.accepted(self._client.clock.monotonic())
                answered.append((item, future.result()))
        return answered

    def run_ended(self) -> None:
        """One run less is pending at Stripe."""
        self._pace.ended(self._client.clock.monotonic())

    def given_up(self, pending: int) -> list[PartitionProgress]:
        """The partitions left in the queue when Stripe has accepted nothing for too long; else none."""
        hopeless = self._pace.hopeless_at(pending + len(self._sent))
        return self.emptied() if self._client.clock.monotonic() >= hopeless else []

    def emptied(self) -> list[PartitionProgress]:
        """Take everything out of the queue."""
        items = list(self._queue)
        self._queue.clear()
        return items

    def _refused(self, item: PartitionProgress, error: RateLimitError, pending: int) -> None:
        now, wait = self._client.clock.monotonic(), error.retry_after
        self._pace.refused(pending, now, retry_after=wait, draw=self._draw())
        self._queue.appendleft(item)


def create_once(
    client: StripeClient,
    request: ReportRequest,
    same: Collection[ReportRun],
    *,
    alike: Collection[ReportRequest],
) -> ReportRun:
    """A new run, or the one that an earlier attempt of unknown outcome left at Stripe.

    After a 5xx that Stripe does not want to see repeated, or that it repeats itself, it is unknown whether
    the run exists. The list shows it; if it is not there, the request is sent again: under the same key,
    which can make no second run, and under another once Stripe has stored the failure under that one, which
    it does for a day. The same goes for a key that brings back a run that is gone from Stripe, or one known
    already: among runs created within one second the newest is not certain, and the key is made from it.

    Args:
        same: the runs known to ask the same.
        alike: the requests that ask the same, as runs may show them.
    """
    known = {run.id for run in same}
    creation = _Creation(client, request, known, alike, _newest_id(same), client.now())
    for pause in range(_ATTEMPTS - 1):
        if run := creation.attempt(pause=_PAUSE * 2**pause):
            return run
    return creation.last_attempt()


@dataclass(slots=True)
class _Creation:
    """The attempts to create one run."""

    client: StripeClient
    request: ReportRequest
    known: Collection[str]
    alike: Collection[ReportRequest]
    after: str | None
    began: datetime
    salt: int = 0

    def attempt(self, *, pause: float) -> ReportRun | None:
        """The run; None when another attempt is to be made, after `pause` where the outcome is unknown."""
        try:
            run = self.last_attempt()
        except ServerError as error:
            if not error.replayed and error.should_retry is not False:
                raise
            since = self.began - (_EARLIER if error.replayed else _JUST_NOW)
            if unseen := self._unseen(since):
                return unseen
            self.salt += error.replayed
            self.client.clock.sleep(pause)
            return None
        if run.id in self.known:
            self.salt += 1
            return None
        there = self._as_it_stands(run)
        if there is None:
            # Nothing that was asked under a key of the next minute can be gone by now.
            self.salt = int(self.client.now().timestamp()) // 60
        return there

    def last_attempt(self) -> ReportRun:
        """Whatever Stripe answers."""
        key = idempotency_key(
            self.request,
            account=self.client.account,
            mode=self.client.mode,
            after=self.after,
            salt=self.salt,
        )
        return self.client.create_report_run(self.request, idempotency_key=key)

    def _as_it_stands(self, run: ReportRun) -> ReportRun | None:
        """A created run; one that Stripe answered from its store as it is now. None if it is gone."""
        if self.client.now() - run.created < _JUST_NOW:
            return run
        try:
            return self.client.report_run(run.id)
        except InvalidRequestError as error:
            return None if error.status in GONE else run
        except ReportingError:
            return run  # polling will meet the same error, and knows how long to bear it

    def _unseen(self, since: datetime) -> ReportRun | None:
        """A run that asks the same and was not there before."""
        for page in self.client.every_report_run(since=since):
            for run in page.data:
                if run.id not in self.known and run.request in self.alike:
                    return run
        return None


def _newest_id(runs: Iterable[ReportRun]) -> str | None:
    """The run created last; ids decide within one second."""
    newest = max(runs, key=lambda run: (run.created, run.id), default=None)
    return newest.id if newest else None


def idempotency_key(
    request: ReportRequest, *, account: str | None, mode: str, after: str | None, salt: int = 0
) -> str:
    """The key under which to create a run: equal for all who ask the same in the same situation.

    It stays the same across network retries and across a crash, so that the first run is found again; it
    is the same for two processes at once, so that they share one; it changes once there is a newer
    identical run, so that a failed run is replaced and a refresh gets a new one.

    Args:
        after: the id of the newest identical run known; None when there is none.
        salt: raised when Stripe has stored a failure under the key.

    Source: https://docs.stripe.com/api/idempotent_requests
    """
    asked = [account, mode, API_VERSION, request.as_json(), after, salt]
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    return f"report-{hashlib.sha256(text.encode()).hexdigest()}"
