"""What happens to the report runs of a batch, as values."""

from dataclasses import dataclass
from enum import StrEnum

from connector.api.models import ReportRun
from connector.errors import ReportingError
from connector.runs.adoption import PartitionRequest


class Origin(StrEnum):
    """How a partition came by its report run."""

    CREATED = "created"
    ADOPTED = "adopted"


@dataclass(frozen=True, slots=True)
class Started:
    """A report run works for this partition now."""

    wanted: PartitionRequest
    run: ReportRun
    origin: Origin


@dataclass(frozen=True, slots=True)
class Finished:
    """The report run has a file. `attempts` counts the report runs this partition used, from 1."""

    wanted: PartitionRequest
    run: ReportRun
    origin: Origin
    attempts: int
    waited: float


@dataclass(frozen=True, slots=True)
class Unfinished:
    """No report run of this partition will finish while we wait. `run_id` is the last one, if any."""

    wanted: PartitionRequest
    error: ReportingError
    run_id: str | None


RunEvent = Started | Finished | Unfinished
