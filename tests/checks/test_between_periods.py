"""A period opens with what the one before closed with, in every currency."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from connector.checks import Finding, check_continuity, find_continuity_check
from connector.partitions import Partition
from connector.query import ReportQuery
from tests.checks.conftest import Books, blank_rows, dataset_of
from tests.faults.file_editing import FileFault
from tests.faults.files import (
    LineWithoutCurrency,
    ManyCurrencies,
    MovedBalances,
    NoRows,
    PayoutsWithoutCurrency,
)
from tests.support.partitions import days

BALANCE = "balance.summary.1"
FIRST, SECOND = TWO = days("2026-06-01", 2)


def continuity(books: Books, query: ReportQuery, first: str = FIRST.key, second: str = SECOND.key) -> Finding:
    found = check_continuity(books.store, dataset_of(query), query, first, second)
    assert found is not None
    return found.finding


def both(books: Books, second: FileFault | None = None, **options: object) -> ReportQuery:
    books.pulled(BALANCE, partitions=[FIRST], **options)
    return books.pulled(BALANCE, *([second] if second else []), partitions=[SECOND], **options)


@pytest.mark.parametrize("report", [BALANCE, "connected_account_balance.summary.1"])
def test_the_truth_goes_on(books: Books, report: str) -> None:
    found = continuity(books, books.pulled(report, partitions=TWO))

    assert found.result == "passed"
    assert "eur, jpy, kwd and usd" in found.reason


def test_a_balance_that_was_moved_is_found_in_every_currency(books: Books) -> None:
    found = continuity(books, both(books, MovedBalances()))

    assert (found.result, found.wrong) == ("failed", 4)
    assert {each["difference"] for each in found.examples} == {"0.01", "0.010"}
    assert (
        "eur: 2026-06-01 closes with 289.12, and 2026-06-02 opens with 289.13 (difference 0.01)"
        in found.reason
    )


def test_a_currency_in_one_of_them_is_zero_in_the_other(books: Books) -> None:
    """As its first sale makes it; but one that was not empty cannot have begun today."""
    found = continuity(books, both(books, ManyCurrencies(5)))

    assert (found.result, found.wrong) == ("failed", 1)
    assert found.examples[0]["closing"] == "0.00"


def test_a_file_without_rows_has_no_balance(books: Books) -> None:
    found = continuity(books, both(books, NoRows()))

    assert (found.result, found.wrong) == ("failed", 4)


def test_payouts_without_a_currency_do_not_matter(books: Books) -> None:
    assert continuity(books, both(books, PayoutsWithoutCurrency())).result == "passed"


@pytest.mark.parametrize("line", ["starting_balance", "ending_balance"])
def test_a_balance_without_a_currency_matters_where_it_is_what_is_compared(books: Books, line: str) -> None:
    """The day opens with what nobody can compare; what it closes with is the next day's business."""
    found = continuity(books, both(books, LineWithoutCurrency(line)))

    assert found.result == ("inconclusive" if line == "starting_balance" else "passed")


def test_days_that_do_not_meet_decide_nothing(books: Books) -> None:
    three = days("2026-06-01", 3)
    query = books.pulled(BALANCE, partitions=three)

    assert continuity(books, query, three[0].key, three[2].key).result == "inconclusive"


def test_a_damaged_file_is_inconclusive(books: Books) -> None:
    query = books.pulled(BALANCE, partitions=TWO)
    blank_rows(Path(books.store.uri(dataset_of(query), FIRST.key)))

    found = continuity(books, query)

    assert found.result == "inconclusive"
    assert found.reason.startswith("A file could not be read: ")


@pytest.mark.parametrize("there", [[FIRST], [SECOND]], ids=["the-first", "the-second"])
def test_without_both_there_is_nothing_to_say(books: Books, there: Sequence[Partition]) -> None:
    query = books.pulled(BALANCE, partitions=there)

    assert check_continuity(books.store, dataset_of(query), query, FIRST.key, SECOND.key) is None


@pytest.mark.parametrize(
    "query",
    [
        ReportQuery.of("balance_change_from_activity.itemized.3"),
        ReportQuery.of(BALANCE, columns=["category", "net_amount"]),
    ],
    ids=["no-balances", "currency-not-requested"],
)
def test_a_report_that_cannot_show_it_has_no_such_check(query: ReportQuery) -> None:
    assert find_continuity_check(query) is None
