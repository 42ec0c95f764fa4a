"""Which report run answers a request, over plain values."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.api.models import ReportRequest, ReportRun, ReportType, epoch
from connector.dataset.provenance import Provenance
from connector.errors import BeforeDataError, NotReadyError
from connector.partitions import Interval, Partition
from connector.runs.adoption import (
    PartitionRequest,
    Refusal,
    Situation,
    WaitPolicy,
    choose,
    differences,
    refusal,
)
from connector.runs.creation import idempotency_key
from connector.runs.readiness import not_ready
from tests.support.datasets import provenance

DAY = Interval(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC))
REQUEST = ReportRequest.of(
    "balance.summary.1", {"interval_start": epoch(DAY.start), "interval_end": epoch(DAY.end)}
)
NOW = datetime(2026, 6, 2, 13, tzinfo=UTC)
PREPARED = datetime(2026, 6, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def run(
    id: str = "frr_1",
    *,
    status: str = "succeeded",
    created: datetime = NOW - HOUR / 2,
    made: datetime | None = None,
    expires: datetime | None = None,
) -> ReportRun:
    file: dict[str, Any] = {"id": "file_1", "created": epoch(made or created), "size": 1, "purpose": "x"}
    if expires:
        file["expires_at"] = epoch(expires)
    return ReportRun.from_api(
        {
            "id": id,
            "report_type": REQUEST.report_type,
            "parameters": REQUEST.as_json()["parameters"],
            "status": status,
            "created": epoch(created),
            "livemode": False,
            "result": file if status == "succeeded" else None,
        }
    )


def situation(**changes: Any) -> Situation:
    """What is known at `NOW` of a command that has just begun."""
    usual: dict[str, Any] = {
        "alike": (REQUEST,),
        "own": frozenset(),
        "asked": frozenset(),
        "began": NOW,
        "now": NOW,
        "updated": PREPARED,
        "abandon_after": 6 * HOUR,
    }
    return Situation(**(usual | changes))


def wanted(**changes: Any) -> PartitionRequest:
    return replace(PartitionRequest(Partition("2026-06-01", DAY), REQUEST), **changes)


def chosen(
    *runs: ReportRun, published: Provenance | None = None, now: datetime = NOW, updated: datetime = PREPARED
) -> str | None:
    found = choose(wanted(published=published), runs, situation(now=now, updated=updated))
    return found.id if found else None


def another(run: ReportRun, **parameters: Any) -> ReportRun:
    """The same run, asked something else."""
    asked = {**dict(REQUEST.parameters), **parameters}
    return replace(run, request=ReportRequest.of(REQUEST.report_type, asked))


def test_a_young_pending_run_is_adopted() -> None:
    assert chosen(run(status="pending")) == "frr_1"


def test_a_pending_run_counts_as_failed_after_six_hours() -> None:
    hanging = run(status="pending", created=PREPARED)

    assert chosen(hanging, now=PREPARED + 6 * HOUR) is None
    assert chosen(hanging, now=PREPARED + 6 * HOUR - timedelta(seconds=1)) == "frr_1"


def test_an_unknown_status_counts_as_pending() -> None:
    assert chosen(run(status="queued_somewhere")) == "frr_1"


def test_a_failed_run_is_never_adopted() -> None:
    assert chosen(run(status="failed")) is None


def test_a_finished_run_beats_a_pending_one_and_the_newest_wins() -> None:
    older = run("frr_older", created=PREPARED + timedelta(minutes=1))
    newer = run("frr_newer", created=PREPARED + timedelta(minutes=2))
    pending = run("frr_pending", status="pending", created=NOW)

    assert chosen(older, newer, pending) == "frr_newer"


def test_a_file_made_before_the_data_were_prepared_again_may_be_short() -> None:
    assert chosen(run(created=PREPARED - HOUR)) is None


def test_a_run_created_before_the_data_were_prepared_again_may_be_short_whenever_it_ends() -> None:
    """When within its time Stripe read the data is unknown."""
    before = PREPARED - timedelta(seconds=1)

    for refresh in (False, True):
        request = wanted(refresh=refresh)
        for each in (run(created=before, made=NOW + HOUR), run(status="pending", created=before)):
            assert refusal(each, request, situation()) is Refusal.STALE
            assert refusal(each, request, situation(own={each.id})) is None
        assert refusal(run(created=PREPARED, made=NOW + HOUR), request, situation()) is None


def test_where_nothing_settles_a_run_that_took_longer_than_a_preparation_is_accepted() -> None:
    """Another one would take as long, and be left behind like it."""
    payout = wanted(partition=Partition("po_1", None))
    slow = run(created=PREPARED - 5 * HOUR, made=PREPARED)

    assert refusal(slow, payout, situation()) is None
    assert refusal(run(created=PREPARED - HOUR), payout, situation()) is Refusal.STALE


def test_no_run_older_than_a_published_file_of_another_request_will_do() -> None:
    settled = DAY.end + timedelta(days=3)
    later = situation(now=settled + timedelta(days=9), updated=settled + timedelta(days=8))
    restated = wanted(replaces=provenance(made=settled + timedelta(days=2)))

    assert refusal(run(created=settled), restated, later) is Refusal.PUBLISHED
    assert refusal(run(created=settled + timedelta(days=2)), restated, later) is None


def test_a_file_made_two_days_after_the_interval_is_complete_whatever_came_since() -> None:
    settled = DAY.end + timedelta(hours=48)
    later = settled + timedelta(days=30)

    assert chosen(run(created=settled), updated=later - HOUR, now=later) == "frr_1"
    assert chosen(run(created=settled - timedelta(seconds=1)), updated=later - HOUR, now=later) is None


def test_of_an_earlier_runs_file_it_counts_when_it_was_made() -> None:
    assert chosen(run(created=NOW, made=PREPARED - HOUR)) is None


def test_an_expired_file_is_not_an_answer() -> None:
    assert chosen(run(expires=NOW)) is None


def test_only_a_run_newer_than_the_published_one_will_do() -> None:
    published = provenance("frr_published", made=NOW - HOUR / 4)

    assert chosen(run(created=NOW - HOUR / 2), published=published) is None
    assert chosen(run(created=NOW), published=published) == "frr_1"
    assert chosen(run("frr_published", status="pending", created=NOW), published=published) is None


def test_a_refresh_takes_no_file_made_before_it_began() -> None:
    refresh = wanted(refresh=True)

    assert refusal(run(created=NOW - HOUR / 2), refresh, situation()) is Refusal.STALE
    assert refusal(run(created=NOW - HOUR / 2, made=NOW), refresh, situation()) is Refusal.STALE
    later = run(created=NOW - HOUR / 2, made=NOW + timedelta(seconds=1))
    assert refusal(later, refresh, situation()) is None
    assert refusal(run(status="pending"), refresh, situation()) is None


def test_a_run_of_ones_own_is_accepted_with_an_earlier_runs_file() -> None:
    """Stripe answers so where nothing has changed; another run would get the same."""
    reused = run("frr_own", created=NOW, made=PREPARED - 3 * HOUR)

    for refresh in (False, True):
        assert refusal(reused, wanted(refresh=refresh), situation()) is Refusal.STALE
        assert refusal(reused, wanted(refresh=refresh), situation(own={"frr_own"})) is None


def test_a_run_that_is_named_may_have_been_pending_for_long_but_is_held_to_all_else() -> None:
    old = run("frr_old", status="pending", created=PREPARED)
    later = situation(now=PREPARED + 9 * HOUR)

    assert refusal(old, wanted(run_id="frr_old"), later) is None
    assert refusal(old, wanted(run_id="frr_other"), later) is Refusal.ABANDONED
    short = run("frr_old", created=PREPARED - HOUR)
    assert refusal(short, wanted(run_id="frr_old"), situation()) is Refusal.STALE


def test_fees_settle_later() -> None:
    fees = replace(REQUEST, report_type="all_fees.incurred_at.itemized.2")
    made = replace(run(created=DAY.end + 4 * 24 * HOUR), request=fees)
    later = {"now": DAY.end + 40 * 24 * HOUR, "updated": DAY.end + 39 * 24 * HOUR}

    assert refusal(made, wanted(request=fees), situation(alike=(fees,), **later)) is Refusal.STALE
    made = replace(run(created=DAY.end + 5 * 24 * HOUR), request=fees)
    assert refusal(made, wanted(request=fees), situation(alike=(fees,), **later)) is None


TIMES = st.integers(0, 14 * 24).map(lambda hours: DAY.start + hours * HOUR)


@given(
    created=TIMES,
    made=TIMES,
    published=TIMES,
    updated=st.none() | TIMES,
    began=TIMES,
    refresh=st.booleans(),
    named=st.booleans(),
)
def test_a_file_that_is_accepted_is_newer_than_the_published_one_and_lacks_nothing(
    *,
    created: datetime,
    made: datetime,
    published: datetime,
    updated: datetime | None,
    began: datetime,
    refresh: bool,
    named: bool,
) -> None:
    """However the run came: the decision sees only what it is."""
    there = provenance("frr_published", made=published)
    request = wanted(published=there, refresh=refresh, run_id="frr_1" if named else None)
    now = max(created, made, began)

    why = refusal(run(created=created, made=made), request, situation(began=began, updated=updated, now=now))

    read = min(created, made)
    prepared = updated is not None and read >= updated
    if refresh:
        complete = made > began and (prepared or read > began)
    else:
        complete = prepared or read >= DAY.end + 48 * HOUR
    assert (why is None) == (created >= published and complete)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (
            {"interval_start": epoch(DAY.start) - 86400},
            "interval_start 2026-05-31T00:00:00Z where 2026-06-01",
        ),
        ({"interval_end": epoch(DAY.end) + 86400}, "interval_end 2026-06-03T00:00:00Z where 2026-06-02"),
        ({"currency": "eur"}, "currency eur where none was asked"),
        ({"reporting_category": "charge"}, "reporting_category charge where none was asked"),
        ({"payout": "po_2"}, "payout po_2 where none was asked"),
        ({"connected_account": "acct_2"}, "connected_account acct_2 where none was asked"),
        ({"columns": ["net"]}, "columns net where none was asked"),
        ({"timezone": "Asia/Tokyo"}, "timezone Asia/Tokyo where none was asked"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_run_that_asks_anything_else_is_refused_naming_both(parameters: dict[str, Any], said: str) -> None:
    other = another(run(), **parameters)

    assert refusal(other, wanted(), situation()) is Refusal.MISMATCH
    assert said in ", ".join(differences(other, wanted(), situation()))


def test_a_run_of_another_report_type_is_refused_naming_both() -> None:
    other = replace(run(), request=replace(REQUEST, report_type="balance.summary.2"))

    assert refusal(other, wanted(), situation(asked={"frr_1"})) is Refusal.MISMATCH
    said = ", ".join(differences(other, wanted(), situation()))
    assert said == "report type balance.summary.2 where balance.summary.1 was asked"


def test_what_stripe_does_not_echo_is_not_another_request_where_it_is_known_what_was_asked() -> None:
    silent = replace(run(), request=ReportRequest.of(REQUEST.report_type, {}))

    assert refusal(silent, wanted(), situation(asked={"frr_1"})) is None
    assert refusal(silent, wanted(), situation()) is Refusal.MISMATCH


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        ("interval_start", epoch(DAY.start), epoch(DAY.start) - 86400),
        ("interval_end", epoch(DAY.end), epoch(DAY.end) + 86400),
        ("payout", "po_1", "po_2"),
        ("connected_account", "acct_1", "acct_2"),
        ("connected_accounts", ["acct_1"], ["acct_1", "acct_2"]),
        ("currency", "usd", "eur"),
        ("reporting_category", "charge", "refund"),
    ],
)
def test_an_answer_with_other_rows_is_refused_though_it_is_known_what_was_asked(
    name: str, ours: Any, theirs: Any
) -> None:
    asked = ReportRequest.of(REQUEST.report_type, {**dict(REQUEST.parameters), name: ours})
    answer = another(run(), **{name: theirs})
    at = situation(alike=(asked,), own={"frr_1"}, asked={"frr_1"})

    assert refusal(answer, wanted(request=asked), at) is Refusal.MISMATCH


def key(**changes: Any) -> str:
    arguments: dict[str, Any] = {"account": None, "mode": "test", "known": (), "salt": 0}
    request = changes.pop("request", REQUEST)
    return idempotency_key(request, **(arguments | changes))


def test_the_idempotency_key_repeats_for_the_same_request_in_the_same_situation() -> None:
    again = ReportRequest.of(
        REQUEST.report_type,
        {"timezone": "Etc/UTC", "interval_end": str(epoch(DAY.end)), "interval_start": epoch(DAY.start)},
    )

    assert key(request=again) == key()
    assert key(known={"frr_1", "frr_2"}) == key(known=["frr_2", "frr_1"])
    assert len(key()) <= 255


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"account": "acct_1"}, id="account"),
        pytest.param({"mode": "live"}, id="mode"),
        pytest.param({"known": ["frr_failed"]}, id="an-identical-run"),
        pytest.param({"salt": 1}, id="salt"),
        pytest.param({"version": "2030-01-01.later"}, id="api-version"),
        pytest.param({"request": ReportRequest.of("balance.summary.2", {})}, id="request"),
    ],
)
def test_the_idempotency_key_changes_with_everything_that_makes_it_another_request(
    change: dict[str, Any],
) -> None:
    assert key(**change) != key()


def available(end: datetime, id: str = "balance.summary.1") -> ReportType:
    return ReportType(
        id=id,
        name="Balance summary",
        data_available_start=datetime(2026, 1, 1, tzinfo=UTC),
        data_available_end=end,
        updated=PREPARED,
    )


def test_an_interval_is_ready_when_it_lies_within_the_window_with_both_ends_included() -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)

    assert not_ready(DAY, available(DAY.end), NOW) is None
    assert not_ready(Interval(first, DAY.end), available(DAY.end), NOW) is None


def test_noon_is_not_midnight() -> None:
    early = not_ready(DAY, available(DAY.end - 12 * HOUR), DAY.end + HOUR)

    assert isinstance(early, NotReadyError)
    assert early.expected == DAY.end + 12 * HOUR
    first = datetime(2026, 1, 1, tzinfo=UTC)
    assert (early.available_start, early.available_end) == (first, DAY.end - 12 * HOUR)
    assert "2026-06-02 12:00" in str(early)


@pytest.mark.parametrize(
    ("id", "days"),
    [
        pytest.param("balance.summary.1", 1, id="balance"),
        pytest.param("tax.itemized_export.1", 1, id="tax"),
        pytest.param("all_fees.balance_transaction_created.itemized.2", 4, id="fees"),
        pytest.param("all_fees.balance_transaction_created.itemized.9", 4, id="fees-nobody-knows"),
    ],
)
def test_data_are_expected_as_late_as_those_of_their_family_come(id: str, days: int) -> None:
    early = not_ready(DAY, available(DAY.start, id), DAY.end + 13 * HOUR)

    assert isinstance(early, NotReadyError)
    assert early.expected == DAY.end + timedelta(days=days)
    assert f"expected by {early.expected:%Y-%m-%d} 00:00 UTC" in str(early)


def test_an_interval_before_all_data_is_never_ready() -> None:
    old = Interval(datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))

    early = not_ready(old, available(DAY.end), NOW)

    assert isinstance(early, BeforeDataError)
    assert early.available_start == datetime(2026, 1, 1, tzinfo=UTC)
    assert "Begin at 2026-01-01" in str(early)


def test_of_an_interval_that_data_begin_in_smaller_windows_are_the_way_out() -> None:
    month = Interval(datetime(2025, 12, 15, tzinfo=UTC), datetime(2026, 1, 15, tzinfo=UTC))

    early = not_ready(month, available(DAY.end), NOW)

    assert isinstance(early, BeforeDataError)
    assert "Use smaller windows from 2026-01-01 00:00 UTC on" in str(early)


def test_a_difference_of_time_is_said_in_utc_wherever_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    later = another(run(), interval_end=epoch(DAY.end + HOUR))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()

    (said,) = differences(later, wanted(), situation())

    monkeypatch.undo()
    time.tzset()
    assert said == "interval_end 2026-06-02T01:00:00Z where 2026-06-02T00:00:00Z was asked"


def test_the_idempotency_key_stays_the_same_from_version_to_version() -> None:
    """Processes of two versions that ask at once share one run."""
    made = key(known={"frr_2", "frr_1"}, account="acct_1", version="v", salt=7)

    assert made == "report-1c40bf252526324d360cabbe78ea6cf295f863576ff09f92ca6f9d788145a59a"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (
            {"interval_end": epoch(DAY.end) + 1},
            "interval_end 2026-06-02T00:00:01Z where 2026-06-02T00:00:00Z",
        ),
        ({"columns": ["a", "b"]}, "columns a, b where none"),
        ({"currency": "eur"}, "currency eur where none"),
        ({"interval_end": 10**17}, f"interval_end {10**17} where 2026-06-02T00:00:00Z"),
    ],
)
def test_how_a_run_differs_from_what_is_wanted_is_said(parameters: dict[str, Any], said: str) -> None:
    assert list(differences(another(run(), **parameters), wanted(), situation())) == [f"{said} was asked"]


def test_policies_are_patient_by_default() -> None:
    assert WaitPolicy() == WaitPolicy(wait_timeout=HOUR / 2, abandon_after=6 * HOUR, attempts=3)
