"""Each partition ends once, and what goes wrong with one is its own."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.dataset.store import Store
from connector.errors import (
    AuthenticationError,
    ConfigurationError,
    InternalError,
    PermissionDeniedError,
    StoreError,
)
from connector.partitions import Partition
from connector.pipeline.collect import Asked, Event, Missed, Outcome, each_ends_once
from connector.query import ReportQuery
from connector.runs.events import Origin
from connector.simulator import Match, RequestContext, Simulator
from tests.conftest import Pull
from tests.faults.network import Respond, rate_limited
from tests.support.partitions import days, done, missed
from tests.support.workers import InlineWorkers

SUMMARY = ReportQuery.of("balance_summary")
CONNECTED = ReportQuery.of("connected_account_balance_summary", by_account=True)
WEEK = days("2026-05-10", 7)

T = TypeVar("T")


class FailingOnce(InlineWorkers):
    """Workers whose second task ends in an error that nobody foresaw."""

    def __init__(self, error: Exception) -> None:
        self.error, self.count = error, 0

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        self.count += 1
        if self.count != 2:
            return super().submit(work)
        failed: Future[T] = Future()
        failed.set_exception(self.error)
        return failed


class Confused(InlineWorkers):
    """Workers that return the first result a second time instead of the second one."""

    def __init__(self) -> None:
        self.results: list[object] = []

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        future = super().submit(work)
        self.results.append(future.result())
        if len(self.results) == 2:
            again: Future[Any] = Future()
            again.set_result(self.results[0])
            return again
        return future


def ends(events: list[Event]) -> Counter[str]:
    return Counter(event.partition.key for event in events if not isinstance(event, Asked))


@pytest.mark.parametrize("where", ["senders", "converters"])
def test_an_error_that_nobody_foresaw_is_that_partitions_alone(
    pull: Pull, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    events = pull(SUMMARY, WEEK, **{where: FailingOnce(pa.ArrowInvalid("odd bytes"))})

    ((_, outcome),) = missed(events).items()
    assert isinstance(outcome.error, InternalError)
    assert "ArrowInvalid: odd bytes" in str(outcome.error)
    assert outcome.outcome is Outcome.FAILED
    assert len(done(events)) == 6
    assert ends(events) == Counter(each.key for each in WEEK)
    assert any(record.exc_info for record in caplog.records), "somebody has to look into it"


def test_an_end_that_is_lost_and_one_that_comes_twice_are_noticed(
    pull: Pull, caplog: pytest.LogCaptureFixture
) -> None:
    events = pull(SUMMARY, WEEK, converters=Confused())

    assert ends(events) == Counter(each.key for each in WEEK)
    ((_, lost),) = missed(events).items()
    assert isinstance(lost.error, InternalError)
    assert str(lost.error) == "it ended without an outcome"
    twice = f"{next(iter(done(events)))} ended twice, please report it: Done("
    assert any(said.startswith(twice) for said in caplog.messages)
    assert f"{lost.partition.key} has not ended, please report it" in caplog.messages


def test_a_run_id_that_cannot_be_one_is_that_partitions_alone(pull: Pull) -> None:
    events = pull(SUMMARY, WEEK, run_ids={WEEK[2].key: "../files"})

    assert list(missed(events)) == [WEEK[2].key]
    assert len(done(events)) == 6


def test_a_file_that_cannot_be_looked_at_is_that_partitions_alone(pull: Pull, store: Store) -> None:
    pull(SUMMARY, WEEK)
    file = Path(store.uri(SUMMARY.dataset(mode="test", account=None), WEEK[0].key))
    file.unlink()
    file.mkdir()

    events = pull(SUMMARY, WEEK)

    ((key, outcome),) = missed(events).items()
    assert key == WEEK[0].key
    assert isinstance(outcome.error, StoreError)
    assert len(done(events)) == 6


def test_a_refusal_about_one_connected_account_leaves_the_others(simulator: Simulator, pull: Pull) -> None:
    first, second = simulator.connected_accounts[:2]
    partitions = CONNECTED.each_account(WEEK, (first, second))

    def about_the_first(request: RequestContext) -> bool:
        form = parse_qs(request.call.body.decode()) if request.call else {}
        return form.get("parameters[connected_account]") == [first]

    refused = simulator.faults.add(Respond(403), Match("POST", where=about_the_first), times=None)

    events = pull(CONNECTED, partitions)

    assert {type(outcome.error) for outcome in missed(events).values()} == {PermissionDeniedError}
    assert sorted(missed(events)) == sorted(each.key for each in partitions[:7])
    assert sorted(done(events)) == sorted(each.key for each in partitions[7:])
    assert refused.hits == 1


def test_a_key_that_may_create_nothing_is_asked_with_once(simulator: Simulator, pull: Pull) -> None:
    refused = simulator.faults.add(Respond(403), "POST", times=None)

    events = pull(SUMMARY, WEEK)

    assert ends(events) == Counter(each.key for each in WEEK)
    assert len(missed(events)) == 7
    assert refused.hits == 1


def test_a_key_that_was_revoked_since_the_list_was_read_is_asked_with_once(
    simulator: Simulator, pull: Pull
) -> None:
    refused = simulator.faults.add(Respond(401), "POST", times=None)

    events = pull(SUMMARY, WEEK)

    assert {type(outcome.error) for outcome in missed(events).values()} == {AuthenticationError}
    assert len(missed(events)) == 7
    assert refused.hits == 1


def test_a_key_that_is_revoked_while_runs_are_waited_for_creates_none_of_those_that_queue(
    simulator: Simulator, pull: Pull
) -> None:
    simulator.faults.add(rate_limited(reason="global-concurrency"), "POST", skip=3)
    simulator.faults.add(Respond(401), "GET */report_runs*", skip=1, times=None)

    events = pull(SUMMARY, WEEK)

    assert {type(outcome.error) for outcome in missed(events).values()} == {AuthenticationError}
    runs = [simulator.runs[number].id for number in range(3)]
    assert [missed(events)[each.key].run_id for each in WEEK] == [*runs, None, None, None, None]
    assert len(simulator.runs) == 3


def test_a_window_that_is_named_twice_ends_once(simulator: Simulator, pull: Pull) -> None:
    (day,) = days("2026-05-10", 1)

    events = pull(SUMMARY, [day, day])

    assert ends(events) == Counter([day.key])
    assert len(simulator.runs) == 1


def test_a_report_without_an_interval_takes_no_windows(simulator: Simulator, pull: Pull) -> None:
    """Each would get the same rows, and count them again."""
    snapshot = ReportQuery.of(
        "treasury_fees.administrative_facilitation_fee.1", columns={"amount": "money"}, parameters=["columns"]
    )

    with pytest.raises(ConfigurationError, match=r"takes no interval.*one partition without an interval"):
        pull(snapshot, days("2026-05-10", 3))

    assert not simulator.requests
    assert snapshot.request(Partition("now", None)).columns == ("amount",)


KEYS = ("a", "b", "c")


def event_of(kind: int, key: str) -> Event:
    partition = Partition(key, None)
    if kind:
        return Missed(partition, StoreError("disk full"), None)
    return Asked(partition, "frr_1", Origin.CREATED)


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(KEYS))))
def test_whatever_happens_each_partition_has_one_end(happened: list[tuple[int, str]]) -> None:
    wanted = {key: Partition(key, None) for key in KEYS}

    events = list(each_ends_once(wanted, iter([event_of(*each) for each in happened])))

    assert ends(events) == Counter(KEYS)
    assert sum(isinstance(event, Asked) for event in events) == sum(kind == 0 for kind, _ in happened)
