"""`close`: a month signed off stays as it was, or turns red and says what changed."""

import csv
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from connector.api.credentials import Hosts
from connector.simulator import Simulator
from connector.simulator.books.entries import Entry
from tests.cli.conftest import Run
from tests.conftest import ClientFor, Pull
from tests.support.clock import ManualClock
from tests.support.months import JUNE, REPORTS, pull_month

PullMonth = Callable[..., None]

LATE = datetime(2026, 6, 17, 5, tzinfo=UTC)


@pytest.fixture
def pull_here(stripe: Simulator, clock: ManualClock, pull: Pull, client_for: ClientFor) -> PullMonth:
    """Pull June 2026 without the waiting that a port takes, into the files that the command reads."""
    clock.move_to(datetime(2026, 8, 8, 13, tzinfo=UTC))
    here = client_for(stripe.handle, hosts=Hosts.of("http://127.0.0.1:1"))
    return partial(pull_month, pull, client=here)


@pytest.fixture
def days(pull_here: PullMonth) -> None:
    """June 2026, day by day, and the first of July, in the tables that a close cannot do without."""
    pull_here(reports=REPORTS[:3])


@pytest.fixture
def month(pull_here: PullMonth) -> None:
    """June 2026 in one file each, and July."""
    pull_here(window="monthly")


def book_late(
    stripe: Simulator, clock: ManualClock, amount: str, currency: str = "usd", when: datetime = LATE
) -> None:
    """Book an entry into the 17th of June, or another day, and wait until reports have it."""
    at = int(when.timestamp())
    late = Entry("txn_late", "network_cost", at, at, currency, Decimal(amount), Decimal(0), "adj_1", None)
    stripe.book_late(late)
    clock.move_to(clock.now() + timedelta(days=1))


def restate(run: Run, first: str, last: str, *reports: str, window: str = "daily") -> None:
    """Pull the windows again."""
    for report in reports:
        assert run("pull", report, "--from", first, "--to", last, "--window", window, "--force").code == 0


def test_a_month_with_all_its_days_can_be_closed_and_days_that_are_missing_are_named(
    run: Run, days: None
) -> None:
    whole = run("close", "2026-06")
    assert run("forget", REPORTS[0], "2026-06-17", "2026-06-19", "--yes").code == 0
    red = run("close", "2026-06")

    assert whole.code == 0
    assert whole.lines[1] == "Can be closed: all 90 files are there and agree. --sign-off freezes it."
    assert [line for line in whole.lines if len(line) > 80] == []
    assert red.code == 6
    assert "balance_summary lacks 2026-06-17, 2026-06-19." in words(red.out)
    assert "stripe-reports pull balance.summary.1 --from 2026-06-17 --to 2026-06-20" in red.out


def test_signed_off_restated_red_opened_again_signed_again_green(
    run: Run, stripe: Simulator, clock: ManualClock, pull_here: PullMonth, tmp_path: Path
) -> None:
    pull_here(reports=REPORTS[:3])
    signed = run("close", "2026-06", "--sign-off", "--by", "J. Doe")
    assert signed.code == 0
    assert "by J. Doe, and all 90 files are as they were" in words(signed.out)

    book_late(stripe, clock, "-0.005991")
    restate(run, "2026-06-17", "2026-06-18", REPORTS[1])
    days = [each.key for each in JUNE.partitions("daily", "UTC")]
    pull_here(reports=REPORTS[:1], refresh=[*days, "2026-07-01"])
    red = run("close", "2026-06")

    assert red.code == 6
    assert (
        "balance_change_from_activity_itemized 2026-06-17 changed after the sign-off: -0.005991 usd, +1 rows"
        in words(red.out)
    )
    assert "own account: since the sign-off, activity -0.005991 usd and closing -0.005991 usd." in words(
        red.out
    )

    twice = run("close", "2026-06", "--sign-off")
    assert (twice.code, "UTC by J. Doe already; --reopen opens it" in twice.err) == (2, True)
    assert run("close", "2026-06", "--reopen", "--by", "J. Doe").code == 0
    again = run("close", "2026-06", "--sign-off")
    assert again.code == 0
    assert "all 90 files are as they were" in words(again.out)
    assert sorted(each.name for each in tmp_path.glob("data/simulated/_closes/2026-06/*")) == [
        *("0001-signed.json", "0002-reopened.json", "0003-signed.json"),
    ]


def test_a_month_that_has_not_begun_lacks_no_days(run: Run, month: None) -> None:
    red = run("close", "2999-12")

    assert red.code == 6
    assert [line for line in red.lines if line.startswith("- ")] == [
        "- 2999-12 has not begun: its first day is 2999-12-01, on the calendar of UTC."
    ]


