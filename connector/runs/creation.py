"""Create report runs: each once, and as many at a time as Stripe bears.

Source: https://docs.stripe.com/api/reporting/report_run/create, https://docs.stripe.com/api/idempotent_requests
"""

import hashlib
import json
import math
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, replace
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
#: Reasons of a 429 that mean too much at once, rather than too much in a second.
_CONCURRENCY = {"global-concurrency", "endpoint-concurrency"}
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

    def drop(self, which: Callable[[PartitionProgress], bool]) -> list[PartitionProgress]:
        """Take these partitions out of the queue."""
        dropped = [item for item in self._queue if which(item)]
        self._queue = deque(item for item in self._queue if item not in dropped)
        return dropped

    def send(self, pending: int) -> Future[ReportRun] | None:
        """Request one more run; None where there is none to request, or Stripe would refuse it for now.

        `pending` is how many runs are under way there.
        """
        if not (self._queue and self._pace.allows(pending + len(self._sent), self._client.clock.monotonic())):
            return None
        item = self._queue.popleft()
        create = partial(
            create_once,
            self._client.acting_for(item.acting_for),
            item.wanted.request,
            item.known_ids,
            alike=item.alike,
            further=item.refused > 0,
        )
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

    def ended(self) -> None:
        """One run less is pending at Stripe."""
        self._pace.ended(self._client.clock.monotonic())

    def given_up(self, pending: int) -> list[PartitionProgress]:
        """The partitions left in the queue when Stripe has accepted nothing for too long; else none."""
        hopeless = self._pace.hopeless_at(pending + len(self._sent))
        return self.drop(lambda _: True) if self._client.clock.monotonic() >= hopeless else []

    def _refused(self, item: PartitionProgress, error: RateLimitError, pending: int) -> None:
        self._pace.refused(
            pending,
            self._client.clock.monotonic(),
            retry_after=error.retry_after,
            draw=self._draw(),
            too_many=error.limit in _CONCURRENCY,
        )
        self._queue.appendleft(item)


def create_once(
    client: StripeClient,
    request: ReportRequest,
    known: Collection[str],
    *,
    alike: Collection[ReportRequest],
    further: bool = False,
) -> ReportRun:
    """A new run, or the one that an earlier attempt of unknown outcome left at Stripe.

    After a 5xx that Stripe does not want to see repeated, or that it repeats itself, it is unknown whether
    the run exists. The list shows it; if it is not there, the request is sent again: under the same key,
    which can make no second run, and under another once Stripe has stored the failure under that one, which
    it does for a day. The same goes for a key that brings back a run that is gone from Stripe.

    Args:
        known: ids of the runs known to ask the same.
        alike: the requests that ask the same, as runs may show them.
        further: the key made from these runs has brought back a run that cannot be the answer.
    """
    creation = _Creation(client, request, set(known), alike, began=client.now())
    if further:
        creation.leave_behind()
    for pause in range(_ATTEMPTS - 1):
        if run := creation.attempt(pause=_PAUSE * 2**pause):
            return run
    return creation.last_attempt()


@dataclass(slots=True)
class _Creation:
    """The attempts to create one run."""

    client: StripeClient
    request: ReportRequest
    known: set[str]
    alike: Collection[ReportRequest]
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
        there = self._as_it_stands(run)
        if there is None:
            self.known.add(run.id)
            self.leave_behind()
        return there

    def last_attempt(self) -> ReportRun:
        """Whatever Stripe answers."""
        key = idempotency_key(
            self.request,
            account=self.client.account,
            mode=self.client.mode,
            known=self.known,
            salt=self.salt,
        )
        return self.client.create_report_run(self.request, idempotency_key=key)

    def leave_behind(self) -> None:
        """Use a key that no earlier request has: Stripe stores an answer under each for a day.

        It is of this minute, so that two processes that both get here still share one run.
        """
        self.salt = int(self.client.now().timestamp()) // 60

    def _as_it_stands(self, run: ReportRun) -> ReportRun | None:
        """A created run; one that Stripe answered from its store as it is now. None if it is gone."""
        if not run.replayed or self.client.now() - run.created < _JUST_NOW:
            return run
        try:
            return replace(self.client.report_run(run.id), replayed=True)
        except InvalidRequestError as error:
            return None if error.status in GONE else run
        except ReportingError:
            return run  # polling will meet the same error, and knows how long to bear it

    def _unseen(self, since: datetime) -> ReportRun | None:
        """A run that asks the same and was not there before."""
        for page in self.client.every_report_run(since=since):
            for run in page.data:
                if run.id not in self.known and run.request in self.alike:
                    return replace(run, replayed=True)
        return None


def idempotency_key(
    request: ReportRequest,
    *,
    account: str | None,
    mode: str,
    known: Collection[str],
    salt: int = 0,
    version: str = API_VERSION,
) -> str:
    """The key under which to create a run: equal for all who ask the same in the same situation.

    It stays the same across network retries and across a crash, so that the first run is found again; it
    is the same for two processes at once, so that they share one; it changes with every identical run that
    becomes known, so that a run that cannot be the answer is replaced and never comes back.

    Args:
        known: the ids of the runs known to ask the same, the published one among them.
        salt: another one where Stripe has stored an answer under the key that is of no use.
        version: of Stripe's API, which refuses a key that comes back with another one.

    Source: https://docs.stripe.com/api/idempotent_requests
    """
    asked = [account, mode, version, request.as_json(), sorted(known), salt]
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    return f"report-{hashlib.sha256(text.encode()).hexdigest()}"
