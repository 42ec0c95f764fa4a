"""The checks of a report, as Dagster has them: each partition judged, and what a failure holds up."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets import CheckOptions, ConfiguredReport, build_report_asset
from assets.dagster_runs.tags import needs_person
from assets.reports.partitions import adjacent
from assets.sensors.late_sensor import build_late_report_sensor
from connector.checks import Severity
from connector.dataset.provenance import METADATA_KEY
from connector.errors import ConfigurationError
from connector.simulator import Match, Simulator
from tests.faults.file_editing import FileFault
from tests.faults.files import (
    AddedColumn,
    MovedBalances,
    PayoutsWithoutCurrency,
    RepeatedRow,
    RowOutside,
    TooManyDecimals,
    UnbalancedRow,
    WrongClosing,
    WrongSummary,
)
from tests.faults.runs import RunFails, RunTakes
from tests.support.dagster import Orchestra, configured, reader_of
from tests.support.sensing import Daemon
from tests.support.stripe import asking_for

FIRST, SECOND, THIRD = "2026-06-01", "2026-06-02", "2026-06-03"
BALANCE, ITEMS, SUMMARY = (
    "balance.summary.1",
    "balance_change_from_activity.itemized.3",
    "balance_change_from_activity.summary.1",
)
SUMMARIES = Match(report_type=BALANCE)
CONTINUITY = "closing_is_next_opening"


class Told(NamedTuple):
    """An evaluation, as far as people see it."""

    partition: str | None
    passed: bool
    severity: str
    description: str


def told(orchestra: Orchestra, asset: dg.AssetsDefinition, check: str) -> dict[str | None, Told]:
    """What a check last said of each partition, and, under None, of a whole run."""
    key = dg.AssetCheckKey(asset.key, check)
    records = orchestra.instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
    found: dict[str | None, Told] = {}
    for record in records:
        said = record.evaluation
        if record.status.value != "PLANNED" and said is not None:
            found.setdefault(
                said.partition,
                Told(said.partition, said.passed, said.severity.value, said.description or ""),
            )
    return found


def shown(orchestra: Orchestra, asset: dg.AssetsDefinition, check: str, partition: str) -> set[str]:
    """What Dagster counts a partition as, for a check."""
    key = (dg.AssetCheckKey(asset.key, check), asset.partitions_def)
    state = orchestra.instance.event_log_storage.get_asset_check_state([key])[key[0]]
    return {
        status.value
        for status, subset in state.subsets.items()
        if not subset.is_empty and partition in subset.subset_value
    }


def rows(metadata: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A table in metadata, as column to text."""
    return [record.data for record in metadata[name].records]


def compared(*reports: str, checks: CheckOptions | None = None) -> list[dg.AssetsDefinition]:
    """Assets of reports that are compared with each other."""
    together = [configured(each, checks=checks or CheckOptions()) for each in reports]
    return [build_report_asset(each.compared_with(together), retry_policy=None) for each in together]


def days_of(orchestra: Orchestra, asset: dg.AssetsDefinition) -> list[str]:
    return sorted(partition for partition, _ in orchestra.recorded(asset))


# Each check, on good and on bad data


class Spoilt(NamedTuple):
    """What befalls a day's file, and what is to be said of it."""

    fault: FileFault
    check: str
    severity: str
    says: str