def test_what_was_restated_in_one_table_alone_breaks_the_books(
    run: Run, stripe: Simulator, clock: ManualClock, month: None
) -> None:
    book_late(stripe, clock, "-1.50")
    restate(run, "2026-06-01", "2026-07-01", "balance_change_from_activity_itemized", window="monthly")

    red = run("close", "2026-06", "--sign-off")

    assert red.code == 6
    assert "usd: the categories are -1.50 more than the activity of the balance." in words(red.out)
    assert "2026-06-01, agrees_with_balance_change_from_activity_itemized:" in words(red.out)
    assert red.err == "2026-06 was not signed off.\n"


@pytest.mark.parametrize("report", REPORTS[:3])
def test_what_is_missing_is_named_with_what_brings_it(run: Run, month: None, report: str) -> None:
    assert run("close", "2026-06", "--sign-off").code == 0
    assert run("forget", report, "2026-06-01", "--yes").code == 0

    red = run("close", "2026-06")
    (command,) = (line.strip() for line in red.lines if line.strip().startswith("stripe-reports pull"))

    assert red.code == 6
    assert f"{report} 2026-06-01 was signed off and is missing" in words(red.out)
    assert "--from 2026-06-01 --to 2026-07-01" in command
    assert run(*command.split()[1:]).code == 0
    assert run("close", "2026-06").code == 0


def test_what_a_month_can_do_without_is_missed_once_it_was_signed(run: Run, month: None) -> None:
    assert run("close", "2026-06", "--sign-off").code == 0
    assert run("forget", REPORTS[3], "2026-06-01", "--yes").code == 0

    red = run("close", "2026-06")

    assert red.code == 6
    assert f"{REPORTS[3]} 2026-06-01 was signed off and is missing" in words(red.out)
    assert f"Contents of payouts: not there: {REPORTS[3]} has no file of 2026-06." in words(red.out)


def test_the_same_file_again_changes_nothing(run: Run, month: None) -> None:
    assert run("close", "2026-06", "--sign-off").code == 0
    restate(run, "2026-06-01", "2026-07-01", *REPORTS, window="monthly")

    assert run("close", "2026-06").code == 0


def test_a_month_signed_before_its_successor_was_there_is_compared_with_it(
    run: Run, stripe: Simulator, clock: ManualClock, pull_here: PullMonth
) -> None:
    pull_here(window="monthly", following=False)
    assert run("close", "2026-06", "--sign-off").code == 0
    book_late(stripe, clock, "-3.00")
    assert run("close", "2026-06").code == 0

    restate(run, "2026-07-01", "2026-08-01", "balance_summary", window="monthly")
    red = run("close", "2026-06")

    assert red.code == 6
    assert "usd: the next month opens with -3.00 more than this one closes with." in words(red.out)


def test_windows_of_different_lengths_make_up_one_month(
    run: Run, stripe: Simulator, clock: ManualClock, pull_here: PullMonth
) -> None:
    pull_here(reports=REPORTS[:1])
    pull_here(reports=REPORTS[1:3], window="monthly")
    signed = run("close", "2026-06", "--sign-off")
    assert run("forget", REPORTS[0], "2026-06-17", "--yes").code == 0
    assert run("forget", REPORTS[1], "2026-06-01", "--yes").code == 0
    lacking = words(run("close", "2026-06").out)
    pull_here(reports=REPORTS[:1])
    book_late(stripe, clock, "-1.50")
    restate(run, "2026-06-01", "2026-07-01", REPORTS[1], window="monthly")
    restated = words(run("close", "2026-06").out)

    assert signed.code == 0
    assert "all 32 files are as they were" in words(signed.out)
    assert "--from 2026-06-17 --to 2026-06-18" in lacking
    assert "--from 2026-06-01 --to 2026-07-01 --window monthly" in lacking
    assert "usd: the categories are -1.50 more than the activity of the balance." in restated


def test_a_table_without_files_of_the_month_is_in_nobodys_way(
    run: Run, month: None, pull_here: PullMonth
) -> None:
    assert run("forget", REPORTS[1], "2026-06-01", "--yes").code == 0
    assert run("close", "2026-06").code == 6
    pull_here(reports=("balance_change_from_activity_summary",), window="monthly")

    whole = run("close", "2026-06", "--sign-off")
    pull_here(reports=REPORTS[1:2], window="monthly")
    later = run("close", "2026-06")

    assert whole.code == 0
    assert "balance_summary, balance_change_from_activity_summary, payouts_itemized" in words(whole.out)
    assert (later.code, later.lines[1]) == (0, whole.lines[1])


