"""What Stripe has and what the dataset holds, read once for one tick of a sensor, a schedule or a check."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from assets.dagster_runs.history import PartitionGrid
from assets.dagster_runs.run_requests import RangeRunRequest, neighbours
from assets.dagster_runs.tags import INTENT_TAG, Intent
from assets.reports.configured import ConfiguredReport
from assets.sensors.availability_decisions import Window, ready, recent
from connector.api.client import StripeClient
from connector.api.models import ReportType
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import ConfigurationError

_LOOKS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class ReportAvailability:
    """One report at one moment.

    Attributes:
        available: since and until when Stripe has its data; None where the account has no such type.
        windows: its ready partitions, oldest first; of the same span, one for each connected account.
        now: the time at Stripe.
    """

    report: ConfiguredReport
    calendar: PartitionGrid
    available: ReportType | None
    windows: Sequence[Window]
    now: datetime

    def kept(self, store: Store, client: StripeClient, windows: Sequence[Window]) -> dict[str, Provenance]:
        """What the dataset holds for these windows, by key; a file that answers another question does not
        count."""
        query = self.report.query
        dataset = query.dataset(mode=client.mode, account=client.account)
        # In a bucket each look is a round trip.
        with ThreadPoolExecutor(_LOOKS_AT_ONCE) as threads:
            looked = threads.map(lambda window: store.provenance(dataset, window.key), windows)
            there = dict(zip((window.key for window in windows), looked, strict=True))
        return {
            key: kept
            for key, kept in there.items()
            if kept is not None and kept.request == query.request(self.report.partition(key))
        }

    def begins(self, key: str) -> datetime:
        """When the window of one of its partitions begins, aware."""
        interval = self.report.partition(key).interval
        if interval is None:
            raise ConfigurationError(f"{key} of {self.calendar.asset} has no window of time")
        return interval.start

    def newest(self, count: int) -> Sequence[Window]:
        """The ready windows of the newest `count` spans of time, oldest first."""
        return self.windows[-count * len(self.calendar.rows) :]

    def within(self, look_back: timedelta) -> list[Window]:
        """The ready windows that end within `look_back` of the newest ready one."""
        return recent(self.windows, look_back)


def readiness(
    client: StripeClient,
    reports: Sequence[ConfiguredReport],
    *,
    reach: timedelta = timedelta(),
    at_least: int = 1,
) -> list[ReportAvailability]:
    """How each report stands. One call to Stripe for all of them.

    Args:
        reach: windows that ended so long before Stripe's data do are left out,
        at_least: except for so many of the newest spans.

    Raises ReportingError when Stripe does not answer.
    """
    types = client.report_types()
    found = []
    for report in reports:
        calendar, available = PartitionGrid.of(report), types.get(report.query.spec.id)
        windows: list[Window] = []
        if available is not None:
            windows = ready(_newest(report, calendar, available, reach, at_least), available, client.now())
        found.append(ReportAvailability(report, calendar, available, windows, client.now()))
    return found


def _newest(
    report: ConfiguredReport, calendar: PartitionGrid, available: ReportType, reach: timedelta, at_least: int
) -> list[Window]:
    """The windows that end near the end of Stripe's data, oldest first."""
    columns: list[list[Window]] = []
    # All connected accounts have the same windows, so one of them tells their spans.
    for at, key in reversed(list(enumerate(calendar.rows[0] if calendar.rows else ()))):
        interval = report.partition(key).interval
        if interval is None or interval.end > available.data_available_end:
            continue
        if len(columns) >= at_least and interval.end <= available.data_available_end - reach:
            break
        columns.append([Window(row[at], interval) for row in calendar.rows])
    return [window for column in reversed(columns) for window in column]


def missing_asks(
    state: ReportAvailability, keys: Iterable[str], *, reason: object, at_most: int | None = None
) -> list[RangeRunRequest]:
    """The runs that bring missing partitions of one report, oldest first.

    Args:
        reason: what tells this request from an earlier one for the same partitions.
        at_most: how many partitions they are about, all told.
    """
    some = list(keys)[:at_most]
    return [
        RangeRunRequest(state.report, group, ["missing", reason], {INTENT_TAG: Intent.ENSURE})
        for group in neighbours(some, state.calendar, at_most=state.report.max_partitions_per_run)
    ]
