"""What launching partitions again means, and re-executing a run."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest

from assets import ConfiguredReport, build_report_asset, materialize_report
from connector.clock import Clock
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.assets.materialize.shown_events import DAYS, FIRST, LAST, partitions, shown
from tests.conftest import Pull
from tests.faults.runs import RunFails
from tests.support.dagster import Orchestra, configured
from tests.support.partitions import days
from tests.support.stripe import asking_for


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


def with_amounts_as(kind: str) -> dg.AssetsDefinition:
    report = configured("balance.summary.1", columns={"net_amount": kind, "currency": "text"})
    return build_report_asset(report, retry_policy=None)


def test_a_file_whose_columns_were_given_other_types_is_converted_again_for_a_person_alone(
    orchestra: Orchestra, simulator: Simulator
) -> None:
    text, money = with_amounts_as("text"), with_amounts_as("money")
    orchestra.launch([text], FIRST)

    orchestra.launch([money], FIRST, tags={"stripe/intent": "ensure"})

    assert partitions(orchestra.recorded(money)) == [FIRST]
    assert len(simulator.runs) == 1


def test_a_file_that_a_re_execution_converts_again_has_an_event_though_its_report_run_has_one(
    orchestra: Orchestra, simulator: Simulator
) -> None:
    """The columns were given other types in between."""
    text, money = with_amounts_as("text"), with_amounts_as("money")
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
