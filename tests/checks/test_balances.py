"""A balance adds up, however its movements are printed, or is inconclusive where the file cannot show it."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from connector.checks import Finding
from tests.checks.conftest import Books, Edited, dataset_of, results
from tests.faults.file_editing import FileFault, Row, add
from tests.faults.files import DocumentedLines, OddCell, OnlyPayouts, PayoutsWithoutCurrency, WrongClosing

BALANCE = "balance.summary.1"


def without(category: str, currency: str) -> FileFault:
    """A line is not there."""

    def edit(rows: list[Row]) -> None:
        rows[:] = [row for row in rows if (row["category"], row["currency"]) != (category, currency)]

    return Edited(edit)


def with_line(category: str, currency: str | None, amount: str) -> FileFault:
    """One line more."""
    return Edited(
        lambda rows: rows.append({"category": category, "currency": currency, "net_amount": amount})
    )


def no_payouts() -> FileFault:
    """Nothing was paid out: start and activity make the end."""

    def edit(rows: list[Row]) -> None:
        for row in rows:
            of_activity = row["category"] in {"starting_balance", "activity_gross", "activity"}
            row["net_amount"] = "5" if of_activity else "0"
            if row["category"] == "ending_balance":
                row["net_amount"] = "10"

    return Edited(edit)


def found(books: Books, *faults: FileFault) -> Finding:
    return books.findings(books.pulled(BALANCE, *faults))["balance_adds_up"]


RIGHT = [
    pytest.param([DocumentedLines()], id="the-documented-lines"),
    pytest.param([with_line("starting_balance_available", "usd", "3.00")], id="another-balance"),
    pytest.param([with_line("of_which_held", "usd", "3.00")], id="an-unknown-line-nothing-depends-on"),
    pytest.param([OnlyPayouts()], id="payouts-alone"),
    pytest.param([no_payouts(), PayoutsWithoutCurrency()], id="no-payouts-of-no-currency"),
]


@pytest.mark.parametrize("faults", RIGHT)
def test_what_adds_up_passes(books: Books, faults: list[FileFault]) -> None:
    finding = found(books, *faults)

    assert (finding.result, "eur, jpy, kwd and usd" in finding.reason) == ("passed", True)


OPEN = [
    pytest.param([PayoutsWithoutCurrency()], "payouts -130.29", id="payouts-of-no-currency"),
    pytest.param(
        [without("starting_balance", "eur")], "In eur, the file has no starting_balance", id="no-start"
    ),
    pytest.param([without("ending_balance", "jpy")], "In jpy, the file has no ending_balance", id="no-end"),
    pytest.param([OddCell(None, "net_amount")], "has no amount", id="no-amount"),
]


@pytest.mark.parametrize(("faults", "named"), OPEN)
def test_what_the_file_cannot_show_is_inconclusive(books: Books, faults: list[FileFault], named: str) -> None:
    finding = found(books, *faults)

    assert finding.result == "inconclusive"
    assert named in finding.reason


def with_topups(*lines: tuple[str, str]) -> FileFault:
    """Dollars were topped up by 1997.00, in these lines."""

    def edit(rows: list[Row]) -> None:
        for row in rows:
            if (row["category"], row["currency"]) == ("ending_balance", "usd"):
                add(row, "net_amount", Decimal(1997))
        rows += [{"category": name, "currency": "usd", "net_amount": amount} for name, amount in lines]

    return Edited(edit)


TOPUPS = ("topups_gross", "2000.00"), ("topups_fee", "-3.00"), ("topups", "1997.00")


@pytest.mark.parametrize("lines", [TOPUPS, TOPUPS[::-1], TOPUPS[:2]], ids=["in-order", "reversed", "parts"])
def test_a_kind_of_line_that_nobody_documented_counts_once(
    books: Books, lines: Sequence[tuple[str, str]]
) -> None:
    query = books.pulled(BALANCE, with_topups(*lines))
    rows = books.store.arrow_dataset(dataset_of(query)).to_table().to_pylist()
    topped_up = [row["net_amount"] for row in rows if row["category"].startswith("topups")]
    counted = [
        row["net_amount"]
        for row in rows
        if row["category"].startswith("topups") and row["_row_kind"] == "movement"
    ]

    assert books.findings(query)["balance_adds_up"].result == "passed"
    assert sum(counted) == Decimal(1997)
    assert len(topped_up) == len(lines)


def test_a_line_still_unknown_while_the_rest_does_not_add_up_is_a_failure(books: Books) -> None:
    finding = found(books, with_topups(("grace", "1997.00")))

    assert finding.result == "failed"
    assert "In usd, the balance is off by 1997.00 usd" in finding.reason
    assert "does not know: grace 1997.00" in finding.reason


def test_payouts_without_a_currency_belong_to_the_only_one_there_is(books: Books) -> None:
    query = books.pulled(BALANCE, PayoutsWithoutCurrency(), filters={"currency": "usd"})

    assert not books.not_passed(query)


def test_they_belong_to_none_where_there_are_several(books: Books) -> None:
    query = books.pulled(BALANCE, PayoutsWithoutCurrency())

    assert results(books.not_passed(query)) == {
        "row_key_is_unique": "inconclusive",
        "balance_adds_up": "inconclusive",
    }


def test_a_failure_shows_the_reckoning(books: Books) -> None:
    finding = found(books, WrongClosing(currency="usd"))

    (usd,) = finding.examples
    assert usd["currency"] == "usd"
    assert usd["difference"] == "0.01"
    assert all(usd[name] in finding.reason for name in ("start", "movements", "sum", "end", "difference"))
