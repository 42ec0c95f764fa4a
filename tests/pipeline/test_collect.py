"""The whole way of a report: adopted or created once, fetched whole, published, kept."""

import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from connector import __version__
from connector.api.client import StripeClient
from connector.api.models import API_VERSION, ReportRequest, epoch
from connector.clock import SystemClock
from connector.convert.decode import DECODER_VERSION
from connector.dataset.provenance import Published
from connector.dataset.store import Store
from connector.errors import (
    AuthenticationError,
    CellError,
    ConfigurationError,
    DatasetMismatchError,
    NotReadyError,
    RunFailedError,
    RunPendingError,
)
from connector.partitions import Windows
from connector.pipeline.collect import Asked, Done, Missed, Outcome, collect
from connector.query import ReportQuery
from connector.runs.adoption import WaitPolicy
from connector.runs.events import Origin
from connector.runs.threads import DaemonWorkers
from connector.simulator import Simulator
from connector.simulator.faults import Match, Stage
from tests.conftest import ClientFor, Pull
from tests.faults.network import Delay, EditJson, Html, Respond, rate_limited
from tests.faults.runs import FileDeleted, FileReads, ResultReused, RunFails, RunTakes, RunVanishes
from tests.support.clock import NOON, ManualClock
from tests.support.partitions import days, done, missed
from tests.support.workers import InlineWorkers

SUMMARY = ReportQuery.of("balance_summary")
ACTIVITY = ReportQuery.of("balance_change_from_activity_itemized")
WEEK = days("2026-05-31", 7)
DAY = WEEK[:1]


def test_every_partition_is_created_once_and_published(
    simulator: Simulator, pull: Pull, store: Store
) -> None:
    events = pull(SUMMARY, WEEK)

    outcomes = done(events)
    assert sorted(outcomes) == [each.key for each in WEEK]
    assert {outcome.origin for outcome in outcomes.values()} == {Origin.CREATED}
    assert len(simulator.runs) == 7
    table = store.arrow_dataset(SUMMARY.dataset(mode="test", account=None)).to_table()
    came_from = {(row["period"], row["_report_run_id"]) for row in table.to_pylist()}
    assert came_from == {(key, outcome.published.provenance.run_id) for key, outcome in outcomes.items()}
    assert {key for key, _ in came_from} == {each.key for each in WEEK}


@pytest.mark.parametrize(
    "report",
    [
        *("balance.summary.1", "balance_change_from_activity.itemized.3", "payouts.itemized.3"),
        "payout_reconciliation.itemized.5",
    ],
)
def test_a_day_of_few_rows_is_a_small_file(pull: Pull, report: str) -> None:
    outcomes = done(pull(ReportQuery.of(report), WEEK))

    files = [Path(each.published.uri) for each in outcomes.values()]
    assert len(files) == len(WEEK)
    assert sum(file.stat().st_size for file in files) / len(files) <= 5_000
    assert max(pq.read_metadata(file).serialized_size for file in files) <= 4_000


def test_a_file_says_where_its_rows_come_from_and_when_each_step_was(
    client: StripeClient, simulator: Simulator, pull: Pull
) -> None:
    there = done(pull(SUMMARY, days("2026-06-01", 1)))["2026-06-01"].published.provenance

    (run,) = simulator.runs
    at_stripe = client.report_run(run.id).raw
    assert (there.run_id, there.file_id) == (run.id, run.file.id)
    assert epoch(there.run_created) == at_stripe["created"]
    assert there.run_succeeded
    assert epoch(there.run_succeeded) == at_stripe["succeeded_at"]
    assert epoch(there.as_of) == at_stripe["result"]["created"]
    assert there.csv_bytes == there.announced_bytes == at_stripe["result"]["size"]
    assert there.api_version == API_VERSION
    assert len(there.request_ids) == 2, "of the poll that saw it end, and of the download"
    assert (there.table, there.period, there.mode) == ("balance_summary", "2026-06-01", "test")
    assert (there.account, there.livemode, there.books) == (None, False, None)
    assert ReportRequest.of(there.report_type, there.parameters) == SUMMARY.request(days("2026-06-01", 1)[0])
    assert there.interval == days("2026-06-01", 1)[0].interval
    assert (there.decoder_version, there.connector_version) == (DECODER_VERSION, __version__)
    assert (there.added_columns, there.withheld_columns) == ((), ())
    assert NOON < there.fetched_at == there.fetched_at.replace(microsecond=0) <= client.now()
    assert set(there.header) < set(there.columns)


