"""Reports on the same money have the same totals, and each is checked against the other."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest

from connector.catalogue import REPORTS, Status
from connector.checks import Finding, find_reconciliations, reconcile
from connector.checks.audit import audit
from connector.query import ReportQuery
from tests.checks.conftest import JUNE_1, Books, blank_rows, dataset_of
from tests.faults.file_editing import FileFault, Table
from tests.faults.files import (
    DocumentedLines,
    ManyCurrencies,
    NoRows,
    OnlyPayouts,
    PayoutsWithoutCurrency,
    RepeatedRow,
    WrongSummary,
)

BALANCE = "balance.summary.1"
ITEMS = "balance_change_from_activity.itemized.3"
TOTALS = "balance_change_from_activity.summary.1"
PAYOUTS = "payouts.itemized.3"
PAYOUT_TOTALS = "payouts.summary.1"
RECONCILED = "payout_reconciliation.itemized.5"
RECONCILED_TOTALS = "payout_reconciliation.summary.1"
ENDING = "ending_balance_reconciliation.itemized.4"
ENDING_TOTALS = "ending_balance_reconciliation.summary.1"
CONNECTED = "connected_account_"

PAIRS = [
    (ITEMS, TOTALS),
    (PAYOUTS, PAYOUT_TOTALS),
    (RECONCILED, RECONCILED_TOTALS),
    (ENDING, ENDING_TOTALS),
    (BALANCE, ITEMS),
    (BALANCE, TOTALS),
    (BALANCE, PAYOUTS),
    (BALANCE, PAYOUT_TOTALS),
    (PAYOUTS, RECONCILED),
]


def finding(books: Books, ours: ReportQuery, theirs: ReportQuery) -> Finding | None:
    """What the check of `ours` on `theirs` finds."""
    (reconciliation,) = find_reconciliations(ours, [theirs])
    assert reconciliation.check.other == theirs.name
    found = reconcile(books.store, reconciliation, dataset_of(ours), dataset_of(theirs), "2026-06-01")
    return found.finding if found else None


def results(books: Books, ours: ReportQuery, theirs: ReportQuery) -> Sequence[str]:
    """As each side sees the other."""
    found = finding(books, ours, theirs), finding(books, theirs, ours)
    return [each.result.value for each in found if each]


@pytest.mark.parametrize("scope", ["", CONNECTED], ids=["own", "connected"])
@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda report: report)
def test_the_truth_agrees(books: Books, scope: str, one: str, other: str) -> None:
    queries = [books.pulled(f"{scope}{report}") for report in (one, other)]

    assert results(books, queries[0], queries[1]) == ["passed", "passed"]


def test_these_are_all_the_documented_reports_that_speak_of_the_same_money() -> None:
    newest = {
        spec.name: ReportQuery.of(spec.name)
        for spec in REPORTS.values()
        if spec.status is Status.DOCUMENTED and "payout" not in spec.required
    }
    found = {
        frozenset((ours.name, theirs.name))
        for ours, theirs in combinations(newest.values(), 2)
        if find_reconciliations(ours, [theirs])
    }
    expected = {
        frozenset(ReportQuery.of(f"{scope}{report}").name for report in pair)
        for pair in PAIRS
        for scope in ("", CONNECTED)
    }

    assert found == expected


WRONG = [
    pytest.param(ITEMS, TOTALS, WrongSummary(), id="a-summary-off-by-a-cent"),
    pytest.param(TOTALS, ITEMS, RepeatedRow(), id="an-item-twice"),
    pytest.param(TOTALS, ITEMS, NoRows(), id="items-missing"),
    pytest.param(BALANCE, ITEMS, RepeatedRow(), id="an-item-the-balance-has-not"),
    pytest.param(BALANCE, PAYOUTS, NoRows(), id="payouts-missing"),
    pytest.param(PAYOUTS, PAYOUT_TOTALS, WrongSummary(), id="payouts-off-by-a-cent"),
    pytest.param(RECONCILED, RECONCILED_TOTALS, WrongSummary(), id="reconciliation-off-by-a-cent"),
]


@pytest.mark.parametrize(("right", "wrong", "fault"), WRONG)
def test_a_wrong_file_is_found_from_either_side(
    books: Books, right: str, wrong: str, fault: FileFault
) -> None:
    queries = books.pulled(right), books.pulled(wrong, fault)

    assert results(books, *queries) == ["failed", "failed"]
    found = finding(books, *queries)
    assert found is not None
    assert found.examples
    assert queries[1].name in found.reason


def test_a_difference_is_shown_with_both_amounts(books: Books) -> None:
    items, totals = books.pulled(ITEMS), books.pulled(TOTALS, WrongSummary())

    found = finding(books, totals, items)

    assert found is not None
    assert found.examples == (
        {
            "reporting_category": "charge",
            "currency": "eur",
            "gross": "197.18",
            f"gross in {items.name}": "197.17",
            "difference of gross": "0.01",
            "net": "193.97",
            f"net in {items.name}": "193.96",
            "difference of net": "0.01",
        },
    )
    assert found.reason.startswith(
        f"1 of 8 totals differs from {items.name}. charge eur: gross 197.18 here and 197.17 there "
        "(difference 0.01) and net 193.97 here and 193.96 there (difference 0.01)."
    )


def test_agreement_is_a_sentence(books: Books) -> None:
    balance, items = books.pulled(BALANCE), books.pulled(ITEMS)
    found, back = finding(books, balance, items), finding(books, items, balance)

    assert found is not None
    assert back is not None
    assert found.reason == f"In eur, jpy, kwd and usd, activity is the total net of {items.name}."
    assert back.reason == f"In eur, jpy, kwd and usd, the total net is activity of {balance.name}."


ODD = [
    pytest.param(DocumentedLines(), BALANCE, ITEMS, id="documented-lines"),
    pytest.param(DocumentedLines(), BALANCE, PAYOUTS, id="documented-lines-of-payouts"),
]


@pytest.mark.parametrize(("fault", "odd", "other"), ODD)
def test_a_balance_of_the_documented_lines_agrees_as_well(
    books: Books, fault: FileFault, odd: str, other: str
) -> None:
    assert results(books, books.pulled(odd, fault), books.pulled(other)) == ["passed", "passed"]


DAYS = [
    pytest.param(ManyCurrencies(20), BALANCE, ITEMS, id="many-currencies-in-a-balance"),
    pytest.param(ManyCurrencies(20), TOTALS, ITEMS, id="many-currencies-in-totals"),
    pytest.param(OnlyPayouts(), BALANCE, ITEMS, id="only-payouts-and-no-items"),
    pytest.param(OnlyPayouts(), BALANCE, PAYOUTS, id="only-payouts"),
]


@pytest.mark.parametrize(("fault", "one", "other"), DAYS)
def test_odd_days_agree(books: Books, fault: FileFault, one: str, other: str) -> None:
    assert results(books, books.pulled(one, fault), books.pulled(other, fault)) == ["passed", "passed"]


def test_payouts_without_a_currency_leave_payouts_open_and_not_activity(books: Books) -> None:
    balance = books.pulled(BALANCE, PayoutsWithoutCurrency())

    assert results(books, balance, books.pulled(PAYOUTS)) == ["inconclusive", "inconclusive"]
    assert results(books, balance, books.pulled(ITEMS)) == ["passed", "passed"]


def test_without_both_files_there_is_nothing_to_say(books: Books) -> None:
    pulled, never = books.pulled(ITEMS), ReportQuery.of(TOTALS)

    assert finding(books, pulled, never) is finding(books, never, pulled) is None


def test_a_damaged_file_is_inconclusive_from_either_side(books: Books) -> None:
    items, totals = books.pulled(ITEMS), books.pulled(TOTALS)
    blank_rows(Path(books.store.uri(dataset_of(items), "2026-06-01")))

    assert results(books, items, totals) == ["inconclusive", "inconclusive"]


def test_amounts_are_compared_as_far_as_the_columns_allow(books: Books) -> None:
    items = books.pulled(ITEMS, columns=["balance_transaction_id", "currency", "net"])
    totals = books.pulled(TOTALS)

    (reconciliation,) = find_reconciliations(totals, [items])

    assert (reconciliation.by, reconciliation.measures) == (("currency",), ("count", "net"))
    assert results(books, totals, items) == ["passed", "passed"]


OTHER_REPORTS = [
    pytest.param({"window": "monthly"}, id="window"),
    pytest.param({"zone": "Europe/Berlin"}, id="zone"),
    pytest.param({"filters": {"currency": "usd"}}, id="filter"),
    pytest.param({"columns": ["reporting_category", "net"]}, id="no-currency"),
]


@pytest.mark.parametrize("options", OTHER_REPORTS)
def test_tables_that_differ_in_it_are_not_compared(options: dict[str, object]) -> None:
    assert not find_reconciliations(ReportQuery.of(ITEMS), [ReportQuery.of(TOTALS, **options)])  # type: ignore[arg-type]


def test_the_zone_times_are_printed_in_changes_no_sum(books: Books) -> None:
    items = books.pulled(ITEMS, filters={"timezone": "Asia/Tokyo"})

    assert results(books, items, books.pulled(TOTALS)) == ["passed", "passed"]


def test_connected_accounts_are_not_compared_with_ones_own() -> None:
    own = [ReportQuery.of(report) for report in (BALANCE, ITEMS, TOTALS, PAYOUTS)]

    assert not find_reconciliations(ReportQuery.of(f"{CONNECTED}{BALANCE}"), own)
    assert not find_reconciliations(ReportQuery.of(f"{CONNECTED}{TOTALS}"), own)


# Accounts

THEIR_ITEMS, THEIR_TOTALS, THEIR_BALANCE, THEIR_PAYOUTS, THEIR_RECONCILED = (
    f"{CONNECTED}{report}" for report in (ITEMS, TOTALS, BALANCE, PAYOUTS, RECONCILED)
)

#: What has a file for each account, and what has all of them in one.
APART_AND_TOGETHER = [
    (THEIR_TOTALS, THEIR_ITEMS),
    (THEIR_BALANCE, THEIR_ITEMS),
    (THEIR_BALANCE, THEIR_PAYOUTS),
    (THEIR_PAYOUTS, THEIR_RECONCILED),
    (THEIR_RECONCILED, THEIR_PAYOUTS),
]


class Moved(FileFault):
    """The first row is another account's."""

    def edit(self, table: Table) -> None:
        first, account = table.rows[0], table.rows[0]["connected_account"]
        first["connected_account"] = next(
            row["connected_account"] for row in table.rows if row["connected_account"] != account
        )


