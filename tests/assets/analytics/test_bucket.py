"""Analytics whose files are in a bucket: the four assets follow their reports, what is restated included."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.analytics.definitions import NAMES, build_analytics
from connector.query import ReportQuery
from connector.simulator import Simulator
from connector.simulator.books.entries import Entry
from tests.assets.analytics.test_following import Automation
from tests.support.buckets import Bucket
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra, assets_of

MAY = "2026-05-01"

TYPES = ("balance.summary.1", "balance_change_from_activity.itemized.3", "payouts.itemized.3")

#: Sums of May in dollars.
SUMS = {
    "daily_activity": "net/usd",
    "balance_over_time": "closing/usd",
    "fees_by_category": "fee/usd",
    "month_close": "closing/usd",
}


@pytest.fixture
def root(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty bucket that the environment leads to."""
    for name, value in bucket.environment().items():
        monkeypatch.setenv(name, value)
    return bucket.url


class Following:
    """Reports of whole months in a bucket, and what is made of them."""

    def __init__(self, orchestra: Orchestra) -> None:
        self._orchestra = orchestra
        reports = [
            ConfiguredReport(ReportQuery.of(each, window="monthly"), start=date(2026, 5, 1)) for each in TYPES
        ]
        self._reports = [build_report_asset(each, retry_policy=None) for each in reports]
        self._made = assets_of(build_analytics(reports))
        self._automation = Automation(orchestra, reports)

    def pull(self) -> None:
        """Launch May of all reports: what is there is asked for again."""
        for report in self._reports:
            assert self._orchestra.launch([report], MAY).success

    def follow(self) -> Mapping[str, dg.AssetMaterialization]:
        """Launch what the sensor asks for; the newest event of each asset that was."""
        asked = self._automation.tick()
        for key, partitions in asked.items():
            assert partitions == {MAY}
            assert self._orchestra.launch([self._made[key]], MAY).success
        return {key.rpartition("/")[2]: self._orchestra.recorded(self._made[key])[-1][1] for key in asked}


def test_what_is_restated_in_a_bucket_is_in_the_analytics_of_it_once(
    instance: dg.DagsterInstance, simulator: Simulator, clock: ManualClock, root: str, tmp_path: Path
) -> None:
    following = Following(Orchestra(instance, simulator.handle, clock, tmp_path, bucket=root))
    following.pull()
    first = following.follow()
    at = int(datetime(2026, 5, 17, 5, tzinfo=UTC).timestamp())
    late = Entry("txn_late", "network_cost", at, at, "usd", Decimal("-3.25"), Decimal(0), "adj_1", None)
    simulator.book_late(late)
    clock.sleep(timedelta(days=1).total_seconds())
    following.pull()

    restated, afterwards = following.follow(), following.follow()

    assert first.keys() == restated.keys() == {*NAMES}
    moved = {name: amount_of(restated, name) - amount_of(first, name) for name in NAMES}
    assert moved == pytest.approx({name: -3.25 if name != "fees_by_category" else 3.25 for name in NAMES})
    assert {"picture", "table"} <= first["month_close"].metadata.keys()
    assert afterwards == {}


def amount_of(events: Mapping[str, dg.AssetMaterialization], name: str) -> float:
    value = events[name].metadata[SUMS[name]].value
    assert isinstance(value, float)
    return value
