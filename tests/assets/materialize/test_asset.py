"""What a step records of partitions that come."""

from datetime import date
from decimal import Decimal
from logging import WARNING

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from connector.money import NARROW
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.assets.materialize.shown_events import DAYS, FIRST, LAST, SUMMARIES, partitions, shown
from tests.faults.files import AddedColumn
from tests.faults.runs import RunTakes
from tests.support.dagster import Orchestra, reader_of


def test_a_partition_becomes_one_event_that_traces_its_rows_to_stripe(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    result = orchestra.launch([summary], FIRST)

    assert result.success
    ((partition, event),) = orchestra.recorded(summary)
    said = shown(event)
    (run,) = simulator.runs
    assert partition == FIRST
    assert said["stripe/report_run_id"] == run.id
    assert said["stripe/file_id"] == run.file.id
    assert said["stripe/csv_bytes"] == len(
        simulator.csv(
            "balance.summary.1",
            interval_start=run.parameters["interval_start"],
            interval_end=run.parameters["interval_end"],
            columns=run.parameters["columns"],
        )
    )
    assert said["stripe/parameters"]["interval_end"] - said["stripe/parameters"]["interval_start"] == 86_400
    assert said["stripe/interval_start"] == 1_780_272_000
    assert said["stripe/origin"] == "created"
    assert said["stripe/livemode"] is False
    assert said["stripe/wait_seconds"] > 0
    assert said["dagster/partition_row_count"] > 0
    assert said["dagster/uri"].endswith("/balance_summary/account=default/period=2026-06-01/report.parquet")
    assert event.tags
    assert event.tags["dagster/data_version_is_user_provided"] == "true", "so that it decides what is stale"


def test_the_preview_of_a_summary_shows_all_rows_with_money_in_the_digits_of_its_currency(
    orchestra: Orchestra, summary: dg.AssetsDefinition
) -> None:
    orchestra.launch([summary], FIRST)

    ((_, event),) = orchestra.recorded(summary)
    said = shown(event)
    head, _, *rows = said["stripe/preview"].splitlines()
    assert head == "| category | net_amount | currency |"
    assert len(rows) == said["dagster/partition_row_count"] > 5
    assert "000000" not in "".join(rows)


def test_the_preview_of_items_shows_the_first_rows_without_free_text(
    orchestra: Orchestra, activity: dg.AssetsDefinition
) -> None:
    orchestra.launch([activity], FIRST)

    ((_, event),) = orchestra.recorded(activity)
    said = shown(event)
    head, _, *rows, _, count = said["stripe/preview"].splitlines()
    assert "balance_transaction_id" in head
    assert "description" not in head
    assert "description" in {column.name for column in said["dagster/column_schema"].columns}
    assert len(rows) == 5
    assert count == f"5 of {said['dagster/partition_row_count']} rows."


def test_totals_say_what_is_added_up(
    orchestra: Orchestra, summary: dg.AssetsDefinition, activity: dg.AssetsDefinition
) -> None:
    orchestra.launch([summary, activity], FIRST)

    labels = [
        label
        for asset in (summary, activity)
        for _, event in orchestra.recorded(asset)
        for label in shown(event)["stripe/totals"]
    ]
    assert labels == [
        "sum of net_amount (movements only)",
        "sum of net (all rows)",
    ]


def test_a_summary_shows_its_balances_by_name_and_they_differ_by_the_totals(
    orchestra: Orchestra, summary: dg.AssetsDefinition, activity: dg.AssetsDefinition
) -> None:
    orchestra.launch([summary, activity], FIRST)

    ((_, event),) = orchestra.recorded(summary)
    said = shown(event)
    opening, closing = (said["stripe/balances"][f"{name}_balance"] for name in ("starting", "ending"))
    (moved,) = said["stripe/totals"].values()
    assert closing
    assert {name: Decimal(opening[name]) + Decimal(moved[name]) for name in closing} == {
        name: Decimal(amount) for name, amount in closing.items()
    }
    ((_, event),) = orchestra.recorded(activity)
    assert "stripe/balances" not in shown(event)


@pytest.mark.parametrize("report", ["balance.summary.1", "balance_change_from_activity.itemized.3"])
def test_the_columns_promised_are_the_columns_found(orchestra: Orchestra, report: str) -> None:
    asset = build_report_asset(ConfiguredReport(ReportQuery.of(report), start=date(2026, 5, 1)))
    promised = asset.get_asset_spec().metadata["dagster/column_schema"].columns

    orchestra.launch([asset], FIRST)

    ((_, event),) = orchestra.recorded(asset)
    found = {column.name: column for column in shown(event)["dagster/column_schema"].columns}
    assert [found[column.name] for column in promised] == promised
    assert {"_interval_start", "_interval_end", "_report_run_id"} <= set(found)


def test_a_report_read_by_its_header_shows_what_was_found_and_what_was_left_out(
    orchestra: Orchestra, simulator: Simulator
) -> None:
    simulator.faults.add(AddedColumn("customer_email", "ada@example.com"), SUMMARIES)
    query = ReportQuery.of("balance.summary.1", columns={})
    asset = build_report_asset(ConfiguredReport(query, start=date(2026, 5, 1)))

    result = orchestra.launch([asset], FIRST)

    ((_, event),) = orchestra.recorded(asset)
    said = shown(event)
    types = {column.name: column.type for column in said["dagster/column_schema"].columns}
    assert types["net_amount"] == NARROW
    assert "net_amount" in said["stripe/preview"]
    assert said["stripe/withheld_columns"] == ["customer_email"]
    assert "ada@" not in str(said)
    logged = [entry.user_message for entry in orchestra.instance.all_logs(result.run_id)]
    assert any("balance.summary.1 is used as configured" in message for message in logged)


def test_a_column_stripe_added_is_in_the_metadata_and_a_documented_report_gives_no_caution(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    simulator.faults.add(AddedColumn(), SUMMARIES)

    result = orchestra.launch([summary], FIRST)

    ((_, event),) = orchestra.recorded(summary)
    assert shown(event)["stripe/added_columns"] == ["settlement_batch"]
    columns = {column.name: column for column in shown(event)["dagster/column_schema"].columns}
    assert columns["settlement_batch"].type == "string"
    warnings = [entry for entry in orchestra.instance.all_logs(result.run_id) if entry.level == WARNING]
    assert [entry.user_message.partition(",")[0] for entry in warnings] == [
        "balance_summary: Stripe sends columns that were not asked for"
    ]


def test_a_range_in_one_run_records_each_partition_with_its_own_run_and_version(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    result = orchestra.launch([summary], FIRST, LAST)

    assert result.success
    events = orchestra.recorded(summary)
    assert partitions(events) == DAYS
    assert {shown(event)["stripe/report_run_id"] for _, event in events} == {run.id for run in simulator.runs}
    assert len({(event.tags or {})["dagster/data_version"] for _, event in events}) == len(DAYS)
    assert {(event.tags or {})["dagster/code_version"] for _, event in events} == {
        next(iter(summary.specs)).code_version
    }


def test_two_reports_in_one_run_do_not_hinder_each_other(
    orchestra: Orchestra, summary: dg.AssetsDefinition, activity: dg.AssetsDefinition
) -> None:
    result = orchestra.launch([summary, activity], FIRST, LAST)

    assert result.success
    assert partitions(orchestra.recorded(summary)) == DAYS
    assert partitions(orchestra.recorded(activity)) == DAYS


def test_a_good_range_lets_downstream_steps_of_the_same_run_go_on(
    orchestra: Orchestra, summary: dg.AssetsDefinition
) -> None:
    books = reader_of(summary)

    result = orchestra.launch([summary, books], FIRST, LAST)

    assert result.success
    assert partitions(orchestra.recorded(books)) == DAYS
    events = orchestra.recorded(summary)
    assert partitions(events) == DAYS
    assert len({shown(event)["stripe/report_run_id"] for _, event in events}) == len(DAYS)


def test_one_partition_has_the_same_data_version_with_and_without_a_reader_in_its_run(
    orchestra: Orchestra, summary: dg.AssetsDefinition
) -> None:
    orchestra.launch([summary], FIRST)
    orchestra.launch([summary, reader_of(summary)], FIRST, tags={"stripe/intent": "ensure"})

    versions = [(event.tags or {})["dagster/data_version"] for _, event in orchestra.recorded(summary)]
    assert len(versions) == 2
    assert len(set(versions)) == 1


def test_a_report_run_leaves_a_trace_before_it_has_finished(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    simulator.faults.add(RunTakes(None), SUMMARIES)

    orchestra.launch([summary], FIRST)

    ((partition, trace),) = orchestra.observed(summary)
    assert partition == FIRST
    assert trace.metadata["stripe/report_run_id"].value == simulator.runs[0].id
