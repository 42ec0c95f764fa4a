"""Many report runs at once, with one waiting loop and no request sent twice.

A batch first reads what Stripe has (availability and recent runs), adopts the runs that answer and creates
the rest, then polls all pending runs together until each has ended. `RunBatch` never waits by itself: it says
what it waits for (`futures`) and until when (`due_in`), and its owner has other work to wait for as well.

Whether a run answers is decided in `adoption.refusal`, whatever way the run came: out of the list, created,
replayed, by its id, and once more when it has finished. A run that is refused becomes known, so that Stripe
creates another one, and costs no attempt.
"""

import math
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future

from connector.api.client import StripeClient
from connector.api.models import ReportRun, RunStatus
from connector.errors import (
    AuthenticationError,
    PermissionDeniedError,
    ReportingError,
    RunFailedError,
    RunMismatchError,
    RunPendingError,
    UnexpectedAnswerError,
    UnknownAccountError,
)
from connector.runs import wording
from connector.runs.adoption import PartitionRequest, Refusal, WaitPolicy
from connector.runs.creation import RunCreator
from connector.runs.events import Answered, Asked, Finished, Missed, RunEvent
from connector.runs.pacing import is_worth_polls
from connector.runs.polling import PendingRuns, PollResult
from connector.runs.progress import PartitionProgress
from connector.runs.readiness import Availability
from connector.runs.report_run_list import by_account, find_runs_of_each, read_each
from connector.runs.threads import Workers
from connector.text import get_logger

_log = get_logger(__name__)

#: So many times may Stripe answer a creation with a run that cannot be the answer. One is usual where its
#: store of answers remembers a run that is not in the list.
_MOST_REFUSED = 5


