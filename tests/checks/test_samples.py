"""Files in the form of real exports are read to what is right for each.

Header, order of columns, quoting, dates, signs and kinds of lines are as seen in exports of real accounts;
figures, ids and texts are made up.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.catalogue import REPORTS, columns_of, report
from connector.convert.csv_records import RecordFile
from connector.convert.decode import Expected, open_report
from connector.simulator import Match, Simulator
from tests.checks.conftest import Books
from tests.facts import report_types
from tests.faults.runs import FileReads
from tests.support.clock import ManualClock
from tests.support.partitions import days

SAMPLES = Path(report_types.__file__).parent / "samples"
BALANCE = "balance.summary.1"
TOTALS = "balance_change_from_activity.summary.1"
PAYOUTS = "payouts.itemized.3"
CONTENTS = "payout_reconciliation.itemized.5"

Row = dict[str, Any]


def read(sample: str, timezone: str | None = None) -> list[Row]:
    """The rows of a sample, typed; unknown columns are text."""
    path = SAMPLES / f"{sample}.csv"
    id = next((id for id in sorted(REPORTS, key=len, reverse=True) if sample.startswith(id)), CONTENTS)
    spec, records = report(id), RecordFile.open(path, "frr_1")
    known = [name for name in records.header if name in spec.columns]
    expected = Expected(columns_of(spec, known), timezone, spec.row_kinds)
    return [row for batch in open_report(records, expected).batches() for row in batch.to_pylist()]


def total(rows: Sequence[Row], column: str, chosen: Callable[[Row], object] = lambda _: True) -> Decimal:
    return sum((row[column] for row in rows if chosen(row)), Decimal(0))


def is_movement(row: Row) -> bool:
    return bool(row["_row_kind"] == "movement")


SUMS = [
    pytest.param("payouts.itemized.3", "net", "450.00", id="payouts"),
    pytest.param("payouts.itemized.3-default", "net", "73.85", id="payouts-in-default-columns"),
    pytest.param("payout_reconciliation.itemized.5-utc-customer", "net", "73.85", id="contents-utc"),
    pytest.param("payout_reconciliation.itemized.5", "net", "450.00", id="contents"),
    pytest.param("balance_change_from_activity.itemized.3-reserves-zurich", "net", "144.48", id="reserves"),
    pytest.param("connected_account_payout_reconciliation.itemized.5-header", "net", "70.00", id="connected"),
    pytest.param("all_fees.balance_transaction_created.summary.2", "amount", "30.40", id="fees"),
    pytest.param("all_fees.balance_transaction_created.summary.2", "tax", "0.49", id="tax-of-fees"),
    pytest.param("all_fees.balance_transaction_created.summary.2-empty", "amount", "0", id="no-fees"),
]


@pytest.mark.parametrize(("sample", "column", "amount"), SUMS)
def test_all_rows_sum_to_what_is_right(sample: str, column: str, amount: str) -> None:
    assert total(read(sample), column) == Decimal(amount)


MOVEMENTS = [
    pytest.param("balance.summary.1", "net_amount", "-431.00", id="balance"),
    pytest.param("balance.summary.1-topups", "net_amount", "1566.00", id="top-ups-once"),
    pytest.param("balance.summary.1-available", "net_amount", "-50.00", id="available-beside"),
    pytest.param("balance.summary.1-bare-currency", "net_amount", "719.11", id="payouts-of-no-currency"),
    pytest.param("balance_change_from_activity.summary.2-negative-fees", "net", "719.11", id="negative-fees"),
    pytest.param("ending_balance_reconciliation.summary.1", "net", "99.85", id="two-columns-and-a-total"),
]


@pytest.mark.parametrize(("sample", "column", "amount"), MOVEMENTS)
def test_movements_of_a_summary_sum_to_what_is_right(sample: str, column: str, amount: str) -> None:
    assert total(read(sample), column, is_movement) == Decimal(amount)


@pytest.mark.parametrize(
    "sample", ["balance.summary.1", "balance.summary.1-topups", "balance.summary.1-available",
               "balance.summary.1-bare-currency"]
)  # fmt: skip
def test_a_balance_moves_by_its_movements(sample: str) -> None:
    rows = read(sample)
    start, end = (
        total(rows, "net_amount", lambda row, name=name: row["category"] == name)  # type: ignore[misc]
        for name in ("starting_balance", "ending_balance")
    )

    assert start + total(rows, "net_amount", is_movement) == end


def test_total_lines_are_no_movements_and_yen_have_no_decimals() -> None:
    rows = read("balance_change_from_activity.summary.1")
    nets = {"gbp": Decimal(0), "jpy": Decimal(0)}
    for row in filter(is_movement, rows):
        nets[row["currency"]] += row["net"]

    assert nets == {"gbp": Decimal("19.00"), "jpy": Decimal(675)}
    assert all(row["net"] == row["gross"] + row["fee"] for row in rows)


def test_the_total_is_the_sum_of_the_lines_above_it_and_fees_are_negative() -> None:
    """A fee of Stripe's own has its amount in gross, and its tax in fee."""
    *lines, last = read("balance_change_from_activity.summary.2-negative-fees")
    (own,) = (row for row in lines if row["reporting_category"] == "fee")

    assert (last["reporting_category"], last["_row_kind"]) == ("total", "total")
    for name in ("count", "gross", "fee", "net"):
        assert total(lines, name) == last[name]
    assert [own[name] for name in ("gross", "fee", "net")] == [
        Decimal("-6.00"), Decimal("-0.49"), Decimal("-6.49")
    ]  # fmt: skip
    assert all(row["net"] == row["gross"] + row["fee"] for row in (*lines, last))


