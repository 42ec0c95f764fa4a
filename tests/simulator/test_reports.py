"""The ledger and its reports agree with each other, to the last decimal and for any interval."""

import csv
import io
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.simulator import Simulator
from connector.simulator.books.currencies import digits, printed
from connector.simulator.books.entries import Entry
from connector.simulator.books.ledger import Ledger
from connector.simulator.report_types import column_sets
from connector.simulator.reports.csv_writer import document
from tests.support.clock import ManualClock

SUMMARY = "balance.summary.1"
ITEMIZED = "balance_change_from_activity.itemized.3"
OPENING = date(2026, 3, 1)
FIRST = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
END = int(datetime(2026, 6, 9, tzinfo=UTC).timestamp())
DAY = 86_400
WORLD = Simulator(ManualClock(), seed=3, opening=OPENING)
SECONDS = st.integers(FIRST, END)


def rows(sim: Simulator, report_type: str, start: int, end: int, **parameters: Any) -> list[dict[str, str]]:
    body = sim.csv(report_type, interval_start=start, interval_end=end, **parameters)
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def balances(start: int, end: int) -> dict[str, dict[str, Decimal]]:
    found: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    for row in rows(WORLD, SUMMARY, start, end):
        found[row["currency"]][row["category"]] = Decimal(row["net_amount"])
    return dict(found)


class TestIdentities:
    @settings(max_examples=40, deadline=None)
    @given(SECONDS, SECONDS)
    def test_the_summary_equals_the_itemized_report(self, one: int, other: int) -> None:
        start, end = min(one, other), max(one, other) + 1
        gross: defaultdict[str, Decimal] = defaultdict(Decimal)
        fee: defaultdict[str, Decimal] = defaultdict(Decimal)
        topups: defaultdict[str, Decimal] = defaultdict(Decimal)
        for row in rows(WORLD, ITEMIZED, start, end):
            category, currency = row["reporting_category"], row["currency"]
            is_topup, is_fee = category == "topup", category == "fee"
            topups[currency] += Decimal(row["net"]) if is_topup else 0
            gross[currency] += Decimal(0) if is_fee or is_topup else Decimal(row["gross"])
            fee[currency] += (
                -Decimal(row["net"]) if is_fee else Decimal(0) if is_topup else Decimal(row["fee"])
            )
            assert Decimal(row["net"]) == Decimal(row["gross"]) - Decimal(row["fee"])

        for currency, amount in balances(start, end).items():
            assert amount["activity_gross"] == gross[currency]
            assert amount["activity_fee"] == -fee[currency]
            assert amount["activity"] == gross[currency] - fee[currency]
            assert amount.get("topups", 0) == topups[currency]
            assert amount["payouts"] == amount["payouts_gross"] + amount["payouts_fee"]
            moved = amount["activity"] + topups[currency] + amount["payouts"]
            assert amount["ending_balance"] == amount["starting_balance"] + moved

    def test_top_ups_have_lines_of_their_own_in_months_that_have_any(self) -> None:
        march, april = (int(datetime(2026, month, 1, tzinfo=UTC).timestamp()) for month in (3, 4))
        topped_up = balances(march, april)

        assert [topped_up["usd"][name] for name in ("topups_gross", "topups_fee", "topups")] == [
            Decimal("1000.00"), Decimal("-3.00"), Decimal("997.00")
        ]  # fmt: skip
        others = [topped_up["eur"], *balances(april, END).values()]
        assert not [name for each in others for name in each if name.startswith("topups")]

    @settings(max_examples=20, deadline=None)
    @given(SECONDS)
    def test_two_halves_hold_the_rows_of_the_whole(self, middle: int) -> None:
        start, end = middle - 3 * DAY, middle + 3 * DAY
        halves = rows(WORLD, ITEMIZED, start, middle) + rows(WORLD, ITEMIZED, middle, end)

        assert halves == rows(WORLD, ITEMIZED, start, end)

    def test_a_payout_is_the_sum_of_what_it_holds(self) -> None:
        ledger = WORLD.ledger()
        held: defaultdict[str, Decimal] = defaultdict(Decimal)
        for entry in ledger.entries(FIRST, END, as_of=END):
            payout = ledger.payout_of(entry, as_of=END)
            if payout:
                assert entry.available_on <= payout.created < payout.arrival
                held[payout.id] += entry.net

        payouts = ledger.payouts(as_of=END)
        assert len(payouts) > 100
        assert {payout.id: payout.amount for payout in payouts if payout.id in held} == held
        assert {payout.currency for payout in payouts} == {"usd", "eur", "jpy", "kwd"}
        assert all(
            payout.amount == payout.amount.quantize(Decimal(1).scaleb(-digits(payout.currency)))
            for payout in payouts
        )

    def test_what_is_not_available_yet_is_part_of_the_balance(self) -> None:
        for currency, amount in balances(END - DAY, END).items():
            ahead = [
                entry.net
                for entry in WORLD.ledger().entries(FIRST, END - DAY, as_of=END)
                if entry.currency == currency and entry.available_on > END - DAY and not entry.is_payout
            ]
            assert amount["starting_balance_available"] == amount["starting_balance"] - sum(ahead)

    def test_payouts_count_on_the_day_they_arrive(self) -> None:
        payout = WORLD.ledger().payouts(as_of=END)[50]
        alone = [p for p in WORLD.ledger().payouts(as_of=END) if p.arrival == payout.arrival]
        expected = -sum(p.amount for p in alone if p.currency == payout.currency)

        arrived = balances(payout.arrival, payout.arrival + 1)[payout.currency]
        assert arrived["payouts"] == expected