def test_a_file_that_stripe_no_longer_has_is_asked_for_once_more(simulator: Simulator, pull: Pull) -> None:
    simulator.faults.add(Respond(410), "GET */contents")

    (outcome,) = done(pull(SUMMARY, DAY)).values()

    assert outcome.origin is Origin.CREATED
    assert outcome.published.provenance.run_id == simulator.runs[1].id
    assert len(simulator.runs) == 2


def test_a_run_is_announced_before_it_is_waited_for(pull: Pull) -> None:
    events = pull(SUMMARY, DAY)

    assert [type(event) for event in events] == [Asked, Done]


def test_the_parquet_says_what_the_ledger_says(pull: Pull, store: Store) -> None:
    """Each day closes where the next one opens, and the days' activity is the itemized net."""
    pull(SUMMARY, WEEK)
    pull(ACTIVITY, WEEK)
    summary = store.arrow_dataset(SUMMARY.dataset(mode="test", account=None)).to_table().to_pylist()
    activity = store.arrow_dataset(ACTIVITY.dataset(mode="test", account=None)).to_table()

    by_day = {(row["period"], row["currency"], row["category"]): row["net_amount"] for row in summary}
    for today, tomorrow in itertools.pairwise(WEEK):
        for currency in {currency for day, currency, _ in by_day if day == today.key}:
            closing = by_day[today.key, currency, "ending_balance"]
            assert closing == by_day[tomorrow.key, currency, "starting_balance"]
    for (day, currency, category), amount in by_day.items():
        if category == "activity":
            mine = pc.and_(pc.equal(activity["period"], day), pc.equal(activity["currency"], currency))
            net = pc.sum(activity.filter(mine)["net"]).as_py() or Decimal(0)
            assert net == amount


def test_what_is_kept_needs_no_request(simulator: Simulator, pull: Pull) -> None:
    first = done(pull(SUMMARY, WEEK))
    before = len(simulator.requests)

    events = pull(SUMMARY, WEEK)

    for event in events:
        assert isinstance(event, Done)
        there = first[event.partition.key].published
        kept = Published(there.uri, there.provenance, None, outdated=False)
        assert event == Done(event.partition, kept, fetched=False)
    assert len(events) == 7
    assert len(simulator.requests) == before


def test_how_long_a_partition_took_is_counted_from_its_run_and_from_its_file(
    simulator: Simulator, pull: Pull, clock: ManualClock
) -> None:
    simulator.faults.add(RunTakes(30), "POST")
    simulator.faults.add(Delay(3), "GET */contents")
    began = clock.monotonic()

    end = done(pull(SUMMARY, DAY))[DAY[0].key]

    assert (end.fetched, end.reused, end.origin) == (True, False, Origin.CREATED)
    assert 30 <= end.waited <= 33.5
    assert 3 <= end.converted <= 3.1
    assert began + end.waited + end.converted == pytest.approx(clock.monotonic(), abs=1)


def test_a_refresh_asks_anew(simulator: Simulator, pull: Pull) -> None:
    pull(SUMMARY, DAY)

    outcome = done(pull(SUMMARY, DAY, refresh={DAY[0].key}))[DAY[0].key]

    assert len(simulator.runs) == 2
    assert outcome.published.provenance.run_id == simulator.runs[1].id
    assert outcome.published.change is not None
    assert outcome.published.change.same_bytes
    assert not outcome.reused


def test_a_refresh_answered_with_the_old_file_says_so(simulator: Simulator, pull: Pull) -> None:
    first = done(pull(SUMMARY, DAY))[DAY[0].key].published.provenance
    simulator.faults.add(ResultReused())

    outcome = done(pull(SUMMARY, DAY, refresh={DAY[0].key}))[DAY[0].key]

    assert outcome.reused
    assert outcome.published.provenance.as_of == first.as_of
    assert outcome.published.provenance.run_id != first.run_id


