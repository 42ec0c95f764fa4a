"""What a tick reads, counted: as much as is due, however long the history and however many the partitions."""

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.dagster_runs.tags import ASKED_TAG
from assets.sensors.availability_sensor import build_availability_sensor
from connector.simulator import Simulator
from tests.support.clock import ManualClock
from tests.support.counting import CountedStore
from tests.support.dagster import Orchestra
from tests.support.runs import Runs
from tests.support.sensing import Daemon

FIRST, LAST = "2026-05-16", "2026-06-06"


@pytest.fixture
def orchestra(
    instance: dg.DagsterInstance, simulator: Simulator, clock: ManualClock, tmp_path: Path
) -> Orchestra:
    return Orchestra(instance, simulator.handle, clock, tmp_path / "data", store=CountedStore)


@pytest.mark.parametrize("days", [5, 20])
def test_a_tick_opens_the_files_of_its_look_back_once_and_goes_through_the_listing_a_few_times(
    orchestra: Orchestra, summary_report: ConfiguredReport, days: int
) -> None:
    asset = build_report_asset(summary_report, retry_policy=None)
    orchestra.launch([asset], FIRST, LAST)
    sensor = build_availability_sensor([summary_report], look_back=timedelta(days=days), refresh_after=())
    daemon = Daemon(orchestra, [asset], sensor)

    CountedStore.forget_counts()
    tick = daemon.tick()

    assert tick.requests == []
    opened = [path for path in CountedStore.opens if path.endswith(".parquet")]
    assert len(opened) == len(set(opened)) == days
    assert CountedStore.passes <= 6


def test_files_that_were_refreshed_for_their_age_are_not_opened_to_find_that_out(
    orchestra: Orchestra, summary_report: ConfiguredReport
) -> None:
    asset = build_report_asset(summary_report, retry_policy=None)
    orchestra.launch([asset], FIRST, LAST)
    sensor = build_availability_sensor(
        [summary_report], look_back=timedelta(days=5), refresh_after=[timedelta(days=10)]
    )
    daemon = Daemon(orchestra, [asset], sensor)

    def opened() -> int:
        CountedStore.forget_counts()
        daemon.tick()
        return len([path for path in CountedStore.opens if path.endswith(".parquet")])

    before = opened()
    runs = Runs(orchestra.instance, summary_report)
    for key in summary_report.partitions.get_partition_keys():
        runs.add(key, status=dg.DagsterRunStatus.SUCCESS, tags={ASKED_TAG: f"refresh/864000/{key}#1"})

    assert (before, opened()) == (5 + 5, 5)
