"""Money that a balance has on lines of its own beside its activity: whether a report of activity lists it was
not seen in any file, so it is read either way, and the two files decide."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from connector.checks import Finding, find_reconciliations, reconcile
from connector.query import ReportQuery
from tests.checks.conftest import Books, Edited, dataset_of
from tests.faults.file_editing import FileFault, Row, add

BALANCE = "balance.summary.1"
ITEMS = "balance_change_from_activity.itemized.3"
TOTALS = "balance_change_from_activity.summary.1"

Lines = Sequence[tuple[str, str]]
TOPUPS: Lines = (("topups_gross", "2000.00"), ("topups_fee", "-3.00"), ("topups", "1997.00"))


def with_lines(lines: Lines, currency: str = "usd") -> FileFault:
    """A balance has these lines more, the last of them their sum, and what it closes with is as much more."""

    def edit(rows: list[Row]) -> None:
        for row in rows:
            if (row["category"], row["currency"]) == ("ending_balance", currency):
                add(row, "net_amount", Decimal(lines[-1][1]))
        rows += [{"category": name, "currency": currency, "net_amount": each} for name, each in lines]

    return Edited(edit)


def listed(net: str, currency: str = "usd") -> FileFault:
    """A report of activity lists so much more, in a category of its own."""

    def edit(rows: list[Row]) -> None:
        like = next(row for row in rows if row["currency"] == currency)
        amounts = {"gross": net, "fee": "0.00", "net": net, "reporting_category": "topup"}
        rows.insert(0, {**like, **amounts, "balance_transaction_id": "txn_1Topup"})

    return Edited(edit)


def both(books: Books, balance: ReportQuery, activity: ReportQuery) -> list[Finding]:
    """As each side sees the other."""
    found = []
    for ours, theirs in ((balance, activity), (activity, balance)):
        (reconciliation,) = find_reconciliations(ours, [theirs])
        outcome = reconcile(books.store, reconciliation, dataset_of(ours), dataset_of(theirs), "2026-06-01")
        assert outcome is not None
        found.append(outcome.finding)
    return found


GRACE: Lines = (("grace_gross", "5.00"), ("grace_fee", "-1.00"), ("grace", "4.00"))
PARTS: Lines = (("topups_gross", "2000.00"), ("topups_fee", "0.00"), ("topups", "2000.00"))
#: What stands beside, what the other report lists of it, what comes of it, and what is said.
EITHER = [
    pytest.param([TOPUPS], ["1997.00"], "passed", "{} lists topups too.", id="listed"),
    pytest.param([TOPUPS], [], "passed", "{} does not list topups.", id="not-listed"),
    pytest.param([PARTS], ["2000.00"], "passed", "{} lists topups too.", id="without-a-fee"),
    pytest.param([GRACE], ["4.00"], "passed", "{} lists grace too.", id="of-another-name"),
    pytest.param([GRACE], [], "passed", "{} does not list grace.", id="of-another-name-not-listed"),
    pytest.param(
        [TOPUPS, GRACE], ["1997.00", "4.00"], "passed", "{} lists grace and topups too.", id="two-of-them"
    ),
    pytest.param([TOPUPS], ["1997.01"], "failed", "activity and topups", id="listed-a-cent-off"),
    pytest.param([TOPUPS], ["0.01"], "failed", "usd: activity", id="not-listed-a-cent-off"),
    pytest.param([TOPUPS, GRACE], ["4.00"], "failed", "(difference", id="one-of-two-listed"),
    pytest.param(
        [(("topups_gross", "3.00"), ("topups_fee", "-3.00"), ("topups", "0.00"))],
        [],
        "inconclusive",
        "as topups adds up to nothing, so that the totals fit with and without it",
        id="both-fit",
    ),
]


@pytest.mark.parametrize("scope", ["", "connected_account_"], ids=["own", "connected"])
@pytest.mark.parametrize("activity", [ITEMS, TOTALS])
@pytest.mark.parametrize(("beside", "more", "result", "said"), EITHER)
def test_what_stands_beside_activity_is_read_either_way_and_the_files_decide(
    books: Books,
    *,
    scope: str,
    activity: str,
    beside: Sequence[Lines],
    more: Sequence[str],
    result: str,
    said: str,
) -> None:
    balance = books.pulled(f"{scope}{BALANCE}", *map(with_lines, beside))
    other = books.pulled(f"{scope}{activity}", *map(listed, more))
    found = both(books, balance, other)

    assert [each.result for each in found] == [result, result]
    assert all(said.format(other.name) in each.reason for each in found)


def test_lines_of_nothing_decide_nothing_and_are_not_spoken_of(books: Books) -> None:
    nothing = with_lines([("topups_gross", "0.00"), ("topups_fee", "0.00"), ("topups", "0.00")])
    found = both(books, books.pulled(BALANCE, nothing), books.pulled(ITEMS))

    assert [each.result for each in found] == ["passed", "passed"]
    assert "topups" not in found[0].reason


def test_all_currencies_are_read_the_same_way(books: Books) -> None:
    """Listed in one of them and not in the other is a difference."""
    balance = books.pulled(BALANCE, with_lines(TOPUPS), with_lines(GRACE, "eur"))
    found = both(books, balance, books.pulled(ITEMS, listed("1997.00")))

    assert [each.result for each in found] == ["failed", "failed"]
    assert "eur: activity and" in found[0].reason


def test_a_line_beside_activity_and_without_a_currency_leaves_activity_open(books: Books) -> None:
    def edit(rows: list[Row]) -> None:
        rows += [{"category": name, "currency": None, "net_amount": amount} for name, amount in TOPUPS]

    found = both(books, books.pulled(BALANCE, Edited(edit)), books.pulled(ITEMS))

    assert [each.result for each in found] == ["inconclusive", "inconclusive"]
    assert "topups_gross 2000.00" in found[0].reason
