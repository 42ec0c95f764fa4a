"""Get many report runs finished at Stripe, with one waiting loop and without asking twice.

A batch first reads what Stripe has (availability and recent runs), adopts what answers a question and
creates the rest, then looks at all pending runs together until each has ended. `RunBatch` never waits by
itself: it says what it waits for (`futures`) and until when (`due_in`), and its owner has other work to
wait for as well.
"""

import logging
import math
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from connector.api.client import StripeClient
from connector.api.models import ReportRequest, ReportRun, ReportType, RunStatus
from connector.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotReadyError,
    PermissionDeniedError,
    RateLimitError,
    ReportingError,
    RunFailedError,
    RunPendingError,
    UnexpectedAnswerError,
)
from connector.runs.adoption import PartitionRequest, WaitPolicy, another_question, choose
from connector.runs.events import Finished, Origin, RunEvent, Started, Unfinished
from connector.runs.pacing import CreationPace
from connector.runs.polling import Poller
from connector.runs.readiness import not_ready, refused_for_now
from connector.runs.report_run_list import PollResult, create_once, recent_runs
from connector.runs.threads import Workers

_log = logging.getLogger(__name__)

#: What was just created may not be visible everywhere at once.
_VISIBLE_AFTER = timedelta(minutes=1)


@dataclass(slots=True)
class _PendingPartition:
    """One partition on its way.

    Attributes:
        same: the identical runs known at Stripe.
        unread: why the last look showed nothing of its run; None where it did.
    """

    wanted: PartitionRequest
    since: float
    same: list[ReportRun] = field(default_factory=list)
    run: ReportRun | None = None
    origin: Origin = Origin.CREATED
    attempts: int = 0
    unread: ReportingError | None = None


