"""What is left alone: in hand, or cancelled by a person until a person launches it; in a real Dagster."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import ConfiguredReport
from assets.dagster_runs.history import Backfill, BackfillStatus, PartitionGrid
from assets.dagster_runs.launch import (
    Launch,
    Outcome,
    covered,
    find_put_down,
    launch_of,
    launched_by_person,
)
from assets.dagster_runs.launches import SOON, Launches
from tests.support.counting import CountedInstance
from tests.support.runs import Runs

KEYS = [f"2026-06-{day:02}" for day in range(1, 31)]
GRID = PartitionGrid.over("stripe/balance_summary", [KEYS])
SENSOR = {"dagster/sensor_name": "stripe_availability", "dagster/run_key": "k"}
S = dg.DagsterRunStatus


@pytest.fixture
def runs(instance: dg.DagsterInstance, summary_report: ConfiguredReport) -> Runs:
    return Runs(instance, summary_report)


def days(first: int, last: int) -> set[str]:
    return {f"2026-06-{day:02}" for day in range(first, last + 1)}


# Over plain values


def test_ranges_of_other_assets_and_of_keys_that_are_gone_cover_nothing() -> None:
    span = {
        "dagster/asset_partition_range_start": "2026-06-02",
        "dagster/asset_partition_range_end": "2026-06-04",
    }
    whole = launch_of("a", None, span)
    other = launch_of("b", [dg.AssetKey("other")], span)
    gone = launch_of("c", None, {"dagster/partition": "2020-01-01"})

    assert launch_of("d", None, {}) is None
    assert covered([each for each in (whole, gone) if each], GRID) == days(2, 4)
    assert covered([each for each in (other,) if each], GRID) == set()


@pytest.mark.parametrize(
    ("tags", "by_person"),
    [
        pytest.param({}, True, id="from-the-launchpad"),
        pytest.param(SENSOR, False, id="sensor"),
        pytest.param({"dagster/schedule_name": "s"}, False, id="schedule"),
        pytest.param({"dagster/from_automation_condition": "true"}, False, id="automation-condition"),
        pytest.param({**SENSOR, "dagster/parent_run_id": "p"}, True, id="re-executed-by-a-person"),
        pytest.param(
            {"dagster/parent_run_id": "p", "dagster/retry_number": "1"}, False, id="retried-by-dagster"
        ),
    ],
)
def test_tags_say_whether_a_person_launched_it(tags: Mapping[str, str], by_person: bool) -> None:
    assert launched_by_person(tags) is by_person


LAUNCHES = st.lists(
    st.builds(
        lambda first, length, outcome, by_person: Launch(
            "x",
            None,
            KEYS[first],
            KEYS[min(first + length, 29)],
            outcome=outcome,
            by_person=by_person,
        ),
        st.integers(0, 29),
        st.integers(0, 9),
        st.sampled_from(Outcome),
        st.booleans(),
    ),
    max_size=12,
)


@given(LAUNCHES, st.sets(st.sampled_from(KEYS)))
def test_put_down_is_what_was_cancelled_after_every_launch_of_a_person(
    newest_first: list[Launch], asked_about: set[str]
) -> None:
    put_down = find_put_down(newest_first, GRID, asked_about)

    assert put_down <= asked_about
    for key in asked_about:
        about = [launch for launch in newest_first if key in launch.partitions(GRID)]
        wishes = [each for each in about if each.by_person or each.outcome is Outcome.CANCELLED]
        assert (key in put_down) == (bool(wishes) and wishes[0].outcome is Outcome.CANCELLED)


# Runs


@pytest.mark.parametrize("status", [S.QUEUED, S.NOT_STARTED, S.STARTING, S.STARTED, S.CANCELING])
def test_what_has_not_ended_is_in_hand(runs: Runs, status: S) -> None:
    runs.add("2026-06-02", "2026-06-03", status=status)

    assert runs.left_alone(GRID).in_hand == days(2, 3)


def test_a_run_that_was_never_queued_is_not_in_hand_for_ever(runs: Runs) -> None:
    runs.add("2026-06-02", status=S.NOT_STARTED)
    later = datetime.now(UTC) + SOON + timedelta(minutes=1)

    assert runs.left_alone(GRID, now=later).keys == set()


def test_what_dagster_is_about_to_retry_is_in_hand_for_a_while(runs: Runs) -> None:
    runs.add("2026-06-02", status=S.FAILURE, tags={"dagster/will_retry": "true"})
    retried = {"dagster/will_retry": "true", "dagster/auto_retry_run_id": "r"}
    runs.add("2026-06-03", status=S.FAILURE, tags=retried)

    assert runs.left_alone(GRID).in_hand == days(2, 2)
    assert runs.left_alone(GRID, now=datetime.now(UTC) + SOON + timedelta(minutes=1)).keys == set()


@pytest.mark.parametrize("tags", [{}, SENSOR], ids=["of-a-person", "of-a-sensor"])
def test_a_cancelled_run_is_left_alone_until_a_person_launches(runs: Runs, tags: Mapping[str, str]) -> None:
    runs.add("2026-06-01", "2026-06-05", status=S.CANCELED, tags=tags)
    after_cancelling = runs.left_alone(GRID)
    runs.add("2026-06-02", status=S.FAILURE, tags=SENSOR)
    after_a_sensor = runs.left_alone(GRID)
    runs.add("2026-06-02", "2026-06-03", status=S.FAILURE)
    after_a_person = runs.left_alone(GRID)

    assert after_cancelling.put_down == after_a_sensor.put_down == days(1, 5)
    assert after_a_person.put_down == days(1, 1) | days(4, 5)


def test_an_old_cancellation_is_not_forgotten_behind_many_runs(runs: Runs) -> None:
    runs.add("2026-06-01", status=S.CANCELED)
    for _ in range(110):
        runs.add("2026-06-02", status=S.FAILURE, tags=SENSOR)

    assert runs.left_alone(GRID).put_down == days(1, 1)


@pytest.fixture
def long_history(runs: Runs) -> CountedInstance:
    """A cancelled day, many runs of others, and a person's launch of a second day that was cancelled."""
    runs.add("2026-06-01", "2026-06-02", status=S.CANCELED)
    for _ in range(250):
        runs.add("2026-06-09", status=S.SUCCESS, tags=SENSOR)
    runs.add("2026-06-02", status=S.FAILURE)
    return CountedInstance(runs.instance)


