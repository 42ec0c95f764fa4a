"""What is said of partitions that failed: whether they come by themselves, when, and by whom."""

import json
from datetime import UTC, datetime

import pytest

from connector.api.responses import error_of
from connector.errors import (
    BeforeDataError,
    ConnectionFailedError,
    DataError,
    NotReadyError,
    ReportingError,
    RunFailedError,
    RunPendingError,
    ServerError,
)
from connector.runs.wording import COMMAND, Caretakers, Reasons, outlook, what_to_do

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)
LATE = RunPendingError("pending", run_id="frr_1")
NOT_ACCEPTED = RunPendingError("pending", run_id=None)
NOT_READY = NotReadyError("not ready", expected=NOON)
REFUSED = NotReadyError("refused")
FAILED = RunFailedError("failed", run_id="frr_1", attempts=3)
DOWN = ServerError("down", status=503)
BROKEN = DataError("broken")
BEFORE = BeforeDataError("before", available_start=NOON)

SENSORS = Caretakers("Materialize it again", late="the late sensor", missing="the daily sensor")
NO_LATE = Caretakers("Materialize it again", missing="the daily sensor")
NOBODY = Caretakers("Materialize it again")
MAY_COME = "It may come by itself: the daily sensor requests it again when Stripe's data have advanced."


@pytest.mark.parametrize(
    ("error", "by", "said"),
    [
        (LATE, SENSORS, "It comes by itself: the late sensor takes it up when Stripe has finished it."),
        (LATE, NO_LATE, MAY_COME),
        (NOT_ACCEPTED, SENSORS, MAY_COME),
        (
            NOT_READY,
            SENSORS,
            "It comes by itself: the daily sensor requests it once Stripe has the data, expected by "
            "2026-06-03 12:00 UTC.",
        ),
        (REFUSED, SENSORS, "It comes by itself: the daily sensor requests it once Stripe has the data."),
        (FAILED, SENSORS, MAY_COME),
        (DOWN, SENSORS, MAY_COME),
        (BROKEN, SENSORS, "It does not come by itself."),
        (BEFORE, SENSORS, "It does not come by itself."),
    ],
)
def test_a_message_names_what_brings_a_partition_in_and_when(
    error: ReportingError, by: Caretakers, said: str
) -> None:
    assert outlook([error], by) == said


@pytest.mark.parametrize("by", [SENSORS, COMMAND])
def test_beside_an_error_that_says_when_it_is_not_said_again(by: Caretakers) -> None:
    said = outlook([NOT_READY], by, beside=True)

    assert said == outlook([NOT_READY], by).partition(", ")[0] + "."


@pytest.mark.parametrize("by", [COMMAND, NOBODY], ids=["command", "dagster"])
@pytest.mark.parametrize("error", [LATE, NOT_ACCEPTED, NOT_READY, REFUSED, FAILED, DOWN, BROKEN, BEFORE])
def test_nothing_comes_by_itself_where_nobody_looks_after_it(error: ReportingError, by: Caretakers) -> None:
    said = what_to_do([error], by)

    assert said.startswith("It does not come by itself")
    assert by.again in said or isinstance(error, DataError | BeforeDataError)


def test_of_several_partitions_each_sentence_is_said_once_with_the_last_time() -> None:
    later = NotReadyError("not ready", expected=datetime(2026, 6, 4, tzinfo=UTC))

    assert what_to_do([NOT_READY, later, REFUSED], COMMAND) == (
        "They do not come by themselves, and Stripe has no data for them yet, expected by 2026-06-04 00:00 "
        "UTC. Pull again when Stripe has the data."
    )
    assert what_to_do([LATE, LATE], COMMAND) == (
        "They do not come by themselves, though Stripe goes on with them. Pull again later: the report run "
        "is reused, or replaced once it has hung for too long."
    )


def refused(status: int, asked: str, text: str, request: str) -> ReportingError:
    body = json.dumps({"error": {"message": text}}).encode()
    return error_of(status, {"request-id": request}, body, asked=asked, key="rk_live_…", now=NOON)


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        (refused(401, "GET /a", "Expired.", "req_1"), refused(401, "GET /b", "Expired.", "req_2"), True),
        (refused(401, "GET /a", "rk_…1.", "req_1"), refused(401, "GET /b", "rk_…2.", "req_2"), True),
        (refused(403, "GET /a", "No.", "req_1"), refused(403, "POST /b", "No.", "req_2"), True),
        (refused(403, "GET /a", "No.", "req_1"), refused(403, "GET /a", "Not that.", "req_2"), False),
        (refused(404, "POST /a", "No type.", "req_1"), refused(404, "POST /a", "No type.", "req_2"), True),
        (refused(400, "POST /a", "No.", "req_1"), refused(404, "POST /a", "No.", "req_2"), False),
        (ConnectionFailedError("GET /a: reset"), ConnectionFailedError("GET /b: [tried 3 times]"), True),
        (RunFailedError("a", run_id="a", attempts=3), RunFailedError("b", run_id="b", attempts=3), False),
        (DataError("column x"), DataError("column x"), True),
        (DataError("the same"), ReportingError("the same"), False),
    ],
)
def test_what_is_of_the_key_the_account_or_the_network_is_said_once(
    one: ReportingError, two: ReportingError, same: bool
) -> None:
    reasons = Reasons()

    said = [reasons.known(key, error) for key, error in (("one", one), ("two", two), ("one", one))]

    assert said == [None, "for the same reason as one" if same else None, None]