def test_a_refresh_answered_with_a_file_from_before_the_old_one_says_so(
    simulator: Simulator, pull: Pull, clock: ManualClock
) -> None:
    pull(SUMMARY, DAY)
    clock.sleep(60)
    simulator.faults.add(FileDeleted(60))
    there = done(pull(SUMMARY, DAY, refresh={DAY[0].key}))[DAY[0].key].published.provenance
    clock.sleep(120)
    simulator.faults.add(ResultReused())

    outcome = done(pull(SUMMARY, DAY, refresh={DAY[0].key}))[DAY[0].key]

    assert outcome.reused
    assert outcome.published.outdated
    assert outcome.published.provenance == there


def interrupted(events: Iterator[object], after: type) -> None:
    """Die the moment the first event of a kind arrives, as a killed process would."""
    next(event for event in events if isinstance(event, after))


def begin(client: StripeClient, store: Store) -> Iterator[object]:
    return collect(client, store, SUMMARY, WEEK, senders=InlineWorkers(), converters=InlineWorkers())


def test_runs_left_by_a_killed_process_are_adopted(
    simulator: Simulator, client: StripeClient, store: Store, pull: Pull
) -> None:
    interrupted(begin(client, store), Asked)
    left = len(simulator.runs)
    assert left

    outcomes = done(pull(SUMMARY, WEEK))

    assert len(simulator.runs) == 7
    assert sum(outcome.origin is Origin.ADOPTED for outcome in outcomes.values()) == left


def test_a_run_whose_answer_was_lost_for_good_is_adopted(
    simulator: Simulator, client: StripeClient, pull: Pull
) -> None:
    """The process died between the POST and its answer: nothing here knows of the run."""
    simulator.faults.add(Respond(503, stage=Stage.AFTER), "POST", times=None)
    assert missed(pull(SUMMARY, DAY))
    simulator.faults.clear()

    outcome = done(pull(SUMMARY, DAY))[DAY[0].key]

    assert outcome.origin is Origin.ADOPTED
    assert len(simulator.runs) == 1


def test_a_failure_that_stripe_has_stored_is_worked_around(simulator: Simulator, pull: Pull) -> None:
    """For a day Stripe answers the key with the same 500. Another key is needed, once."""
    simulator.faults.add(Respond(500, headers={"Stripe-Should-Retry": "true"}, stage=Stage.EXECUTING), "POST")

    outcome = done(pull(SUMMARY, DAY))[DAY[0].key]

    assert outcome.origin is Origin.CREATED
    assert len(simulator.runs) == 1


def test_a_stored_failure_that_did_create_the_run_leads_to_that_run(simulator: Simulator, pull: Pull) -> None:
    simulator.faults.add(Respond(500, headers={"Stripe-Should-Retry": "true"}, stage=Stage.EXECUTED), "POST")

    assert done(pull(SUMMARY, DAY))

    assert len(simulator.runs) == 1


def test_a_failed_run_is_replaced(simulator: Simulator, pull: Pull) -> None:
    simulator.faults.add(RunFails(), Match(report_type="balance.*"))

    assert done(pull(SUMMARY, DAY))

    assert len(simulator.runs) == 2


@pytest.mark.parametrize("seed", range(6))
def test_runs_that_fail_within_one_second_are_replaced_all_the_same(
    clock: ManualClock, client_for: ClientFor, pull: Pull, seed: int
) -> None:
    """Which of them is the newest cannot be told, and the key made from the wrong one brings one back."""
    simulator = Simulator(clock, seed=seed, volume=1, opening=date(2026, 5, 1), run_seconds=0)
    simulator.faults.add(RunFails(), "POST", times=2)

    assert done(pull(SUMMARY, DAY, client=client_for(simulator.handle)))

    assert len(simulator.runs) == 3


def test_one_run_whose_answers_cannot_be_read_does_not_hold_up_the_others(
    simulator: Simulator, pull: Pull
) -> None:
    def without_size(body: dict[str, Any]) -> None:
        for run in body.get("data", [body]):
            if run.get("result") and run["id"] == simulator.runs[1].id:
                del run["result"]["size"]

    simulator.faults.add(EditJson(without_size), "GET */report_runs*", times=None)

    events = pull(SUMMARY, days("2026-05-02", 3))

    (late,) = missed(events).values()
    assert len(done(events)) == 2
    assert late.outcome is Outcome.LATE
    assert "the last poll" in str(late.error)
    assert "lacks 'size'" in str(late.error)