@pytest.mark.parametrize(
    ("report", "days"),
    [
        (
            ITEMS,
            {
                "2026-06-02": Spoilt(AddedColumn(), "no_added_columns", "WARN", "settlement_batch"),
                "2026-06-03": Spoilt(UnbalancedRow(), "net_is_gross_less_fee", "ERROR", "txn_"),
                "2026-06-04": Spoilt(RepeatedRow(), "row_key_is_unique", "ERROR", "txn_"),
                "2026-06-05": Spoilt(RowOutside(), "rows_in_interval", "ERROR", "2025-"),
                "2026-06-06": Spoilt(
                    TooManyDecimals(), "decimals_fit_currency", "WARN", "more decimals than the currency has"
                ),
            },
        ),
        (
            BALANCE,
            {
                "2026-06-02": Spoilt(WrongClosing(), "balance_adds_up", "ERROR", "does not add up"),
            },
        ),
        (
            BALANCE,
            {"2026-06-03": Spoilt(PayoutsWithoutCurrency(), "balance_adds_up", "WARN", "Inconclusive: ")},
        ),
    ],
    ids=["items", "balance", "inconclusive"],
)
def test_each_partition_of_a_range_is_judged_by_itself(
    orchestra: Orchestra, simulator: Simulator, report: str, days: Mapping[str, Spoilt]
) -> None:
    for day, spoilt in days.items():
        simulator.faults.add(spoilt.fault, asking_for(day, report_type=report))
    (asset,) = compared(report)

    orchestra.launch([asset], FIRST, max(days))

    for day, (_, check, severity, says) in days.items():
        said = told(orchestra, asset, check)
        bad, run = said[day], said[None]
        assert (bad.passed, bad.severity) == (False, severity)
        assert says in bad.description
        assert (run.passed, run.severity) == (False, severity)
        assert f"{day}: {bad.description}" in run.description
        assert shown(orchestra, asset, check, day) == {"FAILED"}
        good = said.keys() - {None, day}
        assert good
        assert all(said[each].passed for each in good)
        assert shown(orchestra, asset, check, FIRST) == {"SUCCEEDED"}


def test_the_examples_of_a_failure_are_a_table_of_rows_and_amounts(
    orchestra: Orchestra, simulator: Simulator
) -> None:
    simulator.faults.add(UnbalancedRow(), asking_for(SECOND, report_type=ITEMS))
    (asset,) = compared(ITEMS)

    result = orchestra.launch([asset], FIRST, SECOND)

    entries = orchestra.instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    said = [entry.get_dagster_event().asset_check_evaluation_data for entry in entries]
    (one,) = [each for each in said if each.partition == SECOND and not each.passed]
    (row,) = rows(one.metadata, "stripe/examples")
    assert set(row) >= {"balance_transaction_id", "gross", "fee", "net"}
    (whole,) = [each for each in said if each.partition is None and not each.passed]
    (line,) = rows(whole.metadata, "stripe/not_passed")
    assert line["partition"] == SECOND
    assert row["balance_transaction_id"] in line["examples"]
    assert whole.metadata["stripe/partitions_passed"].value == 1
    assert whole.metadata["stripe/partitions_failed"].value == 1


def test_a_file_that_somebody_changed_is_found_when_its_partition_is_launched_again(
    orchestra: Orchestra, summary_report: ConfiguredReport
) -> None:
    asset = build_report_asset(summary_report, retry_policy=None)
    orchestra.launch([asset], FIRST)
    ((_, event),) = orchestra.recorded(asset)
    path = str(event.metadata["dagster/uri"].value).removeprefix("file://")
    table = pq.read_table(path, partitioning=None)
    origin = {METADATA_KEY: pq.read_metadata(path).metadata[METADATA_KEY.encode()]}
    pq.write_table(pa.concat_tables([table, table]).replace_schema_metadata(origin), path)

    result = orchestra.launch([asset], FIRST, tags={"stripe/intent": "ensure"})

    assert not result.success
    assert not told(orchestra, asset, "file_is_whole")[FIRST].passed


def test_a_run_of_one_partition_has_one_evaluation_of_each_check(
    orchestra: Orchestra, summary: dg.AssetsDefinition
) -> None:
    orchestra.launch([summary], FIRST)

    assert set(told(orchestra, summary, "balance_adds_up")) == {FIRST}