def test_fees_without_tax_and_their_tax_are_what_the_balance_was_charged() -> None:
    """In the summary amounts are without tax; in the balance the fee is with it."""
    fees = read("all_fees.balance_transaction_created.summary.2")
    balance = read("balance.summary.1-bare-currency")
    charged = total(balance, "net_amount", lambda row: row["category"] == "activity_fee")

    assert total(fees, "amount") + total(fees, "tax") == -charged == Decimal("30.89")


def test_a_quoted_empty_text_is_no_null_and_1970_stands_as_it_is() -> None:
    fee, vat = read("all_fees.balance_transaction_created.itemized.2-crlf")
    (none,) = read("all_fees.balance_transaction_created.itemized.2-epoch")

    assert fee["fee_transaction_id"] == vat["fee_transaction_id"] == none["fee_transaction_id"] == ""
    assert (fee["amount"], vat["tax"], fee["suite"]) == (Decimal("6.78"), Decimal("1.69"), "Payments")
    assert fee["fee_description"] == 'Fees for "order 1", card'
    assert none["fee_transaction_created"] == datetime(1970, 1, 1, tzinfo=UTC)


def test_each_payout_is_its_transactions_sign_included() -> None:
    paid = {row["payout_id"]: row["net"] for row in read("payouts.itemized.3")}
    contents = read("payout_reconciliation.itemized.5")

    assert paid == {"po_1SampleA": 70, "po_1SampleB": 400, "po_1SampleC": -20}
    for payout_id, net in paid.items():
        assert total(contents, "net", lambda row, id=payout_id: row["automatic_payout_id"] == id) == net  # type: ignore[misc]


def test_arrival_is_a_day_by_utc_also_in_a_local_file() -> None:
    rows = read("payouts.itemized.3", timezone="Europe/London")

    assert [row["payout_expected_arrival_date"] for row in rows] == [
        date(2024, 7, 2), date(2024, 7, 3), date(2024, 7, 5)
    ]  # fmt: skip
    assert rows[0]["effective_at"] == datetime(2024, 7, 2, 1)  # noqa: DTZ001 - a wall clock
    assert {row["application_fee"] for row in rows} == {None}


def test_new_york_prints_a_midnight_as_the_evening_before() -> None:
    rows = read("payout_reconciliation.itemized.5-newyork", timezone="America/New_York")

    assert rows[0]["available_on"] == datetime(2026, 9, 1, 20)  # noqa: DTZ001 - a wall clock
    assert total(rows, "net", lambda row: row["automatic_payout_id"] == "po_1SampleE") == Decimal("92.00")


def test_reserves_come_in_pairs_and_a_payout_after_the_file_is_kept() -> None:
    rows = read("balance_change_from_activity.itemized.3-reserves-zurich", timezone="Europe/Zurich")

    assert total(rows, "net", lambda row: row["reporting_category"] == "risk_reserved_funds") == 0
    assert rows[-1]["automatic_payout_id"] is None


def test_tax_rates_are_fractions() -> None:
    belgium, switzerland = read("tax.summarized_export.1")

    assert switzerland["total_taxable_sales"] * switzerland["tax_rate"] == switzerland["total_tax_collected"]
    assert belgium["tax_rate"] == Decimal("0.21")


def test_a_byte_order_mark_is_skipped_and_an_unknown_column_kept_as_text() -> None:
    (row,) = read("bom-crlf")

    assert (row["net"], row["status"], row["description"]) == (Decimal("9.45"), "available", "Zahlung, Nr. 9")


def test_that_column_is_told_and_nothing_else_is_wrong(simulator: Simulator, books: Books) -> None:
    body = (SAMPLES / "bom-crlf.csv").read_bytes()
    id = "balance_change_from_activity.itemized.3"
    simulator.faults.add(FileReads(lambda _: body), Match(report_type=id))
    known = [name for name in RecordFile.open(SAMPLES / "bom-crlf.csv", "frr_1").header if name != "status"]

    query = books.pulled(id, columns=known, partitions=days("2024-07-01", 1))
    found = books.not_passed(query, "2024-07-01")

    assert list(found) == ["no_added_columns"]
    assert "status" in found["no_added_columns"].reason


def test_a_name_in_another_script_and_a_bare_description_stay_apart() -> None:
    _, row = read("payout_reconciliation.itemized.5-utc-customer")

    assert row["customer_name"].startswith("ל")
    assert read("payout_reconciliation.itemized.5-utc-customer")[0]["description"] is None


@pytest.fixture
def simulator(clock: ManualClock) -> Simulator:
    return Simulator(clock, seed=7, volume=1, run_seconds=0, opening=date(2024, 6, 1))


HEADERS = [
    pytest.param(PAYOUTS, "payouts.itemized.3-default", id="payouts"),
    pytest.param(
        "connected_account_payout_reconciliation.itemized.5",
        "connected_account_payout_reconciliation.itemized.5-header",
        id="connected-account-last",
    ),
]


@pytest.mark.parametrize(("id", "sample"), HEADERS)
def test_default_columns_stand_in_stripes_order(simulator: Simulator, id: str, sample: str) -> None:
    header = tuple(RecordFile.open(SAMPLES / f"{sample}.csv", "frr_1").header)
    june: dict[str, Any] = {"interval_start": 1_780_272_000, "interval_end": 1_780_358_400}

    assert report(id).stripe_defaults == header
    assert simulator.csv(id, **june).decode().splitlines()[0] == ",".join(f'"{name}"' for name in header)


@pytest.mark.parametrize("version", [2, 3])
def test_the_report_by_components_has_the_columns_of_its_header(version: int) -> None:
    header = RecordFile.open(SAMPLES / "activity.itemized.3-header.csv", "frr_1").header

    assert len(header) == 65
    assert sorted(header) == sorted(report(f"activity.itemized.{version}").columns)
