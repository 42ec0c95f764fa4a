"""What happens to a partition on its way to a finished report run, as values."""

from dataclasses import dataclass
from enum import StrEnum

from connector.api.models import ReportFile, ReportRun
from connector.dataset.provenance import Provenance
from connector.errors import (
    BeforeDataError,
    NotReadyError,
    OutsideLifeError,
    ReportingError,
    RunPendingError,
    UnknownAccountError,
)
from connector.partitions import Partition
from connector.runs.adoption import PartitionRequest


class Origin(StrEnum):
    """How a partition came by its report run; RECONVERTED is the published file's own, converted again."""

    CREATED = "created"
    ADOPTED = "adopted"
    RECONVERTED = "reconverted"


class Outcome(StrEnum):
    """How a partition ended."""

    DONE = "done"
    LATE = "late"
    NOT_READY = "not_ready"
    BEFORE_DATA = "before_data"
    OUTSIDE_LIFE = "outside_life"
    GONE = "gone"
    FAILED = "failed"


_OUTCOMES = {
    RunPendingError: Outcome.LATE,
    NotReadyError: Outcome.NOT_READY,
    BeforeDataError: Outcome.BEFORE_DATA,
    OutsideLifeError: Outcome.OUTSIDE_LIFE,
    UnknownAccountError: Outcome.GONE,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A report run works for this partition now; it is worth remembering even if this process dies."""

    partition: Partition
    run_id: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Finished:
    """The report run has a file.

    Attributes:
        attempts: how many report runs this partition used, from 1.
        waited: seconds since the report run was created or adopted.
    """

    wanted: PartitionRequest
    run: ReportRun
    file: ReportFile
    origin: Origin
    attempts: int
    waited: float


@dataclass(frozen=True, slots=True)
class Missed:
    """The dataset gets no new file for this partition; what it held before is still there.

    Attributes:
        run_id: the last report run; None where there was none.
    """

    partition: Partition
    error: ReportingError
    run_id: str | None

    @property
    def outcome(self) -> Outcome:
        """Late passes by itself, not ready has to wait for its day, before the data and outside of a
        life never will be there, gone is an outcome of the account alone, failed needs a person."""
        known = (each for kind, each in _OUTCOMES.items() if isinstance(self.error, kind))
        return next(known, Outcome.FAILED)


@dataclass(frozen=True, slots=True)
class Answered:
    """The report run that was named is older than the published one, which is the answer."""

    partition: Partition
    published: Provenance


RunEvent = Answered | Asked | Finished | Missed
