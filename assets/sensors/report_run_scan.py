"""Reading Stripe's lists of report runs within the budget of a sensor's tick, over several ticks if need be.

Dagster ends a tick that takes too long, and what it found is lost. So a tick reads a limited number of pages
in a limited time, and the cursor says where the next one continues. Without a cursor the scan starts again.

Each account that one acts for has a list of its own. They take turns, a page each, and the next tick begins
behind the account whose page was read last: none waits longer than all others take for a page.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from assets.sensors.late_decisions import ListedRun
from assets.sensors.tick import TICK_SECONDS, CursorFormat, remembered
from connector.api.client import StripeClient
from connector.api.models import ReportRequest
from connector.errors import AuthenticationError, InvalidRequestError, ReportingError

#: What the client's own account is called here, and in the cursor.
_OWN = ""


class WantedRun(NamedTuple):
    """What is looked for: a request, and the account in whose name it was made; None for the client's own."""

    account: str | None
    request: ReportRequest


@dataclass(frozen=True, slots=True)
class TickBudget:
    """What reading the lists may cost one tick: calls to Stripe, and seconds, fewer than its client has."""

    requests: int = 25
    seconds: float = TICK_SECONDS - 5


@remembered
@dataclass(slots=True)
class ReportRunScan:
    """One reading of one account's list, from the newest run back.

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

    def read_page(self, client: StripeClient, wanted: Mapping[ReportRequest, str], since: datetime) -> None:
        """Read one page more, from the beginning again where Stripe does not know the run to continue after.

        Args:
            wanted: the requests to look for, and the digest of each.
            since: how far back the list is read.

        Raises ReportingError when Stripe does not answer.
        """
        try:
            page = client.report_runs(created={"gte": since}, starting_after=self.after)
        except InvalidRequestError:
            if self.after is None:
                raise
            page = client.report_runs(created={"gte": since})
            self.found, self.listed, self.unknown = {}, 0, 0
        types = {request.report_type for request in wanted}
        for run in page.data:
            digest = wanted.get(run.request) if run.report_type in types else None
            if digest is None:
                self.unknown += 1
            else:
                self.found.setdefault(digest, []).append(ListedRun(run.id, run.status, run.created))
        self.listed += len(page.data)
        self.complete = not page.has_more or not page.data
        self.after = page.data[-1].id if page.data else None


@remembered
@dataclass(slots=True)
class AccountScans:
    """The readings that were begun, by account, and the account whose turn was last."""

    by_account: dict[str, ReportRunScan] = field(default_factory=dict)
    behind: str | None = None

    @property
    def listed(self) -> int:
        """How many runs were read."""
        return sum(each.listed for each in self.by_account.values())

    @property
    def unknown(self) -> int:
        """How many of them are for requests that are not looked for."""
        return sum(each.unknown for each in self.by_account.values())

    def remaining(self) -> "AccountScans":
        """What the next tick continues: the readings that are not complete."""
        left = {account: scan for account, scan in self.by_account.items() if not scan.complete}
        return AccountScans({account: scan for account, scan in left.items() if scan.after}, self.behind)

    def is_complete(self, wanted: WantedRun) -> bool:
        """Whether there are no further runs of what is wanted."""
        scan = self.by_account.get(wanted.account or _OWN)
        return scan is not None and scan.complete

    def runs_of(self, wanted: WantedRun) -> tuple[ListedRun, ...]:
        """The runs found with exactly this request in that account, newest first."""
        scan = self.by_account.get(wanted.account or _OWN)
        return tuple(scan.found.get(_digest(wanted.request), ())) if scan else ()


#: The scans between two ticks.
SCAN_CURSOR = CursorFormat(AccountScans)


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a tick has read.

    Attributes:
        scans: the lists as far as they are read.
        unread: the accounts whose list could not be read, and why; None is the client's own.
        answered: whether Stripe has answered at all.
    """

    scans: AccountScans
    unread: Mapping[str | None, ReportingError]
    answered: bool


def scan_report_runs(
    begun: AccountScans | None,
    client: StripeClient,
    wanted: Iterable[WantedRun],
    *,
    look_back: timedelta,
    budget: TickBudget,
) -> ScanResult:
    """The lists of these accounts as far as this tick could read them.

    What one account's list cannot be read for says nothing of the others.

    Args:
        begun: the scans of an earlier tick, which are continued; None to start again.

    Raises AuthenticationError where the key itself is refused.
    """
    digests: dict[str, dict[ReportRequest, str]] = {}
    for each in wanted:
        digests.setdefault(each.account or _OWN, {})[each.request] = _digest(each.request)
    before = begun or AccountScans()
    scans = AccountScans({each: before.by_account.get(each) or ReportRunScan() for each in sorted(digests)})
    scans.behind = before.behind
    turns = deque(sorted(digests, key=lambda account: (account <= (before.behind or ""), account)))
    unread: dict[str | None, ReportingError] = {}
    answered, until = False, client.clock.monotonic() + budget.seconds
    for _ in range(budget.requests):
        if not turns or client.clock.monotonic() >= until:
            break
        account = turns.popleft()
        scan, acting = scans.by_account[account], client.acting_for(account or None)
        scans.behind = account
        try:
            scan.read_page(acting, digests[account], client.now() - look_back)
        except AuthenticationError:
            raise
        except ReportingError as error:
            unread[account or None] = error
        else:
            answered = True
            if not scan.complete:
                turns.append(account)
    return ScanResult(scans, unread, answered)


def _digest(request: ReportRequest) -> str:
    """Short enough for a cursor that holds hundreds."""
    return request.digest()[:16]
