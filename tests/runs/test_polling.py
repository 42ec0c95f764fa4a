"""What a poll of many pending runs reads, and that it reads no more."""

import math
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import TypeVar

import pytest

from connector.api.client import StripeClient
from connector.api.models import ReportRun, epoch
from connector.query import ReportQuery
from connector.runs.adoption import PartitionRequest, WaitPolicy
from connector.runs.polling import PendingRuns, Poller, poll
from connector.runs.progress import PartitionProgress
from connector.simulator import Simulator
from tests.faults.network import Respond
from tests.support.clock import ManualClock
from tests.support.partitions import days
from tests.support.workers import InlineWorkers

SUMMARY = ReportQuery.of("balance_summary")
T = TypeVar("T")


class Unanswered:
    """Whose work never ends."""

    def submit(self, _: Callable[[], T]) -> Future[T]:
        return Future()


@pytest.fixture
def created(client: StripeClient, clock: ManualClock) -> dict[str, datetime]:
    """Two hundred and one runs, and when each was created: three pages of a list."""
    runs = {}
    for number in range(201):
        run = client.create_report_run(
            SUMMARY.request(days("2026-05-10", 1)[0]), idempotency_key=f"key-{number}"
        )
        runs[run.id] = run.created
        clock.sleep(1)
    return runs


def test_a_list_is_read_until_all_pending_runs_are_found(
    simulator: Simulator, client: StripeClient, created: dict[str, datetime]
) -> None:
    pending = dict(list(created.items())[:101])
    before = len(simulator.requests)

    result = poll(client, pending, 1)

    assert result.states.keys() == pending.keys()
    assert result.pages == len(simulator.requests) - before == 2, "of the span of the pending runs alone"


def test_a_list_is_left_where_all_pending_runs_are_found(
    simulator: Simulator, client: StripeClient, created: dict[str, datetime]
) -> None:
    """Though more were created within the second in which the first of them was."""
    pending = dict(list(created.items())[-100:])
    pending[min(pending)] = min(created.values())
    before = len(simulator.requests)

    assert poll(client, pending, 1).states.keys() == pending.keys()
    assert len(simulator.requests) == before + 1


def test_as_few_runs_as_a_list_has_pages_are_read_one_by_one(
    simulator: Simulator, client: StripeClient, created: dict[str, datetime]
) -> None:
    pending = dict(list(created.items())[:3])
    before = len(simulator.requests)

    result = poll(client, pending, 3)

    assert result.states.keys() == pending.keys()
    assert result.pages == 3, "as it was known"
    assert len(simulator.requests) == before + 3
    assert all(pending.keys() & set(seen.path.split("/")) for seen in simulator.requests[before:])


@pytest.mark.parametrize(
    ("age", "seconds"),
    [
        pytest.param(-60, 1.0, id="of-a-server-whose-clock-is-ahead"),
        pytest.param(0, 1.0, id="of-now"),
        pytest.param(91, 10.0, id="90-or-91-seconds-old"),
        pytest.param(3601, 400.0, id="an-hour-old"),
    ],
)
def test_a_run_is_polled_when_it_is_a_tenth_older_than_it_was(
    client: StripeClient, clock: ManualClock, age: int, seconds: float
) -> None:
    created = epoch(client.now() - timedelta(seconds=age))
    run = ReportRun.from_api(
        {"id": "frr_1", "report_type": "t", "status": "pending", "created": created, "livemode": False}
    )
    poller = Poller(client, InlineWorkers())

    poller.include(run)

    assert poller.due == clock.monotonic() + seconds


def test_a_poll_that_fails_shows_nothing_of_its_runs_and_is_told(
    simulator: Simulator, client: StripeClient, caplog: pytest.LogCaptureFixture
) -> None:
    run = client.create_report_run(SUMMARY.request(days("2026-05-10", 1)[0]), idempotency_key="k")
    simulator.faults.add(Respond(400, b'{"error": {"message": "odd"}}'), "GET", times=None)
    poller = Poller(client, InlineWorkers())
    poller.include(run)
    client.clock.sleep(1)
    poller.begin([run], idle=False)

    result = poller.take()

    assert result
    assert not result.states
    assert list(result.unread) == [run.id]
    assert caplog.messages[-1].startswith("could not poll 1 pending report runs: ")
    assert "HTTP 400: odd" in caplog.messages[-1]


def test_a_run_waited_for_long_enough_is_polled_once_more_and_nothing_else_is_due(
    client: StripeClient,
) -> None:
    (day,) = days("2026-05-10", 1)
    wanted = PartitionRequest(day, SUMMARY.request(day))
    item = PartitionProgress.of(wanted, None, client.now(), WaitPolicy())
    run = client.create_report_run(wanted.request, idempotency_key="k")
    item.take(run, client.clock.monotonic())
    pending = PendingRuns(client, [None], Unanswered(), timeout=60.0)
    pending.add(item)
    pending.include(item, run)
    client.clock.sleep(61)

    overdue = pending.overdue()
    pending.begin()

    assert overdue == []
    assert len(pending.futures) == 1
    assert pending.due == math.inf
