"""Pending report runs, polled together: one poll at a time of each account, and no sooner than it can show
anything."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from connector.api.client import StripeClient
from connector.api.models import ReportRun
from connector.errors import (
    AuthenticationError,
    ConfigurationError,
    InternalError,
    InvalidRequestError,
    PermissionDeniedError,
    ReportingError,
    UnexpectedAnswerError,
    UnknownAccountError,
)
from connector.runs.creation import GONE
from connector.runs.pacing import pause_before_poll
from connector.runs.progress import PartitionProgress
from connector.runs.report_run_list import by_account
from connector.runs.threads import Workers
from connector.text import get_logger

_log = get_logger(__name__)

#: Stripe counts in whole seconds: a run may be younger than it seems by so much.
_WHOLE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class PollResult:
    """How pending runs stand.

    Attributes:
        polled: the ids of the runs it is about.
        states: by id a run, or the error that says Stripe no longer knows it.
        unread: by id why it is not known; it says nothing of the others.
        pages: how many the list of them had.
    """

    polled: Collection[str]
    states: Mapping[str, ReportRun | ReportingError]
    unread: Mapping[str, ReportingError]
    pages: int


class Poller:
    """When to poll the pending runs of one account, and what the poll showed.

    Which runs are pending is an argument of each call. `future` is the poll under way, `due` the time of the
    next one, `soon` the same while many files are to come and none is there to be fetched, `began_at` when
    the last one began, all by the client's monotonic clock.
    """

    def __init__(self, client: StripeClient, workers: Workers) -> None:
        self._client = client
        self._clock = client.clock
        self._workers = workers
        self._pages = 1
        self._polled: Collection[str] = ()
        self._created_at: dict[str, float] = {}
        self._included_at: dict[str, float] = {}
        self.future: Future[PollResult] | None = None
        self.began_at = -math.inf
        self.due = self.soon = math.inf

    def include(self, run: ReportRun) -> None:
        """One more run is pending, as was read just now."""
        now = self._clock.monotonic()
        age = max(timedelta(0), self._client.now() - run.created - _WHOLE_SECOND)
        self._included_at[run.id], self._created_at[run.id] = now, now - age.total_seconds()
        self.due = min(self.due, self._deadline(run.id))
        self.soon = min(self.soon, self.due)

    def by(self, deadline: float) -> None:
        """Poll as soon after `deadline` as usual polls follow each other."""
        self.due = min(self.due, max(deadline, self.began_at + pause_before_poll(0.0)))
        self.soon = min(self.soon, self.due)

    def plan(self, pending: Collection[ReportRun]) -> None:
        """After a poll: one that serves all runs still pending, as late as the first of them bears."""
        self.due = self.soon = min((self._deadline(run.id) for run in pending), default=math.inf)
        if pending:
            oldest = min(self._created_at[run.id] for run in pending)
            pause = pause_before_poll(self.began_at - oldest, idle=True)
            self.soon = min(self.due, self.began_at + pause)

    def begin(self, pending: Collection[ReportRun], *, idle: bool) -> None:
        """Poll the pending runs, where that is due and no poll is under way; `idle` as in `PendingRuns`."""
        now = self._clock.monotonic()
        if pending and self.future is None and now >= (self.soon if idle else self.due):
            self.began_at, self.due, self.soon = now, math.inf, math.inf
            created = {run.id: run.created for run in pending}
            self._polled = frozenset(created)
            self.future = self._workers.submit(partial(poll, self._client, created, self._pages))

    def take(self) -> PollResult | None:
        """What the poll showed, once it has ended; None before.

        Raises AuthenticationError, PermissionDeniedError and UnknownAccountError: no further poll will show
        anything.
        """
        if self.future is None or not self.future.done():
            return None
        ended, self.future = self.future, None
        try:
            result = ended.result()
        except (AuthenticationError, PermissionDeniedError, UnknownAccountError):
            raise
        except Exception as error:
            _log.warning("could not poll %s pending report runs: %s", len(self._polled), error)
            unread = error if isinstance(error, ReportingError) else InternalError.of(error)
            return PollResult(self._polled, {}, dict.fromkeys(self._polled, unread), self._pages)
        self._pages = result.pages
        return result

    def _deadline(self, run_id: str) -> float:
        """When a run has to be read again, counted from the beginning of what showed it last: it may have
        ended right after that."""
        read_at = max(self.began_at, self._included_at[run_id])
        return read_at + pause_before_poll(read_at - self._created_at[run_id])


class PendingRuns:
    """The partitions whose report runs are waited for, and a poller for each account: those that one acts for
    have runs, and a list of them, of their own.

    Args:
        accounts: None for the client's own.
        timeout: for how many seconds one run is waited for.

    Attributes:
        idle: no file of a run that has ended is left to be fetched, in a batch of many.
    """

    def __init__(
        self, client: StripeClient, accounts: Iterable[str | None], workers: Workers, *, timeout: float
    ) -> None:
        self._clock = client.clock
        self._timeout = timeout
        self.idle = False
        self._items: dict[str, PartitionProgress] = {}
        self._pollers = {account: Poller(client.acting_for(account), workers) for account in accounts}

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item: PartitionProgress) -> bool:
        return item.key in self._items

    @property
    def accounts(self) -> Collection[str | None]:
        """Whose runs may be waited for."""
        return self._pollers.keys()

    @property
    def futures(self) -> list[Future[PollResult]]:
        """The polls under way."""
        return [each.future for each in self._pollers.values() if each.future]

    @property
    def due(self) -> float:
        """When a poll is to begin, or a run was waited for long enough, by the client's monotonic clock."""
        if not self._items:
            return math.inf
        now = self._clock.monotonic()
        pollers = [each for each in self._pollers.values() if each.future is None]
        polls = [each.soon if self.idle else each.due for each in pollers]
        ends = [at for item in self._items.values() if (at := self._ends(item)) > now]
        return min([*polls, *ends], default=math.inf)

    def add(self, item: PartitionProgress) -> None:
        """One more partition waits for its run."""
        self._items[item.key] = item

    def remove(self, item: PartitionProgress) -> None:
        """Its run is not waited for any longer."""
        del self._items[item.key]

    def include(self, item: PartitionProgress, run: ReportRun) -> None:
        """Poll its run too, which was read just now."""
        self._pollers[item.acting_for].include(run)

    def of(self, accounts: Collection[str | None]) -> list[PartitionProgress]:
        """The partitions asked for in the name of these accounts."""
        return [item for item in self._items.values() if item.acting_for in accounts]

    def begin(self) -> None:
        """Poll the pending runs of each account, where that is due."""
        for account, items in by_account(self._items.values()).items():
            self._pollers[account].begin(_runs(items), idle=self.idle)

    def take(self) -> Iterator[tuple[str | None, PollResult | ReportingError]]:
        """What the polls that have ended showed, by account; an error where no further one will show
        anything."""
        for account, poller in self._pollers.items():
            try:
                result = poller.take()
            except (AuthenticationError, PermissionDeniedError, UnknownAccountError) as error:
                yield account, error
            else:
                if result is not None:
                    yield account, result

    def polled(self, account: str | None, result: PollResult) -> list[tuple[PartitionProgress, str]]:
        """The partitions that a poll of an account was about, and the ids of their runs."""
        found = []
        for item in self.of([account]):
            if item.run and item.run.id in result.polled:
                item.polled_at = self._pollers[account].began_at
                found.append((item, item.run.id))
        return found

    def plan(self, account: str | None) -> None:
        """After a poll: when the next one of that account is due."""
        self._pollers[account].plan(_runs(self.of([account])))

    def overdue(self) -> list[tuple[PartitionProgress, ReportRun]]:
        """The partitions whose runs have been waited for long enough, as one poll after that shows too."""
        now, found = self._clock.monotonic(), []
        for item in self._items.values():
            # The same sum as in `due`: a difference may round to just below, and then nothing would move.
            deadline = self._ends(item)
            if now < deadline or item.run is None:
                continue
            if item.polled_at < deadline:
                self._pollers[item.acting_for].by(deadline)
                continue
            found.append((item, item.run))
        return found

    def _ends(self, item: PartitionProgress) -> float:
        return item.since + self._timeout


