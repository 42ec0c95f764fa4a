"""Which report run becomes a partition's file: the same decision, however the run came."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.api.client import StripeClient
from connector.api.models import ReportRequest, ReportRun
from connector.errors import RunFailedError, RunMismatchError, ServerError, UnexpectedAnswerError
from connector.partitions import Partition
from connector.pipeline.collect import Asked, Done, Outcome, collect
from connector.query import ReportQuery
from connector.runs.creation import idempotency_key
from connector.runs.events import Origin
from connector.simulator import Simulator
from connector.simulator.faults import Stage
from tests.conftest import ClientFor, Pull
from tests.faults.network import EditJson, Respond
from tests.faults.runs import FileReads, RunFails, RunTakes
from tests.support.clock import ManualClock
from tests.support.partitions import days, done, missed
from tests.support.workers import InlineWorkers

SUMMARY = ReportQuery.of("balance_summary")
#: Of the 6th, whose data became complete an hour ago; nothing of it is settled yet.
YOUNG = days("2026-06-06", 1)
#: Old enough for any file to be complete.
OLD = days("2026-05-10", 1)
KEY, OLD_KEY = YOUNG[0].key, OLD[0].key
HOUR = 3600


def restated(simulator: Simulator) -> None:
    """From now on Stripe's files have three rows more."""
    more = b'"charge","Charges","1.00","usd"\n' * 3
    simulator.faults.add(FileReads(lambda csv: csv + more), "POST", times=None)


def crowd(client: StripeClient, count: int) -> None:
    """Report runs of other tools on the same account."""
    (day,) = days("2026-05-02", 1)
    request = ReportQuery.of("balance_change_from_activity_summary").request(day)
    for number in range(count):
        client.create_report_run(request, idempotency_key=f"theirs-{number}-{client.clock.monotonic()}")


def left_by_a_killed_process(
    client: StripeClient, day: Partition, known: Sequence[str] = (), **changes: Any
) -> ReportRun:
    """A run made under the key that this connector uses, by a process that knew of these others."""
    request = SUMMARY.request(day)
    asked = ReportRequest.of(request.report_type, {**dict(request.parameters), **changes})
    key = idempotency_key(request, account=None, mode="test", known=known)
    return client.create_report_run(asked, idempotency_key=key)


def posts(simulator: Simulator) -> int:
    """How often a run was to be created."""
    return sum(seen.method == "POST" for seen in simulator.requests)


def hidden_from_the_list(simulator: Simulator, *run_ids: str, times: int | None = None) -> None:
    """As when more runs are newer than are looked at."""

    def hide(body: dict[str, Any]) -> None:
        if "data" in body:
            body["data"] = [run for run in body["data"] if run["id"] not in run_ids]

    simulator.faults.add(EditJson(hide), "GET */report_runs", times=times)


def listed(_: Simulator, __: StripeClient, pull: Pull, run: ReportRun, day: Partition) -> Any:
    return pull(SUMMARY, [day])


def replayed(simulator: Simulator, _: StripeClient, pull: Pull, run: ReportRun, day: Partition) -> Any:
    hidden_from_the_list(simulator, run.id)
    return pull(SUMMARY, [day])


def named(_: Simulator, __: StripeClient, pull: Pull, run: ReportRun, day: Partition) -> Any:
    return pull(SUMMARY, [day], run_ids={day.key: run.id})


WAYS = pytest.mark.parametrize("come", [listed, replayed, named])


@WAYS
def test_a_run_that_answers_is_adopted(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock, come: Any
) -> None:
    run = left_by_a_killed_process(client, YOUNG[0])
    clock.sleep(HOUR)

    outcome = done(come(simulator, client, pull, run, YOUNG[0]))[KEY]

    assert outcome.published.provenance.run_id == run.id
    assert outcome.origin is Origin.ADOPTED
    assert len(simulator.runs) == 1


@WAYS
def test_a_file_made_before_stripes_last_preparation_is_not_published(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock, come: Any
) -> None:
    run = left_by_a_killed_process(client, YOUNG[0])
    clock.sleep(12 * HOUR)

    outcome = done(come(simulator, client, pull, run, YOUNG[0]))[KEY]

    assert outcome.published.provenance.run_id == simulator.runs[1].id
    assert len(simulator.runs) == 2


