"""How long things are waited for, how soon their end is noticed, and what is said meanwhile."""

import itertools
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from connector.api.client import StripeClient
from connector.dataset.store import Store
from connector.errors import BeforeDataError, InvalidRequestError, RunFailedError, RunPendingError
from connector.partitions import Windows
from connector.pipeline.collect import Done, Event, Missed, Outcome, collect
from connector.query import ReportQuery
from connector.runs.adoption import WaitPolicy
from connector.simulator import Match, RequestContext, Simulator
from connector.simulator.protocol.messages import Reply
from tests.conftest import ClientFor, Pull
from tests.faults.network import EditReply, Respond
from tests.faults.runs import RunTakes
from tests.support.clock import NOON, ManualClock
from tests.support.partitions import days, done, missed
from tests.support.workers import AsideClock, AsideWorkers, InlineWorkers

SUMMARY = ReportQuery.of("balance_summary")
DAY = days("2026-05-10", 1)
KEY = DAY[0].key
HOUR = 3600
LIVE_KEY = "rk_live_" + 24 * "0"


def timed(
    client: StripeClient, store: Store, count: int = 1, timeout: float = 1800.0
) -> Iterator[tuple[float, Event]]:
    """Each event, and when it came by the clock."""
    events = collect(
        client,
        store,
        SUMMARY,
        days("2026-05-10", count),
        wait_policy=WaitPolicy(wait_timeout=timedelta(seconds=timeout)),
        senders=InlineWorkers(),
        converters=InlineWorkers(),
    )
    return ((client.clock.monotonic(), event) for event in events)


# The end of a run is noticed


@pytest.mark.parametrize("earlier", [None, 10.0, 600.0], ids=lambda earlier: f"after-runs-of-{earlier}")
@pytest.mark.parametrize("seconds", [0.4, 2.0, 9.0, 31.0, 60.0, 333.0, 1700.0])
def test_the_end_of_a_run_is_noticed_within_a_second_or_a_tenth_of_its_age(
    *,
    simulator: Simulator,
    client: StripeClient,
    store: Store,
    pull: Pull,
    clock: ManualClock,
    earlier: float | None,
    seconds: float,
) -> None:
    if earlier:
        simulator.faults.add(RunTakes(earlier), "POST", times=5)
        pull(SUMMARY, days("2026-05-02", 5))
    simulator.faults.add(RunTakes(seconds), "POST")

    (came,) = [at for at, event in timed(client, store) if isinstance(event, Done)]

    ended = simulator.runs[-1].ends_at
    assert ended
    late = clock.start.timestamp() + came - ended
    # A twentieth of a second is for fetching the file.
    assert late <= max(1.0, 0.1 * (seconds + late)) + 0.05


def test_a_run_that_ends_just_before_the_deadline_is_not_called_late(
    simulator: Simulator, client: StripeClient, store: Store
) -> None:
    simulator.faults.add(RunTakes(1799.9), "POST")

    outcomes = [event for _, event in timed(client, store) if isinstance(event, Done | Missed)]

    assert [outcome.outcome for outcome in outcomes] == [Outcome.DONE]


def test_nothing_is_called_late_without_a_poll_after_its_deadline(
    simulator: Simulator, client: StripeClient, store: Store, clock: ManualClock
) -> None:
    """Also not where nothing is waited for at all."""
    simulator.faults.add(RunTakes(None), "POST", times=None)
    polls: list[float] = []

    def note(_: RequestContext) -> bool:
        polls.append(clock.monotonic())
        return False

    simulator.faults.add(Respond(500), Match("GET", "*/report_runs*", where=note), times=None)

    for timeout in (0.0, 7.0):
        began = clock.monotonic()
        for _, event in timed(client, store, timeout=timeout):
            late = event
        assert isinstance(late, Missed)
        assert late.outcome is Outcome.LATE
        assert polls[-1] >= began + timeout


