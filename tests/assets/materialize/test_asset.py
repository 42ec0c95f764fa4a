"""Materializing reports: one event for each partition, whatever the run looks like and however it ends."""

import contextlib
from datetime import date
from decimal import Decimal
from logging import WARNING
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest

from assets import ConfiguredReport, build_report_asset, materialize_report
from connector.clock import Clock
from connector.money import NARROW
from connector.query import ReportQuery
from connector.simulator import Match, Simulator
from connector.simulator.faults import Stage
from tests.conftest import Pull
from tests.faults.files import AddedColumn, RemovedColumn
from tests.faults.network import Respond
from tests.faults.runs import RunFails, RunTakes
from tests.support.dagster import Orchestra, configured, reader_of
from tests.support.partitions import days
from tests.support.stripe import asking_for

FIRST, LAST = "2026-06-01", "2026-06-05"
DAYS = ["2026-06-01", "2026-06-02", "2026-06-03", "2026-06-04", "2026-06-05"]
SUMMARIES = Match(report_type="balance.summary.1")


def shown(event: dg.AssetMaterialization) -> dict[str, Any]:
    return {name: value.value for name, value in event.metadata.items()}


def partitions(events: list[tuple[str, Any]]) -> list[str]:
    return sorted(partition for partition, _ in events)


# What is recorded


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


# When it does not go well


