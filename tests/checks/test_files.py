"""Each check of a file is seen to pass on the simulator's truth and to fail on what it is about."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.checks import list_file_checks
from connector.checks.finding import Finding
from connector.checks.opened_file import evaluate_safely, inconclusive, open_file
from connector.convert.csv_records import RecordFile
from connector.convert.decode import Expected, open_report
from connector.convert.parquet import writing_parquet
from connector.dataset.provenance import METADATA_KEY
from connector.errors import StoreError
from connector.query import ReportQuery
from tests.checks.conftest import Books, Edited, blank_rows, dataset_of, results
from tests.faults.file_editing import FileFault, Row, add
from tests.faults.files import (
    AddedColumn,
    DocumentedLines,
    FineAmounts,
    ManyCurrencies,
    MovedBalances,
    NoRows,
    OddCell,
    OnlyPayouts,
    RepeatedRow,
    RowOutside,
    TooManyDecimals,
    UnbalancedRow,
    WrongClosing,
)
from tests.support.datasets import pin_as_earlier_versions_did


def first_row_times(count: int) -> FileFault:
    """The first row comes so many times."""

    def edit(rows: list[Row]) -> None:
        rows[:1] *= count

    return Edited(edit)


def cent(row: int, column: str, by: Decimal) -> FileFault:
    """One amount of one row is off."""
    return Edited(lambda rows: add(rows[row], column, by))


def first_row_at(text: str) -> FileFault:
    """The first row is of that time."""
    return Edited(
        lambda rows: rows[0].update(dict.fromkeys({"created", "created_utc"} & rows[0].keys(), text))
    )


JUNE_1 = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
DAY: dict[str, Any] = {"interval_start": JUNE_1, "interval_end": JUNE_1 + 86_400}
BALANCE = "balance.summary.1"
ITEMS = "balance_change_from_activity.itemized.3"
TOTALS = "balance_change_from_activity.summary.1"
PAYOUTS = "payouts.itemized.3"
RECONCILED = "payout_reconciliation.itemized.5"
FEES = "all_fees.balance_transaction_created.itemized.2"
ALL = (BALANCE, ITEMS, TOTALS, PAYOUTS, RECONCILED, FEES)


@pytest.mark.parametrize("report", ALL)
def test_the_truth_passes_every_check(books: Books, report: str) -> None:
    query = books.pulled(report)

    assert results(books.findings(query)) == {check.name: "passed" for check in list_file_checks(query)}


WRONG = [
    pytest.param(AddedColumn(), ITEMS, "no_added_columns", "settlement_batch", id="column-added"),
    pytest.param(UnbalancedRow(), ITEMS, "net_is_gross_less_fee", "gross", id="net-off-by-a-cent"),
    pytest.param(RepeatedRow(), ITEMS, "row_key_is_unique", "txn_", id="row-twice"),
    pytest.param(RepeatedRow(whole=False), ITEMS, "row_key_is_unique", "txn_", id="id-twice"),
    pytest.param(RowOutside(), ITEMS, "rows_in_interval", "created_utc 2025-", id="row-outside"),
    pytest.param(TooManyDecimals("jpy"), ITEMS, "decimals_fit_currency", "jpy", id="yen-with-decimals"),
    pytest.param(TooManyDecimals("usd"), TOTALS, "decimals_fit_currency", "usd", id="dollars-in-mills"),
    pytest.param(WrongClosing(currency="eur"), BALANCE, "balance_adds_up", "eur", id="closing-off-by-a-cent"),
]


@pytest.mark.parametrize(("fault", "report", "check", "named"), WRONG)
def test_a_wrong_file_fails_the_check_on_it_and_no_other(
    books: Books, fault: FileFault, report: str, check: str, named: str
) -> None:
    query = books.pulled(report, fault)

    found = books.not_passed(query)

    assert results(found) == {check: "failed"}
    assert named in found[check].reason
    assert found[check].wrong >= 1
    assert found[check].examples


ODD = [
    pytest.param(ManyCurrencies(20), BALANCE, id="twenty-currencies-in-a-balance"),
    pytest.param(ManyCurrencies(20), ITEMS, id="twenty-currencies-in-items"),
    pytest.param(NoRows(), BALANCE, id="balance-without-rows"),
    pytest.param(NoRows(), ITEMS, id="items-without-rows"),
    pytest.param(NoRows(), TOTALS, id="totals-without-rows"),
    pytest.param(OnlyPayouts(), BALANCE, id="only-payouts"),
    pytest.param(OnlyPayouts(), PAYOUTS, id="only-payouts-in-payouts"),
    pytest.param(FineAmounts(6), ITEMS, id="six-decimals"),
    pytest.param(DocumentedLines(), BALANCE, id="documented-lines"),
    pytest.param(MovedBalances(Decimal(1)), BALANCE, id="right-within-itself"),
]


@pytest.mark.parametrize(("fault", "report"), ODD)
def test_an_odd_file_that_is_right_passes(books: Books, fault: FileFault, report: str) -> None:
    query = books.pulled(report, fault)

    assert not {name: each.reason for name, each in books.not_passed(query).items()}


def test_amounts_of_eighteen_decimals_pass_in_a_table_of_wide_money(books: Books) -> None:
    pin_as_earlier_versions_did(books.store, dataset_of(ReportQuery.of(ITEMS)))
    query = books.pulled(ITEMS, FineAmounts(18))

    assert not {name: each.reason for name, each in books.not_passed(query).items()}


def test_a_row_without_an_amount_cannot_be_decided(books: Books) -> None:
    query = books.pulled(ITEMS, OddCell(None))

    assert results(books.not_passed(query)) == {"net_is_gross_less_fee": "inconclusive"}


def test_a_fee_that_comes_twice_is_two_fees(books: Books) -> None:
    """Rows of fee reports that are equal in every column are all real."""
    query = books.pulled(FEES, first_row_times(2))
    origin = books.store.provenance(dataset_of(query), "2026-06-01")

    assert origin is not None
    lines = books.simulator.csv(FEES, **DAY).count(b"\n")
    assert origin.rows == lines  # one for the header, one more fee
    assert not books.not_passed(query)
    assert "row_key_is_unique" not in books.findings(query)


# What becomes of a file on a disk


@pytest.mark.parametrize("place", [0.0, 0.1, 0.3, 0.9], ids=["magic", "rows", "footer", "end-of-footer"])
def test_a_flipped_bit_on_disk_is_found(books: Books, place: float) -> None:
    query = books.pulled(ITEMS)
    path = Path(books.store.uri(dataset_of(query), "2026-06-01"))
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 4
    path.write_bytes(content)

    found = books.not_passed(query)

    assert found["file_is_whole"].result == "failed"
    assert "Refresh the partition" in found["file_is_whole"].reason


def test_what_is_no_parquet_file_fails_one_check_and_leaves_the_rest_open(books: Books) -> None:
    query = books.pulled(ITEMS)
    Path(books.store.uri(dataset_of(query), "2026-06-01")).write_bytes(b"PAR1, but no more")

    found = results(books.findings(query))

    assert found.pop("file_is_whole") == "failed"
    assert set(found.values()) == {"inconclusive"}


def test_without_a_file_it_says_so(books: Books) -> None:
    query = ReportQuery.of(ITEMS)

    with pytest.raises(StoreError, match="materialize"):
        books.findings(query)


def test_a_file_of_other_columns_decides_nothing_about_those_it_lacks(books: Books) -> None:
    books.pulled(ITEMS, columns=["created_utc", "currency", "net", "reporting_category"])

    found = books.not_passed(ReportQuery.of(ITEMS))

    assert results(found) == {"row_key_is_unique": "inconclusive", "net_is_gross_less_fee": "inconclusive"}
    assert "no gross and no fee" in found["net_is_gross_less_fee"].reason


def test_amounts_beyond_38_digits_are_inconclusive_and_no_error(books: Books) -> None:
    pin_as_earlier_versions_did(books.store, dataset_of(ReportQuery.of(ITEMS)))
    huge = [OddCell("9" * 18, column) for column in ("gross", "net")]
    query = books.pulled(ITEMS, *huge, OddCell("0", "fee"), first_row_times(200))

    assert results(books.not_passed(query)) == {
        "row_key_is_unique": "failed",
        "decimals_fit_currency": "inconclusive",
    }


def republished(books: Books, query: ReportQuery, folder: Path, **changes: Any) -> None:
    """The same rows once more, a row group each few, with a provenance that says something else."""
    path = Path(books.store.uri(dataset_of(query), "2026-06-01"))
    origin = books.store.provenance(dataset_of(query), "2026-06-01")
    assert origin is not None
    source = folder / "report.csv"
    columns = [column.name for column in query.columns]
    source.write_bytes(books.simulator.csv(query.spec.id, columns=columns, **DAY))
    report = open_report(RecordFile.open(source, origin.run_id, block_size=600), Expected(query.columns))
    metadata = {METADATA_KEY: replace(origin, **changes).to_json()}
    run_id = {"_report_run_id": pa.scalar(origin.run_id)}
    with writing_parquet(path, report, constants=run_id, row_group_rows=2) as written:
        written.add_metadata(metadata)


def test_a_file_of_many_row_groups_is_read_group_by_group(books: Books, tmp_path: Path) -> None:
    """As large ones are, which are never in memory as a whole."""
    query = books.pulled(ITEMS)
    republished(books, query, tmp_path)

    file = pq.ParquetFile(books.store.uri(dataset_of(query), "2026-06-01"))
    assert file.num_row_groups > 2
    assert not books.not_passed(query)


def test_what_cannot_be_read_of_a_large_file_is_inconclusive(books: Books, tmp_path: Path) -> None:
    """Its rows are read by each check, so the damage is met there."""
    query = books.pulled(ITEMS)
    republished(books, query, tmp_path)
    blank_rows(Path(books.store.uri(dataset_of(query), "2026-06-01")))

    found = books.not_passed(query)

    others = [each for name, each in found.items() if name != "file_is_whole"]
    assert found["file_is_whole"].result == "failed"
    assert {each.result for each in others} == {"inconclusive"}
    assert all(each.reason.startswith("The rows could not be read: ") for each in others)


UNTRUE = [
    pytest.param({"csv_bytes": 1}, {"file_is_whole": "failed"}, "1 byte, and Stripe announced", id="size"),
    pytest.param(
        {"announced_bytes": None},
        {"file_is_whole": "inconclusive"},
        "the size that Stripe announced",
        id="size-unknown",
    ),
    pytest.param({"csv_sha256": ""}, {"file_is_whole": "inconclusive"}, "SHA-256", id="hash-unknown"),
    pytest.param({"rows": 14}, {"row_count": "failed"}, "and 14 were converted", id="a-row-lost"),
    pytest.param(
        {"run_id": "frr_1"},
        {"row_count": "failed"},
        "from another report run than frr_1",
        id="rows-of-another-run",
    ),
]


@pytest.mark.parametrize(("changes", "said", "named"), UNTRUE)
def test_a_file_that_is_not_what_it_says_is_found(
    books: Books, tmp_path: Path, changes: dict[str, Any], said: dict[str, str], named: str
) -> None:
    query = books.pulled(ITEMS)
    republished(books, query, tmp_path, **changes)

    found = books.not_passed(query)

    assert results(found) == said
    assert all(named in each.reason for each in found.values())


# Times

BOUNDS = [
    ("2026-05-31 23:59:59", "failed"),
    ("2026-06-01 00:00:00", "passed"),
    ("2026-06-01 23:59:59", "passed"),
    ("2026-06-02 00:00:00", "failed"),
]


@pytest.mark.parametrize(("at", "result"), BOUNDS)
def test_an_interval_has_its_start_and_not_its_end(books: Books, at: str, result: str) -> None:
    query = books.pulled(ITEMS, first_row_at(at))

    assert books.findings(query)["rows_in_interval"].result == result


@pytest.mark.parametrize(("at", "result"), BOUNDS)
def test_so_it_has_on_another_zones_clock(books: Books, at: str, result: str) -> None:
    there = f"{datetime.fromisoformat(at) + timedelta(hours=9)}"
    query = books.pulled(ITEMS, first_row_at(there), columns=["created"], filters={"timezone": "Asia/Tokyo"})

    assert books.findings(query)["rows_in_interval"].result == result


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Australia/Lord_Howe", "Etc/UTC"])
@pytest.mark.parametrize("columns", [["created"], ["created_utc"]], ids=["local", "utc"])
def test_times_printed_in_another_zone_lie_in_the_interval(
    books: Books, zone: str, columns: list[str]
) -> None:
    query = books.pulled(ITEMS, columns=columns, filters={"timezone": zone})

    assert books.findings(query)["rows_in_interval"].result == "passed"


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Etc/UTC"])
def test_and_one_that_does_not_is_found(books: Books, zone: str) -> None:
    query = books.pulled(ITEMS, RowOutside(days=1), columns=["created"], filters={"timezone": zone})

    assert results(books.not_passed(query)) == {"rows_in_interval": "failed"}


def test_a_row_without_a_time_leaves_it_open(books: Books) -> None:
    query = books.pulled(ITEMS, OddCell(None, "created_utc"))

    found = books.not_passed(query)["rows_in_interval"]

    assert (found.result, found.wrong) == ("inconclusive", 1)


def test_the_zone_of_the_machine_changes_no_text(books: Books) -> None:
    query = books.pulled(ITEMS, RowOutside())
    here = books.not_passed(query)["rows_in_interval"].reason
    command = [sys.executable, "-m", "connector", "check", query.name, "--root", books.store.root, "--json"]

    there = subprocess.run(
        command, env={**os.environ, "TZ": "Asia/Kolkata"}, capture_output=True, text=True, check=False
    )

    found = [json.loads(line) for line in there.stdout.splitlines()]
    assert [each["reason"] for each in found if each.get("check") == "rows_in_interval"] == [here]


# Any cent


@settings(max_examples=15)
@given(data=st.data())
def test_a_cent_anywhere_in_gross_fee_or_net_is_found(books: Books, data: st.DataObject) -> None:
    row, column = data.draw(st.integers(0, 12)), data.draw(st.sampled_from(["gross", "fee", "net"]))
    by = data.draw(st.sampled_from([Decimal("0.01"), Decimal("-0.01")]))
    query = ReportQuery.of(ITEMS, name=f"{column}_{row}_{'up' if by > 0 else 'down'}")
    books.pulled(ITEMS, cent(row, column, by), name=query.name)

    found = books.not_passed(query)["net_is_gross_less_fee"]

    assert (found.result, found.wrong) == ("failed", 1)


def test_sums_that_no_decimal_holds_are_inconclusive(books: Books) -> None:
    query = books.pulled(ITEMS)

    def overflow() -> Finding:
        duckdb.execute(f"SELECT {'9' * 38}::DECIMAL(38, 0) + 1").fetchall()
        raise AssertionError

    with open_file(books.store, dataset_of(query), query, "2026-06-01") as file:
        found = evaluate_safely(overflow, file)

    assert found == inconclusive("The amounts are too large to be added up exactly in 38 digits.")