def of_each(books: Books, report: str) -> ReportQuery:
    """A day of each account in a file of its own."""
    query = ReportQuery.of(report, by_account=True)
    return books.pulled(
        report, partitions=query.each_account(JUNE_1, books.simulator.connected_accounts), by_account=True
    )


def findings(books: Books, apart: ReportQuery, together: ReportQuery) -> dict[str, Finding]:
    """What each side finds on the other, by its partition."""
    (ours,), (theirs,) = find_reconciliations(apart, [together]), find_reconciliations(together, [apart])
    one, all_ = dataset_of(apart), dataset_of(together)
    outcomes = [reconcile(books.store, theirs, all_, one, "2026-06-01")]
    outcomes += [
        reconcile(books.store, ours, one, all_, f"{account}|2026-06-01")
        for account in books.simulator.connected_accounts
    ]
    return {each.partition: each.finding for each in outcomes if each}


@pytest.mark.parametrize(("apart", "together"), APART_AND_TOGETHER, ids=lambda report: report)
def test_the_files_of_each_account_agree_with_the_rows_of_theirs(
    books: Books, apart: str, together: str
) -> None:
    found = findings(books, of_each(books, apart), books.pulled(together))

    assert len(found) == 4
    assert {each.result.value for each in found.values()} == {"passed"}
    assert "Of 3 accounts" in found["2026-06-01"].reason