@pytest.mark.parametrize("days", [(FIRST,), (FIRST, THIRD)], ids=["one", "range"])
def test_no_check_of_a_partition_with_nothing_beside_it_counts_as_skipped(
    orchestra: Orchestra, days: tuple[str, ...]
) -> None:
    summary, items = compared(SUMMARY, ITEMS)
    agrees = f"agrees_with_{items.key.path[-1]}"

    assert orchestra.launch([summary], *days).success

    for spec in summary.check_specs:
        if spec.partitions_def:
            counted = [shown(orchestra, summary, spec.name, day) for day in days_of(orchestra, summary)]
            assert counted == [{"SUCCEEDED"}] * len(counted), spec.name
    assert told(orchestra, summary, agrees)[days[-1]].description.startswith("Not applicable")

    assert orchestra.launch([items], *days).success
    assert "Not applicable" not in told(orchestra, summary, agrees)[days[-1]].description


@pytest.mark.parametrize("days", [(FIRST,), (FIRST, SECOND)], ids=["one", "range"])
def test_what_is_compared_only_with_a_later_period_says_so_and_does_not_count_as_skipped(
    orchestra: Orchestra, summary: dg.AssetsDefinition, days: tuple[str, ...]
) -> None:
    orchestra.launch([summary], THIRD)
    orchestra.launch([summary], *days)

    said = told(orchestra, summary, CONTINUITY)
    assert said[FIRST].description == (
        "Not applicable: there is nothing to compare with yet, since the previous period has no data."
    )
    assert shown(orchestra, summary, CONTINUITY, FIRST) == {"SUCCEEDED"}


def test_no_check_of_a_partition_that_did_not_come_looks_failed(
    orchestra: Orchestra, simulator: Simulator
) -> None:
    simulator.faults.add(RunFails(), asking_for(SECOND), times=None)
    (asset,) = compared(BALANCE)

    result = orchestra.launch([asset], FIRST, THIRD)

    assert not result.success
    for spec in asset.check_specs:
        if spec.partitions_def:
            assert shown(orchestra, asset, spec.name, SECOND) == {"SUCCEEDED"}, spec.name
            assert told(orchestra, asset, spec.name)[SECOND].description.startswith("Not applicable")
            assert told(orchestra, asset, spec.name)[FIRST].passed


def test_no_check_of_a_run_that_brought_nothing_looks_failed(
    orchestra: Orchestra, simulator: Simulator, summary: dg.AssetsDefinition
) -> None:
    simulator.faults.add(RunFails(), SUMMARIES, times=None)

    orchestra.launch([summary], FIRST, SECOND)

    said = told(orchestra, summary, "balance_adds_up")
    assert [said[each].passed for each in (FIRST, SECOND, None)] == [True] * 3


def test_a_partition_whose_refresh_failed_is_checked_as_it_is(
    orchestra: Orchestra, simulator: Simulator
) -> None:
    """What was wrong with its file is wrong still."""
    simulator.faults.add(WrongClosing(), asking_for(FIRST, report_type=BALANCE), times=1)
    (asset,) = compared(BALANCE)
    orchestra.launch([asset], FIRST)
    simulator.faults.add(RunFails(), SUMMARIES, times=None)

    again = orchestra.launch([asset], FIRST, SECOND)

    said = told(orchestra, asset, "balance_adds_up")
    assert not said[FIRST].passed
    assert said[SECOND].description.startswith("Not applicable")
    message, metadata = orchestra.failure(again)
    assert "stripe/blocked" not in metadata
    assert "2 of 2 partitions have no new data" in message


# What lies between files


