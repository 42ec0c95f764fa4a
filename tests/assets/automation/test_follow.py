"""Downstream assets that follow reports by themselves, evaluated by Dagster's own automation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg
import pytest

from assets.automation.follow import follow_reports

AT = datetime(2026, 6, 7, 13, tzinfo=UTC)
REPORT = dg.AssetKey(["stripe", "balance_summary"])
OTHER = dg.AssetKey(["stripe", "activity"])
DAILY = dg.DailyPartitionsDefinition("2026-05-01")


@dataclass
class Automation:
    """Ticks of the automation sensor over one downstream asset; what it asks for is not carried out."""

    instance: dg.DagsterInstance
    assets: Sequence[dg.AssetsDefinition | dg.AssetSpec]
    downstream: dg.AssetKey = field(default_factory=lambda: dg.AssetKey("books"))
    # In quotes: Dagster has had the name only since a later 1.13.
    state: "dg.EvaluateAutomationConditionsResult | None" = None

    def tick(self) -> set[str | None]:
        """The downstream partitions requested."""
        self.state = dg.evaluate_automation_conditions(
            defs=dg.Definitions(assets=self.assets),
            asset_selection=dg.AssetSelection.all(),
            instance=self.instance,
            cursor=self.state.cursor if self.state else None,
            evaluation_time=AT,
        )
        return set(self.state.get_requested_partitions(self.downstream))

    def publish(self, partition: str, version: str, *, report: dg.AssetKey = REPORT) -> None:
        """A report's partition as the asset records it, with a data version of its own."""
        tags = {"dagster/data_version": version, "dagster/data_version_is_user_provided": "true"}
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(report, partition=partition, tags=tags)
        )

    def write(self, partition: str | None) -> None:
        """The downstream asset's partition is materialized."""
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(self.downstream, partition=partition)
        )


def books(
    *reports: dg.AssetKey, partitions: dg.PartitionsDefinition | None = DAILY, wait: bool = True
) -> dg.AssetsDefinition:
    @dg.multi_asset(
        specs=[
            dg.AssetSpec(
                "books",
                deps=list(reports),
                automation_condition=follow_reports(wait_for_all=wait),
            )
        ],
        partitions_def=partitions,
    )
    def made() -> None: ...

    return made


@pytest.fixture
def daily(instance: dg.DagsterInstance) -> Automation:
    automation = Automation(instance, [dg.AssetSpec(REPORT, partitions_def=DAILY), books(REPORT)])
    automation.tick()
    return automation


def test_any_partition_that_appears_is_taken_up_once_not_only_the_newest(daily: Automation) -> None:
    daily.publish("2026-05-03", "a")
    daily.publish("2026-06-06", "b")

    assert daily.tick() == {"2026-05-03", "2026-06-06"}
    assert daily.tick() == set()
    daily.write("2026-05-03")
    daily.write("2026-06-06")
    assert daily.tick() == set()


def test_a_restated_partition_is_taken_up_again_once(daily: Automation) -> None:
    daily.publish("2026-05-03", "a")
    daily.tick()
    daily.write("2026-05-03")
    daily.tick()

    daily.publish("2026-05-03", "restated")

    assert daily.tick() == {"2026-05-03"}
    assert daily.tick() == set()


def test_a_partition_asked_again_that_came_back_the_same_is_left_alone(daily: Automation) -> None:
    daily.publish("2026-05-03", "a")
    daily.tick()
    daily.write("2026-05-03")

    daily.publish("2026-05-03", "a")

    assert daily.tick() == set()


def test_a_change_between_the_request_and_the_next_tick_is_not_lost(daily: Automation) -> None:
    daily.publish("2026-05-03", "a")
    assert daily.tick() == {"2026-05-03"}

    daily.publish("2026-05-03", "restated")

    assert daily.tick() == {"2026-05-03"}
    assert daily.tick() == set()


def test_a_change_that_arrives_while_downstream_is_being_written_is_taken_up_afterwards(
    daily: Automation,
) -> None:
    daily.publish("2026-05-03", "a")
    daily.tick()
    daily.tick()
    daily.publish("2026-05-03", "restated")
    daily.write("2026-05-03")

    assert daily.tick() == {"2026-05-03"}
    assert daily.tick() == set()


def test_with_two_reports_it_begins_when_both_are_there(instance: dg.DagsterInstance) -> None:
    specs = [dg.AssetSpec(key, partitions_def=DAILY) for key in (REPORT, OTHER)]
    automation = Automation(instance, [*specs, books(REPORT, OTHER)])
    automation.tick()

    automation.publish("2026-05-03", "a")
    alone = automation.tick()
    automation.publish("2026-05-03", "b", report=OTHER)

    assert alone == set()
    assert automation.tick() == {"2026-05-03"}
    assert automation.tick() == set()


def test_a_week_waits_for_its_seven_days(instance: dg.DagsterInstance) -> None:
    weekly = dg.WeeklyPartitionsDefinition("2026-05-03")
    spec = dg.AssetSpec(REPORT, partitions_def=DAILY)
    automation = Automation(instance, [spec, books(REPORT, partitions=weekly)])
    automation.tick()
    asked = []

    for day in range(3, 10):
        automation.publish(f"2026-05-{day:02}", f"v{day}")
        asked.append(automation.tick())

    assert asked == [set()] * 6 + [{"2026-05-03"}]


def test_an_asset_without_partitions_need_not_wait_for_days_to_come(instance: dg.DagsterInstance) -> None:
    spec = dg.AssetSpec(REPORT, partitions_def=DAILY)
    automation = Automation(instance, [spec, books(REPORT, partitions=None, wait=False)])
    automation.tick()

    automation.publish("2026-05-03", "a")
    automation.tick()

    assert automation.state is not None
    assert automation.state.total_requested == 1
    automation.tick()
    assert automation.state.total_requested == 0


def test_what_one_run_brings_and_reads_is_not_read_again(instance: dg.DagsterInstance) -> None:
    """The report and its reader in one Dagster run."""
    report, reader = report_and_reader()
    automation = Automation(instance, [report, reader])
    automation.tick()

    together([report, reader], instance)

    assert automation.tick() == set()


def test_what_one_run_brought_and_failed_to_read_is_read_afterwards(instance: dg.DagsterInstance) -> None:
    report, reader = report_and_reader(fails=True)
    automation = Automation(instance, [report, reader])
    automation.tick()

    together([report, reader], instance)

    assert automation.tick() == {"2026-05-03"}


def together(assets: list[dg.AssetsDefinition], instance: dg.DagsterInstance) -> None:
    """One partition of all of them in one run, which names them as a run from the UI does."""
    job = dg.Definitions(assets=assets).resolve_implicit_global_asset_job_def()
    job.execute_in_process(
        instance=instance,
        partition_key="2026-05-03",
        asset_selection=[asset.key for asset in assets],
        raise_on_error=False,
    )


def report_and_reader(*, fails: bool = False) -> tuple[dg.AssetsDefinition, dg.AssetsDefinition]:
    @dg.multi_asset(specs=[dg.AssetSpec(REPORT)], partitions_def=DAILY)
    def report() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(asset_key=REPORT, data_version=dg.DataVersion("a"))

    @dg.multi_asset(
        specs=[dg.AssetSpec("books", deps=[REPORT], automation_condition=follow_reports())],
        partitions_def=DAILY,
    )
    def reader() -> None:
        if fails:
            raise RuntimeError("the reader's own fault")

    return report, reader
