"""Reports print the same money with other signs: what is settled must hold, what is not the file decides."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from connector.checks import Finding, find_reconciliations, reconcile
from connector.query import ReportQuery
from tests.checks.conftest import Books, Edited, dataset_of
from tests.faults.file_editing import FileFault, Row, add

BALANCE = "balance.summary.1"
ITEMS = "balance_change_from_activity.itemized.3"
TOTALS = "balance_change_from_activity.summary.1"
PAYOUTS = "payouts.itemized.3"
PAYOUT_TOTALS = "payouts.summary.1"
RECONCILED = "payout_reconciliation.itemized.5"
RECONCILED_TOTALS = "payout_reconciliation.summary.1"
ENDING_TOTALS = "ending_balance_reconciliation.summary.1"
CONNECTED = "connected_account_"

NET = "net_is_gross_less_fee"


def turned(*columns: str, only: Callable[[Row], bool] = lambda _: True) -> FileFault:
    """These amounts have the other sign, everywhere or where a row is one of `only`."""

    def edit(rows: list[Row]) -> None:
        for row in filter(only, rows):
            for name in columns:
                row[name] = str(-Decimal(row[name] or 0))

    return Edited(edit)


def a_cent(column: str, *, category: str | None = None) -> FileFault:
    """One amount is a cent off."""

    def edit(rows: list[Row]) -> None:
        row = next(row for row in rows if category in {None, row.get("category")})
        add(row, column, Decimal("0.01"))

    return Edited(edit)


def between(books: Books, ours: ReportQuery, theirs: ReportQuery) -> Finding:
    (pair,) = find_reconciliations(ours, [theirs])
    found = reconcile(books.store, pair, dataset_of(ours), dataset_of(theirs), "2026-06-01")
    assert found is not None
    return found.finding


# A fee


@pytest.mark.parametrize("report", [ITEMS, TOTALS])
def test_a_settled_sign_that_is_turned_fails_and_nobody_is_sent_to_stripe(books: Books, report: str) -> None:
    found = books.findings(books.pulled(report, turned("fee")))[NET]

    assert found.result == "failed"
    assert "Everything adds up once the sign is turned" in found.reason
    assert "Stripe" not in found.reason
    assert "efresh" not in found.reason


UNSETTLED = [
    RECONCILED_TOTALS,
    ENDING_TOTALS,
    f"{CONNECTED}{ITEMS}",
    f"{CONNECTED}{TOTALS}",
    f"{CONNECTED}{RECONCILED}",
]


@pytest.mark.parametrize("report", UNSETTLED)
@pytest.mark.parametrize("faults", [[], [turned("fee")]], ids=["as-printed", "turned"])
def test_where_a_sign_is_not_settled_the_file_decides_and_the_check_says_which(
    books: Books, report: str, faults: list[FileFault]
) -> None:
    charged = (1 if "itemized" in report else -1) * (-1 if faults else 1)
    found = books.findings(books.pulled(report, *faults))[NET]

    assert found.result == "passed"
    assert f"Fees are {'positive' if charged > 0 else 'negative'} in this file." in found.reason


@pytest.mark.parametrize("report", UNSETTLED)
def test_but_all_its_rows_have_one_sign(books: Books, report: str) -> None:
    def first_with_a_fee(row: Row, met: list[Row]) -> bool:
        met += [row] if Decimal(row["fee"] or 0) and not met else []
        return met == [row]

    met: list[Row] = []
    found = books.findings(books.pulled(report, turned("fee", only=lambda row: first_with_a_fee(row, met))))

    assert (found[NET].result, found[NET].wrong) == ("failed", 1)
    assert "once the sign is turned" not in found[NET].reason


def test_without_fees_no_sign_is_claimed(books: Books) -> None:
    assert books.findings(books.pulled(PAYOUT_TOTALS))[NET].reason.endswith(
        "There are no fees to show their sign in this file."
    )


# What is paid out

TURNED = [
    pytest.param(BALANCE, PAYOUTS, turned("gross", "net"), id="payouts-as-the-balance-has-them"),
    pytest.param(RECONCILED, PAYOUTS, turned("gross", "net"), id="payouts-and-what-they-consist-of"),
    pytest.param(ITEMS, TOTALS, turned("fee"), id="fees-of-a-summary"),
    pytest.param(BALANCE, ITEMS, turned("gross", "fee", "net"), id="all-activity"),
]


@pytest.mark.parametrize(("right", "other", "fault"), TURNED)
@pytest.mark.parametrize("back", [False, True], ids=["from-one", "from-the-other"])
def test_a_difference_by_nothing_but_the_sign_says_so_and_advises_no_further_run(
    books: Books, right: str, other: str, fault: FileFault, *, back: bool
) -> None:
    pair = books.pulled(right), books.pulled(other, fault)
    found = between(books, *(reversed(pair) if back else pair))

    assert found.result == "failed"
    assert "by nothing but the sign" in found.reason
    assert not [word for word in ("efresh", "again", "ask Stripe") if word in found.reason]


@pytest.mark.parametrize(("right", "other", "fault"), TURNED)
def test_a_cent_beside_the_sign_is_a_difference_like_any(
    books: Books, right: str, other: str, fault: FileFault
) -> None:
    found = between(books, books.pulled(right), books.pulled(other, fault, a_cent("net")))

    assert found.result == "failed"
    assert "but the sign" not in found.reason


OPEN = [
    pytest.param(BALANCE, PAYOUT_TOTALS, id="the-balance-and-sums-of-payouts"),
    pytest.param(PAYOUTS, PAYOUT_TOTALS, id="payouts-and-their-sums"),
    pytest.param(f"{CONNECTED}{BALANCE}", f"{CONNECTED}{PAYOUTS}", id="connected-accounts"),
    pytest.param(f"{CONNECTED}{RECONCILED}", f"{CONNECTED}{PAYOUTS}", id="contents-of-connected-accounts"),
]


@pytest.mark.parametrize(("known", "open_one"), OPEN)
@pytest.mark.parametrize("faults", [[], [turned("gross", "net")]], ids=["as-printed", "turned"])
@pytest.mark.parametrize("back", [False, True], ids=["from-one", "from-the-other"])
def test_a_sign_that_is_not_settled_is_read_off_the_files(
    books: Books, known: str, open_one: str, faults: list[FileFault], *, back: bool
) -> None:
    pair = books.pulled(known), books.pulled(open_one, *faults)
    found = between(books, *(reversed(pair) if back else pair))

    assert found.result == "passed"
    sign = "negative" if faults else "positive"
    assert f"What is paid out is {sign} in {pair[1].name}." in found.reason


@pytest.mark.parametrize(("known", "open_one"), OPEN)
@pytest.mark.parametrize("faults", [[], [turned("gross", "net")]], ids=["as-printed", "turned"])
def test_and_a_cent_is_found_with_either(
    books: Books, known: str, open_one: str, faults: list[FileFault]
) -> None:
    found = between(books, books.pulled(known), books.pulled(open_one, *faults, a_cent("net")))

    assert found.result == "failed"
    assert found.wrong == 1


def test_payouts_printed_as_positive_in_a_balance_are_named(books: Books) -> None:
    fault = turned("net_amount", only=lambda row: (row["category"] or "").startswith("payouts"))
    found = books.findings(books.pulled(BALANCE, fault))["balance_adds_up"]

    assert found.result == "failed"
    assert "once the sign is turned: payouts are positive in this file" in found.reason


# A payout and its transactions


@pytest.mark.parametrize("back", [False, True], ids=["from-payouts", "from-transactions"])
def test_a_payout_that_is_not_its_transactions_is_named_with_the_difference(
    books: Books, *, back: bool
) -> None:
    pair = books.pulled(PAYOUTS, a_cent("net")), books.pulled(RECONCILED)
    found = between(books, *(reversed(pair) if back else pair))

    assert found.result == "failed"
    (example,) = found.examples
    assert example["payout_id"].startswith("po_1")
    assert example["payout_id"] in found.reason
    assert f"(difference {'-' if back else ''}0.01)" in found.reason


def test_a_payout_that_only_one_table_has_decides_nothing(books: Books) -> None:
    """One made by hand has no transactions, and one on its way may be in the other table's next file."""

    def edit(rows: list[Row]) -> None:
        rows.append({**rows[0], "payout_id": "po_1ByHand", "balance_transaction_id": "txn_1ByHand"})

    found = between(books, books.pulled(PAYOUTS, Edited(edit)), books.pulled(RECONCILED))

    assert found.result == "passed"
    assert "ByHand" not in found.reason