class TestWhatTheBooksHold:
    def test_enough_to_be_difficult(self) -> None:
        found = rows(WORLD, ITEMIZED, FIRST, END)
        categories = {row["reporting_category"] for row in found}
        texts = {row["description"] for row in found}

        assert {row["currency"] for row in found} == {"usd", "eur", "jpy", "kwd"}
        assert categories >= {
            "charge", "refund", "refund_failure", "dispute", "dispute_reversal", "fee", "network_cost",
            "contribution", "other_adjustment", "risk_reserved_funds", "charge_failure",
        }  # fmt: skip
        assert "payout" not in categories
        assert {"NA", ""} <= texts
        for hard in (",", '"', "\n", "\r\n", "注"):
            assert any(hard in text for text in texts)
        assert any(-Decimal(row["net"]).as_tuple().exponent == 6 for row in found)  # type: ignore[operator]

    def test_a_lost_dispute_takes_the_sale_and_a_fee(self) -> None:
        lost = [row for row in rows(WORLD, ITEMIZED, FIRST, END) if row["reporting_category"] == "dispute"]

        assert all(Decimal(row["gross"]) < 0 < Decimal(row["fee"]) for row in lost)
        assert {row["fee"] for row in lost if row["currency"] == "usd"} == {"15.00"}

    def test_stripes_own_fees_are_negative_gross(self) -> None:
        fees = [row for row in rows(WORLD, ITEMIZED, FIRST, END) if row["reporting_category"] == "fee"]

        assert all(Decimal(row["gross"]) < 0 == Decimal(row["fee"]) for row in fees)

    def test_ids_are_unique_though_everything_else_may_repeat(self) -> None:
        found = rows(WORLD, ITEMIZED, FIRST, END)
        ids = [row.pop("balance_transaction_id") for row in found]

        assert len(set(ids)) == len(ids)
        assert len({tuple(row.values()) for row in found}) < len(found)

    def test_a_few_payouts_come_back(self) -> None:
        ledger = Ledger("acct_1", seed=1, opening=date(2025, 6, 1), volume=5)
        failed = [
            payout for payout in ledger.payouts(as_of=END) if payout.failed_at and payout.failed_at < END
        ]
        back = [entry for entry in ledger.entries(0, END, as_of=END) if entry.category == "payout_reversal"]

        assert [(entry.source_id, entry.gross) for entry in back] == [
            (payout.id, payout.amount) for payout in sorted(failed, key=lambda payout: payout.failed_at or 0)
        ]
        assert back

    @pytest.mark.parametrize("volume", [0, 1, 200])
    def test_the_volume_is_the_usual_number_of_sales(self, volume: int) -> None:
        ledger = Ledger("acct_1", seed=1, opening=OPENING, volume=volume)
        sales = [
            entry
            for entry in ledger.entries(FIRST, FIRST + 14 * DAY, as_of=END)
            if entry.category == "charge"
        ]

        assert 0.7 * volume * 14 <= len(sales) <= 1.3 * volume * 14

    def test_the_same_seed_tells_the_same_story_in_any_process(self) -> None:
        program = (
            "from datetime import date; import hashlib;"
            "from connector.simulator import Simulator; from tests.support.clock import ManualClock;"
            "sim = Simulator(ManualClock(), seed=3, opening=date(2026, 6, 1));"
            "columns = ['balance_transaction_id', 'net', 'customer_name', 'description'];"
            f"print(hashlib.sha256(sim.csv('{ITEMIZED}', columns=columns, interval_start={END - 3 * DAY},"
            f" interval_end={END})).hexdigest())"
        )
        outputs = {
            subprocess.run(
                [sys.executable, "-c", program],
                env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
                capture_output=True,
                check=True,
            ).stdout
            for seed in ("1", "2")
        }

        assert len(outputs) == 1

    def test_another_seed_tells_another(self) -> None:
        other = Simulator(ManualClock(), seed=4, opening=OPENING)

        assert rows(other, ITEMIZED, FIRST, END) != rows(WORLD, ITEMIZED, FIRST, END)

    def test_a_row_added_late_appears_after_the_next_preparation(self) -> None:
        clock = ManualClock(datetime(2026, 6, 10, 15, tzinfo=UTC))
        sim = Simulator(clock, seed=3, opening=OPENING)
        at = FIRST + 5 * DAY
        late = Entry(
            "txn_late", "network_cost", at, at, "usd", Decimal("-0.005991"), Decimal(0), "adj_1", None
        )
        before = sim.csv(ITEMIZED, interval_start=at, interval_end=at + 1)
        sim.book_late(late)
        still = sim.csv(ITEMIZED, interval_start=at, interval_end=at + 1)
        clock.move_to(datetime(2026, 6, 11, tzinfo=UTC))
        after = rows(sim, ITEMIZED, at, at + 1)
        lines = rows(sim, SUMMARY, at, at + 1, currency="usd")
        balance = {row["category"]: Decimal(row["net_amount"]) for row in lines}

        assert before == still
        assert [row["net"] for row in after if row["balance_transaction_id"] == "txn_late"] == ["-0.005991"]
        moved = balance["activity"] + balance["payouts"]
        assert balance["ending_balance"] == balance["starting_balance"] + moved


