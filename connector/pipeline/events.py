"""What happens to the partitions of a pull, as values: asked for, and in the end done or missed."""

from dataclasses import dataclass

from connector.api.download import Download
from connector.dataset.provenance import Published
from connector.partitions import Partition
from connector.runs.events import Answered, Asked, Finished, Missed, Origin, Outcome

__all__ = ["Answered", "Asked", "Done", "Downloaded", "Event", "Finished", "Missed", "Outcome", "Step"]


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The file of a report run is here, whole, after `seconds`."""

    finished: Finished
    file: Download
    seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    """The dataset holds the file of this partition.

    Attributes:
        published: what is in place. Its provenance may be newer than the report run fetched here.
        fetched: False where the published file answered already and Stripe was not asked.
        reused: Stripe answered the new report run with the file already published, or an older one: not
            re-checked.
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


#: What `collect` yields.
Event = Asked | Done | Missed

#: Everything that is logged.
Step = Event | Finished | Downloaded
