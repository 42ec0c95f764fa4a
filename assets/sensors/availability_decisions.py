"""Which partitions Stripe has data for and the dataset lacks.

Decisions over plain values. *Ready* is what Stripe says of a report type; *missing* is what the dataset says,
whatever colour Dagster shows. Which ones are old enough to be refreshed is decided where the command decides
it too, in `connector.runs.restatement`; which were asked for already, in `assets.dagster_runs.asked`.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from assets.reports.configured import ConfiguredReport
from connector.api.models import ReportType
from connector.catalogue import latency_of
from connector.errors import ConfigurationError
from connector.partitions import Interval, Partition
from connector.runs.readiness import not_ready


@dataclass(frozen=True, slots=True)
class AvailabilityRules:
    """What is requested and refreshed; the sensor's arguments say what each means."""

    look_back: timedelta
    refresh_after: Sequence[timedelta] | None

    def ages_of(self, report: ConfiguredReport) -> Sequence[timedelta]:
        """The ages at which a report's partitions are refreshed."""
        if self.refresh_after is not None:
            return self.refresh_after
        return latency_of(report.query.spec.id).refresh_after

    def reach(self, reports: Sequence[ConfiguredReport]) -> timedelta:
        """The age of the oldest window that can matter."""
        ages = [age for report in reports for age in self.ages_of(report)]
        return self.look_back + max(ages, default=timedelta())


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
    """The keys of those without a file, oldest first, but for those that nothing asks for by itself."""
    found = [each for each in partitions if each.key not in published and each.key not in leave]
    return [partition.key for partition in sorted(found, key=interval_of)]