@pytest.mark.parametrize(
    ("keys", "put_down", "at_most"),
    [
        pytest.param(days(3, 30), set(), 1, id="nothing-of-it-cancelled"),
        pytest.param(days(2, 30), set(), 101, id="launched-since"),
        pytest.param(days(1, 30), days(1, 1), 253, id="put-down-long-ago"),
    ],
)
def test_runs_are_read_back_only_to_what_became_of_the_keys_asked_about(
    long_history: CountedInstance, keys: set[str], put_down: set[str], at_most: int
) -> None:
    launches = Launches(long_history.as_instance)

    assert launches.left_alone(GRID, keys).put_down == put_down
    assert long_history.runs <= at_most


def test_runs_that_were_read_for_one_report_are_not_read_again_for_another(
    long_history: CountedInstance,
) -> None:
    launches = Launches(long_history.as_instance)

    for _ in range(3):
        launches.left_alone(GRID, KEYS)
        launches.latest_failed(GRID, KEYS)

    # The one that was cancelled, all, and the one that failed.
    assert long_history.runs == 1 + 252 + 1


# Backfills


@pytest.mark.parametrize("status", ["REQUESTED", "CANCELING", "FAILING"])
def test_an_unfinished_backfill_is_in_hand_however_many_came_after_it(runs: Runs, status: str) -> None:
    runs.add_backfill(KEYS[:20], status=status, age=100)
    for number in range(30):
        runs.add_backfill(KEYS[-1:], status="COMPLETED_SUCCESS", age=90 - number)

    assert runs.left_alone(GRID).in_hand == days(1, 20)


@pytest.mark.parametrize("status", ["CANCELED", "CANCELING"])
def test_of_a_cancelled_backfill_all_is_left_alone_that_it_did_not_bring(runs: Runs, status: str) -> None:
    backfill = runs.add_backfill(KEYS[:10], status=status, done=KEYS[:3], age=100)
    in_it = {"dagster/backfill": backfill.backfill_id}
    runs.add("2026-06-01", "2026-06-03", status=S.SUCCESS, tags=in_it)
    runs.add("2026-06-04", status=S.FAILURE, tags=in_it)
    runs.add("2026-06-05", status=S.CANCELED, tags=in_it)

    assert runs.left_alone(GRID).put_down == days(4, 10)


