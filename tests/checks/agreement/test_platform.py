"""A platform's reports and those of its accounts pass all checks; a row that is put under another account is
found, whichever it is, and both accounts are named."""

from datetime import date

import pytest

from connector.checks import CheckOutcome
from connector.checks.audit import audit
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.checks.conftest import JUNE_1, Books, Edited, dataset_of
from tests.faults.file_editing import Row
from tests.support.clock import ManualClock

ITEMS = "balance_change_from_activity.itemized.3"
TOTALS = "balance_change_from_activity.summary.1"
BALANCE = "balance.summary.1"


@pytest.fixture
def simulator(clock: ManualClock) -> Simulator:
    return Simulator(clock, seed=7, volume=3, run_seconds=0, opening=date(2026, 5, 1), platform=True)


def of_each(books: Books, report: str) -> ReportQuery:
    """A day of each account in a file of its own."""
    query = ReportQuery.of(report, by_account=True)
    accounts = books.simulator.connected_accounts
    return books.pulled(report, partitions=query.each_account(JUNE_1, accounts), by_account=True)


def outcomes(books: Books, *queries: ReportQuery) -> list[CheckOutcome]:
    """What is found in each table beside the others."""
    tables = [dataset_of(query) for query in queries]
    return [found for each in tables for found in audit(books.store, each, [o for o in tables if o != each])]


def test_the_truth_passes_on_both_sides(books: Books) -> None:
    own = [books.pulled(report) for report in (ITEMS, TOTALS, BALANCE)]
    theirs = [of_each(books, f"connected_account_{report}") for report in (TOTALS, BALANCE)]
    together = books.pulled(f"connected_account_{ITEMS}")

    found = outcomes(books, *own, *theirs, together)

    assert {each.finding.result.value for each in found} == {"passed"}
    assert len({(each.table, each.check.other) for each in found if each.check.other}) == 12


@pytest.mark.parametrize("at", [0, 2, 4, -1])
@pytest.mark.parametrize("to", [1, 2])
def test_a_row_put_under_another_account_names_both(books: Books, at: int, to: int) -> None:
    accounts = books.simulator.connected_accounts
    named: set[str] = set()

    def move(rows: list[Row]) -> None:
        there = str(rows[at]["connected_account"])
        rows[at]["connected_account"] = accounts[(accounts.index(there) + to) % len(accounts)]
        named.update((there, str(rows[at]["connected_account"])))

    apart = of_each(books, f"connected_account_{TOTALS}")
    together = books.pulled(f"connected_account_{ITEMS}", Edited(move))

    failed = {
        each.partition: each.finding
        for each in outcomes(books, apart, together)
        if each.finding.result == "failed"
    }

    assert {*failed} == {"2026-06-01", *(f"{account}|2026-06-01" for account in named)}
    assert all(account in failed["2026-06-01"].reason for account in named)