@WAYS
def test_a_failed_run_is_replaced_and_costs_no_attempt(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock, come: Any
) -> None:
    simulator.faults.add(RunFails(), "POST", times=3)
    run = left_by_a_killed_process(client, YOUNG[0])
    clock.sleep(HOUR)

    outcome = done(come(simulator, client, pull, run, YOUNG[0]))[KEY]

    assert outcome.published.provenance.run_id == simulator.runs[3].id
    assert len(simulator.runs) == 4


@WAYS
def test_an_expired_file_is_not_waited_for(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock, come: Any
) -> None:
    run = left_by_a_killed_process(client, OLD[0])
    clock.sleep(HOUR)
    now = int(client.now().timestamp())

    def expire(body: dict[str, Any]) -> None:
        for each in body.get("data", [body]):
            if each.get("id") == run.id and each["result"]:
                each["result"]["expires_at"] = now

    simulator.faults.add(EditJson(expire), "GET", times=None)

    outcome = done(come(simulator, client, pull, run, OLD[0]))[OLD_KEY]

    assert outcome.published.provenance.run_id == simulator.runs[1].id
    assert len(simulator.runs) == 2


@pytest.mark.parametrize("come", [listed, replayed])
def test_a_run_that_hangs_is_replaced(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock, come: Any
) -> None:
    simulator.faults.add(RunTakes(None), "POST")
    run = left_by_a_killed_process(client, OLD[0])
    clock.sleep(7 * HOUR)

    outcome = done(come(simulator, client, pull, run, OLD[0]))[OLD_KEY]

    assert outcome.published.provenance.run_id == simulator.runs[1].id
    assert len(simulator.runs) == 2


def hang(simulator: Simulator, client: StripeClient, count: int) -> list[str]:
    """The ids of so many runs of killed processes, an hour apart, the last of which is 7 hours old."""
    simulator.faults.add(RunTakes(None), "POST", times=count)
    ids: list[str] = []
    for _ in range(count):
        client.clock.sleep(HOUR)
        ids.append(left_by_a_killed_process(client, OLD[0], known=ids).id)
    client.clock.sleep(7 * HOUR)
    return ids


def test_each_run_that_hangs_costs_an_attempt(
    simulator: Simulator, client: StripeClient, pull: Pull, caplog: pytest.LogCaptureFixture
) -> None:
    *_, last = hang(simulator, client, 2)

    new = done(pull(SUMMARY, OLD))[OLD_KEY].published.provenance.run_id

    assert caplog.messages == [
        f"{OLD_KEY}: report run {new} (attempt 3 of 3) replaces {last}, which has been pending for 7 h"
    ]


def test_where_as_many_runs_hang_as_a_partition_may_cost_it_ends(
    simulator: Simulator, client: StripeClient, pull: Pull
) -> None:
    ids = hang(simulator, client, 3)

    end = missed(pull(SUMMARY, OLD))[OLD_KEY]

    assert isinstance(end.error, RunFailedError)
    assert (end.run_id, end.error.run_id, end.error.attempts) == (ids[-1], ids[-1], 3)
    said = f"3 report runs have been pending at Stripe for more than 6 h: {', '.join(ids)}. "
    assert str(end.error).startswith(said)
    assert len(simulator.runs) == 3