def test_deadlines_of_many_runs_are_met_with_few_polls(
    simulator: Simulator, client: StripeClient, store: Store
) -> None:
    simulator.faults.add(RunTakes(None), "POST", times=None)

    outcomes = [event for _, event in timed(client, store, 28, timeout=300.0) if isinstance(event, Missed)]

    assert len(outcomes) == 28
    assert len(simulator.requests) <= 28 + 70


# What it costs


@pytest.mark.parametrize(
    ("longest", "batches", "most", "seed"),
    [
        *(
            pytest.param(longest, [365], most, seed, id=f"year-{longest}s-{seed}", marks=pytest.mark.long)
            for longest, most in ((10, 2.3), (60, 2.5))
            for seed in (7, 8, 9)
        ),
        pytest.param(10, [31] * 4, 2.45, 7, id="ranges-10s"),
        pytest.param(60, [31] * 4, 3.0, 8, id="ranges-60s"),
    ],
)
def test_a_partition_costs_little_more_than_two_requests(
    client_for: ClientFor, store: Store, *, longest: int, batches: list[int], most: float, seed: int
) -> None:
    """Report runs take from 1 to `longest` seconds, evenly distributed, under a live key's pace, which is
    25 new runs a second. Ranges follow one another into one table, each as a command of its own."""
    opening = datetime(2025, 6, 1, tzinfo=UTC).date()
    clock = AsideClock(NOON)
    simulator = Simulator(clock, seed=seed, volume=0, run_seconds=(1, longest), opening=opening)
    partitions = iter(days("2025-06-01", sum(batches)))
    for size in batches:
        client = client_for(simulator.handle, api_key=LIVE_KEY, clock=clock)
        events = collect(
            client,
            store,
            SUMMARY,
            list(itertools.islice(partitions, size)),
            senders=AsideWorkers(clock),
            converters=AsideWorkers(clock),
        )
        assert len(done(list(events))) == size

    # In a range of 31 with runs up to 10 s, up to fourteen requests are not its partitions' own: two shared
    # reads, and one poll a second until the last run has ended, which can have been created 1.2 seconds after
    # the first; the bound on the delay forbids to leave one out.
    assert round(len(simulator.requests) / sum(batches), 2) <= most


# Files that are a moment late


def young(simulator: Simulator, clock: ManualClock, seconds: float) -> Match:
    """Downloads within so many seconds of their run's end."""

    def hits(request: RequestContext) -> bool:
        ends = next(run.ends_at for run in simulator.runs if run.id == request.run)
        return ends is not None and clock.now().timestamp() < ends + seconds

    return Match("GET", "*/contents", where=hits)


