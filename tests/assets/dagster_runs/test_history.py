"""The event log is read to its end, a page after the other."""

import dagster as dg
import pytest

from assets import ConfiguredReport
from assets.dagster_runs.history import newest_materializations, read_begun, read_materializations
from tests.support.counting import CountedInstance
from tests.support.runs import Runs

DAYS = [f"2026-06-{day:02}" for day in range(1, 6)]


@pytest.fixture
def key(instance: dg.DagsterInstance, summary_report: ConfiguredReport) -> dg.AssetKey:
    """The key of a report whose days were materialized twice each, from `frr_1-2026-06-01` on."""
    for run in ("frr_1", "frr_2"):
        for day in DAYS:
            event = dg.AssetMaterialization(
                summary_report.key, partition=day, metadata={"stripe/report_run_id": f"{run}-{day}"}
            )
            instance.report_runless_asset_event(event)
    return summary_report.key


def test_materializations_come_newest_first_and_all_of_them(
    instance: dg.DagsterInstance, key: dg.AssetKey
) -> None:
    found = [each.report_run for each in read_materializations(instance, key, DAYS, at_once=3)]

    newest_first = [f"{run}-{day}" for run in ("frr_1", "frr_2") for day in DAYS][::-1]
    assert found == newest_first


def test_of_each_partition_the_newest_event_counts(instance: dg.DagsterInstance, key: dg.AssetKey) -> None:
    found = newest_materializations(instance, key, [*DAYS, "2026-06-09"])

    assert {day: event.report_run for day, event in found.items()} == {day: f"frr_2-{day}" for day in DAYS}


def test_no_other_events_are_read_for_the_newest(instance: dg.DagsterInstance, key: dg.AssetKey) -> None:
    """Nor where one of the partitions was never materialized."""
    counted = CountedInstance(instance)

    newest_materializations(counted.as_instance, key, [*DAYS[:3], "2026-06-09"])

    assert counted.events == 3


def test_what_was_begun_is_found_on_every_page(
    instance: dg.DagsterInstance, summary_report: ConfiguredReport
) -> None:
    runs = Runs(instance, summary_report)
    run_id = runs.add(DAYS[0], DAYS[-1], status=dg.DagsterRunStatus.FAILURE)
    for day in DAYS:
        runs.observe(run_id, day)

    begun = read_begun(instance, summary_report.key, DAYS, at_once=2)

    assert begun == {(run_id, day) for day in DAYS}