def test_the_lines_of_several_months_can_stand_below_each_other(run: Run, month: None) -> None:
    months = [run("close", each, "--format", "csv").out.splitlines() for each in ("2026-06", "2026-07")]
    rows = list(csv.DictReader([*months[0], *months[1][1:]]))

    assert months[0][0] == months[1][0]
    assert {row["month"] for row in rows} == {"2026-06", "2026-07"}
    ends = [(row["month"], row["line"], row["amount"]) for row in rows if row["currency"] == "usd"]
    closing = {month: amount for month, line, amount in ends if line.startswith("Ending balance")}
    opening = {month: amount for month, line, amount in ends if line.startswith("Starting balance (")}
    assert closing["2026-06"] == opening["2026-07"]


def test_a_month_opens_with_what_the_one_before_closed_with(
    run: Run, stripe: Simulator, clock: ManualClock, pull_here: PullMonth
) -> None:
    pull_here(reports=REPORTS[:3], window="monthly", following=False)
    whole = run("close", "2026-06")
    book_late(stripe, clock, "-1.50", when=LATE - timedelta(days=31))
    restate(run, "2026-05-01", "2026-06-01", REPORTS[0], window="monthly")
    red = run("close", "2026-06")

    assert (whole.code, red.code) == (0, 6)
    assert "balance_summary 2026-06-01, closing_is_next_opening:" in words(red.out)


def test_a_file_that_cannot_be_read_is_named(run: Run, month: None, tmp_path: Path) -> None:
    (file,) = tmp_path.glob(f"data/simulated/{REPORTS[1]}/*/period=2026-06-01/report.parquet")
    file.write_bytes(file.read_bytes()[:-100])

    red = run("close", "2026-06")

    assert red.code == 6
    assert f"{REPORTS[1]} 2026-06-01 cannot be read. Pull it again." in words(red.out)


def test_programs_get_every_line_and_how_it_stands(run: Run, month: None) -> None:
    *lines, summary = run("close", "2026-06", "--json").objects
    closing = {
        each["currency"]: each["amount"]
        for each in lines
        if each.get("line") == "Ending balance (2026-06-30)"
    }

    assert {currency: len(amount.partition(".")[2]) for currency, amount in closing.items()} == {
        **{"eur": 2, "jpy": 0, "kwd": 3, "usd": 2}
    }
    assert (summary["closed"], summary["exit_code"]) == (True, 0)


def test_each_format_has_the_same_amounts(run: Run, month: None) -> None:
    shown = {form: run("close", "2026-06", "--format", form).out for form in ("text", "md", "csv", "html")}
    table = list(csv.DictReader(shown["csv"].splitlines()))
    closing = {
        each["currency"]: each["amount"] for each in table if each["line"] == "Ending balance (2026-06-30)"
    }

    assert closing.keys() == {"eur", "jpy", "kwd", "usd"}
    for form in ("text", "md", "html"):
        plain = shown[form].replace(",", "")
        assert [amount for amount in closing.values() if amount not in plain] == []
    assert shown["html"].startswith("<!doctype html>")
    assert not re.search(r"(src|href)=.?http", shown["html"])
    assert shown["html"].count('src="data:image/svg+xml;base64,') == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("2026-13",), "'2026-13' is not a month such as 2026-06"),
        (("2026-06", "--sign-off", "--reopen"), "give one of them"),
        (("2026-06", "--by", "me"), "--by says who signs or opens"),
        (("2026-06", "--json", "--format", "csv"), "--json is a format of its own"),
        (("2026-06", "--reopen"), "2026-06 is not signed off"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    run: Run, pull_here: PullMonth, arguments: tuple[str, ...], said: str
) -> None:
    pull_here(reports=REPORTS[:1], window="monthly", following=False)

    refused = run("close", *arguments)

    assert refused.code == 2
    assert said in refused.err


def test_without_balances_there_is_nothing_to_close(run: Run, pull_here: PullMonth) -> None:
    pull_here(reports=REPORTS[1:2], window="monthly", following=False)

    refused = run("close", "2026-06")

    assert refused.code == 2
    assert "`stripe-reports pull balance_summary` makes one" in refused.err


def test_what_was_signed_is_written_down_and_nobody_takes_it_for_data(
    run: Run, month: None, tmp_path: Path
) -> None:
    run("close", "2026-06", "--sign-off", "--by", "A\x1b[2J\n\u202eB")

    (file,) = tmp_path.glob("data/simulated/_closes/2026-06/*.json")
    found = json.loads(file.read_text())
    assert found.keys() == {"format", "event", "month", "at", "by", "sums", "inputs"}
    assert found["by"] == "A\\x1b[2J\\n\\u202eB"
    assert len(found["inputs"]) == 4
    checked = run("check")
    assert (checked.code, checked.err) == (0, "")


def words(text: str) -> str:
    """A text with spaces for its line ends."""
    return " ".join(text.split())
