"""What a batch makes of the runs that Stripe shows."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from connector.api.client import StripeClient
from connector.api.models import ReportRequest, ReportRun, epoch
from connector.errors import ReportingError, RunFailedError, ServerError
from connector.pipeline.events import Done
from connector.query import ReportQuery
from connector.runs import wording
from connector.runs.adoption import PartitionRequest, WaitPolicy
from connector.runs.batch import RunBatch
from connector.runs.events import Asked, Missed, Origin
from connector.runs.progress import PartitionProgress
from connector.simulator import Simulator
from tests.conftest import Pull
from tests.faults.network import EditJson, Respond
from tests.faults.runs import RunFails, RunTakes
from tests.support.partitions import days
from tests.support.workers import InlineWorkers

T = TypeVar("T")


def test_a_run_that_shows_the_columns_stripe_chose_is_one_that_left_the_choice_to_stripe(
    simulator: Simulator, client: StripeClient
) -> None:
    (day,) = days("2026-05-10", 1)
    asked = dict(ReportQuery.of("balance_summary").request(day).parameters)
    bounds = ReportRequest.of("balance.summary.1", {**asked, "columns": None})
    run = client.create_report_run(bounds, idempotency_key="theirs")
    chosen = list(client.report_type("balance.summary.1").default_columns or ())

    def show(body: dict[str, Any]) -> None:
        for each in body["data"]:
            each["parameters"]["columns"] = chosen

    simulator.faults.add(EditJson(show), "GET */report_runs", times=None)
    batch = RunBatch(
        client, [PartitionRequest(day, bounds)], creators=InlineWorkers(), pollers=InlineWorkers()
    )

    assert batch.open() == [Asked(day, run.id, Origin.ADOPTED)]


class Busy:
    """Workers that get nothing done."""

    def submit(self, _work: Callable[[], T], /) -> "Future[T]":
        return Future()


def test_while_only_a_request_is_under_way_a_batch_wants_to_be_looked_at_after_a_second(
    client: StripeClient,
) -> None:
    batch = RunBatch(client, [PartitionRequest(DAY, REQUEST)], creators=Busy(), pollers=InlineWorkers())
    batch.open()

    assert batch.due_in() == 0.0, "a run is to be created"
    assert batch.step() == []
    assert batch.due_in() == 1.0
    assert (len(batch.futures), batch.done) == (1, False)


NOON = datetime(2026, 6, 8, 12, tzinfo=UTC)
(DAY,) = days("2026-05-10", 1)
REQUEST = ReportQuery.of("balance_summary").request(DAY)
RUN = ReportRun.from_api(
    {"id": "frr_1", "report_type": "t", "status": "pending", "created": epoch(NOON), "livemode": False}
)
HOURS = timedelta(hours=1)
TAKEN_UP = (
    "It goes on at Stripe, and the next attempt takes it up; if it is still pending at 2026-06-08 18:00 UTC"
)
LEFT = "It goes on at Stripe. With the next attempt, if it is still pending"
NO_MORE = "no further one is created, and Stripe's support has to be asked"


@pytest.mark.parametrize(
    ("lost", "unread", "now", "said"),
    [
        (
            0,
            None,
            NOON,
            f"1 of 3) was still pending after 1800 s. {TAKEN_UP}, a new one replaces it (attempt 2 of 3)",
        ),
        (
            1,
            ServerError("bad", status=500),
            NOON + 6 * HOURS,
            "2 of 3) was not seen to end within 1800 s; the last poll: bad. "
            f"{LEFT}, a new one replaces it (attempt 3 of 3)",
        ),
        (2, None, NOON, f"3 of 3) was still pending after 1800 s. {TAKEN_UP}, {NO_MORE}"),
        (2, None, NOON + 7 * HOURS, f"3 of 3) was still pending after 1800 s. {LEFT}, {NO_MORE}"),
    ],
)
def test_of_a_late_run_it_is_said_how_it_stands_and_what_comes_next(
    lost: int, unread: ReportingError | None, now: datetime, said: str
) -> None:
    item = PartitionProgress(PartitionRequest(DAY, REQUEST), (REQUEST,), NOON, None, 6 * HOURS)
    item.lost, item.unread = lost, unread

    assert wording.late(item, RUN, now, WaitPolicy()) == f"report run frr_1 (attempt {said}"


def test_of_runs_that_hang_it_is_said_for_how_long_and_what_was_done() -> None:
    item = PartitionProgress(PartitionRequest(DAY, REQUEST), (REQUEST,), NOON, None, 6 * HOURS, lost=1)

    assert wording.replaced(item, RUN, RUN, NOON + 6.5 * HOURS, WaitPolicy()) == (
        "report run frr_1 (attempt 2 of 3) replaces frr_1, which has been pending for 6.5 h"
    )
    assert wording.hung([RUN, RUN], 6 * HOURS) == (
        "2 report runs have been pending at Stripe for more than 6 h: frr_1, frr_1. No further one is "
        "created; the next attempt takes up what has ended by then. Give their ids to Stripe's support"
    )
    assert wording.hangs(6 * HOURS) == "it has been pending for more than 6 h"


def said_of(simulator: Simulator, caplog: pytest.LogCaptureFixture) -> Iterator[str]:
    """What was logged, with runs by their order."""
    number_of = {run.id: str(number) for number, run in enumerate(simulator.runs, start=1)}
    for message in caplog.messages:
        yield re.sub("|".join(number_of), lambda found: number_of[found[0]], message)


@pytest.mark.parametrize("reason", ["It broke", None])
def test_runs_that_fail_are_told_with_stripes_reason(
    simulator: Simulator, pull: Pull, caplog: pytest.LogCaptureFixture, reason: str | None
) -> None:
    simulator.faults.add(RunFails(), "POST", times=None)

    def edit(body: dict[str, Any]) -> None:
        for each in body.get("data", [body]):
            if each.get("status") == "failed":
                each["error"] = reason

    simulator.faults.add(EditJson(edit), times=None)

    (*_, missed) = pull(ReportQuery.of("balance_summary"), [DAY])

    why, told = reason or "Stripe gave no reason", list(said_of(simulator, caplog))
    assert told[:2] == [
        f"2026-05-10: report run {number} failed ({why}); creating another" for number in (1, 2)
    ]
    assert isinstance(missed, Missed)
    assert str(missed.error) == f"Stripe failed 3 report runs, the last {missed.run_id}: {why}"
    assert missed.run_id == simulator.runs[-1].id


def test_where_one_run_is_all_that_a_partition_may_cost_its_failure_is_the_end(
    simulator: Simulator, pull: Pull
) -> None:
    simulator.faults.add(RunFails(), "POST", times=None)

    (*_, missed) = pull(ReportQuery.of("balance_summary"), [DAY], wait_policy=WaitPolicy(attempts=1))

    assert isinstance(missed, Missed)
    assert str(missed.error).startswith(f"Stripe failed a report run {simulator.runs[0].id}: ")
    assert len(simulator.runs) == 1


def test_a_run_that_cannot_be_read_is_told_with_the_reason(
    simulator: Simulator, pull: Pull, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.faults.add(RunTakes(60), "POST")
    simulator.faults.add(Respond(200, b'{"id": "../x"}'), "GET */report_runs/*", times=10)

    pull(ReportQuery.of("balance_summary"), [DAY])

    (said, *_) = [each for each in said_of(simulator, caplog) if each.startswith("could not read report run")]
    assert said.startswith("could not read report run 1: https://api.stripe.com/v1/reporting/report_runs/")


def test_a_run_that_is_gone_is_named_as_the_last_one(simulator: Simulator, pull: Pull) -> None:
    simulator.faults.add(
        Respond(404, b'{"error": {"message": "No such run"}}'), "GET */report_runs/*", times=None
    )

    (*_, missed) = pull(ReportQuery.of("balance_summary"), [DAY], wait_policy=WaitPolicy(attempts=1))

    (run,) = simulator.runs
    assert isinstance(missed, Missed)
    assert str(missed.error).startswith(
        f"Stripe failed a report run {run.id}: it is gone: GET https://api.stripe"
    )
    assert missed.run_id == run.id
    assert isinstance(missed.error, RunFailedError)
    assert (missed.error.run_id, missed.error.attempts) == (run.id, 1)


def test_a_run_that_stripe_does_not_show_within_its_first_minute_is_waited_for(
    simulator: Simulator, pull: Pull
) -> None:
    simulator.faults.add(
        Respond(404, b'{"error": {"message": "No such run"}}'), "GET */report_runs/*", times=5
    )

    (*_, done) = pull(ReportQuery.of("balance_summary"), [DAY])

    assert isinstance(done, Done)
    assert len(simulator.runs) == 1


#: What a list may leave out of each report run that is shown whole where it is asked for by its id.
LEFT_OUT = ["result", "succeeded_at", "error", "parameters", "report_type", "status", "created", "livemode"]


@pytest.mark.parametrize("name", LEFT_OUT)
@pytest.mark.parametrize("as_null", [True, False])
def test_what_a_list_leaves_out_of_runs_is_read_of_each_and_costs_no_other_run(
    simulator: Simulator, pull: Pull, client: StripeClient, name: str, as_null: bool
) -> None:
    simulator.faults.add(RunTakes(20), "POST", times=None)
    began = client.clock.monotonic()

    def leave_out(body: dict[str, Any]) -> None:
        for run in body["data"]:
            run[name] = None
            if not as_null:
                del run[name]

    simulator.faults.add(EditJson(leave_out), "GET */report_runs", times=None)

    ended = pull(ReportQuery.of("balance_summary"), days("2026-05-10", 3))[-3:]

    assert {each.partition.key for each in ended if isinstance(each, Done)} == {
        "2026-05-10", "2026-05-11", "2026-05-12",
    }  # fmt: skip
    assert client.clock.monotonic() - began < 30, "a tenth later than the runs, and what it takes to fetch"
    assert len(simulator.runs) == 3
