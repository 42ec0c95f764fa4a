"""The books of a platform and of its accounts agree, to the last unit of each currency, from any seed."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.simulator import Simulator
from tests.support.clock import ManualClock
from tests.support.stripe import caller

DAY = 86_400
OPENING = date(2025, 9, 1)
FIRST = int(datetime(2025, 9, 1, tzinfo=UTC).timestamp())
END = int(datetime(2026, 6, 9, tzinfo=UTC).timestamp())
ACTIVITY = "balance_change_from_activity.itemized.3"
COLUMNS = [
    "created_utc", "reporting_category", "currency", "gross", "fee", "net", "source_id", "charge_id",
]  # fmt: skip

Row = dict[str, str]
Sums = Mapping[tuple[str, str], Decimal]
lean = settings(max_examples=5, deadline=None)
seeds = st.integers(0, 1 << 30)


@dataclass(frozen=True)
class World:
    """What a platform's key reads in one interval: its own activity, and that of its accounts."""

    seed: int
    interval: tuple[int, int] = (FIRST, END)

    @cached_property
    def stripe(self) -> Simulator:
        return Simulator(
            ManualClock(), seed=self.seed, opening=OPENING, volume=2, run_seconds=0, platform=True
        )

    @cached_property
    def own(self) -> list[Row]:
        named = ["connected_account_id", "connected_account_direct_charge_id"]
        return self.rows(ACTIVITY, columns=[*COLUMNS, *named])

    @cached_property
    def of_accounts(self) -> list[Row]:
        return self.rows(f"connected_account_{ACTIVITY}", columns=[*COLUMNS, "connected_account"])

    def rows(self, report_type: str, **parameters: Any) -> list[Row]:
        start, end = self.interval
        body = self.stripe.csv(report_type, interval_start=start, interval_end=end, **parameters)
        return list(csv.DictReader(io.StringIO(body.decode(), newline="")))

    def booked(self, *categories: str) -> list[Row]:
        """What the platform booked in these categories."""
        return [row for row in self.own if row["reporting_category"] in categories]


def summed(rows: Iterable[Row], account: str, amount: str = "net") -> Sums:
    """By account and currency; `account` is the column that names it."""
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row[account], row["currency"]] += Decimal(row[amount])
    return {group: total for group, total in sums.items() if total}


def less(one: Sums, other: Sums) -> Sums:
    left = {group: one.get(group, Decimal(0)) - other.get(group, Decimal(0)) for group in {*one, *other}}
    return {group: total for group, total in left.items() if total}


def begins(rows: Iterable[Row], *prefixes: str) -> list[Row]:
    return [row for row in rows if row["source_id"].startswith(prefixes)]


seconds = st.integers(FIRST, END)
intervals = st.tuples(seconds, seconds).filter(lambda pair: pair[0] != pair[1]).map(sorted).map(tuple)


@lean
@given(seed=seeds, interval=st.just((FIRST, END)) | intervals)
def test_what_one_side_books_the_other_books_too(seed: int, interval: tuple[int, int]) -> None:
    """In any interval, by account and currency: fees, transfers, and debts that the platform paid."""
    world = World(seed, interval)

    earned = summed(world.booked("platform_earning", "platform_earning_refund"), "connected_account_id")
    given_back = summed(begins(world.of_accounts, "fr_"), "connected_account")
    assert earned == less(summed(world.of_accounts, "connected_account", "fee"), given_back)

    sent = summed(world.booked("transfer", "transfer_reversal"), "connected_account_id")
    assert less({}, sent) == summed(begins(world.of_accounts, "py_1", "pyr_1"), "connected_account")

    covered = summed(world.booked("connect_collection_transfer"), "connected_account_id")
    assert less({}, covered) == summed(begins(world.of_accounts, "cct_"), "connected_account")


@lean
@given(seed=seeds)
def test_each_fee_names_the_charge_that_it_was_taken_from(seed: int) -> None:
    world = World(seed)
    earned = {
        (row["connected_account_id"], row["connected_account_direct_charge_id"]): row["gross"]
        for row in world.booked("platform_earning")
    }

    assert earned == {
        (row["connected_account"], row["charge_id"]): row["fee"]
        for row in begins(world.of_accounts, "ch_")
        if row["reporting_category"] == "charge"
    }
    assert len({currency for _, currency in summed(world.booked("platform_earning"), "source_id")}) == 4


