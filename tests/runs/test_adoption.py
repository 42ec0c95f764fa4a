"""Which report run answers a request, over plain values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.api.models import ReportRequest, ReportRun, ReportType, epoch
from connector.dataset.provenance import Provenance
from connector.partitions import Interval, Partition
from connector.runs.adoption import PartitionRequest, WaitPolicy, another_request, choose
from connector.runs.creation import idempotency_key
from connector.runs.readiness import not_ready, ready_by
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


def chosen(
    *runs: ReportRun, published: Provenance | None = None, now: datetime = NOW, updated: datetime = PREPARED
) -> str | None:
    wanted = PartitionRequest(Partition("2026-06-01", DAY), REQUEST, published)
    found = choose(wanted, runs, updated=updated, now=now, wait_policy=WaitPolicy())
    return found.id if found else None


def test_a_young_pending_run_is_adopted() -> None:
    assert chosen(run(status="pending")) == "frr_1"


def test_a_pending_run_counts_as_failed_after_six_hours() -> None:
    assert chosen(run(status="pending", created=NOW - 6 * HOUR)) is None
    assert chosen(run(status="pending", created=NOW - 6 * HOUR + timedelta(seconds=1))) == "frr_1"


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


def test_a_file_made_two_days_after_the_interval_is_complete_whatever_came_since() -> None:
    settled = DAY.end + timedelta(hours=48)
    later = settled + timedelta(days=30)

    assert chosen(run(created=settled), updated=later - HOUR, now=later) == "frr_1"
    assert chosen(run(created=settled - timedelta(seconds=1)), updated=later - HOUR, now=later) is None


def test_an_earlier_runs_file_is_judged_by_when_it_was_made() -> None:
    assert chosen(run(created=NOW, made=PREPARED - HOUR)) is None


def test_an_expired_file_is_no_answer() -> None:
    assert chosen(run(expires=NOW)) is None


def test_only_a_run_newer_than_the_published_one_will_do() -> None:
    published = provenance("frr_published", made=NOW - HOUR / 4)

    assert chosen(run(created=NOW - HOUR / 2), published=published) is None
    assert chosen(run(created=NOW), published=published) == "frr_1"
    assert chosen(run("frr_published", status="pending", created=NOW), published=published) is None


def key(**changes: Any) -> str:
    arguments: dict[str, Any] = {"account": None, "mode": "test", "after": None, "salt": 0}
    request = changes.pop("request", REQUEST)
    return idempotency_key(request, **(arguments | changes))


def test_the_idempotency_key_repeats_for_the_same_question_in_the_same_situation() -> None:
    again = ReportRequest.of(
        REQUEST.report_type,
        {"timezone": "Etc/UTC", "interval_end": str(epoch(DAY.end)), "interval_start": epoch(DAY.start)},
    )

    assert key(request=again) == key()
    assert len(key()) <= 255


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"account": "acct_1"}, id="account"),
        pytest.param({"mode": "live"}, id="mode"),
        pytest.param({"after": "frr_failed"}, id="a-newer-identical-run"),
        pytest.param({"salt": 1}, id="salt"),
        pytest.param({"request": ReportRequest.of("balance.summary.2", {})}, id="request"),
    ],
)
def test_the_idempotency_key_changes_with_everything_that_makes_it_another_request(
    change: dict[str, Any],
) -> None:
    assert key(**change) != key()


def test_a_run_over_other_days_is_told_by_its_days() -> None:
    asked = {"interval_start": 1780272000, "interval_end": 1780358400, "currency": "usd"}
    echoed = asked | {"interval_end": 1780444800, "currency": "eur"}

    said = another_request(
        ReportRequest.of("balance.summary.1", asked), ReportRequest.of("balance.summary.1", echoed)
    )

    assert said == (
        "answers another request: interval_end 2026-06-03T00:00:00Z where 2026-06-02T00:00:00Z was asked, "
        "currency eur where usd was asked"
    )


@pytest.mark.parametrize(
    ("echoed", "said"),
    [
        (("payouts.1", {"payout": "po_2", "connected_account": "acct_1"}), "payout po_2"),
        (("payouts.1", {"payout": "po_1", "connected_account": "acct_2"}), "connected_account acct_2"),
        (("payouts.2", {"payout": "po_1", "connected_account": "acct_1"}), "payouts.2"),
    ],
    ids=["payout", "account", "report-type"],
)
def test_a_run_about_something_else_is_told_by_what_it_is_about(
    echoed: tuple[str, dict[str, str]], said: str
) -> None:
    asked = ReportRequest.of("payouts.1", {"payout": "po_1", "connected_account": "acct_1"})

    assert said in (another_request(asked, ReportRequest.of(*echoed)) or "")


def available(end: datetime) -> ReportType:
    return ReportType(
        id="balance.summary.1",
        name="Balance summary",
        version=1,
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

    assert early is not None
    assert early.expected == DAY.end + 12 * HOUR
    assert "2026-06-02 12:00" in str(early)


def test_an_interval_before_all_data_is_never_ready() -> None:
    old = Interval(datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))

    early = not_ready(old, available(DAY.end), NOW)

    assert early is not None
    assert early.expected is None


@given(day=st.integers(0, 3_000 * 24 * 60), late=st.integers(0, 3 * 24 * 3600))
def test_data_are_expected_at_a_noon_or_midnight_to_come(day: int, late: int) -> None:
    end = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=day)
    now = end + timedelta(seconds=late)

    expected = ready_by(end, now)

    assert expected.hour in {0, 12}
    assert expected >= max(now, end + 12 * HOUR)
    assert expected - max(now, end + 12 * HOUR) < 12 * HOUR