@pytest.mark.parametrize(("apart", "together"), APART_AND_TOGETHER[:3], ids=lambda report: report)
def test_a_row_under_a_wrong_account_is_found_in_both_accounts_and_in_the_file_of_all(
    books: Books, apart: str, together: str
) -> None:
    """A summary of all accounts could not tell: it adds them up."""
    found = findings(books, of_each(books, apart), books.pulled(together, Moved()))

    failed = {partition for partition, each in found.items() if each.result == "failed"}
    first, second = sorted(failed - {"2026-06-01"})
    assert "2026-06-01" in failed
    assert {each["connected_account"] for each in found["2026-06-01"].examples} == {
        first.partition("|")[0],
        second.partition("|")[0],
    }


def test_accounts_without_a_file_of_their_own_are_not_compared(books: Books) -> None:
    account, *_ = books.simulator.connected_accounts
    query = ReportQuery.of(THEIR_TOTALS, by_account=True)
    apart = books.pulled(THEIR_TOTALS, partitions=query.each_account(JUNE_1, [account]), by_account=True)

    found = findings(books, apart, books.pulled(THEIR_ITEMS))

    assert {each.result.value for each in found.values()} == {"passed"}
    assert set(found) == {"2026-06-01", f"{account}|2026-06-01"}
    assert "Of 1 account " in found["2026-06-01"].reason


def test_rows_that_do_not_name_their_account_are_not_compared_with_it() -> None:
    apart = ReportQuery.of(THEIR_TOTALS, by_account=True)

    assert not find_reconciliations(apart, [ReportQuery.of(THEIR_BALANCE)])
    assert not find_reconciliations(ReportQuery.of(THEIR_BALANCE), [apart])


def test_the_audit_compares_them_too(books: Books) -> None:
    apart, together = of_each(books, THEIR_TOTALS), books.pulled(THEIR_ITEMS, Moved())
    one, all_ = dataset_of(apart), dataset_of(together)

    failed = [
        (each.table, each.partition.partition("|")[2])
        for ours, theirs in ((one, all_), (all_, one))
        for each in audit(books.store, ours, [theirs])
        if each.finding.result == "failed"
    ]

    assert sorted(failed) == [(all_.table, ""), (one.table, "2026-06-01"), (one.table, "2026-06-01")]


@pytest.mark.parametrize("report", sorted(REPORTS))
def test_either_way_round_two_tables_are_compared_in_the_same_way(report: str) -> None:
    """So what was read of a file for one check serves the other table's too."""
    ours = ReportQuery.of(report, name="ours")

    for other in REPORTS:
        theirs = ReportQuery.of(other, name="theirs")
        ways = [find_reconciliations(ours, [theirs]), find_reconciliations(theirs, [ours])]
        compared = [
            [(each.by, each.measures, each.line, each.by_payout, each.fees) for each in way] for way in ways
        ]
        assert compared[0] == compared[1]