def _runs(items: Iterable[PartitionProgress]) -> list[ReportRun]:
    return [item.run for item in items if item.run]


def poll(client: StripeClient, pending: Mapping[str, datetime], listed_pages: int) -> PollResult:
    """How pending runs stand: by list where that is fewer requests, else one by one.

    A run that is missing from the list is fetched by id: lists shift while they are read. So is one that has
    succeeded and is listed without its file.

    Args:
        pending: ids and when each was created.
        listed_pages: how many pages the last listing took.
    """
    listed: dict[str, ReportRun] = {}
    found: dict[str, ReportRun | ReportingError] = {}
    unread: dict[str, ReportingError] = {}
    pages = listed_pages
    if len(pending) > listed_pages:
        pages = 0
        # Other processes create runs all the time; only those of our own span are read.
        for page in client.every_report_run(since=min(pending.values()), until=max(pending.values())):
            pages += 1
            listed |= {run.id: run for run in page.data if run.id in pending}
            if len(listed) == len(pending):
                break
        found |= {run.id: run for run in listed.values() if not run.lacks_file}
    for run_id in pending.keys() - found.keys():
        try:
            found[run_id] = client.report_run(run_id)
        except (UnexpectedAnswerError, ConfigurationError) as error:
            _log.warning("could not read report run %s: %s", run_id, error)
            unread[run_id] = error
        except InvalidRequestError as error:
            if error.status not in GONE:
                raise
            found[run_id] = error
    return PollResult(pending.keys(), found, unread, max(1, pages))