class RunBatch:
    """All report runs of one batch, from asked to ended.

    Args:
        wanted: the partitions; their keys are distinct.
        workers: where requests are sent, so that nothing waits for an answer.
    """

    def __init__(
        self,
        client: StripeClient,
        wanted: Sequence[PartitionRequest],
        *,
        workers: Workers,
        wait_policy: WaitPolicy | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._clock = client.clock
        self._workers = workers
        self._wait_policy = wait_policy or WaitPolicy()
        self._draw = draw
        began = self._clock.monotonic()
        self._queue = deque(_PendingPartition(each, since=began) for each in wanted)
        self._pending: dict[str, _PendingPartition] = {}
        self._creating: dict[Future[ReportRun], _PendingPartition] = {}
        self._pace = CreationPace(began, most=self._wait_policy.wait_timeout.total_seconds())
        self._watch = Poller(client, workers, draw)
        self._events: list[RunEvent] = []
        self._defaults: dict[str, tuple[str, ...] | None] = {}

    # What the owner of the loop needs

    @property
    def done(self) -> bool:
        """Whether every partition has ended and every event was taken."""
        return not (self._queue or self._creating or self._pending or self._events)

    @property
    def futures(self) -> list["Future[ReportRun] | Future[PollResult]"]:
        """What is under way at Stripe."""
        return [*self._creating, *([self._watch.future] if self._watch.future else [])]

    def due_in(self) -> float:
        """Seconds until `step` has something to do even if no future ends."""
        now = self._clock.monotonic()
        times = [
            item.since + self._wait_policy.wait_timeout.total_seconds() for item in self._pending.values()
        ]
        if self._pending and self._watch.future is None:
            times.append(self._watch.due)
        if self._queue and (due := self._pace.due(self._under_way)) < math.inf:
            times.append(due)
        return max(0.0, min(times, default=now + 1.0) - now)

    def open(self) -> list[RunEvent]:
        """Read availability and recent runs, and adopt what answers. The two shared reads of a batch.

        Raises the client's errors: without these reads nothing can be said of any partition.
        """
        if not self._queue:
            return []
        types = {each.id: each for each in self._client.report_types()}
        self._defaults = {id: type_.default_columns for id, type_ in types.items()}
        recent = recent_runs(
            self._client,
            {item.wanted.request for item in self._queue},
            look_back=self._wait_policy.look_back,
            pages=self._wait_policy.look_back_pages,
        )
        self._watch.learn(run for runs in recent.values() for run in runs)
        items, self._queue = list(self._queue), deque()
        for item in items:
            same = [run for request in self._alike(item.wanted) for run in recent.get(request, [])]
            self._place(item, types.get(item.wanted.request.report_type), same)
        return self._take()

    def step(self) -> list[RunEvent]:
        """Take in what has ended, give up on what is overdue, send what is due. Never waits."""
        self._take_created()
        self._take_look()
        self._give_up()
        self._create()
        self._start_look()
        return self._take()

    def reject(self, finished: Finished, error: ReportingError) -> bool:
        """The file of a finished run cannot be had. True when another run is asked for in its place."""
        if finished.attempts >= self._wait_policy.attempts:
            return False
        item = _PendingPartition(finished.wanted, self._clock.monotonic(), attempts=finished.attempts)
        _log.warning("%s: no file from report run %s (%s)", finished.wanted.key, finished.run.id, error)
        item.same = [finished.run]
        self._queue.append(item)
        return True

    # Beginning

    def _place(self, item: _PendingPartition, available: ReportType | None, same: list[ReportRun]) -> None:
        wanted, now = item.wanted, self._client.now()
        if wanted.run_id:
            self._place_by_id(item, wanted.run_id)
            return
        if available and (early := not_ready(wanted.interval, available, now)):
            self._end(item, early)
            return
        item.same = same
        updated = available.updated if available else None
        if run := choose(wanted, same, updated=updated, now=now, wait_policy=self._wait_policy):
            self._start(item, run, Origin.ADOPTED)
        else:
            self._queue.append(item)

    def _place_by_id(self, item: _PendingPartition, run_id: str) -> None:
        try:
            run = self._client.report_run(run_id)
        except ReportingError as error:
            self._end(item, error)
            return
        item.same = [run]
        if run.status is RunStatus.FAILED:
            self._failed(item, run)
        else:
            self._start(item, run, Origin.ADOPTED)

    def _alike(self, wanted: PartitionRequest) -> tuple[ReportRequest, ...]:
        """The requests that ask what is wanted, as runs may show them."""
        request = wanted.request
        return tuple({request: 0, request.as_echoed(self._defaults.get(request.report_type)): 0})

    # Creating

    @property
    def _under_way(self) -> int:
        return len(self._pending) + len(self._creating)

    def _create(self) -> None:
        while self._queue and self._pace.allows(self._under_way, self._clock.monotonic()):
            item = self._queue.popleft()
            item.attempts += 1
            create = partial(
                create_once,
                self._client,
                item.wanted.request,
                tuple(item.same),
                default_columns=self._defaults.get(item.wanted.request.report_type),
            )
            future = self._workers.submit(create)
            self._creating[future] = item
            if future.done():
                self._take_created()

    def _take_created(self) -> None:
        for future in [each for each in self._creating if each.done()]:
            item = self._creating.pop(future)
            error = future.exception()
            if isinstance(error, RateLimitError):
                self._refused(item, error)
            elif isinstance(error, InvalidRequestError) and refused_for_now(error):
                about = item.wanted.interval or item.wanted.key
                self._end(item, NotReadyError(f"Stripe has no data for {about}: {error}"))
            elif isinstance(error, ReportingError):
                self._end(item, error)
                if isinstance(error, AuthenticationError | PermissionDeniedError):
                    self._end_queue(error)
            elif error:
                raise error
            else:
                self._pace.accepted(self._clock.monotonic())
                self._created(item, future.result())

    def _created(self, item: _PendingPartition, run: ReportRun) -> None:
        asked = self._alike(item.wanted)
        other = None if run.request in asked else another_question(asked[0], run.request)
        if other:
            self._end(item, UnexpectedAnswerError(f"report run {run.id} {other}", status=200), run.id)
        else:
            self._start(item, run, Origin.CREATED)

    def _refused(self, item: _PendingPartition, error: RateLimitError) -> None:
        """429 on a new run: it waits its turn."""
        item.attempts -= 1
        self._pace.refused(
            len(self._pending),
            self._clock.monotonic(),
            retry_after=error.retry_after,
            draw=self._draw(),
        )
        self._queue.appendleft(item)

    # Waiting

    def _start(self, item: _PendingPartition, run: ReportRun, origin: Origin) -> None:
        item.run, item.origin, item.since = run, origin, self._clock.monotonic()
        item.attempts = max(item.attempts, 1)
        self._events.append(Started(item.wanted, run, origin))
        self._pending[run.id] = item
        if run.status is RunStatus.PENDING:
            self._watch.include(self._pending_runs)
        else:
            self._settle(item, run)

    @property
    def _pending_runs(self) -> list[ReportRun]:
        return [item.run for item in self._pending.values() if item.run]

    def _start_look(self) -> None:
        self._watch.begin(self._pending_runs)
        self._take_look()

    def _take_look(self) -> None:
        try:
            looked = self._watch.take()
        except (AuthenticationError, PermissionDeniedError) as error:
            self._lock_out(error)
        except ReportingError as error:
            _log.warning("could not look at %s pending report runs: %s", len(self._pending), error)
            for item in self._pending.values():
                item.unread = error
        else:
            if looked is None:
                return
            self._settle_all(looked.states)
            self._note_unread(looked.unread)
        self._watch.plan(self._pending_runs)

    def _note_unread(self, unread: Mapping[str, ReportingError]) -> None:
        for run_id, error in unread.items():
            if item := self._pending.get(run_id):
                if item.unread is None:
                    _log.warning("could not look at report run %s: %s", run_id, error)
                item.unread = error

    def _settle_all(self, found: Mapping[str, ReportRun | ReportingError]) -> None:
        for run_id, run in found.items():
            item = self._pending.get(run_id)
            if item is None:
                continue
            if isinstance(run, ReportingError):
                self._missing(item, run_id, run)
            else:
                self._settle(item, run)

    def _settle(self, item: _PendingPartition, run: ReportRun) -> None:
        item.run, item.unread = run, None
        if run.status is RunStatus.SUCCEEDED and run.result is not None:
            del self._pending[run.id]
            self._watch.learn([run])
            self._pace.ended(self._clock.monotonic())
            waited = self._clock.monotonic() - item.since
            self._events.append(Finished(item.wanted, run, item.origin, item.attempts, waited))
        elif run.status is RunStatus.FAILED:
            del self._pending[run.id]
            self._pace.ended(self._clock.monotonic())
            self._failed(item, run)

    # Ending

    def _missing(self, item: _PendingPartition, run_id: str, error: ReportingError) -> None:
        """Stripe does not know a run it gave us. It is gone once it is too old to be merely not visible yet;
        then it counts among those known, since its key would bring it back for a day."""
        if item.run is None or self._client.now() - item.run.created < _VISIBLE_AFTER:
            return
        del self._pending[run_id]
        item.same = [*item.same, item.run]
        self._again(item, f"it is gone: {error}", run_id)

    def _failed(self, item: _PendingPartition, run: ReportRun) -> None:
        item.same = [*item.same, run]
        self._again(item, run.error or "Stripe gave no reason", run.id)

    def _again(self, item: _PendingPartition, reason: str, run_id: str) -> None:
        """A run came to nothing: another one, as often as allowed."""
        attempts = max(item.attempts, 1)
        if attempts < self._wait_policy.attempts:
            _log.warning("%s: report run %s failed (%s); asking again", item.wanted.key, run_id, reason)
            item.run = None
            self._queue.append(item)
        else:
            runs = "a report run" if attempts == 1 else f"{attempts} report runs, the last"
            text = f"Stripe failed {runs} {run_id}: {reason}"
            self._end(item, RunFailedError(text, run_id=run_id, attempts=attempts), run_id)

    def _give_up(self) -> None:
        now, most = self._clock.monotonic(), self._wait_policy.wait_timeout.total_seconds()
        for run_id, item in list(self._pending.items()):
            # The same sum as in `due_in`: a difference may round to just below, and then nothing would move.
            if now >= item.since + most:
                del self._pending[run_id]
                text = f"report run {run_id} was still pending after {most:.0f} s; it goes on at Stripe"
                text += ", and asking again takes it up"
                if item.unread:
                    text = f"report run {run_id} was not seen to end within {most:.0f} s; the last look: "
                    text += f"{item.unread}. Asking again takes it up"
                self._end(item, RunPendingError(text, run_id=run_id), run_id)
        if self._queue and now >= self._pace.hopeless_at(self._under_way):
            text = f"Stripe accepted no new report run for {most:.0f} s (HTTP 429); ask again later"
            self._end_queue(RunPendingError(text, run_id=None))

    def _end_queue(self, error: ReportingError) -> None:
        for item in self._queue:
            self._end(item, error)
        self._queue.clear()

    def _lock_out(self, error: ReportingError) -> None:
        """The key no longer works: nothing more can be learned or asked."""
        for run_id, item in self._pending.items():
            self._end(item, error, run_id)
        self._pending.clear()
        self._end_queue(error)

    def _end(self, item: _PendingPartition, error: ReportingError, run_id: str | None = None) -> None:
        self._events.append(Unfinished(item.wanted, error, run_id))

    def _take(self) -> list[RunEvent]:
        events, self._events = self._events, []
        return events
