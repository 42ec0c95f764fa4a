"""What happens on the way, as values: to the report runs of a batch, and to the partitions of a pull.

A partition is asked for, and in the end done or missed.
"""

from dataclasses import dataclass
from enum import StrEnum

from connector.dataset.provenance import Published
from connector.errors import NotReadyError, ReportingError, RunPendingError
from connector.partitions import Partition
from connector.runs.events import Origin


class Outcome(StrEnum):
    """How a partition ended."""

    DONE = "done"
    LATE = "late"
    NOT_READY = "not_ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Asked:
    """A report run works for this partition now; it is worth remembering even if we die."""

    partition: Partition
    run_id: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Done:
    """The dataset holds an answer for this partition.

    Attributes:
        published: what is in place. Its provenance may be a newer one than ours.
        fetched: False where the kept file answered and Stripe was not asked.
        reused: a new report run was answered with the file we already had: asked again, not re-checked.
        origin: None where Stripe was not asked.
        waited, converted: seconds spent on the report run, and on download, conversion and publishing.
    """

    partition: Partition
    published: Published
    fetched: bool
    reused: bool = False
    origin: Origin | None = None
    waited: float = 0.0
    converted: float = 0.0

    outcome = Outcome.DONE


@dataclass(frozen=True, slots=True)
class Missed:
    """The dataset holds no new answer for this partition; what it held before is still there.

    Attributes:
        run_id: the last report run; None where there was none.
    """

    partition: Partition
    error: ReportingError
    run_id: str | None

    @property
    def outcome(self) -> Outcome:
        """Late heals by itself, not ready has to wait for its day, failed needs a person."""
        if isinstance(self.error, RunPendingError):
            return Outcome.LATE
        return Outcome.NOT_READY if isinstance(self.error, NotReadyError) else Outcome.FAILED


Event = Asked | Done | Missed