@lean
@given(seed=seeds)
def test_an_account_that_left_sells_no_more_and_its_debt_is_paid_after_180_days(seed: int) -> None:
    world = World(seed)
    left = world.stripe.connected_accounts[-1]
    own = [row for row in world.of_accounts if row["connected_account"] == left]
    got = [row for row in begins(own, "ch_", "py_1") if row["reporting_category"] == "charge"]
    paid = {row["currency"]: row["created_utc"] for row in begins(own, "cct_")}

    assert max(row["created_utc"] for row in got) < "2025-10-02"
    assert "2026-03-01" < paid["usd"] < "2026-05-01"
    assert len({row["connected_account"] for row in begins(world.of_accounts, "ch_")}) == 3


@lean
@given(seed=seeds, day=st.integers(FIRST // DAY + 1, END // DAY))
def test_the_platform_reserves_what_its_accounts_owe(seed: int, day: int) -> None:
    world = World(seed, (FIRST, day * DAY))
    owed = {
        (account, row["currency"]): min(Decimal(row["net_amount"]), Decimal(0))
        for account in world.stripe.connected_accounts
        for row in world.rows("connected_account_balance.summary.1", connected_account=account)
        if row["category"] == "ending_balance"
    }

    reserved = summed(world.booked("connect_reserved_funds"), "connected_account_id")

    assert reserved == {whose: amount for whose, amount in owed.items() if amount}


@pytest.mark.parametrize("scope", ["", "connected_account_"], ids=["platform", "accounts"])
@lean
@given(seed=seeds, interval=intervals)
def test_each_balance_moves_by_its_activity_and_payouts(
    scope: str, seed: int, interval: tuple[int, int]
) -> None:
    world = World(seed, interval)
    lines = world.rows(f"{scope}balance.summary.1")
    stated = {(row["category"], row["currency"]): Decimal(row["net_amount"]) for row in lines}
    items, payouts = (
        summed(world.rows(f"{scope}{report}"), "currency") for report in (ACTIVITY, "payouts.itemized.3")
    )

    for currency in {row["currency"] for row in lines}:
        moved = items.get((currency, currency), Decimal(0)), payouts.get((currency, currency), Decimal(0))
        activity = stated["activity", currency] + stated.get(("topups", currency), Decimal(0))
        assert (activity, -stated["payouts", currency]) == moved
        opened = stated["starting_balance", currency]
        assert stated["ending_balance", currency] == opened + moved[0] - moved[1]


@lean
@given(seed=seeds)
def test_each_payout_of_an_account_is_what_it_was_made_of(seed: int) -> None:
    world = World(seed)
    paid = [
        row
        for row in world.rows("connected_account_payouts.itemized.3")
        if row["reporting_category"] == "payout"
    ]
    parts = summed(world.rows("connected_account_payout_reconciliation.itemized.5"), "automatic_payout_id")

    assert {(row["payout_id"], row["currency"]): Decimal(row["net"]) for row in paid} == parts


def test_a_transfer_that_was_paid_out_names_the_payment_that_it_became() -> None:
    world = World(3)
    columns = ["reporting_category", "source_id", "destination_payment_id", "connected_account_id"]
    rows = world.rows("payout_reconciliation.itemized.5", columns=columns)
    sent = {
        (row["connected_account_id"], row["destination_payment_id"])
        for row in rows
        if row["reporting_category"] == "transfer"
    }

    assert sent
    assert sent <= {(row["connected_account"], row["source_id"]) for row in world.of_accounts}
    assert {row["destination_payment_id"] for row in rows if row["reporting_category"] == "charge"} == {""}


def test_without_a_platform_the_accounts_share_nothing() -> None:
    apart = Simulator(ManualClock(), seed=3, opening=OPENING, volume=2)

    body = apart.csv(ACTIVITY, interval_start=FIRST, interval_end=END, columns=["reporting_category"])

    assert not {'"platform_earning"', '"transfer"', '"connect_reserved_funds"'} & {*body.decode().split()}


def test_what_was_pulled_without_a_platform_is_of_other_books() -> None:
    one, other = (Simulator(ManualClock(), seed=3, platform=each) for each in (False, True))

    assert one.books_id() != other.books_id()
    assert one.books_id(one.connected_accounts[0]) != other.books_id(one.connected_accounts[0])


@pytest.mark.parametrize(("platform", "payer"), [(True, "application"), (False, "account")])
def test_an_account_says_who_pays_stripes_fees_for_it(platform: bool, payer: str) -> None:
    """Source: https://docs.stripe.com/api/accounts/object#account_object-controller-fees-payer"""
    stripe = Simulator(ManualClock(), seed=3, opening=OPENING, volume=2, platform=platform)

    listed = caller(stripe).get("/v1/accounts").json()["data"]

    assert [each["controller"]["fees"] for each in listed] == [{"payer": payer}] * 3