def test_a_balance_that_does_not_go_on_is_told_of_the_later_period(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    simulator.faults.add(MovedBalances(), asking_for(SECOND, report_type=BALANCE))

    result = orchestra.launch([summary], FIRST, THIRD)

    assert result.success, "the one beside it may be about to be asked anew"
    said = told(orchestra, summary, CONTINUITY)
    assert said[FIRST].passed, "there is nothing before it to compare it with"
    assert not said[SECOND].passed
    assert not said[THIRD].passed
    assert "Of 2 comparisons: 2 failed" in said[None].description


@pytest.mark.parametrize(("one", "other"), [(FIRST, SECOND), (SECOND, FIRST)], ids=["forwards", "backwards"])
def test_periods_are_compared_when_the_later_one_to_arrive_arrives(
    orchestra: Orchestra, summary: dg.AssetsDefinition, one: str, other: str
) -> None:
    orchestra.launch([summary], one)
    alone = told(orchestra, summary, CONTINUITY)
    orchestra.launch([summary], other)

    assert set(alone) == {one}
    assert alone[one].passed
    assert "nothing to compare" in alone[one].description
    assert told(orchestra, summary, CONTINUITY)[SECOND].passed


@pytest.mark.parametrize("items_first", [True, False])
def test_a_summary_and_its_items_are_compared_whichever_comes_later_and_both_say_so(
    orchestra: Orchestra, simulator: Simulator, items_first: bool
) -> None:
    simulator.faults.add(WrongSummary(), asking_for(SECOND, report_type=SUMMARY))
    summary, items = compared(SUMMARY, ITEMS)

    for asset in (items, summary) if items_first else (summary, items):
        assert orchestra.launch([asset], FIRST, SECOND).success

    for asset, other in ((summary, items), (items, summary)):
        said = told(orchestra, asset, f"agrees_with_{other.key.path[-1]}")
        assert said[FIRST].passed
        assert not said[SECOND].passed
        assert not said[None].passed
        assert shown(orchestra, asset, f"agrees_with_{other.key.path[-1]}", SECOND) == {"FAILED"}


def test_a_mended_summary_clears_the_failure_at_its_items_too(
    orchestra: Orchestra, simulator: Simulator
) -> None:
    simulator.faults.add(WrongSummary(), asking_for(FIRST, report_type=SUMMARY))
    summary, items = compared(SUMMARY, ITEMS)
    orchestra.launch([summary], FIRST)
    orchestra.launch([items], FIRST)
    check = f"agrees_with_{summary.key.path[-1]}"
    before = told(orchestra, items, check)[FIRST]

    orchestra.launch([summary], FIRST)

    assert not before.passed
    assert told(orchestra, items, check)[FIRST].passed


def test_neighbours_are_found_across_a_change_of_the_clock() -> None:
    hours = dg.HourlyPartitionsDefinition("2025-11-02-01:00", timezone="America/New_York")

    assert adjacent(hours, "2025-11-02-01:00") == [("2025-11-02-01:00", "2025-11-02-01:00-0500")]
    assert adjacent(hours, "2025-11-02-01:00-0500") == [
        ("2025-11-02-01:00", "2025-11-02-01:00-0500"),
        ("2025-11-02-01:00-0500", "2025-11-02-02:00"),
    ]


# What a failure holds up


@pytest.mark.parametrize("awaited", [True, False])
def test_a_blocking_failure_ends_the_run_after_everything_is_recorded(
    orchestra: Orchestra, summary_report: ConfiguredReport, simulator: Simulator, awaited: bool
) -> None:
    simulator.faults.add(WrongClosing(), asking_for(SECOND, report_type=BALANCE))
    patient = dg.RetryPolicy(max_retries=2, delay=0)
    asset = build_report_asset(summary_report, retry_policy=patient)
    books = reader_of(asset)

    result = orchestra.launch([asset, books] if awaited else [asset], FIRST, THIRD)

    assert not result.success
    assert not any(event.is_step_up_for_retry for event in result.all_events)
    message, metadata = orchestra.failure(result)
    assert "balance_adds_up failed in 1 of 3 partitions" in message
    assert f"{SECOND}  balance_adds_up: " in message
    assert " eur" in message, "with the amounts"
    assert "checks.blocking" in message
    (row,) = rows(metadata, "stripe/blocked")
    assert (row["check"], row["partition"]) == ("balance_adds_up", SECOND)
    assert days_of(orchestra, asset) == [FIRST, SECOND, THIRD]
    assert set(told(orchestra, asset, "balance_adds_up")) == {None, FIRST, SECOND, THIRD}
    assert orchestra.recorded(books) == []
    assert needs_person(orchestra.outcome(result))


def test_good_partitions_let_the_readers_of_the_same_run_go_on(
    orchestra: Orchestra, summary: dg.AssetsDefinition
) -> None:
    books = reader_of(summary)

    result = orchestra.launch([summary, books], FIRST, SECOND)

    assert result.success
    assert days_of(orchestra, books) == [FIRST, SECOND]
    said = told(orchestra, summary, "balance_adds_up")
    assert [said[day].passed for day in (FIRST, SECOND)] == [True, True]
    assert shown(orchestra, summary, "balance_adds_up", FIRST) == {"SUCCEEDED"}


def test_launching_a_blocked_run_again_does_not_let_it_through(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    """Nothing is asked again then, and nothing recorded; Dagster would call the checks skipped."""
    simulator.faults.add(WrongClosing(), asking_for(SECOND, report_type=BALANCE))
    books = reader_of(summary)
    orchestra.launch([summary, books], FIRST, SECOND)

    again = orchestra.launch([summary, books], FIRST, SECOND, tags={"stripe/intent": "ensure"})

    assert not again.success
    assert orchestra.recorded(books) == []
    assert len(simulator.runs) == 2
    assert shown(orchestra, summary, "balance_adds_up", SECOND) == {"FAILED"}


def test_a_mended_report_lets_its_readers_go_on(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    simulator.faults.add(WrongClosing(), asking_for(FIRST, report_type=BALANCE))
    books = reader_of(summary)
    orchestra.launch([summary, books], FIRST)

    assert orchestra.launch([summary, books], FIRST).success
    assert days_of(orchestra, books) == [FIRST]
    assert shown(orchestra, summary, "balance_adds_up", FIRST) == {"SUCCEEDED"}


def test_what_is_late_beside_what_is_wrong_is_told_as_well(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    simulator.faults.add(WrongClosing(), asking_for(FIRST, report_type=BALANCE))
    simulator.faults.add(RunTakes(None), asking_for(SECOND, report_type=BALANCE))

    result = orchestra.launch([summary], FIRST, SECOND)

    message, metadata = orchestra.failure(result)
    assert "1 of 2 partitions have no new data (1 late)" in message
    assert "balance_adds_up failed in 1 of 1 partitions" in message
    assert {"stripe/not_materialized", "stripe/blocked"} <= set(metadata)
    assert orchestra.outcome(result) == "failed"


def test_a_run_that_ends_before_it_has_read_anything_says_so_in_each_check(
    orchestra: Orchestra, summary: dg.AssetsDefinition
) -> None:
    orchestra.launch([summary], FIRST)

    result = orchestra.launch([summary], FIRST, SECOND, tags={"stripe/intent": "refesh"})

    said = told(orchestra, summary, "balance_adds_up")
    assert not result.success
    assert said[FIRST].description.startswith("Not evaluated: the run ended before")
    assert (said[FIRST].passed, said[FIRST].severity) == (False, "WARN")
    assert said[SECOND].description.startswith("Not applicable: the partition is not there")
    for spec in (each for each in summary.check_specs if each.partitions_def):
        assert "EXECUTION_FAILED" not in shown(orchestra, summary, spec.name, FIRST)


def test_nobody_asks_again_for_partitions_that_are_recorded_and_wrong(
    orchestra: Orchestra, summary_report: ConfiguredReport, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    simulator.faults.add(WrongClosing(), asking_for(FIRST, report_type=BALANCE))
    orchestra.launch([summary], FIRST)

    tick = Daemon(orchestra, [summary], build_late_report_sensor([summary_report])).tick()

    assert tick.skipped == "Nothing to do: no partition's latest run failed or timed out."


# What is configured


@pytest.mark.parametrize(
    ("options", "goes_on"),
    [
        pytest.param(CheckOptions(), False, id="as-it-ships"),
        pytest.param(CheckOptions(severity={"balance_adds_up": Severity.WARN}), True, id="a-warning"),
        pytest.param(CheckOptions(blocking=frozenset()), True, id="nothing-blocks"),
        pytest.param(CheckOptions(blocking=frozenset({"row_count"})), True, id="another-blocks"),
        pytest.param(CheckOptions(skip=frozenset({"balance_adds_up"})), True, id="skipped"),
    ],
)
def test_what_a_wrong_balance_holds_up_is_configurable(
    orchestra: Orchestra, simulator: Simulator, options: CheckOptions, goes_on: bool
) -> None:
    simulator.faults.add(WrongClosing(), asking_for(FIRST, report_type=BALANCE))
    (asset,) = compared(BALANCE, checks=options)

    result = orchestra.launch([asset], FIRST)

    assert result.success is goes_on
    said = told(orchestra, asset, "balance_adds_up")
    assert ("balance_adds_up" in {key.name for key in asset.check_keys}) is bool(said)
    assert bool(said) is ("balance_adds_up" not in options.skip)
    if said:
        assert not said[FIRST].passed
        assert said[FIRST].severity == options.severity.get("balance_adds_up", "error").upper()


def test_a_check_that_shall_block_fails_as_an_error_whatever_it_is_by_itself(
    orchestra: Orchestra, simulator: Simulator
) -> None:
    simulator.faults.add(AddedColumn(), asking_for(FIRST, report_type=BALANCE))
    (asset,) = compared(BALANCE, checks=CheckOptions(blocking=frozenset({"no_added_columns"})))

    result = orchestra.launch([asset], FIRST)

    assert "no_added_columns" in orchestra.failure(result)[0]
    assert told(orchestra, asset, "no_added_columns")[FIRST].severity == "ERROR"


def test_what_cannot_be_decided_holds_up_nobody(orchestra: Orchestra, simulator: Simulator) -> None:
    simulator.faults.add(PayoutsWithoutCurrency(), asking_for(FIRST, report_type=BALANCE))
    (asset,) = compared(BALANCE)

    assert orchestra.launch([asset], FIRST).success


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        (CheckOptions(skip=frozenset({"balance_add_up"})), "nearest: balance_adds_up"),
        (CheckOptions(severity={"row_counts": Severity.WARN}), "nearest: row_count"),
        (CheckOptions(blocking=frozenset({"net_is_gross_less_fee"})), "no check 'net_is_gross_less_fee'"),
        (CheckOptions(frozenset({"row_count"}), {}, frozenset({"row_count"})), "`skip` and in `blocking`"),
        (
            CheckOptions(severity={"row_count": Severity.WARN}, blocking=frozenset({"row_count"})),
            "only an error blocks",
        ),
    ],
    ids=["skip", "severity", "not-of-this-report", "skipped-and-blocking", "warning-and-blocking"],
)
def test_a_slip_in_the_options_is_refused_with_what_was_meant(
    summary_report: ConfiguredReport, options: CheckOptions, answer: str
) -> None:
    with pytest.raises(ConfigurationError, match=answer):
        build_report_asset(replace(summary_report, checks=options))


def test_an_asset_shows_its_checks_with_what_has_to_hold(summary: dg.AssetsDefinition) -> None:
    specs = {spec.name: spec for spec in summary.check_specs}

    assert specs["balance_adds_up"].blocking
    assert not specs[CONTINUITY].blocking
    assert "add up to the ending balance" in (specs["balance_adds_up"].description or "")


def test_somebodys_own_body_need_not_know_of_checks(
    orchestra: Orchestra, summary_report: ConfiguredReport
) -> None:
    def nothing(
        context: dg.AssetExecutionContext, report: ConfiguredReport
    ) -> Sequence[dg.MaterializeResult[None]]:
        context.log.info(f"{report.key} is somebody else's business")
        return ()

    asset = build_report_asset(summary_report, execute=nothing)  # type: ignore[arg-type]

    assert orchestra.launch([asset], FIRST).success