def test_keys_that_bring_back_runs_that_are_gone_are_left_behind(
    simulator: Simulator, pull: Pull, clock: ManualClock
) -> None:
    """For a day each key leads to the run that was made under it, also when Stripe knows that run no more."""
    simulator.faults.add(RunVanishes(0.0), "POST", times=None)
    assert missed(pull(SUMMARY, DAY))
    gone = len(simulator.runs)
    simulator.faults.clear()
    clock.sleep(3600)

    assert done(pull(SUMMARY, DAY))

    assert len(simulator.runs) == gone + 1


def test_a_run_that_fails_three_times_is_an_error_with_stripes_text(simulator: Simulator, pull: Pull) -> None:
    simulator.faults.add(RunFails(), Match(report_type="balance.*"), times=None)

    outcome = missed(pull(SUMMARY, DAY))[DAY[0].key]

    assert isinstance(outcome.error, RunFailedError)
    assert str(outcome.error) == (
        f"Stripe failed 3 report runs, the last {outcome.run_id}: "
        "An error occurred while generating this report. Try again later."
    )
    assert outcome.outcome is Outcome.FAILED
    assert outcome.run_id == simulator.runs[-1].id
    assert len(simulator.runs) == 3


def test_one_bad_day_does_not_hold_up_the_others(simulator: Simulator, pull: Pull) -> None:
    simulator.faults.add(RunTakes(None), Match(report_type="balance.*"), skip=2)

    events = pull(SUMMARY, WEEK)

    assert len(done(events)) == 6
    (late,) = missed(events).values()
    assert isinstance(late.error, RunPendingError)
    assert late.outcome is Outcome.LATE
    assert late.run_id


def test_a_late_run_is_adopted_by_the_next_attempt(
    simulator: Simulator, pull: Pull, clock: ManualClock
) -> None:
    simulator.faults.add(RunTakes(3600), Match(report_type="balance.*"))
    assert missed(pull(SUMMARY, DAY))
    clock.sleep(1800)

    assert done(pull(SUMMARY, DAY))[DAY[0].key].origin is Origin.ADOPTED

    assert len(simulator.runs) == 1


def test_a_run_that_hangs_for_hours_is_replaced(simulator: Simulator, pull: Pull, clock: ManualClock) -> None:
    simulator.faults.add(RunTakes(None), Match(report_type="balance.*"))
    assert missed(pull(SUMMARY, DAY))
    clock.sleep(6 * 3600)

    assert done(pull(SUMMARY, DAY))[DAY[0].key].origin is Origin.CREATED

    assert len(simulator.runs) == 2


def test_a_run_named_by_id_is_taken_whatever_its_age(
    simulator: Simulator, pull: Pull, clock: ManualClock
) -> None:
    simulator.faults.add(RunTakes(8 * 3600), Match(report_type="balance.*"))
    run_id = missed(pull(SUMMARY, DAY))[DAY[0].key].run_id
    assert run_id
    clock.sleep(9 * 3600)

    outcome = done(pull(SUMMARY, DAY, run_ids={DAY[0].key: run_id}))[DAY[0].key]

    assert outcome.published.provenance.run_id == run_id
    assert len(simulator.runs) == 1


def test_a_day_that_is_not_over_is_refused_without_a_run(simulator: Simulator, pull: Pull) -> None:
    today = days("2026-06-07", 1)

    outcome = missed(pull(SUMMARY, today))["2026-06-07"]

    assert isinstance(outcome.error, NotReadyError)
    assert outcome.outcome is Outcome.NOT_READY
    assert outcome.error.expected == datetime(2026, 6, 8, 12, tzinfo=UTC)
    assert not simulator.runs


def test_data_that_stand_at_noon_cover_a_window_that_ends_at_noon(pull: Pull, clock: ManualClock) -> None:
    clock.sleep(12 * 3600)  # 2026-06-08 01:00, when the data end at noon of the 7th
    hourly = ReportQuery.of("balance_summary", window="hourly")
    eleven, one = datetime(2026, 6, 7, 11, tzinfo=UTC), datetime(2026, 6, 7, 13, tzinfo=UTC)

    events = pull(hourly, Windows("hourly").between(eleven, one))

    assert sorted(done(events)) == ["2026-06-07-11:00"]
    assert sorted(missed(events)) == ["2026-06-07-12:00"]


