"""What to do about late partitions, as decisions over plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assets import ConfiguredReport
from assets.dagster_runs.history import PartitionGrid
from assets.dagster_runs.run_requests import neighbours
from assets.dagster_runs.tags import (
    ATTEMPTS_TAG,
    INTENT_TAG,
    PARENT_RUN,
    REPORT_RUNS_TAG,
    allowed,
    tag_of,
    tagged,
)
from assets.sensors.late_decisions import (
    TRIES,
    Decision,
    LateAction,
    ListedRun,
    count_tries,
    decide,
    plan_requests,
)
from assets.sensors.report_run_scan import SCAN_CURSOR, AccountScans, ReportRunScan
from connector.api.models import RunStatus
from connector.errors import ConfigurationError
from connector.runs.adoption import WaitPolicy

NOW = datetime(2026, 6, 7, 13, tzinfo=UTC)
FAILED, PENDING, SUCCEEDED = RunStatus.FAILED, RunStatus.PENDING, RunStatus.SUCCEEDED
KEYS = [f"2026-06-{day:02}" for day in range(1, 31)]
CALENDAR = PartitionGrid.over("stripe/balance_summary", [KEYS])


def runs(*statuses: RunStatus, hours_apart: float = 1) -> list[ListedRun]:
    """Newest first: r0, r1, …; the newest an hour old."""
    return [
        ListedRun(f"r{at}", status, NOW - timedelta(hours=hours_apart * (at + 1)))
        for at, status in enumerate(statuses)
    ]


def decided(
    newest_first: Sequence[ListedRun],
    *,
    recorded: str | None = None,
    tried: Mapping[str, int] | None = None,
    complete: bool = True,
) -> Decision:
    return decide(
        newest_first,
        recorded=recorded,
        tried=tried or {},
        complete=complete,
        now=NOW,
        abandon_after=timedelta(hours=6),
        attempts=3,
    )


@pytest.mark.parametrize(
    ("newest_first", "action", "run_id"),
    [
        pytest.param(runs(SUCCEEDED), LateAction.PICK_UP, "r0", id="finished"),
        pytest.param(runs(PENDING), LateAction.WAIT, "r0", id="young-and-pending"),
        pytest.param(runs(FAILED), LateAction.REQUEST_AGAIN, "r0", id="failed"),
        pytest.param(runs(PENDING, hours_apart=6), LateAction.REPLACE, "r0", id="pending-for-too-long"),
        pytest.param(runs(PENDING, SUCCEEDED), LateAction.PICK_UP, "r1", id="the-given-up-one-came-first"),
        pytest.param(runs(FAILED, PENDING), LateAction.WAIT, "r1", id="one-failed-while-another-goes-on"),
        pytest.param(runs(FAILED, FAILED), LateAction.REQUEST_AGAIN, "r0", id="failed-twice"),
        pytest.param(runs(FAILED, FAILED, FAILED), LateAction.GIVE_UP, "r0", id="failed-three-times"),
        pytest.param([], LateAction.NOTHING, None, id="never-requested"),
    ],
)
def test_what_stripe_says_of_the_runs_decides(
    newest_first: list[ListedRun], action: LateAction, run_id: str | None
) -> None:
    decision = decided(newest_first)

    assert (decision.action, decision.run_id) == (action, run_id)


def test_a_run_of_this_event_or_an_older_one_brings_nothing_new() -> None:
    assert decided(runs(SUCCEEDED, SUCCEEDED), recorded="r0").action is LateAction.RECORDED
    assert decided(runs(SUCCEEDED, SUCCEEDED), recorded="r1").run_id == "r0"


def test_while_the_list_is_not_read_to_its_end_only_the_certain_is_decided() -> None:
    assert decided(runs(SUCCEEDED), complete=False).action is LateAction.PICK_UP
    assert decided(runs(PENDING), complete=False).action is LateAction.WAIT
    assert decided(runs(FAILED), complete=False).action is LateAction.UNREAD


def test_what_fails_in_dagster_again_and_again_is_left_to_people() -> None:
    assert decided(runs(SUCCEEDED), tried={"r0": TRIES - 1}).action is LateAction.PICK_UP
    assert decided(runs(SUCCEEDED), tried={"r0": TRIES}).action is LateAction.TRIED


STATUSES = st.lists(st.sampled_from(list(RunStatus)), max_size=8)


@given(STATUSES, st.integers(0, 9), st.booleans())
@example(statuses=[FAILED, PENDING], recorded=9, complete=True)
def test_a_partition_never_costs_more_report_runs_than_allowed(
    statuses: list[RunStatus], recorded: int, complete: bool
) -> None:
    newest_first = runs(*statuses, hours_apart=4)

    decision = decided(newest_first, recorded=f"r{recorded}", complete=complete)
    newer = newest_first[:recorded]
    may_cost_another = complete and len(newer) < 3 and all(run.status is not SUCCEEDED for run in newer)
    costs_another = decision.action in {LateAction.REQUEST_AGAIN, LateAction.REPLACE}
    assert may_cost_another or not costs_another
    # Those that hang are counted by whoever creates runs.
    failed = sum(run.status is FAILED for run in newer)
    assert decision.left == (3 - failed if costs_another else 0)


@given(STATUSES, st.integers(0, 9), st.booleans())
def test_only_a_finished_run_newer_than_the_event_is_picked_up(
    statuses: list[RunStatus], recorded: int, complete: bool
) -> None:
    newest_first = runs(*statuses)

    decision = decided(newest_first, recorded=f"r{recorded}", complete=complete)

    finished = [run.id for run in newest_first[:recorded] if run.status is SUCCEEDED]
    picked = decision.run_id if decision.action is LateAction.PICK_UP else None
    assert picked == (finished[0] if finished else None)


# From decisions to Dagster runs


def test_neighbours_with_the_same_fate_share_a_run_that_names_their_report_runs(
    summary_report: ConfiguredReport,
) -> None:
    decisions = {
        "2026-06-01": Decision(LateAction.PICK_UP, "a"),
        "2026-06-02": Decision(LateAction.PICK_UP, "b"),
        "2026-06-03": Decision(LateAction.REQUEST_AGAIN, "c", left=2),
        "2026-06-04": Decision(LateAction.WAIT, "d"),
        "2026-06-05": Decision(LateAction.PICK_UP, "e"),
    }

    due = plan_requests(summary_report, CALENDAR, decisions)

    assert [request.keys for request in due] == [
        ("2026-06-01", "2026-06-02"),
        ("2026-06-03",),
        ("2026-06-05",),
    ]
    assert tagged(due[0].tags[REPORT_RUNS_TAG]) == {"2026-06-01": "a", "2026-06-02": "b"}
    assert REPORT_RUNS_TAG not in due[1].tags
    assert due[1].tags[INTENT_TAG] == "ensure"


def test_a_refresh_and_a_first_request_never_share_a_run(summary_report: ConfiguredReport) -> None:
    """Nor do partitions that may cost more report runs than others."""
    decisions = {
        "2026-06-01": Decision(LateAction.REQUEST_AGAIN, "a", left=2),
        "2026-06-02": Decision(LateAction.REQUEST_AGAIN, "b", left=2, refresh=True),
        "2026-06-03": Decision(LateAction.REQUEST_AGAIN, "c", left=1, refresh=True),
    }

    due = plan_requests(summary_report, CALENDAR, decisions)

    assert [(request.tags[INTENT_TAG], request.tags[ATTEMPTS_TAG]) for request in due] == [
        ("ensure", "2"),
        ("refresh", "2"),
        ("refresh", "1"),
    ]


def test_a_run_key_tells_apart_assets_report_runs_and_tries(summary_report: ConfiguredReport) -> None:
    twin = replace(summary_report, query=replace(summary_report.query, name="twin"))
    day = "2026-06-01"
    decisions = [
        (summary_report, Decision(LateAction.PICK_UP, "a")),
        (twin, Decision(LateAction.PICK_UP, "a")),
        (summary_report, Decision(LateAction.PICK_UP, "b")),
        (summary_report, Decision(LateAction.PICK_UP, "a", tried=1)),
        (summary_report, Decision(LateAction.REQUEST_AGAIN, "a", left=2)),
    ]

    keys = [
        request.run_key
        for report, one in decisions
        for request in plan_requests(report, CALENDAR, {day: one})
    ]

    assert len(set(keys)) == len(decisions)
    assert keys[0] == plan_requests(summary_report, CALENDAR, {day: decisions[0][1]})[0].run_key


def test_tries_are_counted_by_the_tags_of_earlier_runs() -> None:
    first = {REPORT_RUNS_TAG: tag_of({"d1": "a", "d2": "b"})}
    earlier = [first, {REPORT_RUNS_TAG: tag_of({"d1": "a"})}, {}, {**first, PARENT_RUN: "re-executed"}]

    counted = count_tries(earlier)

    assert counted["d1"]["a"] == 2
    assert counted["d2"]["b"] == 1


@given(st.sets(st.sampled_from(KEYS)), st.none() | st.integers(1, 40))
def test_partitions_cut_into_runs_are_all_there_once_and_without_gaps(
    keys: set[str], at_most: int | None
) -> None:
    groups = neighbours(keys, CALENDAR, at_most=at_most)

    assert [key for group in groups for key in group] == sorted(keys)
    for group in groups:
        assert list(group) == CALENDAR.between(group[0], group[-1])
        assert at_most is None or len(group) <= at_most


def test_a_partition_that_left_the_definition_is_not_requested() -> None:
    assert neighbours(["2020-01-01", "2026-06-01"], CALENDAR, at_most=None) == [("2026-06-01",)]


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_tag_that_allows_no_number_of_report_runs_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a positive number"):
        allowed(value, WaitPolicy())


@pytest.mark.parametrize("value", ["[]", "frr_1", "1"])
def test_a_tag_that_names_no_report_runs_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="expected JSON"):
        tagged(value)


# The cursor


def test_a_scan_continues_where_its_cursor_says() -> None:
    begun = ReportRunScan({"digest": runs(SUCCEEDED, FAILED)}, after="r1", listed=200, unknown=198)
    scans = AccountScans({"acct_1": begun}, behind="acct_2")

    assert SCAN_CURSOR.parse(SCAN_CURSOR.write(scans.remaining())) == scans


def test_a_complete_scan_is_followed_by_a_new_one() -> None:
    scan = ReportRunScan({"digest": runs(SUCCEEDED)}, after="r1", complete=True, listed=1)
    scans = AccountScans({"": scan}, behind="")

    assert SCAN_CURSOR.parse(SCAN_CURSOR.write(scans.remaining())) == AccountScans(behind="")


@pytest.mark.parametrize("cursor", [None, "", "7", "[]", '{"version":1,"after":"r"}', "not json"])
def test_a_cursor_that_is_damaged_or_of_another_version_counts_as_none(cursor: str | None) -> None:
    assert SCAN_CURSOR.parse(cursor) is None