def test_a_late_partition_is_named_with_its_run_and_the_good_ones_stay(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    simulator.faults.add(RunTakes(None), SUMMARIES, skip=2)

    result = orchestra.launch([summary], FIRST, LAST)

    assert not result.success
    message, metadata = orchestra.failure(result)
    (row,) = [record.data for record in metadata["stripe/not_materialized"].records]
    good = partitions(orchestra.recorded(summary))
    assert good == sorted(set(DAYS) - {row["partition"]})
    assert row["outcome"] == "late"
    assert row["report_run"] in {run.id for run in simulator.runs}
    assert row["report_run"] in message
    assert "1 of 5 partitions" in message
    assert row["what_to_do"].startswith("It comes by itself: the sensor for late reports takes it up")
    assert orchestra.outcome(result) == "late"


def test_a_late_run_is_adopted_by_the_next_launch(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    simulator.faults.add(RunTakes(2400), SUMMARIES)
    orchestra.launch([summary], FIRST)

    result = orchestra.launch([summary], FIRST)

    assert result.success
    assert len(simulator.runs) == 1
    ((_, event),) = orchestra.recorded(summary)
    assert shown(event)["stripe/origin"] == "adopted"


def test_a_partition_that_fails_at_stripe_is_named_while_the_others_are_recorded(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    simulator.faults.add(RunFails("The report is too large."), SUMMARIES, times=None)

    result = orchestra.launch([summary], FIRST, "2026-06-02")

    message, _ = orchestra.failure(result)
    assert "2 of 2 partitions" in message
    assert "The report is too large." in message
    assert orchestra.recorded(summary) == []
    assert orchestra.outcome(result) == "failed"


def test_partial_failure_records_the_good_ones_too_where_a_reader_waited_for_all(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    simulator.faults.add(RunTakes(None), SUMMARIES)
    books = reader_of(summary)

    result = orchestra.launch([summary, books], FIRST, LAST)

    assert not result.success
    assert len(partitions(orchestra.recorded(summary))) == len(DAYS) - 1
    assert orchestra.recorded(books) == []


def test_a_partition_that_is_not_ready_says_when_it_will_be_and_costs_no_run(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    result = orchestra.launch([summary], "2026-06-07")

    message, _ = orchestra.failure(result)
    assert "expected by 2026-06-08 12:00 UTC" in message
    assert orchestra.outcome(result) == "not_ready"
    assert simulator.runs == []


def test_late_and_failed_together_are_tagged_by_what_needs_a_person(
    orchestra: Orchestra,
    summary: dg.AssetsDefinition,
    activity: dg.AssetsDefinition,
    simulator: Simulator,
) -> None:
    simulator.faults.add(RunFails(), SUMMARIES, times=None)
    simulator.faults.add(RunTakes(None), Match(report_type="balance_change_from_activity.itemized.3"))

    result = orchestra.launch([summary, activity], FIRST)

    assert orchestra.outcome(result) == "failed"


def test_a_key_stripe_does_not_know_is_one_clear_failure_without_retries(
    orchestra: Orchestra, summary_report: ConfiguredReport, simulator: Simulator
) -> None:
    simulator.faults.add(Respond(401), times=None)
    patient = build_report_asset(summary_report, retry_policy=dg.RetryPolicy(max_retries=3, delay=0))

    result = orchestra.launch([patient], FIRST, LAST)

    message, _ = orchestra.failure(result)
    assert "STRIPE_API_KEY" in message
    assert len(simulator.requests) == 1
    assert orchestra.outcome(result) == "failed"
    (event,) = [event for event in result.all_events if event.is_step_failure]
    error = event.step_failure_data.error
    assert error is not None
    assert error.cause is None


def test_stripe_out_of_reach_when_a_run_begins_is_left_to_the_retry_policy(
    orchestra: Orchestra, summary_report: ConfiguredReport, simulator: Simulator
) -> None:
    simulator.faults.add(Respond(503, stage=Stage.BEFORE), "GET *", times=40)
    patient = build_report_asset(summary_report, retry_policy=dg.RetryPolicy(max_retries=5, delay=0))

    result = orchestra.launch([patient], FIRST, LAST)

    assert result.success
    assert any(event.is_step_up_for_retry for event in result.all_events)
    assert partitions(orchestra.recorded(patient)) == DAYS
    assert orchestra.outcome(result) is None


# What launching again means


def test_what_a_killed_process_published_is_recorded_without_a_new_run(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator, pull: Pull
) -> None:
    """Published and not yet recorded: where a kill between the two leaves a partition."""
    pull(ReportQuery.of("balance.summary.1"), days(FIRST, 1))

    result = orchestra.launch([summary], FIRST, "2026-06-02")

    assert result.success
    assert len(simulator.runs) == 2
    origins = {partition: shown(event)["stripe/origin"] for partition, event in orchestra.recorded(summary)}
    assert origins == {"2026-06-01": "already published", "2026-06-02": "created"}


def test_a_file_that_the_file_system_refuses_is_that_partitions_alone(
    orchestra: Orchestra, summary: dg.AssetsDefinition, summary_report: ConfiguredReport, simulator: Simulator
) -> None:
    orchestra.launch([summary], FIRST, "2026-06-03")
    dataset = summary_report.query.dataset(mode="test", account=None)
    file = Path(orchestra.stripe.store().uri(dataset, "2026-06-02"))
    file.unlink()
    file.mkdir()

    result = orchestra.launch([summary], FIRST, "2026-06-03")

    description, _ = orchestra.failure(result)
    assert f"could not read {file}" in description
    assert partitions(orchestra.recorded(summary)[3:]) == ["2026-06-01", "2026-06-03"]
    assert len(simulator.runs) == 5


def test_what_a_step_that_outlived_its_run_has_just_recorded_is_not_recorded_again(
    instance: dg.DagsterInstance,
    summary: dg.AssetsDefinition,
    simulator: Simulator,
    clock: Clock,
    tmp_path: Path,
) -> None:
    """Its run was given up and is being retried, while the step goes on and is first to the file."""
    outlived = Orchestra(instance, simulator.handle, clock, tmp_path)

    def overtaken(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/contents") and not outlived.recorded(summary):
            assert outlived.launch([summary], FIRST).success
        return simulator.handle(request)

    assert Orchestra(instance, overtaken, clock, tmp_path).launch([summary], FIRST).success

    assert partitions(outlived.recorded(summary)) == [FIRST]
    assert len(simulator.runs) == 1


def test_what_another_run_has_recorded_meanwhile_of_another_report_run_does_not_stand_for_ours(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator, clock: Clock
) -> None:
    def meanwhile(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/contents") and not orchestra.recorded(summary):
            theirs = dg.AssetMaterialization(
                summary.key, partition=FIRST, metadata={"stripe/report_run_id": "frr_theirs"}
            )
            orchestra.instance.report_runless_asset_event(theirs)
        return simulator.handle(request)

    assert Orchestra(orchestra.instance, meanwhile, clock, orchestra.root).launch([summary], FIRST).success

    events = [shown(event)["stripe/report_run_id"] for _, event in orchestra.recorded(summary)]
    assert events == ["frr_theirs", next(iter(simulator.runs)).id]


@pytest.mark.parametrize("tags", [{}, {"stripe/intent": "ensure"}], ids=["a-persons", "a-sensors"])
def test_a_lost_file_that_is_fetched_again_from_its_report_run_is_materialized_once_more(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator, tags: dict[str, str]
) -> None:
    orchestra.launch([summary], FIRST)
    file = _lose_file(orchestra, summary)

    fetched = orchestra.launch([summary], FIRST, tags=tags)
    kept = orchestra.launch([summary], FIRST, tags={"stripe/intent": "ensure"})

    assert fetched.success
    assert kept.success
    assert file.exists()
    events = orchestra.instance.fetch_materializations(summary.key, limit=9, ascending=True).records
    assert [record.run_id for record in events[1:]] == [fetched.run_id], "the one that brought it"
    assert [shown(event)["stripe/origin"] for _, event in orchestra.recorded(summary)] == [
        "created",
        "adopted",
    ]
    assert len(simulator.runs) == 1


def test_a_lost_file_that_two_runs_fetch_at_once_is_recorded_by_the_first_alone(
    instance: dg.DagsterInstance,
    summary: dg.AssetsDefinition,
    simulator: Simulator,
    clock: Clock,
    tmp_path: Path,
) -> None:
    alone = Orchestra(instance, simulator.handle, clock, tmp_path)
    alone.launch([summary], FIRST)
    _lose_file(alone, summary)

    def overtaken(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/contents") and len(alone.recorded(summary)) == 1:
            assert alone.launch([summary], FIRST).success
        return simulator.handle(request)

    assert Orchestra(instance, overtaken, clock, tmp_path).launch([summary], FIRST).success

    assert partitions(alone.recorded(summary)) == [FIRST, FIRST]
    assert len(simulator.runs) == 1


def test_a_partition_whose_event_names_no_report_run_and_whose_file_is_gone_is_fetched_again(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    orchestra.launch([summary], FIRST)
    _lose_file(orchestra, summary)
    by_hand = dg.AssetMaterialization(summary.key, partition=FIRST)
    orchestra.instance.report_runless_asset_event(by_hand)

    assert orchestra.launch([summary], FIRST).success

    assert partitions(orchestra.recorded(summary)) == [FIRST, FIRST, FIRST]
    assert len(simulator.runs) == 1


def _lose_file(orchestra: Orchestra, asset: dg.AssetsDefinition) -> Path:
    """The file of the newest event, which is gone."""
    *_, (_, event) = orchestra.recorded(asset)
    file = Path(str(shown(event)["dagster/uri"]).removeprefix("file:"))
    file.unlink()
    return file


def test_materializing_a_recorded_partition_again_requests_a_new_report_run(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    orchestra.launch([summary], FIRST)
    orchestra.launch([summary], FIRST)

    first, second = (event for _, event in orchestra.recorded(summary))
    assert len(simulator.runs) == 2
    assert shown(first)["stripe/report_run_id"] != shown(second)["stripe/report_run_id"]


def test_a_rerun_that_changed_no_byte_keeps_the_data_version(
    orchestra: Orchestra, summary: dg.AssetsDefinition
) -> None:
    orchestra.launch([summary], FIRST)
    orchestra.launch([summary], FIRST)

    first, second = (event for _, event in orchestra.recorded(summary))
    assert (first.tags or {})["dagster/data_version"] == (second.tags or {})["dagster/data_version"]
    assert "same to the byte" in shown(second)["stripe/change"]


def test_a_launch_tagged_ensure_leaves_recorded_partitions_alone(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    orchestra.launch([summary], FIRST)

    result = orchestra.launch([summary], FIRST, "2026-06-02", tags={"stripe/intent": "ensure"})

    assert result.success
    assert partitions(orchestra.recorded(summary)) == ["2026-06-01", "2026-06-02"]
    assert len(simulator.runs) == 2


def again(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """The tags by which Dagster knows a re-execution; it carries those of its parent too."""
    return {**result.dagster_run.tags, "dagster/parent_run_id": result.run_id}


@pytest.mark.parametrize("tags", [{}, {"stripe/intent": "ensure"}], ids=["a-persons", "a-sensors"])
def test_re_executing_a_run_that_ended_well_requests_each_partition_again(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator, tags: dict[str, str]
) -> None:
    good = orchestra.launch([summary], FIRST, "2026-06-02", tags=tags)

    result = orchestra.launch([summary], FIRST, "2026-06-02", tags=again(good))

    assert result.success
    assert partitions(orchestra.recorded(summary)) == [FIRST, FIRST, "2026-06-02", "2026-06-02"]
    assert len(simulator.runs) == 4


def test_a_file_that_a_re_execution_converts_again_has_an_event_though_its_report_run_has_one(
    orchestra: Orchestra, simulator: Simulator
) -> None:
    """The columns were given other types in between."""
    text, money = (
        build_report_asset(
            configured("balance.summary.1", columns={"net_amount": kind, "currency": "text"}),
            retry_policy=None,
        )
        for kind in ("text", "money")
    )
    simulator.faults.add(RunFails(), asking_for("2026-06-02"), times=3)
    failed = orchestra.launch([text], FIRST, "2026-06-02")

    assert orchestra.launch([money], FIRST, "2026-06-02", tags=again(failed)).success

    events = [shown(event) for key, event in orchestra.recorded(money) if key == FIRST]
    assert [event["stripe/origin"] for event in events] == ["created", "reconverted"]
    assert len({event["stripe/report_run_id"] for event in events}) == 1


def test_re_executing_a_run_that_ended_well_asks_for_a_day_whose_file_is_gone_too(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    good = orchestra.launch([summary], FIRST, "2026-06-02")
    former = {run.id for run in simulator.runs}
    next(orchestra.root.glob(f"test/*/*/period={FIRST}/report.parquet")).unlink()

    result = orchestra.launch([summary], FIRST, "2026-06-02", tags=again(good))

    newest = dict(orchestra.recorded(summary))
    assert result.success
    assert not {shown(event)["stripe/report_run_id"] for event in newest.values()} & former
    assert len(simulator.runs) == 4


def test_re_executing_a_run_that_failed_requests_what_it_missed_and_is_green_when_all_is_there(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    simulator.faults.add(RunFails(), asking_for("2026-06-02"), times=6)
    failed = orchestra.launch([summary], FIRST, LAST)
    asked = len(simulator.runs)

    second = orchestra.launch([summary], FIRST, LAST, tags=again(failed))
    third = orchestra.launch([summary], FIRST, LAST, tags=again(second))

    assert [failed.success, second.success, third.success] == [False, False, True]
    assert partitions(orchestra.recorded(summary)) == DAYS
    assert len(simulator.runs) == asked + 3 + 1


def completeness(
    orchestra: Orchestra, result: dg.ExecuteInProcessResult | dg.DagsterRun
) -> list[tuple[bool, bool | None, str]]:
    """Whether all partitions of the run were there, whether that blocks, and how grave it is."""
    wanted = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    found = [each.get_dagster_event() for each in orchestra.instance.all_logs(result.run_id, of_type=wanted)]
    return [
        (said.passed, said.blocking, said.severity.value)
        for said in (event.asset_check_evaluation_data for event in found)
        if said.check_name == "every_partition_is_there"
    ]


@pytest.mark.parametrize(
    ("fault", "severity"), [(RunFails(), "ERROR"), (RunTakes(None), "WARN")], ids=["failed", "late"]
)
def test_a_run_that_missed_a_partition_fails_the_check_by_which_dagster_selects_its_asset_again(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator, fault: Any, severity: str
) -> None:
    simulator.faults.add(fault, asking_for("2026-06-02"), times=3)

    missed = orchestra.launch([summary], FIRST, LAST)
    good = orchestra.launch([summary], FIRST)

    assert completeness(orchestra, missed) == [(False, True, severity)]
    assert completeness(orchestra, good) == [(True, True, "ERROR")]


def test_a_run_whose_partitions_are_all_there_passes_the_check_whatever_else_ended_it(
    orchestra: Orchestra, summary_report: ConfiguredReport
) -> None:
    def loses_its_temper(context: dg.AssetExecutionContext, configured: ConfiguredReport) -> Any:
        yield from materialize_report(context, configured)
        raise dg.Failure("not ours", metadata={"stripe/materialized_partitions": len(DAYS)})

    asset = build_report_asset(summary_report, retry_policy=None, execute=loses_its_temper)

    result = orchestra.launch([asset], FIRST, LAST)

    assert completeness(orchestra, result) == [(True, True, "ERROR")]


@pytest.mark.parametrize(
    ("ended", "severity"),
    [(dg.DagsterExecutionInterruptedError(), "WARN"), (MemoryError(), "ERROR")],
    ids=["terminated", "broken"],
)
def test_a_run_that_somebody_or_something_ended_fails_the_check_too(
    orchestra: Orchestra, summary_report: ConfiguredReport, ended: BaseException, severity: str
) -> None:
    def ends(context: dg.AssetExecutionContext, configured: ConfiguredReport) -> Any:
        yield from materialize_report(context, configured)
        raise ended

    asset = build_report_asset(summary_report, execute=ends)
    with contextlib.suppress(dg.DagsterExecutionInterruptedError):
        orchestra.launch([asset], FIRST, LAST)

    (run,) = orchestra.instance.get_runs()
    assert completeness(orchestra, run) == [(False, True, severity)]


def test_a_retry_of_the_step_records_nothing_twice_and_requests_nothing_twice(
    orchestra: Orchestra, simulator: Simulator
) -> None:
    """The first attempt records its partitions and dies; for the second that must not mean a refresh."""
    report = ConfiguredReport(ReportQuery.of("balance.summary.1"), start=date(2026, 5, 1))
    attempts: list[int] = []

    def dies_once(context: dg.AssetExecutionContext, configured: ConfiguredReport) -> Any:
        yield from materialize_report(context, configured)
        attempts.append(context.retry_number)
        if len(attempts) == 1:
            raise dg.Failure("the process fell over")

    asset = build_report_asset(report, retry_policy=dg.RetryPolicy(max_retries=1, delay=0), execute=dies_once)
    assert asset.op.retry_policy is None, "Dagster would retry a step that somebody terminates"

    result = orchestra.launch([asset], FIRST, LAST)

    assert result.success
    assert attempts == [0, 1]
    assert partitions(orchestra.recorded(asset)) == DAYS
    assert len(simulator.runs) == len(DAYS)


def test_a_table_of_another_configuration_is_refused_before_anything_is_sent(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    orchestra.launch([summary], FIRST)
    sent = len(simulator.requests)
    only_euros = ReportQuery.of("balance.summary.1", filters={"currency": "eur"})
    other = build_report_asset(ConfiguredReport(only_euros, start=date(2026, 5, 1)), retry_policy=None)

    result = orchestra.launch([other], "2026-06-02")

    message, _ = orchestra.failure(result)
    assert "currency=eur" in message
    assert len(simulator.requests) == sent


@pytest.mark.parametrize(
    ("fault", "comes"),
    [
        (RunTakes(None), "It comes by itself: the sensor for late reports"),
        (RunFails(), "It may come by itself: the availability sensor"),
        (RemovedColumn("net_amount"), "It does not come by itself"),
    ],
    ids=["late", "failed-at-stripe", "not-as-asked"],
)
def test_the_message_of_each_failed_partition_says_whether_it_comes_by_itself(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator, fault: Any, comes: str
) -> None:
    simulator.faults.add(fault, SUMMARIES, times=None)

    result = orchestra.launch([summary], FIRST, "2026-06-03")

    message, _ = orchestra.failure(result)
    _, *lines = message.splitlines()
    assert [line.split()[0] for line in lines] == DAYS[:3]
    assert all(comes in line for line in lines)
    log = orchestra.instance.all_logs(result.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    assert len(log) == 1