def test_a_payout_that_came_back_is_still_its_transactions(books: Books) -> None:
    def edit(rows: list[Row]) -> None:
        back = {**rows[0], "reporting_category": "payout_reversal", "balance_transaction_id": "txn_2Back"}
        rows.append({**back, **{name: str(-Decimal(rows[0][name] or 0)) for name in ("gross", "net")}})

    assert between(books, books.pulled(PAYOUTS, Edited(edit)), books.pulled(RECONCILED)).result == "passed"


def test_the_payout_itself_among_its_transactions_is_not_one_of_them(books: Books) -> None:
    """Whether Stripe prints it there is not known."""

    def edit(rows: list[Row]) -> None:
        rows.append({**rows[0], "reporting_category": "payout", "balance_transaction_id": "txn_1Itself"})

    assert between(books, books.pulled(PAYOUTS), books.pulled(RECONCILED, Edited(edit))).result == "passed"


def test_transactions_of_some_categories_are_not_a_whole_payout() -> None:
    some = {"filters": {"reporting_category": "charge"}}

    assert not find_reconciliations(ReportQuery.of(PAYOUTS, **some), [ReportQuery.of(RECONCILED, **some)])  # type: ignore[arg-type]


def test_days_without_any_payout_in_common_cannot_be_decided(books: Books) -> None:
    def edit(rows: list[Row]) -> None:
        for row in rows:
            row["payout_id"] = "po_1Other"

    assert (
        between(books, books.pulled(PAYOUTS, Edited(edit)), books.pulled(RECONCILED)).result == "inconclusive"
    )
