"""What Dagster sees of an upgrade: an asset of its own, and files it only has to write down."""

from datetime import date

import dagster as dg

from assets import ConfiguredReport, build_report_asset
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.conftest import Pull
from tests.support.dagster import Orchestra
from tests.support.partitions import days

FIRST, LAST = "2026-06-01", "2026-06-02"


def asset_of(report: str, name: str | None = None) -> dg.AssetsDefinition:
    query = ReportQuery.of(report, name=name)
    return build_report_asset(ConfiguredReport(query, start=date(2026, 5, 1)), retry_policy=None)


def test_what_an_upgrade_made_is_recorded_without_asking_stripe(
    orchestra: Orchestra, simulator: Simulator, pull: Pull
) -> None:
    before = asset_of("payouts.itemized.2")
    beside = asset_of("payouts.itemized.3", "payouts_itemized_v3")
    orchestra.launch([before], FIRST, LAST)
    pull(ReportQuery.of("payouts.itemized.3", name="payouts_itemized_v3"), days(FIRST, 2))
    runs = len(simulator.runs)

    result = orchestra.launch([before, beside], FIRST, LAST, selection=[beside.key.to_user_string()])

    assert result.success
    assert len(simulator.runs) == runs
    recorded = [event.metadata["stripe/report_run_id"].value for _, event in orchestra.recorded(beside)]
    assert set(recorded) == {run.id for run in simulator.runs[2:]}


def test_another_version_under_the_old_name_is_refused_with_the_way_out(
    orchestra: Orchestra, simulator: Simulator
) -> None:
    orchestra.launch([asset_of("payouts.itemized.2")], FIRST, LAST)
    runs = len(simulator.runs)

    result = orchestra.launch([asset_of("payouts.itemized.3")], "2026-06-03")

    said, _ = orchestra.failure(result)
    assert "report_type is payouts.itemized.2 there and payouts.itemized.3 here" in said
    assert "`stripe-reports upgrade payouts_itemized --to-version 3` makes that version in a table" in said
    assert len(simulator.runs) == runs
