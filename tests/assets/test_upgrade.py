"""What Dagster sees of an upgrade: the same asset, changed code, and files it only has to write down."""

from datetime import date

import dagster as dg

from assets import ConfiguredReport, build_report_asset
from connector.query import ReportQuery
from connector.simulator import Simulator
from connector.store import Store
from connector.succession import Succession
from tests.conftest import Pull, days
from tests.support.dagster import Orchestra

FIRST, LAST = "2026-06-01", "2026-06-02"


def asset_of(report: str) -> dg.AssetsDefinition:
    query = ReportQuery.of(report)
    return build_report_asset(ConfiguredReport(query, start=date(2026, 5, 1)), retry_policy=None)


def switch(store: Store, pull: Pull) -> None:
    """Make version 3 beside version 2, and give it the name."""
    there = ReportQuery.of("payouts.itemized.2")
    beside = ReportQuery.of("payouts.itemized.3", name="payouts_itemized_v3")
    pull(beside, days(FIRST, 2))
    store.switch(Succession(*(query.dataset(mode="test", account=None) for query in (there, beside))))


def test_after_an_upgrade_partitions_are_recorded_anew_without_asking_stripe(
    orchestra: Orchestra, simulator: Simulator, store: Store, pull: Pull
) -> None:
    before, after = asset_of("payouts.itemized.2"), asset_of("payouts.itemized.3")
    orchestra.launch([before], FIRST, LAST)
    switch(store, pull)
    runs = len(simulator.runs)

    result = orchestra.launch([after], FIRST, LAST)

    assert result.success
    assert len(simulator.runs) == runs
    assert before.key == after.key
    assert before.get_asset_spec().code_version != after.get_asset_spec().code_version
    recorded = [event.metadata["stripe/report_run_id"].value for _, event in orchestra.recorded(after)]
    assert recorded[2:] != recorded[:2]
    assert set(recorded) == {run.id for run in simulator.runs}


def test_before_the_configuration_follows_nothing_is_mixed(
    orchestra: Orchestra, simulator: Simulator, store: Store, pull: Pull
) -> None:
    before = asset_of("payouts.itemized.2")
    orchestra.launch([before], FIRST, LAST)
    switch(store, pull)
    runs = len(simulator.runs)

    result = orchestra.launch([before], "2026-06-03")

    told, _ = orchestra.failure(result)
    assert "report_type is payouts.itemized.3 there and payouts.itemized.2 here" in told
    assert len(simulator.runs) == runs