class TestPrint:
    def test_every_column_prints_and_metadata_by_name(self) -> None:
        columns = [name for name in column_sets.ACTIVITY[3] if "[" not in name]
        columns += ["payment_metadata[order_id]", "refund_metadata[note]", "transfer_metadata[x]"]
        found = rows(WORLD, ITEMIZED, END - 30 * DAY, END, columns=columns)

        assert list(found[0]) == columns
        assert {"NA"} < {row["card_address_country"] for row in found}
        assert any(row["payment_metadata[order_id]"] for row in found)
        assert any(row["automatic_payout_id"] for row in found)

    def test_filters_keep_what_they_name(self) -> None:
        yen = rows(WORLD, ITEMIZED, FIRST, END, currency="jpy")
        refunds = rows(WORLD, ITEMIZED, FIRST, END, reporting_category="refund")

        assert {row["currency"] for row in yen} == {"jpy"}
        assert {row["reporting_category"] for row in refunds} == {"refund"}
        assert {row["currency"] for row in rows(WORLD, SUMMARY, FIRST, END, currency="kwd")} == {"kwd"}

    def test_the_summary_has_the_documented_rows_alone_where_that_is_wanted(self) -> None:
        plain = Simulator(ManualClock(), seed=3, opening=OPENING, extra_categories=False)
        documented = ["starting_balance", "activity", "payouts", "ending_balance"]

        found = rows(plain, SUMMARY, END - DAY, END, currency="usd")
        assert [row["category"] for row in found] == documented
        assert found[0]["description"] == "Starting balance (2026-06-08)"
        assert found[-1]["description"] == "Ending balance (2026-06-08)"
        assert len(rows(WORLD, SUMMARY, END - DAY, END, currency="usd")) == 9

    def test_among_the_documented_rows_a_top_up_is_activity(self) -> None:
        plain = Simulator(ManualClock(), seed=3, opening=OPENING, extra_categories=False)
        apart = balances(FIRST, END)["usd"]
        found = {
            row["category"]: row["net_amount"] for row in rows(plain, SUMMARY, FIRST, END, currency="usd")
        }

        assert Decimal(found["activity"]) == apart["activity"] + apart["topups"]
        assert Decimal(found["ending_balance"]) == apart["ending_balance"]

    def test_payout_rows_may_come_without_a_currency(self) -> None:
        odd = Simulator(ManualClock(), seed=3, opening=OPENING, payouts_without_currency=True)

        for row in rows(odd, SUMMARY, END - DAY, END):
            assert (row["currency"] == "") == row["category"].startswith("payouts")

    def test_nothing_happened_is_a_header_alone(self) -> None:
        empty = WORLD.csv(
            ITEMIZED, columns=["net", "fee"], interval_start=FIRST, interval_end=FIRST, currency="usd"
        )

        assert empty == b'"net","fee"\n'

    def test_the_dialect_is_stripes_to_the_byte(self) -> None:
        body = document(
            ["a", "b"], [["x,y", None], ['say "hi"', ""], ["two\nlines", "é"], ["a\r\nb", "1.00"]]
        )

        assert body == '"a","b"\n"x,y",\n"say ""hi""",""\n"two\nlines","é"\n"a\r\nb","1.00"\n'.encode()

    @pytest.mark.parametrize(
        ("amount", "currency", "text"),
        [
            ("10", "usd", "10.00"),
            ("-0.30", "usd", "-0.30"),
            ("-0.00", "usd", "0.00"),
            ("1250", "jpy", "1250"),
            ("1E+3", "jpy", "1000"),
            ("1.25", "kwd", "1.250"),
            ("0.005991", "usd", "0.005991"),
            ("0.000000000000000001", "eur", "0.000000000000000001"),
            ("12345678901234567890.123456789012345678", "eur", "12345678901234567890.123456789012345678"),
        ],
    )
    def test_money_is_printed_whole(self, amount: str, currency: str, text: str) -> None:
        assert printed(Decimal(amount), currency) == text
