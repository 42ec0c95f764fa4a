"""A platform's reports and those of its accounts pass all checks; a row that is put under another account is
found, whichever it is, and both accounts are named."""

from datetime import date
from decimal import Decimal

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


@pytest.mark.parametrize("named", ["by the partition", "by a filter"])
def test_a_row_of_another_account_than_was_asked_for_names_both(books: Books, named: str) -> None:
    mine, other, _ = books.simulator.connected_accounts

    def move(rows: list[Row]) -> None:
        rows[1]["connected_account"] = other

    id = f"connected_account_{ITEMS}"
    if named == "by the partition":
        asked = ReportQuery.of(id, by_account=True).each_account(JUNE_1, [mine])
        query = books.pulled(id, Edited(move), partitions=asked, by_account=True)
    else:
        query = books.pulled(id, Edited(move), filters={"connected_account": mine})

    (found,) = (each for each in outcomes(books, query) if each.check.name == "rows_of_account")

    assert (found.finding.result, found.finding.wrong) == ("failed", 1)
    assert mine in found.finding.reason
    assert f"connected_account {other}" in found.finding.reason


@pytest.mark.parametrize(("off_by", "expected"), [(0, "passed"), (1, "failed")])
@pytest.mark.parametrize("other_side", ["all in one file", "a file of each"])
def test_a_table_of_one_account_is_compared_with_that_account_in_one_of_all(
    books: Books, other_side: str, off_by: int, expected: str
) -> None:
    mine, *_ = books.simulator.connected_accounts
    items = f"connected_account_{ITEMS}"
    theirs = of_each(books, items) if other_side == "a file of each" else books.pulled(items)
    there = f"{mine}|2026-06-01" if theirs.dimensions else "2026-06-01"

    def change(rows: list[Row]) -> None:
        rows[0]["gross"] = str(Decimal(rows[0]["gross"] or 0) + off_by)

    only = {"connected_account": mine}
    ours = books.pulled(f"connected_account_{TOTALS}", Edited(change), filters=only)
    compared = [each for each in outcomes(books, ours, theirs) if each.check.other]

    assert {(each.table, each.partition, str(each.finding.result)) for each in compared} == {
        (ours.name, "2026-06-01", expected),
        (theirs.name, there, expected),
    }


def test_tables_of_two_accounts_are_not_compared(books: Books) -> None:
    first, second, _ = books.simulator.connected_accounts
    items = books.pulled(f"connected_account_{ITEMS}", filters={"connected_account": first})
    totals = books.pulled(f"connected_account_{TOTALS}", filters={"connected_account": second})

    assert not [each for each in outcomes(books, items, totals) if each.check.other]
