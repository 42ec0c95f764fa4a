"""What a run is for: which runs it continues, and which of its tags hold."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import product

import dagster as dg
import pytest

from assets.dagster_runs.history import MaterializationEvent
from assets.dagster_runs.tags import ATTEMPTS_TAG, INTENT_TAG, LATE_TAG, PARENT_RUN, REPORT_RUNS_TAG, Intent
from assets.materialize.wish import Wish
from connector.errors import ConfigurationError

WELL, FAILED, CANCELLED = (
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
)
RUNNING = dg.DagsterRunStatus.STARTED
EPOCH = datetime(2026, 6, 1, tzinfo=UTC)
ORDERS = {INTENT_TAG: "ensure", REPORT_RUNS_TAG: '{"2026-06-01":"frr_1"}', ATTEMPTS_TAG: "1"}


class Line:
    """Runs each of which re-executes the one before, an hour after it was launched; the last is `this`.

    They carry the tags of the first, as Dagster has it, and the last has those given on top.
    """

    def __init__(
        self, *ended: dg.DagsterRunStatus, first: Mapping[str, str] = ORDERS, last: Mapping[str, str] = {}
    ) -> None:
        self.records: dict[str, dg.RunRecord] = {}
        for number, status in enumerate([*ended, RUNNING]):
            parent = {PARENT_RUN: f"run{number - 1}"} if number else {}
            own = last if number == len(ended) else {}
            self.this = dg.DagsterRun(
                "job", run_id=f"run{number}", status=status, tags={**first, **parent, **own}
            )
            at = EPOCH + timedelta(hours=number)
            self.records[self.this.run_id] = dg.RunRecord(number, self.this, at, at)

    @property
    def wish(self) -> Wish:
        return Wish.of(self.this, self.records.get)

    def asks_again(self, brought_by: int) -> bool:
        """Whether a partition is asked for that this run of the line has brought."""
        at = (EPOCH + timedelta(hours=brought_by, minutes=30)).timestamp()
        event = MaterializationEvent("2026-06-01", "frr_1", f"run{brought_by}", 1, at)
        return not (self.wish.is_fulfilled_by(event) or self.wish.intent is Intent.ENSURE)


@pytest.mark.parametrize("line", list(product([WELL, FAILED, CANCELLED], repeat=3)))
def test_only_what_came_after_the_last_run_that_ended_well_is_continued(
    line: tuple[dg.DagsterRunStatus, ...],
) -> None:
    runs = Line(*line)

    well = [number for number, status in enumerate(line) if status is WELL]
    begins = well[-1] + 1 if well else 0
    assert runs.wish.attempts == {f"run{number}" for number in range(begins, len(line) + 1)}
    assert [runs.asks_again(number) for number in range(len(line))] == [
        bool(well) and number < begins for number in range(len(line))
    ]


def test_orders_of_a_run_that_ended_well_do_not_bind_its_re_execution() -> None:
    again = Line(WELL, first={**ORDERS, LATE_TAG: "stripe/balance_summary"})

    assert again.wish.intent is Intent.REFRESH
    assert {REPORT_RUNS_TAG, ATTEMPTS_TAG} & again.wish.tags.keys() == set()
    assert again.wish.tags[LATE_TAG] == "stripe/balance_summary"


def test_orders_of_a_run_that_failed_bind_its_retry() -> None:
    assert {name: Line(FAILED).wish.tags[name] for name in ORDERS} == ORDERS


def test_what_a_person_changes_in_the_tags_holds() -> None:
    again = Line(WELL, first={INTENT_TAG: "refresh"}, last={INTENT_TAG: "ensure", ATTEMPTS_TAG: "2"})

    assert again.wish.intent is Intent.ENSURE
    assert again.wish.tags[ATTEMPTS_TAG] == "2"


def test_what_another_run_brought_meanwhile_is_not_asked_for_by_a_retry() -> None:
    retry, at = Line(FAILED, first={}), (EPOCH + timedelta(minutes=10)).timestamp()

    assert retry.wish.is_fulfilled_by(MaterializationEvent("2026-06-01", "frr_1", "a sensor's", 1, at))
    assert not retry.wish.is_fulfilled_by(MaterializationEvent("2026-06-01", "frr_1", "before", 1, at - 3600))


def test_a_run_of_its_own_says_what_its_tags_say_and_continues_nothing() -> None:
    alone = Line(first={INTENT_TAG: "refresh"}).wish

    assert alone == Wish(frozenset({"run0"}), None, {INTENT_TAG: "refresh"})
    assert alone.intent is Intent.REFRESH


def test_a_parent_that_was_deleted_leaves_the_tags_as_they_are() -> None:
    orphan = Line(WELL)
    del orphan.records["run0"]

    assert orphan.wish.intent is Intent.ENSURE


def test_an_intent_that_is_neither_of_the_two_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="refesh"):
        _ = Line(first={INTENT_TAG: "refesh"}).wish.intent
