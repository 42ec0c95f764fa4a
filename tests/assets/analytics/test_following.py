"""Analytics follow the reports by themselves: what Dagster's automation asks for, and reports of accounts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.analytics.definitions import build_analytics
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.assets.reports.test_connected_accounts import report_for
from tests.support.dagster import Orchestra, assets_of, configured

#: Dagster 1.13 tags runs of two dimensions with keys that it deprecates itself.
pytestmark = pytest.mark.filterwarnings("ignore:Non-compliant tag keys like .'dagster/partition/")

AT = datetime(2026, 6, 7, 13, tzinfo=UTC)


class Automation:
    """Ticks of the sensor of analytics over reports and what is made of them; nothing is carried out."""

    def __init__(self, orchestra: Orchestra, reports: Sequence[ConfiguredReport]) -> None:
        self._instance, self._resources = orchestra.instance, orchestra.resources
        definitions = build_analytics(reports)
        self.made = assets_of(definitions)
        (sensor,) = definitions.sensors or ()
        assert isinstance(sensor, dg.AutomationConditionSensorDefinition)
        self._selection = sensor.asset_selection
        self._assets = [*map(build_report_asset, reports), *self.made.values()]
        # In quotes: Dagster has had the name only since a later 1.13.
        self._state: dg.EvaluateAutomationConditionsResult | None = None
        self.tick()

    def tick(self) -> Mapping[str, set[str]]:
        """The partitions requested of each asset of analytics."""
        self._state = dg.evaluate_automation_conditions(
            defs=dg.Definitions(assets=self._assets, resources=self._resources),
            asset_selection=self._selection,
            instance=self._instance,
            cursor=self._state.cursor if self._state else None,
            evaluation_time=AT,
        )
        found = {key: self._state.get_requested_partitions(asset.key) for key, asset in self.made.items()}
        return {key: set(map(str, partitions)) for key, partitions in found.items() if partitions}

    def publish(self, report: ConfiguredReport, partition: str, version: str) -> None:
        tags = {"dagster/data_version": version, "dagster/data_version_is_user_provided": "true"}
        self._instance.report_runless_asset_event(
            dg.AssetMaterialization(report.key, partition=partition, tags=tags)
        )


def test_a_partition_that_came_late_or_changed_is_taken_up_once(orchestra: Orchestra) -> None:
    summary = configured("balance.summary.1")
    automation = Automation(orchestra, [summary])

    automation.publish(summary, "2026-05-03", "a")
    automation.publish(summary, "2026-06-05", "a")
    assert automation.tick() == {"stripe/balance_over_time": {"2026-05-03", "2026-06-05"}}
    assert automation.tick() == {}
    automation.publish(summary, "2026-05-03", "restated")
    assert automation.tick() == {"stripe/balance_over_time": {"2026-05-03"}}


def test_what_is_compared_waits_for_both_reports(orchestra: Orchestra) -> None:
    summary, activity = configured("balance.summary.1"), configured("balance_change_from_activity.itemized.3")
    automation = Automation(orchestra, [summary, activity])

    automation.publish(activity, "2026-05-03", "a")
    assert automation.tick() == {"stripe/fees_by_category": {"2026-05-03"}}
    automation.publish(summary, "2026-05-03", "a")
    assert automation.tick().keys() == {"stripe/balance_over_time", "stripe/daily_activity"}


def test_a_month_waits_for_all_its_days_and_follows_each_that_changes(orchestra: Orchestra) -> None:
    types = ("balance.summary.1", "balance_change_from_activity.itemized.3", "payouts.itemized.3")
    reports = [configured(each) for each in types]
    automation = Automation(orchestra, reports)
    days = [f"2026-05-{day:02}" for day in range(1, 32)]

    for report in reports:
        for day in days[:-1]:
            automation.publish(report, day, "a")
    assert "stripe/month_close" not in automation.tick()
    for report in reports:
        automation.publish(report, days[-1], "a")
    assert automation.tick()["stripe/month_close"] == {"2026-05-01"}
    assert automation.tick() == {}
    automation.publish(reports[2], "2026-05-03", "restated")
    assert automation.tick() == {"stripe/month_close": {"2026-05-01"}}


def test_reports_with_other_first_days_have_the_days_that_all_of_them_have(
    orchestra: Orchestra,
) -> None:
    activity = configured("balance_change_from_activity.itemized.3")
    later = ConfiguredReport(ReportQuery.of("balance.summary.1"), start=datetime(2026, 5, 4))  # noqa: DTZ001
    made = Automation(orchestra, [activity, later]).made

    firsts = {
        key: asset.partitions_def.get_partition_keys()[0]
        for key, asset in made.items()
        if asset.partitions_def
    }

    assert firsts["stripe/daily_activity"] == "2026-05-04"
    assert firsts["stripe/fees_by_category"] == "2026-05-01"


def test_accounts_are_a_column_and_numbers_add_them_up(orchestra: Orchestra, simulator: Simulator) -> None:
    first, second = simulator.connected_accounts[:2]
    report = report_for([first, second])
    source = build_report_asset(report, retry_policy=None)
    made = assets_of(build_analytics([report]))["stripe/fees_by_category"]
    for account in (first, second):
        assert orchestra.launch([source], f"{account}|2026-05-02", f"{account}|2026-05-03").success

    assert orchestra.launch([made], "2026-05-02", "2026-05-03").success

    (_, event), _ = orchestra.recorded(made)
    rows = [dict(record.data) for record in event.metadata["table"].value.records]  # type: ignore[union-attr]
    assert {row["connected_account"] for row in rows} == {first, second}
    for name in {row["currency"] for row in rows}:
        total = sum(float(str(row["fee"])) for row in rows if row["currency"] == name)
        assert event.metadata[f"fee/{name}"].value == pytest.approx(total)


def test_an_account_without_its_file_is_named(orchestra: Orchestra, simulator: Simulator) -> None:
    first, second = simulator.connected_accounts[:2]
    report = report_for([first, second])
    made = assets_of(build_analytics([report]))["stripe/fees_by_category"]
    orchestra.launch([build_report_asset(report, retry_policy=None)], f"{first}|2026-05-02")

    description, _ = orchestra.failure(orchestra.launch([made], "2026-05-02"))

    assert f"no data for {second}|2026-05-02 yet" in description
