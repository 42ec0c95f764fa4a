"""Many report runs at once, with one waiting loop and no request sent twice.

A batch first reads what Stripe has (availability and recent runs), adopts the runs that answer and creates
the rest, then polls all pending runs together until each has ended. `RunBatch` never waits by itself: it says
what it waits for (`futures`) and until when (`due_in`), and its owner has other work to wait for as well.
"""

import logging
import math
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta

from connector.api.client import StripeClient
from connector.api.models import ReportRun, ReportType, RunStatus
from connector.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotReadyError,
    PermissionDeniedError,
    ReportingError,
    RunFailedError,
    RunPendingError,
    UnexpectedAnswerError,
)
from connector.runs.adoption import PartitionRequest, WaitPolicy, another_request, choose
from connector.runs.creation import RunCreator
from connector.runs.events import Asked, Finished, Missed, Origin, RunEvent
from connector.runs.polling import Poller, PollResult
from connector.runs.progress import PartitionProgress
from connector.runs.readiness import not_ready, refused_for_now
from connector.runs.report_run_list import recent_runs
from connector.runs.threads import Workers

_log = logging.getLogger(__name__)

#: What was just created may not be visible everywhere at once.
_VISIBLE_AFTER = timedelta(minutes=1)


class RunBatch:
    """All report runs of one batch, from asked to ended.

    Args:
        wanted: the partitions; their keys are distinct.
        creators, pollers: where requests are sent, so that nothing here waits for an answer. Creating a run
            may take long; where both have threads of their own, polls go on meanwhile.
        draw: a uniform random number from [0, 1), for jitter.
    """

    def __init__(
        self,
        client: StripeClient,
        wanted: Sequence[PartitionRequest],
        *,
        creators: Workers,
        pollers: Workers,
        wait_policy: WaitPolicy | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._clock = client.clock
        self._wanted = wanted
        self._wait_policy = wait_policy or WaitPolicy()
        self._timeout = self._wait_policy.wait_timeout.total_seconds()
        self._pending: dict[str, PartitionProgress] = {}
        self._creator = RunCreator(client, creators, most=self._timeout, draw=draw)
        self._poller = Poller(client, pollers, draw)
        self._events: list[RunEvent] = []
        self._types: Mapping[str, ReportType] = {}

    # What the owner of the loop needs

    @property
    def done(self) -> bool:
        """Whether every partition has ended and every event was taken."""
        return not (self._pending or self._events) and self._creator.idle

    @property
    def futures(self) -> list[Future[ReportRun] | Future[PollResult]]:
        """The requests under way."""
        return [*self._creator.futures, *([self._poller.future] if self._poller.future else [])]

    def due_in(self) -> float:
        """Seconds until `step` has something to do even if no future ends."""
        now = self._clock.monotonic()
        times = [item.since + self._timeout for item in self._pending.values()]
        if self._pending and self._poller.future is None:
            times.append(self._poller.due)
        times.append(self._creator.due(len(self._pending)))
        return max(0.0, min(filter(math.isfinite, times), default=now + 1.0) - now)

    def open(self) -> list[RunEvent]:
        """Read availability and recent runs, and adopt what answers: the two shared reads of a batch.

        Raises the client's errors: without these reads nothing is known of any partition.
        """
        self._types = self._client.report_types()
        recent = recent_runs(self._client, {each.request for each in self._wanted})
        self._poller.learn(run for runs in recent.values() for run in runs)
        for wanted in self._wanted:
            item = self._begun(wanted)
            item.same = [run for request in item.alike for run in recent.get(request, [])]
            self._place(item)
        return self._take()

    def step(self) -> list[RunEvent]:
        """Take in what has ended, give up on what is overdue, send what is due. Never waits."""
        self._take_created()
        self._take_poll()
        self._give_up()
        self._create()
        self._poller.begin(self._pending_runs)
        self._take_poll()
        return self._take()

    def reject(self, finished: Finished, error: ReportingError) -> bool:
        """The file of a finished run cannot be had. True when another run is created in its place."""
        if finished.attempts >= self._wait_policy.attempts:
            return False
        wanted, run = finished.wanted, finished.run
        item = self._begun(wanted)
        item.same, item.attempts = [run], finished.attempts
        _log.warning("%s: no file from report run %s (%s)", wanted.partition.key, run.id, error)
        self._creator.add(item)
        return True

    # Beginning

    def _begun(self, wanted: PartitionRequest) -> PartitionProgress:
        request, available = wanted.request, self._types.get(wanted.request.report_type)
        echoed = request.as_echoed(available.default_columns if available else None)
        return PartitionProgress(wanted, tuple({request: 0, echoed: 0}), self._clock.monotonic())

    def _place(self, item: PartitionProgress) -> None:
        wanted, now = item.wanted, self._client.now()
        available = self._types.get(wanted.request.report_type)
        if wanted.run_id:
            self._place_by_id(item, wanted.run_id)
            return
        if available and (early := not_ready(wanted.partition.interval, available, now)):
            self._end(item, early)
            return
        updated = available.updated if available else None
        if run := choose(wanted, item.same, updated=updated, now=now, wait_policy=self._wait_policy):
            self._start(item, run, Origin.ADOPTED)
        else:
            self._creator.add(item)

    def _place_by_id(self, item: PartitionProgress, run_id: str) -> None:
        try:
            run = self._client.report_run(run_id)
        except ReportingError as error:
            self._end(item, error)
            return
        item.same = [run]
        if run.status is RunStatus.FAILED:
            item.attempts = 1
            self._failed(item, run)
        else:
            self._start(item, run, Origin.ADOPTED)

    # Creating

    def _create(self) -> None:
        while (future := self._creator.send(len(self._pending))) is not None:
            if future.done():
                self._take_created()

    def _take_created(self) -> None:
        for item, answer in self._creator.take(len(self._pending)):
            if isinstance(answer, ReportRun):
                self._created(item, answer)
            else:
                self._not_created(item, answer)

    def _created(self, item: PartitionProgress, run: ReportRun) -> None:
        other = None if run.request in item.alike else another_request(item.wanted.request, run.request)
        if other:
            self._end(item, UnexpectedAnswerError(f"report run {run.id} {other}", status=200), run.id)
        else:
            self._start(item, run, Origin.CREATED)

    def _not_created(self, item: PartitionProgress, error: Exception) -> None:
        if not isinstance(error, ReportingError):
            raise error
        if isinstance(error, InvalidRequestError) and refused_for_now(error):
            about = item.wanted.partition.interval or item.wanted.partition.key
            self._end(item, NotReadyError(f"Stripe has no data for {about}: {error}"))
            return
        self._end(item, error)
        if isinstance(error, AuthenticationError | PermissionDeniedError):
            self._end_queue(error)

    # Polling

    def _start(self, item: PartitionProgress, run: ReportRun, origin: Origin) -> None:
        item.take(run, origin, self._clock.monotonic())
        self._events.append(Asked(item.wanted.partition, run.id, origin))
        self._pending[run.id] = item
        if run.status is RunStatus.PENDING:
            self._poller.include(self._pending_runs)
        else:
            self._settle(item, run)

    @property
    def _pending_runs(self) -> list[ReportRun]:
        return [item.run for item in self._pending.values() if item.run]

    def _take_poll(self) -> None:
        try:
            result = self._poller.take()
        except (AuthenticationError, PermissionDeniedError) as error:
            self._lock_out(error)
        except ReportingError as error:
            _log.warning("could not poll %s pending report runs: %s", len(self._pending), error)
            for item in self._pending.values():
                item.unread = error
        else:
            if result is None:
                return
            self._settle_all(result.states)
            self._note_unread(result.unread)
        self._poller.plan(self._pending_runs)

    def _note_unread(self, unread: Mapping[str, ReportingError]) -> None:
        for run_id, error in unread.items():
            if item := self._pending.get(run_id):
                if item.unread is None:
                    _log.warning("could not read report run %s: %s", run_id, error)
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

    def _settle(self, item: PartitionProgress, run: ReportRun) -> None:
        item.run, item.unread = run, None
        if run.status is RunStatus.SUCCEEDED and run.result is not None:
            self._leave(run.id)
            self._poller.learn([run])
            waited = self._clock.monotonic() - item.since
            self._events.append(Finished(item.wanted, run, run.result, item.origin, item.attempts, waited))
        elif run.status is RunStatus.FAILED:
            self._leave(run.id)
            self._failed(item, run)

    def _leave(self, run_id: str) -> None:
        del self._pending[run_id]
        self._creator.run_ended()

    # Ending

    def _missing(self, item: PartitionProgress, run_id: str, error: ReportingError) -> None:
        """Stripe does not know a run it gave us. It is gone once it is too old to be merely not visible yet;
        then it counts among those known, since its key would bring it back for a day."""
        if item.run is None or self._client.now() - item.run.created < _VISIBLE_AFTER:
            return
        del self._pending[run_id]
        item.same = [*item.same, item.run]
        self._again(item, f"it is gone: {error}", run_id)

    def _failed(self, item: PartitionProgress, run: ReportRun) -> None:
        item.same = [*item.same, run]
        self._again(item, run.error or "Stripe gave no reason", run.id)

    def _again(self, item: PartitionProgress, reason: str, run_id: str) -> None:
        """A run came to nothing: another one, as often as allowed."""
        attempts = item.attempts
        if attempts < self._wait_policy.attempts:
            key = item.wanted.partition.key
            _log.warning("%s: report run %s failed (%s); creating another", key, run_id, reason)
            item.run = None
            self._creator.add(item)
        else:
            runs = "a report run" if attempts == 1 else f"{attempts} report runs, the last"
            text = f"Stripe failed {runs} {run_id}: {reason}"
            self._end(item, RunFailedError(text, run_id=run_id, attempts=attempts), run_id)

    def _give_up(self) -> None:
        now = self._clock.monotonic()
        for run_id, item in list(self._pending.items()):
            # The same sum as in `due_in`: a difference may round to just below, and then nothing would move.
            if now >= item.since + self._timeout:
                del self._pending[run_id]
                text = f"report run {run_id} was still pending after {self._timeout:.0f} s; it goes on at"
                text += " Stripe, and the next attempt takes it up"
                if item.unread:
                    text = f"report run {run_id} was not seen to end within {self._timeout:.0f} s; the last"
                    text += f" poll: {item.unread}. The next attempt takes it up"
                self._end(item, RunPendingError(text, run_id=run_id), run_id)
        text = f"Stripe accepted no new report run for {self._timeout:.0f} s (HTTP 429); try again later"
        for item in self._creator.given_up(len(self._pending)):
            self._end(item, RunPendingError(text, run_id=None))

    def _end_queue(self, error: ReportingError) -> None:
        for item in self._creator.emptied():
            self._end(item, error)

    def _lock_out(self, error: ReportingError) -> None:
        """The key no longer works: nothing more can be read or created."""
        for run_id, item in self._pending.items():
            self._end(item, error, run_id)
        self._pending.clear()
        self._end_queue(error)

    def _end(self, item: PartitionProgress, error: ReportingError, run_id: str | None = None) -> None:
        self._events.append(Missed(item.wanted.partition, error, run_id))

    def _take(self) -> list[RunEvent]:
        events, self._events = self._events, []
        return events
