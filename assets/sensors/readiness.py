"""What Stripe has and what the dataset holds, read once for one tick of a sensor, a schedule or a check."""

from bisect import bisect_right
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
from connector.catalogue import latency_of
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.partitions import Interval, Partition, Windows
from connector.runs.readiness import Bound, touches
from connector.status.calendar import Calendar, Facts, make_calendar

#: So many windows are drawn, up to now: of days, two months and more.
_DRAWN = 62


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

    def calendar(self, dataset: Dataset, files: Collection[str]) -> Calendar | None:
        """How its newest windows stand, for people: what is there, missing and not ready; no file is opened.

        None where Stripe does not offer the report.

        Args:
            files: the keys that have a file.
        """
        if self.available is None:
            return None
        query, lives = self.report.query, self.report.accounts
        windows, form = Windows(query.window, query.zone), query.key_format

        def interval(key: str) -> Interval:
            return interval_of(windows.partition(form.values(key)[-1]))

        newest = self.grid.rows[0] if self.grid.rows else ()
        until = bisect_right(newest, self.now, key=lambda key: interval(key).end)
        rows = [row[max(until - _DRAWN, 0) : until] for row in self.grid.rows]
        intervals = {form.values(key)[-1]: interval(key) for key in rows[0]} if rows else {}
        expected = {}
        for key in (key for row in rows for key in row):
            *account, period = form.values(key)
            life = lives.get(account[0]) if account else None
            if life is None or life.overlaps(intervals[period], query.zone):
                expected[key] = intervals[period]
        return make_calendar(
            Facts(
                table=dataset.table,
                mode=dataset.mode,
                report_type=dataset.report_type,
                window=dataset.window,
                zone=dataset.zone,
                dimensions=dataset.dimensions,
                expected=expected,
                there=expected.keys() & {*files},
                now=self.now,
                prepared=latency_of(dataset.report_type).prepared,
                available=(self.available.data_available_start, self.available.data_available_end),
            )
        )

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
