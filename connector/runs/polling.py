"""Pending report runs, looked at together: one look at a time, and no sooner than it can show anything."""

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from functools import partial

from connector.api.client import StripeClient
from connector.api.models import ReportRun
from connector.runs.pacing import pause_before_look
from connector.runs.report_run_list import PollResult, look_at
from connector.runs.threads import Workers


class Poller:
    """When to look at pending runs, and what the look showed.

    Which runs are pending is told at each call. `future` is the look that is under way, `due` the time of
    the next one by the client's monotonic clock.
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
        """One more run is pending: look when that is worth it, and no later than planned for the others."""
        worth_it = self._worth_it(pending)
        self.due = worth_it if len(pending) == 1 else min(self.due, worth_it)

    def begin(self, pending: Collection[ReportRun]) -> None:
        """Look at the pending runs, where that is due and no look is under way."""
        if pending and self.future is None and self._client.clock.monotonic() >= self.due:
            created = {run.id: run.created for run in pending}
            self.future = self._workers.submit(partial(look_at, self._client, created, self._pages))

    def take(self) -> PollResult | None:
        """What the look showed, once it has ended. Raises the client's errors."""
        if self.future is None or not self.future.done():
            return None
        look, self.future = self.future, None
        looked = look.result()
        self._pages = looked.pages
        return looked

    def plan(self, pending: Collection[ReportRun]) -> None:
        """After a look: when the next one is worth it."""
        self.due = self._worth_it(pending)

    def _worth_it(self, pending: Collection[ReportRun]) -> float:
        now = self._client.now()
        ages = [max(0.0, (now - run.created).total_seconds()) for run in pending] or [0.0]
        types = {run.report_type for run in pending}
        durations = [seconds for name in types for seconds in self._durations.get(name, [])]
        return self._client.clock.monotonic() + pause_before_look(ages, durations, self._draw())
