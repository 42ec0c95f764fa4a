"""What a new file changed, in what people and checks add up."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from connector.dataset.change import Change
from tests.support.datasets import provenance

AMOUNTS = st.decimals(-(10**18), 10**18, places=18)


def change(old: dict[str, Any], new: dict[str, Any]) -> Change:
    return Change.between(provenance(csv_sha256="old", **old), provenance(csv_sha256="new", **new))


def lines(opening: str, closing: str) -> dict[str, Any]:
    return {
        "sums": {
            "net_amount of starting_balance": {"usd": Decimal(opening)},
            "net_amount of ending_balance": {"usd": Decimal(closing)},
        }
    }


def test_balances_that_moved_are_told_though_rows_and_net_did_not() -> None:
    moved = change(lines("1.00", "2.00"), lines("6.00", "7.00"))

    assert moved
    assert list(moved.texts()) == [
        "net_amount of ending_balance: +5.00 usd",
        "net_amount of starting_balance: +5.00 usd",
    ]


def test_a_line_that_came_or_went_moved_by_all_it_has() -> None:
    """Of a column that is there before and after."""
    one, other = ({"sums": {f"net_amount of {line}": {"usd": Decimal(5)}}} for line in ("fees", "payouts"))

    assert list(change(one, other).texts()) == [
        "net_amount of fees: -5.00 usd",
        "net_amount of payouts: +5.00 usd",
    ]


def test_totals_are_told_in_their_currencies_and_then_no_sums() -> None:
    old = {"rows": 2000, "totals": {"jpy": Decimal(1), "usd": Decimal("1.00")}, **lines("1.00", "2.00")}
    new = {"rows": 500, "totals": {"jpy": Decimal(1501), "usd": Decimal("0.50")}, **lines("6.00", "7.00")}

    assert list(change(old, new).texts()) == ["-1,500 rows", "+1500 jpy", "-0.50 usd"]


def test_of_many_sums_that_moved_the_first_few_are_told() -> None:
    moved = change({"sums": {}}, {"sums": {f"net_amount of {line}": {"usd": Decimal(5)} for line in "abcde"}})

    assert list(moved.texts(most=2)) == [
        "net_amount of a: +5.00 usd",
        "net_amount of b: +5.00 usd",
        "3 more sums",
    ]


def test_columns_that_went_are_told_as_columns_and_not_as_money() -> None:
    narrow = {"columns": {"category": "string"}, "totals": {}, "sums": {}}

    found = change({"totals": {"eur": Decimal("125.78")}}, narrow)

    assert found.totals == {}
    assert list(found.texts()) == ["columns: also category; without net_amount"]


@given(old=st.sampled_from([None, "string", "decimal"]), new=st.sampled_from([None, "string", "decimal"]))
def test_sums_moved_where_the_column_is_there_before_and_after_as_it_was(
    old: str | None, new: str | None
) -> None:
    """Of one that was text there were no sums, which is not zero."""

    def file(kind: str | None, amount: str) -> dict[str, Any]:
        tax = {"tax of fees": {"usd": Decimal(amount)}} if kind == "decimal" else {}
        return {"columns": {"net_amount": "decimal"} | ({"tax": kind} if kind else {}), "sums": tax}

    found = change(file(old, "1.00"), file(new, "3.00"))

    moved = {"tax of fees": {"usd": Decimal("2.00")}} if old == new == "decimal" else {}
    assert found.sums == moved
    assert bool(found.columns) is (old != new)


@given(old=AMOUNTS, new=AMOUNTS)
@example(old=Decimal("0.000000000000000001"), new=Decimal("-10000000000"))
def test_a_difference_is_exact_whatever_its_digits(old: Decimal, new: Decimal) -> None:
    found = change({"totals": {"usd": old}}, {"totals": {"usd": new}})

    assert Fraction(found.totals.get("usd", Decimal(0))) == Fraction(new) - Fraction(old)


def test_the_same_sums_are_no_change() -> None:
    assert not change(lines("1.00", "2.00"), lines("1.000", "2.0"))
