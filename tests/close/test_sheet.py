"""The sheet: what rows add up to, whatever their order, and what does not agree."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connector.close.rows import BalanceLine, CategoryRow, ContentRow, FeeRow, Owner, PayoutRow, Rows
from connector.close.sheet import ZERO, CurrencySheet, Fees, sheets
from connector.money import EXACT, total

OWN, OTHER = Owner("default"), Owner("default", "acct_1other")
LAST = date(2026, 6, 30)

amounts = st.decimals(min_value=-(10**17), max_value=10**17, places=18, allow_nan=False)


def line(category: str, amount: Decimal | str, *, period: str = "2026-06-01", **given: Any) -> BalanceLine:
    kind = "balance" if category.endswith("balance") else "movement"
    fields = {"owner": OWN, "currency": "usd", "whole": category.partition("_")[0], "kind": kind, **given}
    return BalanceLine(period=period, category=category, amount=Decimal(amount), **fields)


def payout(id: str, net: str, *, category: str = "payout", arrival: date | None = None) -> PayoutRow:
    return PayoutRow(OWN, "usd", id, category, Decimal(net), Decimal(0), Decimal(net), arrival)


def category(name: str, net: str, *, fee: str = "0", count: int | None = 1) -> CategoryRow:
    gross = EXACT.add(Decimal(net), Decimal(fee))
    return CategoryRow(OWN, "usd", name, count, gross, Decimal(fee), Decimal(net))


def only(rows: Rows) -> CurrencySheet:
    (sheet,) = sheets(rows, LAST)
    return sheet


@st.composite
def months(draw: st.DrawFn) -> tuple[list[BalanceLine], Decimal, Decimal, Decimal]:
    """The lines of some days that follow from each other, and the opening, what moved, and the closing."""
    opening = balance = draw(amounts)
    lines, moved = [], []
    for day in range(1, draw(st.integers(1, 5)) + 1):
        period = f"2026-06-{day:02}"
        lines.append(line("starting_balance", balance, period=period))
        for name in draw(st.sets(st.sampled_from(["activity_gross", "activity_fee", "payouts", "topups"]))):
            moved.append(draw(amounts))
            lines.append(line(name, moved[-1], period=period))
            balance = EXACT.add(balance, moved[-1])
        lines.append(line("ending_balance", balance, period=period))
    return draw(st.permutations(lines)), opening, total(moved), balance


@given(months())
def test_days_in_any_order_are_the_month_to_the_last_decimal(
    month: tuple[list[BalanceLine], Decimal, Decimal, Decimal],
) -> None:
    lines, opening, moved, closing = month

    sheet = only(Rows(balance=tuple(lines)))

    assert (sheet.opening, sheet.closing, sheet.unexplained) == (opening, closing, ZERO)
    assert total(each.net for each in sheet.movements) == moved
    *parts, end = sheet.sums.values()
    assert (parts[0], total(parts), end) == (opening, closing, closing)


@given(st.lists(st.tuples(st.sampled_from("abc"), amounts, amounts, st.integers(0, 5)), max_size=12))
def test_categories_are_the_sum_of_their_rows(found: list[tuple[str, Decimal, Decimal, int]]) -> None:
    rows = [category(name, f"{net}", fee=f"{fee}", count=count) for name, net, fee, count in found]

    made = [each for sheet in sheets(Rows(activity=tuple(rows)), LAST) for each in sheet.categories or ()]

    assert {each.category for each in made} == {name for name, *_ in found}
    for each in made:
        own = [row for row in rows if row.category == each.category]
        assert (each.count, each.gross, each.fee, each.net) == (
            sum(row.count or 0 for row in own),
            *(total(getattr(row, amount) for row in own) for amount in ("gross", "fee", "net")),
        )


def test_a_currency_that_comes_and_goes_within_the_month_opens_and_closes_with_nothing() -> None:
    days = [line("starting_balance", "0", period=f"2026-06-{day:02}") for day in (1, 2, 3)]
    euros = line("activity", "5.00", period="2026-06-02", currency="eur")

    _, usd = sheets(Rows(balance=(*days, euros)), LAST)
    eur, _ = sheets(Rows(balance=(*days, euros)), LAST)

    assert (eur.opening, eur.closing) == (ZERO, ZERO)
    assert usd.opening == 0


def test_accounts_and_currencies_are_never_added_to_each_other() -> None:
    rows = Rows(
        balance=(
            line("starting_balance", "1"),
            line("starting_balance", "2", currency="eur"),
            line("starting_balance", "4", owner=OTHER),
        )
    )

    assert [(each.owner, each.currency, each.opening) for each in sheets(rows, LAST)] == [
        (OWN, "eur", Decimal(2)),
        (OWN, "usd", Decimal(1)),
        (OTHER, "usd", Decimal(4)),
    ]


def test_lines_of_one_name_in_one_period_are_added_up() -> None:
    lines = [line(name, amount) for name in ("starting_balance", "activity") for amount in ("1", "2")]

    sheet = only(Rows(balance=tuple(lines)))

    assert (sheet.opening, sheet.moved("activity")) == (Decimal(3), Decimal(3))


def test_what_no_table_has_is_not_there_and_what_a_table_has_not_is_nothing() -> None:
    opening = line("starting_balance", "1")

    without, empty = (
        only(Rows(balance=(opening,), activity=given, payouts=given, contents=given, fees=given))
        for given in (None, ())
    )

    assert (without.categories, without.payouts, without.tied, without.in_transit) == (None, None, None, None)
    assert without.fees == Fees(None, None, None)
    assert (empty.categories, empty.payouts, empty.tied, empty.in_transit) == ((), (), (), ZERO)
    assert empty.fees == Fees(Decimal(0), Decimal(0), Decimal(0))


def test_the_next_month_opens_with_what_this_one_closes_with() -> None:
    closing = line("ending_balance", "7.00")

    openings: Sequence[Mapping[Owner, Mapping[str, Decimal]] | None] = [
        None, {}, {OWN: {}}, {OWN: {"usd": Decimal("7.01")}}
    ]  # fmt: skip

    gaps = [only(Rows(balance=(closing,), next_opening=each)).gap for each in openings]

    assert gaps == [None, None, Decimal("-7.00"), Decimal("0.01")]


def test_a_currency_that_the_next_month_alone_opens_with_is_missed() -> None:
    opening = {OWN: {"eur": Decimal("2.00"), "gbp": Decimal(0)}}

    missed = only(Rows(balance=(), next_opening=opening))

    assert (missed.currency, missed.gap) == ("eur", Decimal("2.00"))


def test_top_ups_may_stand_apart_or_within_the_activity() -> None:
    activity, topups = line("activity", "10.00"), line("topups", "5.00")
    ten, five, six = category("charge", "10.00"), category("topup", "5.00"), category("topup", "6.00")

    differences = [
        only(Rows(balance=tuple(lines), activity=tuple(found))).activity_difference
        for lines, found in (
            ([activity, topups], [ten]),
            ([activity, topups], [ten, five]),
            ([line("activity", "15.00")], [ten, five]),
            ([activity, topups], [ten, six]),
        )
    ]

    assert differences == [0, 0, 0, 1]


def test_payouts_are_tied_to_their_transactions_one_by_one() -> None:
    rows = Rows(
        payouts=(
            payout("po_1equal", "7.00"),
            payout("po_1equal", "3.00"),
            payout("po_1short", "10.00"),
            payout("po_1hand", "10.00"),
            payout("po_1back", "-10.00", category="payout_reversal"),
        ),
        contents=(
            ContentRow(OWN, "usd", "po_1equal", 2, Decimal("4.00")),
            ContentRow(OWN, "usd", "po_1equal", 1, Decimal("6.00")),
            ContentRow(OWN, "usd", "po_1short", 1, Decimal("9.99")),
        ),
    )

    sheet = only(rows)

    assert [(each.payout, each.count, each.difference) for each in sheet.tied or ()] == [
        ("po_1equal", 3, 0),
        ("po_1short", 1, Decimal("0.01")),
        ("po_1hand", None, None),
    ]
    assert list(sheet.faults())[-1] == (
        "own account, usd: payout po_1short is 10.00, and its transactions, 1 in all, are 9.99."
    )


def test_cash_is_in_transit_that_reaches_the_bank_after_the_last_day() -> None:
    rows = Rows(
        payouts=(
            payout("po_1", "1.00", arrival=date(2026, 6, 30)),
            payout("po_2", "2.00", arrival=date(2026, 7, 1)),
            payout("po_3", "4.00", arrival=date(2026, 7, 3)),
            payout("po_4", "-8.00", category="payout_reversal", arrival=date(2026, 7, 3)),
            payout("po_5", "16.00"),
        )
    )

    assert only(rows).in_transit == Decimal("6.00")


def test_fees_of_the_ledger_are_those_of_the_report_with_tax_or_without() -> None:
    activity = (category("charge", "9.70", fee="0.30"), category("fee", "-1.19"))

    differences = [
        only(
            Rows(activity=activity, fees=(FeeRow(OWN, "usd", Decimal(amount), Decimal(tax)),))
        ).fees.difference
        for amount, tax in (("1.49", "0.19"), ("1.30", "0.19"), ("1.30", "0.10"))
    ]

    assert differences == [0, 0, Decimal("0.09")]


def test_all_that_does_not_agree_is_said() -> None:
    rows = Rows(
        balance=(
            line("starting_balance", "1.00"),
            line("activity", "2.00"),
            line("payouts", "-3.00"),
            line("ending_balance", "0.50"),
        ),
        next_opening={OWN: {"usd": Decimal("0.25")}},
        activity=(category("charge", "2.10"),),
        payouts=(payout("po_1", "2.99"),),
    )

    assert list(only(rows).faults()) == [
        "own account, usd: the closing is 0.50 more than opening and movements.",
        "own account, usd: the next month opens with -0.25 more than this one closes with.",
        "own account, usd: the categories are 0.10 more than the activity of the balance.",
        "own account, usd: the payouts are -0.01 more than the balance paid out.",
    ]
