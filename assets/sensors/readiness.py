"""What Stripe has and what the dataset holds, read once for one tick of a sensor, a schedule or a check."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from assets.dagster_runs.asked import read_refused
from assets.dagster_runs.history import PartitionGrid
from assets.reports.configured import ConfiguredReport
from assets.reports.partitions import partition_of
from assets.sensors.availability_decisions import interval_of, select_ready, select_recent
from connector.api.client import StripeClient
from connector.api.models import ReportType
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.partitions import Partition
from connector.runs.readiness import Bound, touches


@dataclass(frozen=True, slots=True)
class ReportAvailability:
    """One report at one moment.

    Attributes:
        available: since and until when Stripe has its data; None where the account has no such type.
        ready: its ready partitions, oldest first; of the same window, one for each account that lives in it.
        now: the time at Stripe.
        refused: bounds of its data at which Stripe has refused a window; those that touch them are not ready.
    """

    report: ConfiguredReport
    grid: PartitionGrid
    available: ReportType | None
    ready: Sequence[Partition]
    now: datetime
    refused: frozenset[Bound] = frozenset()

    def read_published(
        self, store: Store, client: StripeClient, partitions: Sequence[Partition]
    ) -> dict[str, Provenance]:
        """The provenance of these partitions' files, by key; a file of another request does not count."""
        query = self.report.query
        dataset = query.dataset(mode=client.mode, account=client.account)
        found = store.provenances(dataset, [partition.key for partition in partitions])
        return {
            partition.key: provenance
            for partition in partitions
            if (provenance := found[partition.key]) and provenance.request == query.request(partition)
        }

    def begins(self, key: str) -> datetime:
        """When the window of one of its partitions begins, aware."""
        return interval_of(self.report.partition(key)).start

    def newest(self, count: int) -> Sequence[Partition]:
        """The ready partitions of the newest `count` windows, oldest first."""
        windows = {*list(dict.fromkeys(map(interval_of, self.ready)))[-count:]}
        return [each for each in self.ready if interval_of(each) in windows]

    def within(self, look_back: timedelta) -> list[Partition]:
        """The ready partitions that end within `look_back` of the newest ready one."""
        return select_recent(self.ready, look_back)


def read_availability(
    client: StripeClient,
    reports: Sequence[ConfiguredReport],
    instance: dg.DagsterInstance,
    *,
    reach: timedelta = timedelta(),
    at_least: int = 1,
) -> list[ReportAvailability]:
    """How each report stands. One call to Stripe for all of them.

    Args:
        instance: whose runs show what Stripe has refused.
        reach: windows that ended so long before Stripe's data do are left out,
        at_least: except for so many of the newest windows.

    Raises ReportingError when Stripe does not answer.
    """
    types = client.report_types()
    found = []
    for report in reports:
        grid, available = PartitionGrid.of(report), types.get(report.query.spec.id)
        ready: list[Partition] = []
        refused = read_refused(instance, report.key)
        if available is not None:
            newest = _newest(report, grid, available, reach, at_least, refused=refused)
            ready = select_ready(newest, available, client.now())
        found.append(ReportAvailability(report, grid, available, ready, client.now(), refused))
    return found


def _newest(
    report: ConfiguredReport,
    grid: PartitionGrid,
    available: ReportType,
    reach: timedelta,
    at_least: int,
    *,
    refused: Collection[Bound],
) -> list[Partition]:
    """The partitions whose windows end near the end of Stripe's data, oldest first, without those at a bound
    that was refused."""
    found: list[Sequence[Partition]] = []
    keys = report.windows.get_partition_keys() if report.accounts else grid.rows[0]
    for key in reversed(keys):
        window = partition_of(report.windows, key)
        end = interval_of(window).end
        if end > available.data_available_end or touches(window.interval, available, refused):
            continue
        if len(found) >= at_least and end <= available.data_available_end - reach:
            break
        accounts = report.accounts
        # In a window in which no account lives there is nothing to ask for.
        if living := report.query.each_account([window], accounts) if accounts else (window,):
            found.append(living)
    return [partition for partitions in reversed(found) for partition in partitions]