@pytest.mark.parametrize("windows", [Windows("monthly"), Windows("daily", "Europe/Berlin")], ids=str)
def test_windows_other_than_the_querys_are_refused(
    simulator: Simulator, pull: Pull, windows: Windows
) -> None:
    """Their files would say one thing, and the table's pin another, so that nobody would read them."""
    wrong = windows.between(date(2026, 5, 1), date(2026, 6, 1))

    with pytest.raises(ConfigurationError, match="the daily window of that name in UTC is"):
        pull(SUMMARY, wrong)

    assert not simulator.requests


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("The interval is outside of the available data.", "parameters[interval_end]"),
        (
            "balance.summary.1 is only available through 2026-06-04 23:59:59 UTC; you requested "
            "`interval_end` = 2026-06-06 00:00:00 UTC",
            None,
        ),
    ],
    ids=["by-parameter", "by-text"],
)
def test_a_refused_interval_counts_as_not_ready(
    simulator: Simulator, pull: Pull, message: str, param: str | None
) -> None:
    """Stripe's word counts even where its own availability said otherwise."""
    error = {"type": "invalid_request_error", "message": message} | ({"param": param} if param else {})
    simulator.faults.add(Respond(400, {"error": error}), "POST")

    assert missed(pull(SUMMARY, DAY))[DAY[0].key].outcome is Outcome.NOT_READY


def test_a_foreign_body_is_never_published_and_the_next_attempt_succeeds(
    simulator: Simulator, pull: Pull
) -> None:
    simulator.faults.add(Html(), "GET */contents", times=2)

    assert done(pull(SUMMARY, DAY))[DAY[0].key].published.provenance.rows > 0


def test_a_bad_cell_names_run_column_and_row_and_leaves_the_old_file(
    simulator: Simulator, pull: Pull, store: Store
) -> None:
    before = done(pull(SUMMARY, DAY))[DAY[0].key].published
    simulator.faults.add(
        FileReads(lambda csv: csv.replace(b'"0.00"', b'"0.0000000000000000001"')),
        Match(report_type="balance.*"),
    )

    outcome = missed(pull(SUMMARY, DAY, refresh={DAY[0].key}))[DAY[0].key]

    assert isinstance(outcome.error, CellError)
    assert outcome.error.column == "net_amount"
    assert outcome.error.row
    assert simulator.runs[-1].id in str(outcome.error)
    kept = store.provenance(SUMMARY.dataset(mode="test", account=None), DAY[0].key)
    assert kept == before.provenance


def test_a_key_that_stripe_does_not_know_is_one_error_for_all(simulator: Simulator, pull: Pull) -> None:
    simulator.faults.add(Respond(401), times=None)

    with pytest.raises(AuthenticationError):
        pull(SUMMARY, WEEK)


def test_a_key_revoked_half_way_ends_what_is_left_and_keeps_what_is_done(
    simulator: Simulator, pull: Pull
) -> None:
    simulator.faults.add(Respond(401), "GET */report_runs*", skip=2, times=None)

    events = pull(SUMMARY, WEEK)

    assert {type(each.error) for each in missed(events).values()} == {AuthenticationError}
    assert len(done(events)) + len(missed(events)) == 7


def test_a_limit_on_parallel_runs_slows_us_down_and_loses_nothing(
    client_for: ClientFor, pull: Pull, clock: ManualClock
) -> None:
    simulator = Simulator(clock, seed=7, volume=1, max_pending_runs=4, run_seconds=20)

    events = pull(SUMMARY, days("2026-05-01", 30), client=client_for(simulator.handle))

    assert len(done(events)) == 30
    assert len(simulator.runs) == 30
    assert sum(each.status == 429 for each in simulator.requests) < 4


def test_a_hail_of_refusals_costs_time_alone(simulator: Simulator, pull: Pull) -> None:
    simulator.faults.add(rate_limited(), "POST", times=10)

    assert len(done(pull(SUMMARY, WEEK))) == 7