def test_files_that_appear_a_moment_after_their_runs_success_are_waited_for(
    simulator: Simulator, pull: Pull, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    simulator.faults.add(Respond(404), young(simulator, clock, 3), times=None)

    assert len(done(pull(SUMMARY, days("2026-05-10", 10)))) == 10

    assert len(simulator.runs) == 10
    assert f"{KEY}: the file of report run {simulator.runs[0].id} is not there yet" in caplog.messages


def test_a_file_that_does_not_appear_within_a_minute_costs_another_run(
    simulator: Simulator, pull: Pull, clock: ManualClock
) -> None:
    lost = simulator.faults.add(
        Respond(404), Match("GET", "*/contents", where=lambda _: len(simulator.runs) == 1), times=None
    )

    assert done(pull(SUMMARY, DAY))

    assert len(simulator.runs) == 2
    assert clock.monotonic() >= 60
    assert lost.hits <= 10


def test_files_that_never_appear_cost_three_runs_and_no_more(
    simulator: Simulator, pull: Pull, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.faults.add(Respond(404), "GET */contents", times=None)

    (miss,) = missed(pull(SUMMARY, DAY)).values()

    assert miss.outcome is Outcome.FAILED
    assert isinstance(miss.error, InvalidRequestError), "as Stripe said it"
    assert len(simulator.runs) == 3
    told = [said for said in caplog.messages if said.startswith(f"{KEY}: no file from report run ")]
    assert [said.partition(" (GET https://")[0].rpartition(" ")[2] for said in told] == [
        run.id for run in simulator.runs[:2]
    ]
    assert all(said.endswith("))") for said in told)


def test_a_run_that_cannot_be_read_just_after_its_creation_is_waited_for(
    simulator: Simulator, pull: Pull, clock: ManualClock
) -> None:
    """What was just created may not be visible everywhere at once."""
    began = clock.monotonic()
    simulator.faults.add(
        Respond(404),
        Match("GET", "*/report_runs/*", where=lambda _: clock.monotonic() < began + 30),
        times=None,
    )

    assert done(pull(SUMMARY, DAY))
    assert len(simulator.runs) == 1


def test_a_run_that_stripe_has_lost_is_replaced_after_a_minute(
    simulator: Simulator, pull: Pull, clock: ManualClock
) -> None:
    simulator.faults.add(
        Respond(404), Match("GET", "*/report_runs/*", where=lambda _: len(simulator.runs) == 1), times=None
    )

    assert done(pull(SUMMARY, DAY))
    assert len(simulator.runs) == 2
    assert sum(seen.method == "POST" for seen in simulator.requests) == 2, (
        "nor is the lost one asked for again"
    )
    assert clock.monotonic() < 120


def test_a_file_that_is_gone_is_not_waited_for(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock
) -> None:
    client.create_report_run(SUMMARY.request(DAY[0]), idempotency_key="k")
    clock.sleep(HOUR)
    simulator.faults.add(Respond(404), "GET */contents")

    assert done(pull(SUMMARY, DAY))

    assert len(simulator.runs) == 2
    assert clock.monotonic() < HOUR + 60


def test_a_named_run_whose_file_expired_a_year_later_is_replaced(
    simulator: Simulator, client: StripeClient, pull: Pull, clock: ManualClock
) -> None:
    run = client.create_report_run(SUMMARY.request(DAY[0]), idempotency_key="k")
    clock.sleep(366 * 24 * HOUR)

    outcome = done(pull(SUMMARY, DAY, run_ids={KEY: run.id}))[KEY]

    assert outcome.published.provenance.run_id == simulator.runs[1].id


# Runs that hang


def test_runs_that_hang_for_days_are_replaced_twice_and_then_left_to_people(
    simulator: Simulator, pull: Pull, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.faults.add(RunTakes(None), "POST", times=None)
    said: list[str] = []
    for _ in range(4):
        outcome = missed(pull(SUMMARY, DAY))[KEY]
        said.append(f"{outcome.outcome} {outcome.error}")
        clock.sleep(26 * HOUR)

    first, second, third = (run.id for run in simulator.runs)
    assert first in said[0]
    assert "the next attempt takes it up; if it is still pending at 2026-06-07 19:00 UTC" in said[0]
    assert "a new one replaces it (attempt 2 of 3)" in said[0]
    replacing = (
        f"{KEY}: report run {second} (attempt 2 of 3) replaces {first}, which has been pending for 26.6 h"
    )
    assert replacing in caplog.messages
    assert f"{third} (attempt 3 of 3) replaces {second}" in caplog.text
    assert "no further one is created" in said[2]
    assert said[3].startswith("failed 3 report runs have been pending at Stripe for more than 6 h")
    assert all(run_id in said[3] for run_id in (first, second, third))
    assert said[3].endswith(
        "No further one is created; the next attempt takes up what has ended by then. "
        "Give their ids to Stripe's support"
    )


def test_of_runs_that_hung_the_one_that_ends_is_taken_up(
    simulator: Simulator, pull: Pull, clock: ManualClock
) -> None:
    simulator.faults.add(RunTakes(None), "POST", times=None)
    for _ in range(4):
        assert isinstance(missed(pull(SUMMARY, DAY))[KEY].error, RunPendingError | RunFailedError)
        clock.sleep(7 * HOUR)
    simulator.end(simulator.runs[0].id)

    outcome = done(pull(SUMMARY, DAY))[KEY]

    assert outcome.published.provenance.run_id == simulator.runs[0].id
    assert len(simulator.runs) == 3


def test_what_is_said_of_a_late_run_is_what_the_next_attempt_does(
    simulator: Simulator, pull: Pull, clock: ManualClock
) -> None:
    simulator.faults.add(RunTakes(None), "POST")
    late = missed(pull(SUMMARY, DAY))[KEY].error
    assert isinstance(late, RunPendingError)
    assert late.run_id == simulator.runs[0].id
    assert "takes it up; if it is still pending at 2026-06-07 19:00 UTC" in str(late)

    clock.move_to(datetime(2026, 6, 7, 18, 20, tzinfo=UTC))
    again = missed(pull(SUMMARY, DAY))[KEY]
    assert again.run_id == simulator.runs[0].id
    clock.move_to(datetime(2026, 6, 7, 19, 0, tzinfo=UTC))

    assert done(pull(SUMMARY, DAY))[KEY].published.provenance.run_id == simulator.runs[1].id


def test_a_run_that_hangs_while_it_is_waited_for_is_replaced(
    simulator: Simulator, pull: Pull, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.faults.add(RunTakes(None), "POST")
    caplog.set_level(logging.WARNING)

    outcome = done(pull(SUMMARY, DAY, wait_policy=WaitPolicy(wait_timeout=timedelta(hours=20))))[KEY]

    first, second = (run.id for run in simulator.runs)
    assert outcome.published.provenance.run_id == second
    assert f"{second} (attempt 2 of 3) replaces {first}" in caplog.text


# How many runs at once

_REASON = "Stripe-Rate-Limited-Reason"


def naming(reply: Reply, reason: str | None) -> Reply:
    """A refusal with this reason, or none; other answers as they are."""
    headers = {name: value for name, value in reply.headers.items() if name != _REASON}
    named = {**headers, _REASON: reason} if reason else headers
    return replace(reply, headers=named) if reply.status == 429 else reply


@pytest.mark.parametrize(
    ("reason", "few"),
    [
        pytest.param("endpoint-concurrency", True, id="of-the-endpoint"),
        pytest.param("global-concurrency", True, id="of-all-together"),
        pytest.param(None, False, id="not-said"),
    ],
)
def test_a_refusal_that_names_runs_in_parallel_is_not_met_three_times(
    client_for: ClientFor, pull: Pull, clock: ManualClock, reason: str | None, *, few: bool
) -> None:
    simulator = Simulator(clock, seed=7, volume=1, max_pending_runs=1, run_seconds=20)
    simulator.faults.add(EditReply(lambda _, reply: naming(reply, reason)), "POST", times=None)

    events = pull(SUMMARY, days("2026-05-01", 30), client=client_for(simulator.handle))

    assert len(done(events)) == 30
    assert (sum(each.status == 429 for each in simulator.requests) < 20) is few


# Before the data begin


def test_a_window_that_data_begin_in_never_can_be_had_and_its_days_can(
    simulator: Simulator, pull: Pull
) -> None:
    """The account's data begin with the first of May."""
    weekly = ReportQuery.of("balance_summary", name="weeks", window="weekly")
    whole = Windows("weekly").between(date(2026, 4, 26), date(2026, 5, 3))

    outcome = missed(pull(weekly, whole))["2026-04-26"]

    assert outcome.outcome is Outcome.BEFORE_DATA
    assert isinstance(outcome.error, BeforeDataError)
    assert not outcome.error.passing
    assert "Use smaller windows from 2026-05-01 00:00 UTC on" in str(outcome.error)
    assert not simulator.runs
    assert done(pull(SUMMARY, days("2026-05-01", 1)))
