"""One partition on its way to a finished report run."""

from collections.abc import Collection
from dataclasses import dataclass, field

from connector.api.models import ReportRequest, ReportRun
from connector.errors import ReportingError
from connector.runs.adoption import PartitionRequest
from connector.runs.events import Origin


@dataclass(slots=True, eq=False)
class PartitionProgress:
    """What is known of one partition that has not ended.

    Attributes:
        alike: the requests that ask the same, as runs may show them; the one to send stands first.
        since: when its present run was taken, by the monotonic clock.
        same: the runs known at Stripe that ask the same.
        run: the run that is waited for.
        attempts: how many report runs it has used.
        unread: why the last poll showed nothing of its run; None where it did.
    """

    wanted: PartitionRequest
    alike: Collection[ReportRequest]
    since: float
    same: list[ReportRun] = field(default_factory=list)
    run: ReportRun | None = None
    origin: Origin = Origin.CREATED
    attempts: int = 0
    unread: ReportingError | None = None

    def take(self, run: ReportRun, origin: Origin, now: float) -> None:
        """Wait for this run from now on."""
        self.run, self.origin, self.since = run, origin, now
        self.attempts += 1