def test_a_person_takes_a_cancelled_backfill_up_again_by_a_run_or_a_backfill(runs: Runs) -> None:
    runs.add_backfill(KEYS[:10], status="CANCELED", age=100)
    runs.add_backfill(KEYS[:2], status="COMPLETED_FAILED", age=50)
    runs.add("2026-06-03", status=S.FAILURE)
    automatic = {"dagster/from_automation_condition": "true"}
    runs.add_backfill(KEYS[3:5], status="COMPLETED_FAILED", age=40, tags=automatic)

    assert runs.left_alone(GRID).put_down == days(4, 10)


def test_one_run_of_a_backfill_that_went_on_is_put_down_alone(runs: Runs) -> None:
    backfill = runs.add_backfill(KEYS[:10], status="COMPLETED_FAILED", done=KEYS[2:10], age=100)
    runs.add("2026-06-01", "2026-06-02", status=S.CANCELED, tags={"dagster/backfill": backfill.backfill_id})

    assert runs.left_alone(GRID).put_down == days(1, 2)


def test_what_a_later_backfill_brought_before_it_was_cancelled_is_not_left_alone(runs: Runs) -> None:
    runs.add("2026-06-01", "2026-06-02", status=S.CANCELED)
    runs.add_backfill(KEYS[:3], status="CANCELED", done=KEYS[:1])

    assert runs.left_alone(GRID).put_down == days(2, 3)


def test_a_person_takes_a_cancelled_run_of_a_backfill_up_again_by_re_executing_it(runs: Runs) -> None:
    """Dagster counts the re-execution to the backfill as long as that goes on."""
    backfill = runs.add_backfill(KEYS[:10], status="COMPLETED_FAILED", done=KEYS[2:10], age=100)
    in_it = {"dagster/backfill": backfill.backfill_id}
    cancelled = runs.add("2026-06-01", "2026-06-02", status=S.CANCELED, tags=in_it)
    again = {**in_it, "dagster/parent_run_id": cancelled}
    runs.add("2026-06-01", status=S.FAILURE, tags=again)
    runs.add("2026-06-02", status=S.FAILURE, tags={**again, "dagster/retry_number": "1"})

    assert runs.left_alone(GRID).put_down == days(2, 2)


@pytest.mark.parametrize("status", ["FAILED", "FAILING"])
def test_runs_that_dagster_cancelled_with_a_broken_backfill_are_not_put_down(runs: Runs, status: str) -> None:
    backfill = runs.add_backfill(KEYS[:10], status=status, age=100)
    runs.add("2026-06-01", "2026-06-02", status=S.CANCELED, tags={"dagster/backfill": backfill.backfill_id})

    assert runs.left_alone(GRID).put_down == set()


def test_other_assets_of_a_backfill_are_none_of_ours(
    instance: dg.DagsterInstance, summary_report: ConfiguredReport
) -> None:
    Runs(instance, summary_report).add_backfill(KEYS[:5], status="REQUESTED")
    other = PartitionGrid.over("stripe/other", [KEYS])

    assert Launches(instance).left_alone(other, KEYS).keys == set()


def test_a_backfill_of_a_job_is_in_hand_and_put_down_for_the_assets_of_its_runs(
    instance: dg.DagsterInstance, summary_report: ConfiguredReport
) -> None:
    runs = Runs(instance, summary_report)
    instance.add_backfill(
        Backfill(
            backfill_id="job",
            status=BackfillStatus.CANCELED,
            from_failure=False,
            tags={},
            backfill_timestamp=datetime.now(UTC).timestamp() - 100,
            partition_names=KEYS[:4],
        )
    )
    runs.add("2026-06-01", status=S.SUCCESS, tags={"dagster/backfill": "job"})

    assert runs.left_alone(GRID).put_down == days(2, 4)
    assert Launches(instance).left_alone(PartitionGrid.over("stripe/other", [KEYS]), KEYS).keys == set()
