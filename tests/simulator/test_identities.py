"""What must hold between reports holds, to the last decimal, whatever the interval, account and currency."""

import csv
import io
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.simulator import Simulator
from connector.simulator.books.entries import Entry
from tests.support.clock import ManualClock
from tests.support.stripe import caller

DAY = 86_400
FIRST = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
END = int(datetime(2026, 6, 9, tzinfo=UTC).timestamp())
WORLD = Simulator(ManualClock(), seed=9, opening=date(2026, 3, 1), volume=8, run_seconds=0)
ONE, TWO, THREE = WORLD.connected_accounts
PAYOUTS = [each.id for each in WORLD.ledger().payouts(as_of=END)]

midnights = st.integers(FIRST // DAY, END // DAY).map(lambda day: day * DAY)
seconds = st.integers(FIRST, END) | midnights
intervals = st.tuples(seconds, seconds).filter(lambda pair: pair[0] != pair[1]).map(sorted).map(tuple)
"""Whole days among them: payouts arrive at midnight, where intervals meet."""

Row = dict[str, str]
Sums = dict[tuple[str, str], tuple[int, Decimal, Decimal, Decimal]]
lean = settings(max_examples=15, deadline=None)


def rows(report_type: str, *, account: str | None = None, **parameters: Any) -> list[Row]:
    body = WORLD.csv(report_type, account=account, **parameters)
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def over(interval: tuple[int, int]) -> dict[str, Any]:
    return {"interval_start": interval[0], "interval_end": interval[1]}


def added_up(itemized: list[Row]) -> Sums:
    sums: Sums = {}
    for row in itemized:
        key = row["reporting_category"], row["currency"]
        count, gross, fee, net = sums.get(key, (0, Decimal(0), Decimal(0), Decimal(0)))
        sums[key] = (
            count + 1,
            gross + Decimal(row["gross"]),
            fee + Decimal(row["fee"]),
            net + Decimal(row["net"]),
        )
    return sums


def stated(summary: list[Row]) -> Sums:
    """As itemized files have it: sums by category print a fee as a negative amount."""
    return {
        (row["reporting_category"], row["currency"]): (
            int(row["count"]),
            Decimal(row["gross"]),
            -Decimal(row["fee"]),
            Decimal(row["net"]),
        )
        for row in summary
        if row["reporting_category"] != "total"
    }


def totals(summary: list[Row]) -> Sums:
    """By currency, what the last line of each says."""
    lines = [row for row in summary if row["reporting_category"] == "total"]
    return stated([{**row, "reporting_category": "all"} for row in lines])


def nets(itemized: list[Row]) -> dict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in itemized:
        sums[row["currency"]] += Decimal(row["net"])
    return sums


def balance(category: str, report_type: str = "balance.summary.1", **parameters: Any) -> dict[str, Decimal]:
    found = rows(report_type, **parameters)
    return {row["currency"]: Decimal(row["net_amount"]) for row in found if row["category"] == category}


PREFIXES = pytest.mark.parametrize("scope", ["", "connected_account_"], ids=["own", "connected"])


class TestSummariesAndTheirItems:
    @PREFIXES
    @pytest.mark.parametrize(
        ("family", "version"),
        [("balance_change_from_activity", 1), ("payouts", 2), ("payout_reconciliation", 3)],
    )
    @lean
    @given(interval=intervals)
    def test_a_summary_is_the_sum_of_its_items(
        self, scope: str, family: str, version: int, interval: tuple[int, int]
    ) -> None:
        items = rows(f"{scope}{family}.itemized.{version}", **over(interval))

        summary = rows(f"{scope}{family}.summary.1", **over(interval))
        assert stated(summary) == added_up(items)
        assert totals(summary) == added_up([{**row, "reporting_category": "all"} for row in items])
        assert all(Decimal(row["net"]) == Decimal(row["gross"]) - Decimal(row["fee"]) for row in items)

    @PREFIXES
    @lean
    @given(at=seconds)
    def test_so_is_the_summary_of_the_ending_balance(self, scope: str, at: int) -> None:
        items = rows(f"{scope}ending_balance_reconciliation.itemized.1", interval_end=at)
        summary = rows(f"{scope}ending_balance_reconciliation.summary.1", interval_end=at)

        assert stated(summary) == added_up(items)

    @pytest.mark.parametrize(
        ("family", "versions"),
        [
            ("balance_change_from_activity", (1, 2, 3)),
            ("payouts", (1, 2, 3)),
            ("payout_reconciliation", (1, 2, 3, 4, 5)),
        ],
    )
    def test_versions_differ_in_columns_only(self, family: str, versions: tuple[int, ...]) -> None:
        columns = ["balance_transaction_id", "currency", "net"]
        found = [
            rows(f"{family}.itemized.{version}", columns=columns, **over((FIRST, END)))
            for version in versions
        ]

        assert found[0]
        assert all(each == found[0] for each in found)

    def test_filters_mean_the_same_in_both(self) -> None:
        cases: list[dict[str, Any]] = [
            {"currency": "eur"},
            {"currency": "kwd", "reporting_category": "refund"},
        ]
        for filters in cases:
            items = rows("payout_reconciliation.itemized.5", **over((FIRST, END)), **filters)
            summary = rows(
                "payout_reconciliation.summary.1", currency=filters["currency"], **over((FIRST, END))
            )
            asked = {
                key: value
                for key, value in stated(summary).items()
                if filters.get("reporting_category") in {None, key[0]}
            }
            assert asked == added_up(items)
            assert items


class TestComponents:
    @lean
    @given(interval=intervals)
    def test_those_of_a_transaction_are_its_net_and_none_is_of_nothing(
        self, interval: tuple[int, int]
    ) -> None:
        parts: defaultdict[str, Decimal] = defaultdict(Decimal)
        for row in rows("activity.itemized.3", **over(interval)):
            assert Decimal(row["amount"]) != 0
            parts[row["balance_transaction_id"]] += Decimal(row["amount"])

        items = rows("balance_change_from_activity.itemized.3", **over(interval))
        assert parts == {row["balance_transaction_id"]: Decimal(row["net"]) for row in items}

    def test_a_fee_that_is_charged_is_negative_and_tax_apart_is_a_component(self) -> None:
        taxed = Simulator(ManualClock(), seed=9, opening=date(2026, 3, 1), volume=8, vat_on_fees=True)
        body = taxed.csv("activity.itemized.3", **over((FIRST, END)))
        found = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        signs = {
            (row["balance_transaction_reporting_category"], row["balance_transaction_component"]): Decimal(
                row["amount"]
            )
            < 0
            for row in found
        }

        assert signs["charge", "gross"] is False
        assert signs["charge", "payments_fee"] is signs["fee", "other_fee"] is signs["fee", "tax"] is True
        assert signs["dispute", "dispute_fee"] is True
        assert not [category for category, _ in signs if category.startswith("payout")]


class TestTheBalance:
    @PREFIXES
    @lean
    @given(interval=intervals)
    def test_it_moves_by_activity_top_ups_and_payouts(self, scope: str, interval: tuple[int, int]) -> None:
        kind = f"{scope}balance.summary.1"
        items = rows(f"{scope}balance_change_from_activity.itemized.3", **over(interval))
        activity = nets([row for row in items if row["reporting_category"] != "topup"])
        topped_up = nets([row for row in items if row["reporting_category"] == "topup"])
        payouts = nets(rows(f"{scope}payouts.itemized.3", **over(interval)))
        opening = balance("starting_balance", kind, **over(interval))
        closing = balance("ending_balance", kind, **over(interval))

        for currency, amount in balance("activity", kind, **over(interval)).items():
            assert amount == activity.get(currency, 0)
            paid_out, added = payouts.get(currency, Decimal(0)), topped_up.get(currency, Decimal(0))
            assert balance("payouts", kind, **over(interval))[currency] == -paid_out
            assert balance("topups", kind, **over(interval)).get(currency, 0) == added
            assert closing[currency] == opening[currency] + amount + added - paid_out

    @PREFIXES
    @lean
    @given(at=seconds)
    def test_it_is_what_was_settled_and_not_yet_paid_out(self, scope: str, at: int) -> None:
        left = nets(rows(f"{scope}ending_balance_reconciliation.itemized.4", interval_end=at + 1))
        closing = balance("ending_balance", f"{scope}balance.summary.1", **over((FIRST, at + 1)))

        assert {currency: left.get(currency, Decimal(0)) for currency in closing} == closing

    @lean
    @given(middle=st.integers(FIRST + 1, END - 1))
    def test_one_closing_is_the_next_opening(self, middle: int) -> None:
        for kind in ("balance.summary.1", "connected_account_balance.summary.1"):
            before = balance("ending_balance", kind, **over((FIRST, middle)))
            after = balance("starting_balance", kind, **over((middle, END)))
            assert {currency: after[currency] for currency in before} == before

    def test_a_row_added_late_is_part_of_it_and_of_no_payout(self) -> None:
        clock = ManualClock(datetime(2026, 6, 10, 1, tzinfo=UTC))
        sim = Simulator(clock, seed=9, opening=date(2026, 6, 1), volume=3)
        at = int(datetime(2026, 6, 5, tzinfo=UTC).timestamp())
        sim.book_late(Entry("txn_late", "tax", at, at, "usd", Decimal("-0.01"), Decimal(0), "adj_1", None))
        clock.move_to(datetime(2026, 6, 11, tzinfo=UTC))

        left = sim.csv("ending_balance_reconciliation.itemized.1", interval_end=at + DAY)

        assert b"txn_late" in left
        assert b"txn_late" not in sim.csv("ending_balance_reconciliation.itemized.1", interval_end=at)


class TestPayouts:
    @pytest.mark.parametrize("payout_id", PAYOUTS[:60:4])
    def test_the_rows_of_a_payout_sum_to_its_amount(self, payout_id: str) -> None:
        payout = WORLD.ledger().payout(payout_id, as_of=END)
        assert payout is not None
        for version in (1, 2, 3, 4):
            items = rows(f"payout_reconciliation.by_id.itemized.{version}", payout=payout_id)
            assert nets(items) == {payout.currency: payout.amount}
        summary = rows("payout_reconciliation.by_id.summary.1", payout=payout_id)
        assert stated(summary) == added_up(items)

    @PREFIXES
    def test_days_one_by_one_hold_the_rows_of_all_days(self, scope: str) -> None:
        for report in ("payouts.itemized.3", "payout_reconciliation.itemized.5"):
            kind, columns = f"{scope}{report}", ["balance_transaction_id", "net"]
            days = [rows(kind, columns=columns, **over((at, at + DAY))) for at in range(FIRST, END, DAY)]
            whole = rows(kind, columns=columns, **over((FIRST, END)))

            assert Counter(row["balance_transaction_id"] for day in days for row in day) == Counter(
                row["balance_transaction_id"] for row in whole
            )

    @lean
    @given(interval=intervals)
    def test_an_interval_reconciles_the_payouts_that_arrive_in_it(self, interval: tuple[int, int]) -> None:
        arrived = rows("payouts.itemized.3", **over(interval), reporting_category="payout")
        one_by_one = [
            row
            for payout in arrived
            for row in rows("payout_reconciliation.by_id.itemized.4", payout=payout["payout_id"])
        ]
        together = rows(
            "payout_reconciliation.itemized.5", columns=list(one_by_one[0] if one_by_one else ["net"]),
            **over(interval),
        )  # fmt: skip

        def by_id(row: Row) -> str:
            return row["balance_transaction_id"]

        assert sorted(together, key=by_id) == sorted(one_by_one, key=by_id)
        assert nets(together) == nets(arrived)

    def test_a_payout_is_in_the_itemized_activity_by_its_id(self) -> None:
        columns = ["balance_transaction_id", "automatic_payout_id"]
        named: defaultdict[str, set[str]] = defaultdict(set)
        for row in rows("balance_change_from_activity.itemized.3", columns=columns, **over((FIRST, END))):
            named[row["automatic_payout_id"]].add(row["balance_transaction_id"])
        for payout_id in PAYOUTS[:40:5]:
            held = rows("payout_reconciliation.by_id.itemized.1", payout=payout_id)
            # A payout that came back is paid again, and is no activity.
            ids = {r["balance_transaction_id"] for r in held if r["reporting_category"] != "payout_reversal"}
            assert named[payout_id] == ids

    def test_a_payout_that_came_back_says_when_and_is_paid_again(self) -> None:
        sim = Simulator(ManualClock(), seed=1, opening=date(2025, 6, 1), volume=3)
        start, end = (int(datetime(year, 6, 1, tzinfo=UTC).timestamp()) for year in (2025, 2026))
        body = sim.csv(
            "payouts.itemized.3",
            interval_start=start,
            interval_end=end,
            columns=["payout_id", "payout_status", "payout_reversed_at", "reporting_category", "net"],
        )
        found = list(csv.DictReader(io.StringIO(body.decode())))
        failed = [row for row in found if row["payout_status"] == "failed"]
        back = [row for row in found if row["reporting_category"] == "payout_reversal"]

        assert {row["payout_id"] for row in failed} == {row["payout_id"] for row in back}
        assert all(bool(row["payout_reversed_at"]) == (row in failed) for row in found)
        assert sum(Decimal(row["net"]) for row in failed) == 0
        assert back


class TestFees:
    @staticmethod
    def charged(interval: tuple[int, int]) -> dict[str, Decimal]:
        """Fees as the balance has them: those on transactions, and Stripe's own rows."""
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for row in rows("balance_change_from_activity.itemized.3", **over(interval)):
            sums[row["currency"]] += Decimal(row["fee"])
            if row["reporting_category"] in {"fee", "network_cost"}:
                sums[row["currency"]] -= Decimal(row["gross"])
        return {currency: amount for currency, amount in sums.items() if amount}

    @staticmethod
    def listed(report_type: str, interval: tuple[int, int]) -> dict[str, Decimal]:
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for row in rows(f"all_fees.{report_type}", **over(interval)):
            sums[row["currency"]] += Decimal(row["amount"]) + Decimal(row["tax"])
        return {currency: amount for currency, amount in sums.items() if amount}

    @lean
    @given(interval=intervals)
    def test_the_lines_sum_to_what_the_balance_was_charged(self, interval: tuple[int, int]) -> None:
        charged = self.charged(interval)

        assert self.listed("balance_transaction_created.itemized.2", interval) == charged
        assert self.listed("balance_transaction_created.summary.2", interval) == charged

    def test_identical_lines_are_all_real(self) -> None:
        found = rows("all_fees.balance_transaction_created.itemized.2", **over((FIRST, END)))
        repeated = [row for row, times in Counter(tuple(r.values()) for r in found).items() if times > 1]

        assert repeated
        assert self.listed("balance_transaction_created.itemized.2", (FIRST, END)) == self.charged(
            (FIRST, END)
        )


class TestConnectedAccounts:
    REPORTS = (
        ("balance_change_from_activity.itemized.3", over((FIRST, END))),
        ("payouts.itemized.3", over((FIRST, END))),
        ("payout_reconciliation.itemized.5", over((FIRST, END))),
        ("ending_balance_reconciliation.itemized.4", {"interval_end": END}),
        ("tax.transactions.itemized.2", over((FIRST, END))),
    )  # fmt: skip

    @pytest.mark.parametrize(("report", "parameters"), REPORTS, ids=[name for name, _ in REPORTS])
    def test_each_has_books_of_its_own_and_the_filter_keeps_one(
        self, report: str, parameters: dict[str, Any]
    ) -> None:
        kind = f"connected_account_{report}"
        columns = ["connected_account", "currency"]
        everyone = rows(kind, columns=columns, **parameters)
        alone = rows(kind, connected_account=TWO, columns=columns, **parameters)

        assert {row["connected_account"] for row in everyone} == {ONE, TWO, THREE}
        assert alone == [row for row in everyone if row["connected_account"] == TWO]

    @pytest.mark.parametrize(("report", "parameters"), REPORTS, ids=[name for name, _ in REPORTS])
    def test_it_is_what_the_account_reads_about_itself(self, report: str, parameters: dict[str, Any]) -> None:
        as_platform = rows(f"connected_account_{report}", connected_account=THREE, **parameters)
        whose = [row.pop("connected_account", THREE) for row in as_platform]

        assert as_platform == rows(report, account=THREE, **parameters)
        assert set(whose) == {THREE}
        assert as_platform

    def test_one_payout_of_one_account(self) -> None:
        books = WORLD.ledger(ONE)
        payout = books.payouts(as_of=END)[10]
        found = rows(
            "connected_account_payout_reconciliation.by_id.itemized.4", connected_account=ONE,
            payout=payout.id, columns=["connected_account", "automatic_payout_id", "currency", "net"],
        )  # fmt: skip

        assert nets(found) == {payout.currency: payout.amount}
        assert {(row["connected_account"], row["automatic_payout_id"]) for row in found} == {(ONE, payout.id)}

    def test_the_overview_states_each_accounts_balance(self) -> None:
        found = rows("connect.negative_balance_refunds_disputes_overview.1", interval_end=END)
        stated = {(row["account_id"], row["currency"]): Decimal(row["balance"]) for row in found}

        for account in (ONE, TWO, THREE):
            closing = balance("ending_balance", account=account, **over((END - DAY, END)))
            assert closing == {currency: value for (who, currency), value in stated.items() if who == account}

    def ask(self, sim: Simulator, report_type: str, **parameters: Any) -> httpx.Response:
        form = {"report_type": report_type} | {f"parameters[{k}]": v for k, v in parameters.items()}
        with caller(sim) as http:
            return http.post("/v1/reporting/report_runs", data=form)

    def test_an_account_that_is_not_connected_is_refused(self) -> None:
        refused = self.ask(
            WORLD,
            "connected_account_balance.summary.1",
            connected_account="acct_1nobody",
            **over((FIRST, END)),
        ).json()["error"]

        assert (refused["code"], refused["param"]) == ("resource_missing", "parameters[connected_account]")

    def test_several_may_be_named_in_newer_versions(self) -> None:
        kind = "connected_account_balance_change_from_activity.itemized.3"
        named = {"connected_accounts][": [ONE, THREE], "columns][": ["connected_account"]}
        run = self.ask(WORLD, kind, **over((FIRST, END)), **named)

        assert run.json()["parameters"]["connected_accounts"] == [ONE, THREE]
        found = rows(
            kind, connected_accounts=[ONE, THREE], columns=["connected_account"], **over((FIRST, END))
        )
        assert {row["connected_account"] for row in found} == {ONE, THREE}

    @pytest.mark.parametrize("payout", ["po_none", PAYOUTS[0]], ids=["unknown", "the-platforms"])
    def test_a_payout_that_the_account_never_made_is_refused(self, payout: str) -> None:
        kind = "connected_account_payout_reconciliation.by_id.itemized.1"
        refused = self.ask(WORLD, kind, connected_account=ONE, payout=payout).json()["error"]

        assert (refused["code"], refused["param"]) == ("resource_missing", "parameters[payout]")

    def test_an_account_without_connected_ones_reads_no_rows(self) -> None:
        kind = "connected_account_payouts.summary.1"

        assert rows(kind, account=ONE, **over((FIRST, END))) == []

    def test_the_accounts_may_be_chosen(self) -> None:
        sim = Simulator(ManualClock(), opening=date(2026, 6, 1), connected_accounts=["acct_a", "acct_b"])
        body = sim.csv(
            "connected_account_payouts.itemized.1",
            interval_start=END - 7 * DAY,
            interval_end=END,
            columns=["connected_account"],
        )

        assert sim.connected_accounts == ("acct_a", "acct_b")
        assert set(body.decode().split()) == {'"connected_account"', '"acct_a"', '"acct_b"'}
