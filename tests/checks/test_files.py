"""Each check of a file is seen to pass on the simulator's truth and to fail on what it is about."""

from decimal import Decimal

import pytest

from connector.checks import checks_of
from connector.query import ReportQuery
from connector.simulator.hostile import (
    AddedColumn,
    FineAmounts,
    ManyCurrencies,
    MovedBalances,
    NoRows,
    OddCell,
    OnlyPayouts,
    PayoutsWithoutCurrency,
    RepeatedRow,
    RowOutside,
    Subtotals,
    TooManyDecimals,
    UnbalancedRow,
    WrongClosing,
)
from connector.simulator.spoiled import Spoiled
from tests.checks.conftest import Books, verdicts

BALANCE = "balance.summary.1"
ITEMS = "balance_change_from_activity.itemized.3"
TOTALS = "balance_change_from_activity.summary.1"
PAYOUTS = "payouts.itemized.3"
RECONCILED = "payout_reconciliation.itemized.5"
ALL = (BALANCE, ITEMS, TOTALS, PAYOUTS, RECONCILED)


@pytest.mark.parametrize("report", ALL)
def test_the_truth_passes_every_check(books: Books, report: str) -> None:
    query = books.pulled(report)

    assert verdicts(books.findings(query)) == {check.name: "passed" for check in checks_of(query)}


WRONG = [
    pytest.param(AddedColumn(), ITEMS, "no_added_columns", "settlement_batch", id="column-added"),
    pytest.param(UnbalancedRow(), ITEMS, "net_is_gross_less_fee", "gross", id="net-off-by-a-cent"),
    pytest.param(RepeatedRow(), ITEMS, "row_key_is_unique", "txn_", id="row-twice"),
    pytest.param(RepeatedRow(whole=False), ITEMS, "row_key_is_unique", "txn_", id="id-twice"),
    pytest.param(RowOutside(), ITEMS, "rows_in_interval", "created_utc 2025-", id="row-outside"),
    pytest.param(TooManyDecimals("jpy"), ITEMS, "decimals_fit_currency", "jpy", id="yen-with-decimals"),
    pytest.param(TooManyDecimals("usd"), TOTALS, "decimals_fit_currency", "usd", id="dollars-in-mills"),
    pytest.param(WrongClosing(currency="eur"), BALANCE, "balance_adds_up", "eur", id="closing-off-by-a-cent"),
]


@pytest.mark.parametrize(("fault", "report", "check", "named"), WRONG)
def test_a_wrong_file_fails_the_check_on_it_and_no_other(
    books: Books, fault: Spoiled, report: str, check: str, named: str
) -> None:
    query = books.pulled(report, fault)

    found = books.not_passed(query)

    assert verdicts(found) == {check: "failed"}
    assert named in found[check].reason
    assert found[check].wrong >= 1
    assert found[check].examples


ODD = [
    pytest.param(ManyCurrencies(20), BALANCE, id="twenty-currencies-in-a-balance"),
    pytest.param(ManyCurrencies(20), ITEMS, id="twenty-currencies-in-items"),
    pytest.param(NoRows(), BALANCE, id="balance-without-rows"),
    pytest.param(NoRows(), ITEMS, id="items-without-rows"),
    pytest.param(NoRows(), TOTALS, id="totals-without-rows"),
    pytest.param(OnlyPayouts(), BALANCE, id="only-payouts"),
    pytest.param(OnlyPayouts(), PAYOUTS, id="only-payouts-in-payouts"),
    pytest.param(FineAmounts(6), ITEMS, id="six-decimals"),
    pytest.param(FineAmounts(18), ITEMS, id="eighteen-decimals"),
    pytest.param(Subtotals(), BALANCE, id="subtotals"),
    pytest.param(Subtotals(), TOTALS, id="a-total-below"),
    pytest.param(MovedBalances(Decimal(1)), BALANCE, id="right-within-itself"),
]


@pytest.mark.parametrize(("fault", "report"), ODD)
def test_an_odd_file_that_is_right_passes(books: Books, fault: Spoiled, report: str) -> None:
    query = books.pulled(report, fault)

    assert not {name: each.reason for name, each in books.not_passed(query).items()}


def test_payouts_without_a_currency_decide_nothing_where_there_are_several(books: Books) -> None:
    query = books.pulled(BALANCE, PayoutsWithoutCurrency())

    assert verdicts(books.not_passed(query)) == {
        "row_key_is_unique": "undecidable",
        "balance_adds_up": "undecidable",
    }


def test_and_belong_to_the_only_currency_there_is(books: Books) -> None:
    query = books.pulled(BALANCE, PayoutsWithoutCurrency(), filters={"currency": "usd"})

    assert not books.not_passed(query)


def test_a_row_without_an_amount_cannot_be_decided(books: Books) -> None:
    query = books.pulled(ITEMS, OddCell(None))

    assert verdicts(books.not_passed(query)) == {"net_is_gross_less_fee": "undecidable"}


def test_rows_of_fee_reports_have_no_key_to_be_unique() -> None:
    query = ReportQuery.of("all_fees.balance_transaction_created.itemized.2")

    assert "row_key_is_unique" not in {check.name for check in checks_of(query)}
