"""Reading Stripe's list of report runs within the budget of a sensor's tick, over several ticks if need be.

Dagster ends a tick that takes too long, and what it found is lost. So a tick reads a limited number of pages
in a limited time, and the cursor says where the next one continues. Without a cursor the scan starts again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from assets.sensors.late_decisions import ListedRun
from assets.sensors.tick import TICK_SECONDS, CursorFormat, remembered
from connector.api.client import StripeClient
from connector.api.models import ReportRequest
from connector.errors import InvalidRequestError, ReportingError


@dataclass(frozen=True, slots=True)
class TickBudget:
    """What reading the list may cost one tick: calls to Stripe, and seconds, fewer than its client has."""

    requests: int = 25
    seconds: float = TICK_SECONDS - 5


@remembered
@dataclass(slots=True)
class ReportRunScan:
    """One reading of the list, from the newest run back.

    Attributes:
        found: digest of a request to the runs with exactly this request, newest first.
        after: the run after which the next page begins; None at the beginning.
        complete: the list has been read back to the look-back.
        listed: how many runs were read; `unknown` of them are for requests that are not looked for.
    """

    found: dict[str, list[ListedRun]] = field(default_factory=dict)
    after: str | None = None
    complete: bool = False
    listed: int = 0
    unknown: int = 0

    def read(
        self,
        client: StripeClient,
        wanted: Mapping[ReportRequest, str],
        *,
        look_back: timedelta,
        budget: TickBudget,
    ) -> None:
        """Continue reading until the list ends or the budget is spent.

        Args:
            wanted: the requests to look for, and the digest of each.

        Raises ReportingError when Stripe does not answer at first. Later on that ends the reading: what was
        read counts, and the next tick reads on.
        """
        began, types = client.clock.monotonic(), {request.report_type for request in wanted}
        since = client.now() - look_back
        for number in range(budget.requests):
            if client.clock.monotonic() - began >= budget.seconds:
                return
            try:
                page = client.report_runs(created={"gte": since}, starting_after=self.after)
            except ReportingError:
                if not number:
                    raise
                return
            for run in page.data:
                digest = wanted.get(run.request) if run.report_type in types else None
                if digest is None:
                    self.unknown += 1
                else:
                    self.found.setdefault(digest, []).append(ListedRun(run.id, run.status, run.created))
            self.listed += len(page.data)
            self.complete = not page.has_more or not page.data
            if self.complete:
                return
            self.after = page.data[-1].id

    def remaining(self) -> "ReportRunScan":
        """What the next tick continues: this scan, or a new one when this one is complete."""
        return ReportRunScan() if self.complete else self


#: The scan between two ticks.
SCAN_CURSOR = CursorFormat(ReportRunScan)


def scan_report_runs(
    begun: ReportRunScan | None,
    client: StripeClient,
    requests: Collection[ReportRequest],
    *,
    look_back: timedelta,
    budget: TickBudget,
) -> ReportRunScan:
    """The list as far as this tick could read it.

    Args:
        begun: the scan of an earlier tick, which is continued; None to start again.

    Raises ReportingError when Stripe does not answer.
    """
    wanted = {request: _digest(request) for request in requests}
    scan = begun or ReportRunScan()
    try:
        scan.read(client, wanted, look_back=look_back, budget=budget)
    except InvalidRequestError:
        # Stripe does not know the run to continue after any more.
        if scan.after is None:
            raise
        scan = ReportRunScan()
        scan.read(client, wanted, look_back=look_back, budget=budget)
    return scan


def find_runs(scan: ReportRunScan, request: ReportRequest) -> tuple[ListedRun, ...]:
    """The runs found with exactly this request, newest first."""
    return tuple(scan.found.get(_digest(request), ()))


def _digest(request: ReportRequest) -> str:
    """Short enough for a cursor that holds hundreds."""
    return request.digest()[:16]