class RunBatch:
    """All report runs of one batch, from asked to ended.

    Args:
        wanted: the partitions; their keys are distinct.
        creators, pollers: where requests are sent, so that nothing here waits for an answer. Creating a run
            may take long; where both have threads of their own, polls go on meanwhile.
        draw: a uniform random number from [0, 1), for jitter.

    Attributes:
        listed: ids of the recent runs that `open` has read; they are all the account's, or those of the
            accounts that are acted for.
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
        self._creator = RunCreator(client, creators, most=self._timeout, draw=draw)
        self._creators = creators
        accounts = dict.fromkeys(each.partition.acting_for for each in wanted)
        self._pending = PendingRuns(client, accounts, pollers, timeout=self._timeout)
        self._events: list[RunEvent] = []
        self._available = Availability({})
        self._began = client.now()
        self.listed: Collection[str] = ()

    # What the owner of the loop needs

    @property
    def done(self) -> bool:
        """Whether every partition has ended and every event was taken."""
        return not (self._pending or self._events) and self._creator.idle

    @property
    def futures(self) -> list[Future[ReportRun] | Future[PollResult]]:
        """The requests under way."""
        return [*self._creator.futures, *self._pending.futures]

    def due_in(self, *, idle: bool = False) -> float:
        """Seconds until `step` has something to do even if no future ends.

        Args:
            idle: no file of a finished run is left to be fetched, so that the next ones are asked for sooner.
        """
        self._pending.idle = idle and is_worth_polls(len(self._wanted), len(self._pending.accounts))
        now = self._clock.monotonic()
        times = self._pending.due, self._creator.due(len(self._pending))
        return max(0.0, min(filter(math.isfinite, times), default=now + 1.0) - now)

    def open(self) -> list[RunEvent]:
        """Read availability and recent runs, and adopt what answers: the two shared reads of a batch, of each
        account that is acted for.

        Raises the client's errors: without these reads nothing is known of any partition.
        """
        types, refused = read_each(
            self._client, self._pending.accounts, lambda client, _: client.report_types(), self._creators
        )
        self._available = Availability(types)
        # Stripe counts in whole seconds; a run of this second is one of ours.
        self._began = self._client.now().replace(microsecond=0)
        items = [self._progress(wanted) for wanted in self._wanted]
        known = self._without(refused, items)
        searching = by_account(item for item in known if self._needs_run(item))
        self.listed, refused = find_runs_of_each(self._client, searching, self._creators)
        for item in self._without(refused, [item for some in searching.values() for item in some]):
            self._place(item)
        return self._take()

    def step(self) -> list[RunEvent]:
        """Take in what has ended, give up on what is overdue, send what is due. Never waits."""
        self._take_created()
        self._take_poll()
        self._give_up()
        self._create()
        self._pending.begin()
        self._take_poll()
        return self._take()

    def reject(self, finished: Finished, error: Exception) -> bool:
        """The file of a finished run cannot be had. True when another run is created in its place."""
        item, run = self._progress(finished.wanted), finished.run
        item.known.add(run.id)
        item.lost = finished.attempts
        if item.lost >= self._wait_policy.attempts:
            return False
        _log.warning("%s: no file from report run %s (%s)", item.key, run.id, error)
        self._creator.add(item)
        return True

    # Beginning

    def _progress(self, wanted: PartitionRequest) -> PartitionProgress:
        return PartitionProgress.of(wanted, self._available.of(wanted), self._began, self._wait_policy)

    def _without(
        self, refused: Mapping[str | None, ReportingError], items: Collection[PartitionProgress]
    ) -> list[PartitionProgress]:
        """The partitions of the other accounts; those of an account that could not be read end."""
        for item in items:
            if error := refused.get(item.acting_for):
                self._end(item, error)
        return [item for item in items if item.acting_for not in refused]

    def _needs_run(self, item: PartitionProgress) -> bool:
        """Whether a run has to be found: none is named that will do, and Stripe has the data."""
        if item.wanted.run_id:
            return self._needs_another(item, item.wanted.run_id)
        if early := self._available.not_ready(item.wanted, self._client.now()):
            self._end(item, early)
        return not early

    def _place(self, item: PartitionProgress) -> None:
        """Adopt what is known, or have a run created; of those that hang, each has cost an attempt."""
        now = self._client.now()
        if run := item.choose(now):
            self._start(item, run)
            return
        hanging = item.hanging(now)
        item.lost += len(hanging)
        if item.lost >= self._wait_policy.attempts:
            text = wording.hung(hanging, self._wait_policy.abandon_after)
            self._end(item, RunFailedError(text, run_id=hanging[-1].id, attempts=item.lost), hanging[-1].id)
        else:
            item.replaces = hanging[-1] if hanging else None
            self._creator.add(item)

    def _needs_another(self, item: PartitionProgress, run_id: str) -> bool:
        """Whether the run that is named cannot be the answer, so that another one has to be found."""
        try:
            client = self._client.acting_for(item.acting_for)
            return not self._accepts(item, client.report_run(run_id))
        except ReportingError as error:
            self._end(item, error)
            return False

    # One run

    def _accepts(self, item: PartitionProgress, run: ReportRun) -> bool:
        """Wait for a run, or end the partition with it; False for one that is left behind, now known."""
        now = self._client.now()
        why = item.refusal(run, now)
        if why is None or (why is Refusal.FAILED and run.id in item.own):
            if names := item.unlike(run):
                _log.warning("a report run of %s echoes otherwise than asked: %s", run.report_type, names)
            self._start(item, run)
        elif why is Refusal.MISMATCH:
            said = f"report run {run.id} answers another request: {item.mismatch(run, now)}"
            self._end(item, RunMismatchError(said), run.id)
        elif (there := item.wanted.published) and why is Refusal.PUBLISHED and run.id == item.wanted.run_id:
            self._events.append(Answered(item.wanted.partition, there))
        else:
            _log.info("%s: report run %s is left behind: %s", item.key, run.id, why.value)
            item.known.add(run.id)
            if why is Refusal.ABANDONED:
                item.lost, item.replaces = item.lost + 1, run
            return False
        return True

    # Creating

    def _create(self) -> None:
        while (future := self._creator.send(len(self._pending))) is not None:
            if future.done():
                self._take_created()

    def _take_created(self) -> None:
        for item, answer in self._creator.take(len(self._pending)):
            if isinstance(answer, ReportRun):
                item.answer(answer)
                if not self._accepts(item, answer):
                    self._create_further(item, answer)
            else:
                self._not_created(item, answer)

    def _create_further(self, item: PartitionProgress, refused: ReportRun) -> None:
        """Stripe's store of answers brought back a run that cannot be the answer: another key."""
        item.refused += 1
        if item.refused < _MOST_REFUSED:
            self._creator.add(item)
        else:
            text = f"Stripe answers each request with a report run that is of no use, the last {refused.id}"
            self._end(item, UnexpectedAnswerError(text, status=200), refused.id)

    def _not_created(self, item: PartitionProgress, error: Exception) -> None:
        self._end(item, self._available.explain(error, item.wanted, self._client.now()))
        if isinstance(error, AuthenticationError):
            self._end_queue(error, lambda _: True)
        elif isinstance(error, PermissionDeniedError | UnknownAccountError):
            # It may be about one account; partitions of others have a right to their own answer.
            account = item.wanted.partition.account
            self._end_queue(error, lambda each: each.wanted.partition.account == account)

    # Polling

    def _start(self, item: PartitionProgress, run: ReportRun) -> None:
        item.take(run, self._clock.monotonic())
        self._events.append(Asked(item.wanted.partition, run.id, item.origin))
        if old := item.replaces:
            now = self._client.now()
            _log.warning("%s: %s", item.key, wording.replaced(item, old, run, now, self._wait_policy))
            item.replaces = None
        self._pending.add(item)
        if run.status is not RunStatus.PENDING:
            self._settle(item, run)
        if item in self._pending:
            self._pending.include(item, run)

    def _take_poll(self) -> None:
        for account, result in self._pending.take():
            if isinstance(result, ReportingError):
                everyone = isinstance(result, AuthenticationError)
                self._lock_out(result, self._pending.accounts if everyone else [account])
                continue
            for item, run_id in self._pending.polled(account, result):
                self._learn(item, run_id, result)
            self._pending.plan(account)

    def _learn(self, item: PartitionProgress, run_id: str, result: PollResult) -> None:
        """What a poll showed of one partition's run."""
        found = result.states.get(run_id)
        if found is None:
            item.unread = result.unread.get(run_id)
        elif isinstance(found, ReportingError):
            if item.is_gone(self._client.now()):
                self._lose(item, f"it is gone: {found}", run_id)
        else:
            self._settle(item, found)

    def _settle(self, item: PartitionProgress, run: ReportRun) -> None:
        item.run, item.unread = run, None
        why = item.refusal(run, self._client.now())
        if why is Refusal.FAILED:
            self._lose(item, run.error or "Stripe gave no reason", run.id)
        elif why is Refusal.ABANDONED:
            self._lose(item, wording.hangs(self._wait_policy.abandon_after), run.id)
            item.replaces = run
        elif why is not None:
            _log.info("%s: report run %s is left behind: %s", item.key, run.id, why.value)
            self._drop(item)
            self._creator.add(item)
        elif run.status is RunStatus.SUCCEEDED and run.result is not None:
            self._drop(item)
            waited = self._clock.monotonic() - item.since
            attempts = item.lost + 1
            self._events.append(Finished(item.wanted, run, run.result, item.origin, attempts, waited))

    def _drop(self, item: PartitionProgress) -> None:
        """Its run is not waited for any longer."""
        self._pending.remove(item)
        self._creator.ended()

    # Ending

    def _lose(self, item: PartitionProgress, reason: str, run_id: str) -> None:
        """A run came to nothing: another one, as often as allowed."""
        self._drop(item)
        item.lost += 1
        if item.lost < self._wait_policy.attempts:
            _log.warning("%s: report run %s failed (%s); creating another", item.key, run_id, reason)
            item.run, item.refused = None, 0
            self._creator.add(item)
        else:
            text = wording.failed(item, run_id, reason)
            self._end(item, RunFailedError(text, run_id=run_id, attempts=item.lost), run_id)

    def _give_up(self) -> None:
        for item, run in self._pending.overdue():
            self._pending.remove(item)
            text = wording.late(item, run, self._client.now(), self._wait_policy)
            self._end(item, RunPendingError(text, run_id=run.id), run.id)
        text = f"Stripe accepted no new report run for {self._timeout:.0f} s (HTTP 429); try again later"
        for item in self._creator.given_up(len(self._pending)):
            self._end(item, RunPendingError(text, run_id=None))

    def _end_queue(self, error: ReportingError, which: Callable[[PartitionProgress], bool]) -> None:
        for item in self._creator.drop(which):
            self._end(item, error)

    def _lock_out(self, error: ReportingError, accounts: Collection[str | None]) -> None:
        """The key no longer works for these accounts: nothing more of theirs can be read or created."""
        for item in self._pending.of(accounts):
            self._pending.remove(item)
            self._end(item, error, item.run.id if item.run else None)
        self._end_queue(error, lambda each: each.acting_for in accounts)

    def _end(self, item: PartitionProgress, error: ReportingError, run_id: str | None = None) -> None:
        self._events.append(Missed(item.wanted.partition, error, run_id))

    def _take(self) -> list[RunEvent]:
        events, self._events = self._events, []
        return events
