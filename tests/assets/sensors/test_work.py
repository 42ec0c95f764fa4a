"""What a tick reads, counted: as much as is due, however long the history and however many the partitions."""

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.sensors.availability_sensor import build_availability_sensor
from connector.simulator import Simulator
from tests.support.clock import ManualClock
from tests.support.counting import CountedStore
from tests.support.dagster import Orchestra
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
