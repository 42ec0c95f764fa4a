"""The calendar of a report's newest partitions, in the metadata of the check of the newest one."""

import dagster as dg

from assets import ConfiguredReport, build_report_asset
from assets.automation.newest_partition import (
    CHECK_NAME,
    build_newest_partition_check,
    log_newest_partition,
)
from connector.simulator import Simulator
from tests.faults.files import MovedBalances, WrongClosing
from tests.faults.runs import RunTakes
from tests.support.dagster import Orchestra
from tests.support.stripe import asking_for

RESTATED, FAILING, LATE = "2026-06-01", "2026-06-02", "2026-06-03"


def status(orchestra: Orchestra, report: ConfiguredReport) -> str:
    """What the check last showed."""
    key = dg.AssetCheckKey(report.key, CHECK_NAME)
    latest = orchestra.instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    assert isinstance(latest.evaluation, dg.AssetCheckEvaluation)
    return str(latest.evaluation.metadata["stripe/status"].value)


def test_it_shows_what_is_there_restated_failing_late_and_missing(
    orchestra: Orchestra, summary_report: ConfiguredReport, simulator: Simulator
) -> None:
    assets = [
        build_report_asset(summary_report, retry_policy=None, look=log_newest_partition),
        build_newest_partition_check(summary_report),
    ]
    simulator.faults.add(MovedBalances(), asking_for(RESTATED), times=1)
    simulator.faults.add(WrongClosing(), asking_for(FAILING))
    simulator.faults.add(RunTakes(None), asking_for(LATE))
    for day in ("2026-05-31", RESTATED, RESTATED, FAILING, LATE):
        orchestra.launch(assets, day)

    shown = status(orchestra, summary_report)

    assert "2026-06  r!l---" in shown
    assert f"1 failing ({FAILING})" in shown
    assert f"- {FAILING}: balance_adds_up: " in shown
    assert f"- {LATE}: report run frr_" in shown
    assert "As of 2026-06-07" in shown
