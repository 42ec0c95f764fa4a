"""What a step records and says when some of its partitions do not come."""

import contextlib
from datetime import date
from typing import Any

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset, materialize_report
from connector.query import ReportQuery
from connector.simulator import Match, Simulator
from connector.simulator.faults import Stage
from tests.assets.materialize.shown_events import DAYS, FIRST, LAST, SUMMARIES, partitions, shown
from tests.faults.files import RemovedColumn
from tests.faults.network import Respond
from tests.faults.runs import RunFails, RunTakes
from tests.support.dagster import Orchestra, reader_of
from tests.support.stripe import asking_for


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