def test_when_stripe_accepts_no_run_for_as_long_as_one_is_waited_for_each_partition_says_so(
    simulator: Simulator, pull: Pull
) -> None:
    simulator.faults.add(rate_limited(reason="global-concurrency"), "POST", times=None)

    events = pull(SUMMARY, WEEK, wait_policy=WaitPolicy(wait_timeout=timedelta(minutes=1)))

    assert {str(each.error) for each in missed(events).values()} == {
        "Stripe accepted no new report run for 60 s (HTTP 429); try again later"
    }
    errors = [each.error for each in missed(events).values() if each.run_id is None]
    assert [error.run_id for error in errors if isinstance(error, RunPendingError)] == [None] * 7


def test_threads_bring_the_same_result(client: StripeClient, store: Store, simulator: Simulator) -> None:
    senders, converters = DaemonWorkers(4, "s"), DaemonWorkers(2, "c")

    events = list(collect(client, store, SUMMARY, WEEK, senders=senders, converters=converters))

    senders.close()
    converters.close()
    assert len(done(events)) == 7
    assert len(simulator.runs) == 7


def test_polls_go_on_while_every_thread_that_creates_runs_is_busy(
    client_for: ClientFor, store: Store
) -> None:
    simulator, published = Simulator(SystemClock(), seed=7, volume=1, run_seconds=0.2), threading.Event()
    posts = itertools.count()

    def stripe(request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and next(posts) > 0:
            published.wait(20)
        return simulator.handle(request)

    with client_for(stripe, clock=SystemClock()) as client:
        events = collect(
            client, store, SUMMARY, days(f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d}", 9)
        )
        first = next(event for event in events if isinstance(event, Done | Missed))
        created_by_then = len(simulator.runs)
        at_work = {thread.name.rpartition("-")[0] for thread in threading.enumerate()}
        published.set()
        list(events)

    assert isinstance(first, Done)
    assert created_by_then == 1
    assert {"create", "poll", "convert"} <= at_work
    assert len(simulator.runs) == 9


def test_two_batches_at_once_share_their_runs(
    simulator: Simulator, client_for: ClientFor, store: Store, clock: ManualClock
) -> None:
    """Two processes that ask the same at the same moment: one list of runs, one file each."""
    one, two = begin(client_for(simulator.handle), store), begin(client_for(simulator.handle), store)

    events = [event for pair in zip(one, two, strict=True) for event in pair]

    assert len(simulator.runs) == 7
    assert not [event for event in events if isinstance(event, Missed)]


def test_a_table_made_from_another_question_is_refused_before_any_request(
    simulator: Simulator, pull: Pull
) -> None:
    pull(SUMMARY, DAY)
    before = len(simulator.requests)
    month = Windows("monthly").between(date(2026, 5, 1), date(2026, 6, 1))

    with pytest.raises(DatasetMismatchError, match="window is daily there and monthly here"):
        pull(ReportQuery.of("balance_summary", window="monthly"), month)

    assert len(simulator.requests) == before


def test_nothing_is_left_in_staging(pull: Pull, tmp_path: Path, simulator: Simulator) -> None:
    simulator.faults.add(RunTakes(None), Match(report_type="balance.*"))
    pull(SUMMARY, WEEK)

    left = [
        p for p in (tmp_path / "data" / ".staging").rglob("*") if p.is_file() and p.parent.name != "locks"
    ]

    assert left == []


def test_a_slip_in_the_question_is_refused_before_any_request(simulator: Simulator, pull: Pull) -> None:
    with pytest.raises(ConfigurationError, match="balance_summary"):
        ReportQuery.of("balance_sumary")

    assert not simulator.requests


def test_patience_is_the_callers_to_set(simulator: Simulator, pull: Pull, clock: ManualClock) -> None:
    simulator.faults.add(RunTakes(None), Match(report_type="balance.*"))

    pull(SUMMARY, DAY, wait_policy=WaitPolicy(wait_timeout=timedelta(minutes=2)))

    assert 120 <= clock.monotonic() <= 180


def test_files_are_fetched_at_once_also_where_each_answer_takes_its_time(
    client_for: ClientFor, store: Store
) -> None:
    """Stripe allows twenty files a second, and each answer takes a part of one."""
    simulator, together = Simulator(SystemClock(), volume=1, run_seconds=0), threading.Barrier(4)

    def slow(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/contents"):
            together.wait(timeout=30)
        return simulator.handle(request)

    with client_for(slow, clock=SystemClock()) as client:
        outcomes = done(list(collect(client, store, SUMMARY, days("2026-05-01", 4))))

    assert len(outcomes) == 4
