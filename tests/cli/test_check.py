"""`check`: a table of what holds, the reasons why something does not, and an exit code for whoever waits."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from connector.api.models import epoch
from connector.simulator import Match, RequestContext, Simulator
from tests.cli.conftest import COMMAND, Run, on_a_terminal, read_until
from tests.faults.file_editing import FileFault
from tests.faults.files import AddedColumn, PayoutsWithoutCurrency, WrongClosing

JUNE = ("--from", "2026-06-01", "--to", "2026-06-04")

Pulled = Callable[..., None]


@pytest.fixture
def pulled(run: Run, stripe: Simulator) -> Pulled:
    """Three days of a report in the directory, the first of them with a fault."""

    def pull(report: str, fault: FileFault | None = None, *options: str) -> None:
        if fault:
            # Report runs are created side by side, in any order.
            about = Match("POST", report_type=f"{report.rpartition('_')[0]}*", where=_is_first_day)
            stripe.faults.add(fault, about)
        assert run("pull", report, *JUNE, *options).code == 0

    return pull


def _is_first_day(request: RequestContext) -> bool:
    form = parse_qs(request.call.body.decode()) if request.call else {}
    return form.get("parameters[interval_start]") == [f"{epoch(datetime(2026, 6, 1, tzinfo=UTC))}"]


def rows(shown: str) -> list[list[str]]:
    lines = [line for line in shown.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]


def test_books_that_agree(run: Run, pulled: Pulled) -> None:
    pulled("balance_summary")
    pulled("balance_change_from_activity_itemized")

    checked = run("check")

    assert checked.code == 0
    itemized, _, summary = checked.out.partition("\nbalance_summary")
    assert itemized.startswith("balance_change_from_activity_itemized")
    assert ["agrees_with_balance_summary", "3", "", "", ""] in rows(itemized)
    assert ["balance_adds_up", "3", "", "", ""] in rows(summary)
    assert ["closing_is_next_opening", "2", "", "", ""] in rows(summary)
    assert checked.lines[-1] == "All 59 checks passed."


def test_a_failure_names_the_amounts_and_ends_with_1(run: Run, pulled: Pulled) -> None:
    pulled("balance_summary", WrongClosing(currency="usd"))

    checked = run("check", "balance_summary")

    assert checked.code == 1
    assert (
        "failed: balance_summary 2026-06-01, balance_adds_up: The balance does not add up in usd"
        in checked.out
    )
    assert (
        "failed: balance_summary 2026-06-02, closing_is_next_opening: The balances differ in usd"
        in checked.out
    )


@pytest.mark.parametrize(
    ("fault", "word"), [(AddedColumn(), "warning"), (PayoutsWithoutCurrency(), "inconclusive")]
)
def test_warnings_and_what_nobody_can_decide_are_told_and_fail_nothing(
    run: Run, pulled: Pulled, fault: FileFault, word: str
) -> None:
    pulled("balance_summary", fault)

    checked = run("check")

    assert checked.code == 0
    assert f"{word}: balance_summary 2026-06-01" in checked.out


def test_programs_get_every_finding_and_a_summary(run: Run, pulled: Pulled) -> None:
    pulled("balance_summary", WrongClosing(currency="usd"))

    *found, summary = run("check", "--json").objects

    (wrong,) = (each for each in found if each["check"] == "balance_adds_up" and each["result"] == "failed")
    assert (wrong["partition"], wrong["severity"], wrong["wrong"]) == ("2026-06-01", "error", 1)
    assert wrong["examples"][0]["difference"] == "0.01"
    assert (summary["failed"], summary["exit_code"]) == (2, 1)


def test_a_file_from_before_a_change_of_columns_is_put_to_the_list_file_checks_its_day(
    run: Run, pulled: Pulled
) -> None:
    pulled("balance_summary", None, "--columns", "category,currency,net_amount")
    assert run("pull", "balance_summary", "--from", "2026-06-04", "--to", "2026-06-05").code == 0

    assert run("check").code == 0


def test_a_damaged_file_is_found(run: Run, pulled: Pulled, tmp_path: Path) -> None:
    pulled("balance_summary")
    (file,) = tmp_path.glob("data/*/balance_summary/**/period=2026-06-02/report.parquet")
    file.write_bytes(file.read_bytes()[:-100])

    checked = run("check")

    assert checked.code == 1
    assert "failed: balance_summary 2026-06-02, file_is_whole" in checked.out


def test_a_misspelt_table_is_answered_with_the_nearest(run: Run, pulled: Pulled) -> None:
    pulled("balance_summary")

    refused = run("check", "balance_sumary")

    assert (refused.code, refused.out) == (2, "")
    assert "nearest: balance_summary" in refused.err


@pytest.mark.parametrize("options", [[], ["--mode", "live"]])
def test_without_data_it_says_how_to_get_some(run: Run, options: list[str]) -> None:
    refused = run("check", *options)

    assert refused.code == 2
    assert "stripe-reports pull" in refused.err


def test_people_see_how_far_it_is_and_programs_see_nothing(run: Run, pulled: Pulled) -> None:
    pulled("balance_summary")

    with on_a_terminal(*COMMAND, "check") as (process, terminal):
        shown = read_until(terminal, "checks passed.")
        assert process.wait(30) == 0

    assert "balance_summary" in shown.partition("balance_adds_up")[0]
    assert "3/3" in shown
    assert run("check").err == run("check", "--json").err == ""
