"""Which partitions Stripe has data for and the dataset lacks, and what was requested already.

Decisions over plain values. *Ready* is what Stripe says of a report type; *missing* is what the dataset says,
whatever colour Dagster shows. Which ones are old enough to be refreshed is decided where the command decides
it too, in `connector.runs.restatement`.

The partitions are windows of time: each has an interval.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from assets.sensors.tick import CursorFormat, remembered
from connector.api.models import ReportType
from connector.errors import ConfigurationError
from connector.partitions import Interval, Partition
from connector.runs.readiness import not_ready
from connector.runs.restatement import Refresh


def interval_of(partition: Partition) -> Interval:
    """The window of a partition. Raises ConfigurationError for one that has none."""
    if partition.interval is None:
        raise ConfigurationError(f"partition {partition.key} has no window of time")
    return partition.interval


def select_ready(partitions: Iterable[Partition], available: ReportType, now: datetime) -> list[Partition]:
    """Those whose whole window lies within Stripe's data, both ends included; in the order given."""
    return [each for each in partitions if not_ready(interval_of(each), available, now) is None]


def select_recent(partitions: Sequence[Partition], look_back: timedelta) -> list[Partition]:
    """Those that end within `look_back` of the newest one's end; the newest is always among them."""
    newest = max((interval_of(each).end for each in partitions), default=None)
    return [each for each in partitions if newest is not None and interval_of(each).end > newest - look_back]


def find_missing(partitions: Iterable[Partition], published: Set[str], *, leave: Set[str]) -> list[str]:
    """The keys of those without a file, oldest first.

    Args:
        published: keys of the partitions that have a file.
        leave: keys that are busy, or were requested since Stripe's data last advanced.
    """
    found = [each for each in partitions if each.key not in published and each.key not in leave]
    return [partition.key for partition in sorted(found, key=interval_of)]


@remembered
@dataclass(frozen=True, slots=True)
class SensorMemory:
    """What a sensor has requested of one asset, so that it does not request the same at every tick.

    Attributes:
        until: Stripe's `data_available_end` at that time, in unix seconds.
        missing: keys of missing partitions requested while the data ended there.
        refreshed: keys to the highest age, in seconds, for which a refresh was requested.
    """

    until: int = 0
    missing: frozenset[str] = frozenset()
    refreshed: Mapping[str, int] = field(default_factory=dict)

    def requested_since(self, until: int) -> frozenset[str]:
        """The missing partitions requested since Stripe's data last advanced, to `until`."""
        return self.missing if self.until == until else frozenset()

    def has_refreshed(self, refresh: Refresh) -> bool:
        """Whether a refresh was requested for this age already, or for a higher one."""
        return self.refreshed.get(refresh.key, -1) >= int(refresh.age.total_seconds())

    def with_requested(
        self, until: int, missing: Iterable[str], refreshed: Iterable[Refresh], *, known: Set[str]
    ) -> "SensorMemory":
        """The same with this tick's requests; partitions that are not `known` any more are dropped."""
        aged = {**self.refreshed, **{each.key: int(each.age.total_seconds()) for each in refreshed}}
        return SensorMemory(
            until,
            (self.requested_since(until) | frozenset(missing)) & known,
            {key: age for key, age in aged.items() if key in known},
        )


#: The sensor's memory of each asset, by asset key.
MEMORY_CURSOR = CursorFormat(dict[str, SensorMemory])
