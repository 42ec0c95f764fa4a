"""A pull refreshes what Stripe restates: after three days, after 35, and not before."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from connector.simulator import Match, RequestContext, Simulator
from connector.simulator.books.entries import Entry
from tests.cli.conftest import Ran, Run
from tests.faults.network import Respond
from tests.faults.runs import RunFails
from tests.support.clock import ManualClock

REPORT = "balance_change_from_activity_itemized"
JUNE_6 = ("--from", "2026-06-06", "--to", "2026-06-07")
END = datetime(2026, 6, 7, tzinfo=UTC)


@pytest.fixture
def restated(run: Run, stripe: Simulator, clock: ManualClock) -> Simulator:
    """A Stripe that booked an entry into the 6th of June after that was pulled, for the first time."""
    run("pull", REPORT, *JUNE_6)
    at = int(datetime(2026, 6, 6, 5, tzinfo=UTC).timestamp())
    late = Entry("txn_late", "network_cost", at, at, "usd", Decimal("-0.005991"), Decimal(0), "adj_1", None)
    stripe.book_late(late)
    return stripe


def pull_after(age: timedelta, run: Run, clock: ManualClock, *options: str) -> Ran:
    """A pull of the 6th of June so long after its end."""
    clock.move_to(END + age)
    return run("pull", REPORT, *JUNE_6, *options)


def test_a_restated_day_is_corrected_by_a_plain_pull_after_three_days(
    run: Run, restated: Simulator, clock: ManualClock
) -> None:
    pulled = pull_after(timedelta(days=3), run, clock)

    assert pulled.code == 0
    assert "(changed: +1 rows, -0.005991 usd)" in pulled.out
    assert pulled.err == (
        "1 of the stored partitions gets a new report run, because Stripe restates reports. Last requested "
        "too early: 1 less than 3 days after the end. --no-refresh leaves them.\n"
    )


def test_before_that_it_is_left_as_it_is(run: Run, restated: Simulator, clock: ManualClock) -> None:
    pulled = pull_after(timedelta(days=2, hours=23), run, clock)

    assert "(1 kept)" in pulled.out
    assert pulled.err == ""
    assert len(restated.runs) == 1


def test_each_age_costs_one_report_run(run: Run, restated: Simulator, clock: ManualClock) -> None:
    made = []

    for age in (3, 4, 34, 35, 36, 400):
        pull_after(timedelta(days=age), run, clock)
        made.append(len(restated.runs))

    assert made == [2, 2, 2, 3, 3, 3]


def test_it_can_be_left_out(run: Run, restated: Simulator, clock: ManualClock) -> None:
    before = len(restated.requests)

    pulled = pull_after(timedelta(days=3), run, clock, "--no-refresh")

    assert (pulled.code, pulled.err) == (0, "")
    assert "(1 kept)" in pulled.out
    assert len(restated.requests) == before


def test_a_refresh_that_fails_leaves_the_file(run: Run, restated: Simulator, clock: ManualClock) -> None:
    restated.faults.add(RunFails(), "POST", times=None)

    failed = pull_after(timedelta(days=3), run, clock)
    kept = run("pull", REPORT, *JUNE_6, "--no-refresh")

    assert failed.code == 1
    assert "Files stored before are unchanged." in failed.out
    assert "(1 kept)" in kept.out


GONE = {
    "no such account": Respond(
        400,
        {
            "error": {
                "type": "invalid_request_error",
                "code": "resource_missing",
                "message": "No such account: 'acct_1gone'",
                "param": "parameters[connected_account]",
            }
        },
    ),
    "not the key's": Respond(
        403,
        {
            "error": {
                "type": "invalid_request_error",
                "code": "account_invalid",
                "message": "The provided key does not have access to account 'acct_1gone' (or that account "
                "does not exist).",
            }
        },
    ),
}


@pytest.mark.parametrize("refusal", GONE)
def test_a_connected_account_that_is_gone_holds_up_no_other(
    run: Run, stripe: Simulator, clock: ManualClock, refusal: str
) -> None:
    gone, other = stripe.connected_accounts[:2]
    accounts = ("--connected-accounts", f"{gone},{other}")
    run("pull", "connected_account_balance_summary", *JUNE_6, *accounts)

    def about_the_gone(request: RequestContext) -> bool:
        form = parse_qs(request.call.body.decode()) if request.call else {}
        return form.get("parameters[connected_account]") == [gone]

    stripe.faults.add(GONE[refusal], Match("POST", where=about_the_gone), times=None)
    clock.move_to(END + timedelta(days=3))

    pulled = run(
        "pull", "connected_account_balance_summary", "--from", "2026-06-05", "--to", "2026-06-08", *accounts
    )

    assert pulled.code == 1
    assert "2 of the stored partitions get a new report run" in pulled.err
    assert sorted(line.split()[0] for line in pulled.lines if " created frr_" in line) == [
        f"{other}|2026-06-{day:02}" for day in (5, 6, 7)
    ]
    assert "the account is not, or no longer, one that the key may act for" in pulled.out + pulled.err
    assert "end it where it is configured, with `until:` and its last day" in pulled.out
    assert "Files stored before are unchanged." in pulled.out


def test_a_file_that_the_file_system_refuses_holds_up_no_other(
    run: Run, stripe: Simulator, clock: ManualClock, tmp_path: Path
) -> None:
    three_days = ("--from", "2026-06-04", "--to", "2026-06-07")
    run("pull", REPORT, *three_days)
    (file,) = tmp_path.rglob("period=2026-06-05/report.parquet")
    file.unlink()
    file.mkdir()
    clock.move_to(END + timedelta(days=3))

    pulled = run("pull", REPORT, *three_days)

    assert pulled.code == 1
    assert "2 of the stored partitions get a new report run" in pulled.err
    assert sorted(line.split()[0] for line in pulled.lines if " created frr_" in line) == [
        "2026-06-04",
        "2026-06-06",
    ]
    assert f"could not read {file}" in pulled.out + pulled.err
    assert len(stripe.runs) == 5


def test_a_log_for_programs_stays_one(run: Run, restated: Simulator, clock: ManualClock) -> None:
    pulled = pull_after(timedelta(days=3), run, clock, "--log", "json")

    assert all(line.startswith("{") for line in pulled.err.splitlines())
    assert "because Stripe restates reports" in pulled.err


def test_columns_are_not_dropped_by_a_refresh(run: Run, restated: Simulator, clock: ManualClock) -> None:
    pulled = pull_after(timedelta(days=3), run, clock, "--columns", "balance_transaction_id,net,currency")

    assert pulled.code == 2
    assert "it would lose" in pulled.err
    assert len(restated.runs) == 1


def test_a_year_that_is_final_costs_no_request(run: Run, stripe: Simulator, clock: ManualClock) -> None:
    clock.move_to(END + timedelta(days=40))
    run("pull", REPORT, *JUNE_6)
    before = len(stripe.requests)

    run("pull", REPORT, *JUNE_6)

    assert len(stripe.requests) == before


def test_to_refresh_all_and_none_is_refused(run: Run, stripe: Simulator) -> None:
    refused = run("pull", REPORT, *JUNE_6, "--force", "--no-refresh")

    assert refused.code == 2
    assert "give one of them" in refused.err
    assert stripe.requests == []