def test_the_file_of_a_run_that_was_adopted_is_held_to_the_same_when_it_has_come(
    simulator: Simulator,
    client: StripeClient,
    pull: Pull,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Stripe may answer with a file that it made long before."""
    caplog.set_level(logging.INFO)
    simulator.faults.add(RunTakes(HOUR + 60), "POST")
    run = left_by_a_killed_process(client, YOUNG[0])
    clock.sleep(HOUR)

    def age(body: dict[str, Any]) -> None:
        for each in body.get("data", [body]):
            if each.get("id") == run.id and each["result"]:
                each["result"]["created"] -= 2 * HOUR

    simulator.faults.add(EditJson(age), "GET", times=None)

    outcome = done(pull(SUMMARY, YOUNG))[KEY]

    assert outcome.published.provenance.run_id == simulator.runs[1].id
    assert f"{KEY}: report run {run.id} is left behind: its file may lack rows" in caplog.messages


def test_a_run_that_straddles_a_preparation_is_not_adopted(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock
) -> None:
    """What it read of the time before and after is unknown."""
    clock.move_to(datetime(2026, 6, 7, 23, tzinfo=UTC))
    simulator.faults.add(RunTakes(2 * HOUR), "POST")
    left_by_a_killed_process(client, YOUNG[0])
    clock.move_to(datetime(2026, 6, 8, 2, tzinfo=UTC))

    outcome = done(pull(SUMMARY, YOUNG))[KEY]

    assert outcome.origin is Origin.CREATED
    assert outcome.published.provenance.run_id == simulator.runs[1].id
    assert done(pull(SUMMARY, YOUNG))[KEY].fetched is False


def test_a_run_that_its_command_has_created_is_accepted_over_a_preparation(
    simulator: Simulator, pull: Pull, clock: ManualClock
) -> None:
    clock.move_to(datetime(2026, 6, 7, 23, 59, tzinfo=UTC))
    simulator.faults.add(RunTakes(600.0), "POST")

    assert done(pull(SUMMARY, YOUNG))[KEY].fetched
    assert len(simulator.runs) == 1


# Refreshes


def test_a_refresh_of_an_old_partition_gets_what_stripe_has_restated(
    simulator: Simulator, client: StripeClient, pull: Pull
) -> None:
    """The published run is on the third page of the list by then."""
    week = days("2026-05-10", 7)
    pull(SUMMARY, week)
    crowd(client, 250)
    restated(simulator)
    before = len(simulator.runs)

    outcome = done(pull(SUMMARY, week[4:5], refresh={week[4].key}))[week[4].key]

    assert len(simulator.runs) == before + 1
    assert outcome.published.change is not None
    assert outcome.published.change.rows == 3


def test_beyond_the_list_the_published_run_does_not_come_back(simulator: Simulator, pull: Pull) -> None:
    first = done(pull(SUMMARY, OLD))[OLD_KEY].published.provenance
    hidden_from_the_list(simulator, first.run_id)
    restated(simulator)

    outcome = done(pull(SUMMARY, OLD, refresh={OLD_KEY}))[OLD_KEY]

    assert outcome.published.provenance.rows == first.rows + 3
    assert len(simulator.runs) == 2
    assert posts(simulator) == 2


@pytest.mark.parametrize("published", [True, False])
def test_a_refresh_takes_no_finished_run_that_is_older_than_itself(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock, published: bool
) -> None:
    """Another tool's, made after the published one and before the restatement."""
    if published:
        pull(SUMMARY, OLD)
    client.create_report_run(SUMMARY.request(OLD[0]), idempotency_key="theirs")
    clock.sleep(60)
    before = len(simulator.runs)
    restated(simulator)

    outcome = done(pull(SUMMARY, OLD, refresh={OLD_KEY}))[OLD_KEY]

    assert len(simulator.runs) == before + 1
    assert outcome.published.provenance.run_id == simulator.runs[-1].id


# What the list and Stripe's store of answers bring back


def test_a_stale_run_of_a_killed_process_is_not_published_on_a_busy_account(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock
) -> None:
    left_by_a_killed_process(client, YOUNG[0])
    clock.sleep(11 * HOUR)
    crowd(client, 250)
    clock.sleep(HOUR)
    restated(simulator)

    outcome = done(pull(SUMMARY, YOUNG))[KEY]

    assert outcome.published.provenance.run_id == simulator.runs[-1].id
    assert len(simulator.runs) == 252


@pytest.mark.parametrize("in_the_list", [True, False], ids=["listed", "beyond-the-list"])
def test_three_failures_are_not_replayed_for_a_day(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock, in_the_list: bool
) -> None:
    planted = simulator.faults.add(RunFails(), "POST", times=3)
    assert missed(pull(SUMMARY, OLD))[OLD_KEY].outcome is Outcome.FAILED
    assert planted.hits == 3
    if not in_the_list:
        hidden_from_the_list(simulator, *(run.id for run in simulator.runs))
    clock.sleep(HOUR)
    crowd(client, 250)

    assert done(pull(SUMMARY, OLD))[OLD_KEY].published.provenance.run_id == simulator.runs[-1].id

    assert len(simulator.runs) == 254


def test_a_run_whose_answer_another_process_lost_is_found_behind_the_stored_failure(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock
) -> None:
    """It was created after this process read the list, and Stripe repeats the failure for a day."""
    failure = Respond(500, headers={"Stripe-Should-Retry": "false"}, stage=Stage.EXECUTED)
    simulator.faults.add(failure, "POST")
    with pytest.raises(ServerError):
        left_by_a_killed_process(client, YOUNG[0])
    clock.sleep(HOUR / 2)
    run_id = next(iter(simulator.runs)).id
    hidden_from_the_list(simulator, run_id, times=1)

    (event,) = done(pull(SUMMARY, YOUNG)).values()

    assert event.published.provenance.run_id == run_id
    assert len(simulator.runs) == 1


def test_however_many_failures_stripe_remembers_they_are_left_behind_at_once(
    simulator: Simulator, pull: Pull, clock: ManualClock
) -> None:
    simulator.faults.add(RunFails(), "POST", times=6)
    for _ in range(2):
        assert missed(pull(SUMMARY, OLD))
        hidden_from_the_list(simulator, *(run.id for run in simulator.runs))
        clock.sleep(HOUR)
    before = posts(simulator)

    assert done(pull(SUMMARY, OLD))

    assert len(simulator.runs) == 7
    assert posts(simulator) == before + 2


def test_a_backfill_killed_once_its_runs_were_created_makes_none_twice_a_day_later(
    simulator: Simulator, client_for: ClientFor, pull: Pull, clock: ManualClock, store: Any
) -> None:
    """More than two pages of them, and more than the 24 hours for which keys are remembered."""
    simulator = Simulator(clock, seed=7, volume=1, opening=datetime(2025, 6, 1, tzinfo=UTC).date())
    client, year = client_for(simulator.handle), days("2025-06-10", 220)
    killed = collect(client, store, SUMMARY, year, senders=InlineWorkers(), converters=InlineWorkers())
    asked = 0
    while asked < 220:
        asked += isinstance(next(killed), Asked)
    killed.close()
    clock.sleep(26 * HOUR)

    events = pull(SUMMARY, year, client=client)

    assert len(done(events)) == 220
    assert len(simulator.runs) == 220


def test_the_list_is_read_no_further_than_is_needed(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock
) -> None:
    crowd(client, 250)
    left_by_a_killed_process(client, OLD[0])
    clock.sleep(60)
    before = len(simulator.requests)

    pull(SUMMARY, OLD)

    lists = [seen for seen in simulator.requests[before:] if seen.path.endswith("/report_runs")]
    assert len(lists) == 1


def test_a_run_whose_answers_lose_its_parameters_on_the_way_is_still_the_same_run(
    simulator: Simulator, pull: Pull, caplog: pytest.LogCaptureFixture
) -> None:
    def empty(body: dict[str, Any]) -> None:
        body["parameters"] = {}

    simulator.faults.add(EditJson(empty), "POST", times=None)
    simulator.faults.add(EditJson(empty), "GET */frr_*", times=None)

    assert done(pull(SUMMARY, OLD))

    assert len(simulator.runs) == 1
    lost = ["columns", "interval_end", "interval_start"]
    assert caplog.messages == [f"a report run of {SUMMARY.spec.id} echoes otherwise than asked: {lost}"]


# By id

OTHER_REQUESTS: dict[str, dict[str, Any]] = {
    "interval_start": {"interval_start": int(datetime(2026, 5, 9, tzinfo=UTC).timestamp())},
    "interval_end": {"interval_end": int(datetime(2026, 5, 12, tzinfo=UTC).timestamp())},
    "currency": {"currency": "eur"},
    "columns": {"columns": ["category", "net_amount"]},
    "timezone": {"timezone": "Asia/Tokyo"},
}


@pytest.mark.parametrize("parameter", OTHER_REQUESTS)
def test_a_named_run_that_was_asked_something_else_is_refused_naming_both(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock, parameter: str
) -> None:
    run = left_by_a_killed_process(client, OLD[0], **OTHER_REQUESTS[parameter])
    clock.sleep(60)

    outcome = missed(pull(SUMMARY, OLD, run_ids={OLD_KEY: run.id}))[OLD_KEY]

    assert isinstance(outcome.error, RunMismatchError)
    assert outcome.run_id == run.id
    said = f"report run {run.id} answers another request: {parameter} "
    assert str(outcome.error).startswith(said)
    assert " was asked" in str(outcome.error)
    assert len(simulator.runs) == 1


@pytest.mark.parametrize(
    "asked",
    [
        ("payout_reconciliation_by_id_itemized", "po_1", "po_2"),
        ("connected_account_payout_reconciliation_by_id_itemized", "acct_1:po_1", "acct_2:po_1"),
    ],
    ids=["payout", "connected-account"],
)
def test_a_named_run_about_another_payout_or_account_is_refused(
    simulator: Simulator, client: StripeClient, pull: Pull, asked: tuple[str, str, str]
) -> None:
    report, ours, theirs = asked
    query = ReportQuery.of(report)
    run = client.create_report_run(SUMMARY.request(OLD[0]), idempotency_key="theirs")

    def echo(body: dict[str, Any]) -> None:
        other = query.request(query.payout(theirs))
        body.update(report_type=query.spec.id, parameters=dict(other.parameters))

    simulator.faults.add(EditJson(echo), "GET */frr_*")
    partition = query.payout(ours)

    outcome = missed(pull(query, [partition], run_ids={partition.key: run.id}))[partition.key]

    assert isinstance(outcome.error, RunMismatchError)
    assert len(simulator.runs) == 1


def test_a_named_run_of_another_report_type_is_refused(
    simulator: Simulator, client: StripeClient, pull: Pull
) -> None:
    other = ReportQuery.of("balance_change_from_activity_summary")
    run = client.create_report_run(other.request(OLD[0]), idempotency_key="theirs")

    outcome = missed(pull(SUMMARY, OLD, run_ids={OLD_KEY: run.id}))[OLD_KEY]

    assert isinstance(outcome.error, RunMismatchError)
    assert f"report type {other.spec.id} where {SUMMARY.spec.id} was asked" in str(outcome.error)


def test_a_named_run_that_is_older_than_the_published_one_leaves_it_in_place(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock
) -> None:
    old = left_by_a_killed_process(client, OLD[0])
    clock.sleep(60)
    published = done(pull(SUMMARY, OLD, refresh={OLD_KEY}))[OLD_KEY].published.provenance

    outcome = done(pull(SUMMARY, OLD, run_ids={OLD_KEY: old.id}))[OLD_KEY]

    assert not outcome.fetched
    assert outcome.published.provenance == published
    assert len(simulator.runs) == 2


def test_a_named_run_that_is_newer_than_the_published_one_replaces_it(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock
) -> None:
    published = done(pull(SUMMARY, OLD))[OLD_KEY].published.provenance
    clock.sleep(60)
    newer = left_by_a_killed_process(client, OLD[0], known=[published.run_id])

    outcome = done(pull(SUMMARY, OLD, run_ids={OLD_KEY: newer.id}))[OLD_KEY]

    assert outcome.fetched
    assert outcome.published.provenance.run_id == newer.id
    assert len(simulator.runs) == 2


def test_where_a_named_run_is_of_no_use_one_that_is_there_is_adopted(
    simulator: Simulator,
    client: StripeClient,
    pull: Pull,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    simulator.faults.add(RunFails(), "POST")
    failed = left_by_a_killed_process(client, OLD[0])
    good = left_by_a_killed_process(client, OLD[0], known=[failed.id])
    clock.sleep(60)

    outcome = done(pull(SUMMARY, OLD, run_ids={OLD_KEY: failed.id}))[OLD_KEY]

    assert outcome.published.provenance.run_id == good.id
    assert f"{OLD_KEY}: report run {failed.id} is left behind: it failed" in caplog.messages
    assert len(simulator.runs) == 2


def test_stripe_that_answers_every_key_with_a_useless_run_ends_the_partition_alone(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock
) -> None:
    simulator.faults.add(RunFails(), "POST")
    run = left_by_a_killed_process(client, OLD[0])
    hidden_from_the_list(simulator, run.id)
    clock.sleep(60)
    body = client.report_run(run.id).raw

    def same_again(answer: dict[str, Any]) -> None:
        if answer["parameters"]["interval_start"] == body["parameters"]["interval_start"]:
            answer.clear()
            answer.update(body)

    simulator.faults.add(EditJson(same_again), "POST", times=None)

    events = pull(SUMMARY, [*OLD, *days("2026-05-20", 1)])

    end = missed(events)[OLD_KEY]
    said = f"Stripe answers each request with a report run that is of no use, the last {run.id}"
    assert (str(end.error), end.run_id) == (said, run.id)
    assert isinstance(end.error, UnexpectedAnswerError)
    assert end.error.status == 200
    creations = [seen for seen in simulator.requests if seen.method == "POST"]
    assert len(creations) == 1 + 5 + 1, "the killed process's, five of this partition, one of the other"
    assert isinstance(done(events)["2026-05-20"], Done)
