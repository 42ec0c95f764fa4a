"""One report, one finished Parquet file: exact for every engine, whole or not there at all."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.catalogue import Column, ColumnType, ReportSpec, columns_of, report
from connector.convert.arrow_types import MONEY, arrow_type
from connector.convert.csv_records import RecordFile
from connector.convert.decode import ROW_KIND, Expected, ReportFileReader, open_report
from connector.convert.parquet import WrittenRows, read_through, writing_parquet
from connector.dataset.identity import Dataset
from connector.dataset.seal import SEAL
from connector.errors import CellError, SchemaMismatchError, StoreError
from connector.reserved import RESERVED

SUMMARY = report("balance.summary.1")
ACTIVITY = report("balance_change_from_activity.itemized.3")
INSTANT = pa.timestamp("us", "UTC")
START = datetime(2026, 6, 1, tzinfo=UTC)

CONSTANTS = {
    "_interval_start": pa.scalar(START, INSTANT),
    "_interval_end": pa.scalar(None, INSTANT),
    "_report_run_id": pa.scalar("frr_1"),
}

HEADER = ",".join(f'"{name}"' for name in ACTIVITY.default_columns)
ROW = (
    '"txn_{n}","2026-06-01 10:00:00","2026-06-01 10:00:00","2026-06-03 00:00:00","2026-06-03 00:00:00",'
    '"{currency}","{gross}","{fee}","{net}","charge",{description},"ch_{n}","ch_{n}",\n'
)


def row(n: int, currency: str, amounts: str, description: str = '"NA"') -> str:
    """A transaction; `amounts` are gross, fee and net."""
    gross, fee, net = amounts.split()
    return ROW.format(n=n, currency=currency, gross=gross, fee=fee, net=net, description=description)


HOSTILE_ROWS = (
    row(1, "usd", "10.10 0.59 9.51", '"NA"'),
    row(2, "usd", "0.30 0.20 0.10", '"a ""quoted"", cell\r\nof two lines"'),
    row(3, "kwd", "-1.234 0 -1.234", ""),
    row(4, "jpy", "1250 46 1204", '""'),
    row(5, "eur", "0.000003 0.000001 0.000002", '"Zahlung für Å"'),
    row(6, "usd", "99999999999.99 0.01 99999999999.98", '"007"'),
)


def opened(
    folder: Path, content: str, spec: ReportSpec = ACTIVITY, block_size: int = 1 << 20
) -> ReportFileReader:
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "frr_1.csv"
    source.write_bytes(content.encode())
    expected = Expected(columns_of(spec), row_kinds=spec.row_kinds)
    return open_report(RecordFile.open(source, "frr_1", block_size=block_size), expected)


def written(target: Path, source: ReportFileReader, **options: Any) -> WrittenRows:
    with writing_parquet(target, source, constants=CONSTANTS, **options) as contents:
        contents.add_metadata({"stripe.run": "frr_1", "stripe.rows": str(contents.rows)})
    return contents


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A finished file of rows that are hard to keep exact."""
    target = tmp_path / "report.parquet"
    written(target, opened(tmp_path / "csv", HEADER + "\n" + "".join(HOSTILE_ROWS)))
    return target


# What is in the file


def test_the_file_holds_every_row_as_it_was_decoded(tmp_path: Path) -> None:
    source = opened(tmp_path / "csv", HEADER + "\n" + "".join(HOSTILE_ROWS), block_size=100)
    target = tmp_path / "report.parquet"

    result = written(target, source)

    stored = pq.read_table(target)
    assert (
        stored.select(source.schema.names).to_pylist() == pa.Table.from_batches(source.batches()).to_pylist()
    )
    assert result.rows == 6


def test_constants_stand_last_with_one_value_in_every_row(hostile: Path) -> None:
    stored = pq.read_table(hostile)

    assert stored.schema.names[-3:] == list(CONSTANTS)
    assert stored["_interval_start"].unique().to_pylist() == [START]
    assert stored["_interval_end"].null_count == 6
    assert stored.schema.field("_interval_end").type == INSTANT
    assert stored["_report_run_id"].unique().to_pylist() == ["frr_1"]


def test_the_footer_says_what_it_was_given_and_nothing_more(hostile: Path) -> None:
    said = pq.read_metadata(hostile).metadata

    assert said == {b"stripe.run": b"frr_1", b"stripe.rows": b"6"}


@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_every_type_is_read_back_as_it_was_stored(tmp_path: Path, zone: str | None) -> None:
    columns = tuple(Column(kind.value, kind, "", local=True) for kind in ColumnType)
    source = tmp_path / "frr_1.csv"
    source.write_text(",".join(each.name for each in columns) + "\n" + "," * (len(columns) - 1) + "\n")
    report = open_report(RecordFile.open(source, "frr_1"), Expected(columns, zone))
    target = tmp_path / "report.parquet"

    written(target, report)

    stored = pq.read_schema(target)
    assert {each.name: stored.field(each.name).type for each in report.schema} == {
        each.name: each.type for each in report.schema
    }
    assert {str(each.type) for each in report.schema} == {str(arrow_type(each, zone)) for each in columns}


def test_a_report_without_rows_is_a_file_with_a_schema(tmp_path: Path) -> None:
    source = opened(tmp_path / "csv", HEADER + "\n")
    target = tmp_path / "report.parquet"

    result = written(target, source, amount_column="net")

    assert (result.rows, result.totals) == (0, {})
    assert pq.read_schema(target).names == [*ACTIVITY.default_columns, *CONSTANTS]


def test_a_file_of_few_rows_has_no_dictionaries_and_tells_engines_its_date_alone(tmp_path: Path) -> None:
    source = opened(tmp_path / "csv", HEADER + "\n" + "".join(HOSTILE_ROWS))
    target = tmp_path / "report.parquet"
    constants = {"_date": pa.scalar(START.date(), pa.date32()), **CONSTANTS}

    with writing_parquet(target, source, constants=constants):
        pass

    group = pq.ParquetFile(target).metadata.row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    assert [each.path_in_schema for each in columns if each.is_stats_set] == ["_date"]
    assert not any(each.has_dictionary_page for each in columns)


def test_a_long_report_has_row_groups_with_statistics_and_dictionaries_where_they_pay(tmp_path: Path) -> None:
    rows = "".join(row(n, "usd", f"{n}.00 0.00 {n}.00") for n in range(3000))
    source = opened(tmp_path / "csv", HEADER + "\n" + rows, block_size=1 << 14)
    target = tmp_path / "report.parquet"

    written(target, source, row_group_rows=1000)

    metadata = pq.ParquetFile(target).metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    columns = {groups[0].column(i).path_in_schema: groups[0].column(i) for i in range(metadata.num_columns)}
    assert all(group.num_rows >= 1000 for group in groups[:-1])
    assert len(groups) in {2, 3}
    assert columns["created_utc"].statistics.has_min_max
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert columns["currency"].has_dictionary_page
    assert not columns["balance_transaction_id"].has_dictionary_page


# Sums


def test_totals_are_exact_and_by_currency(tmp_path: Path) -> None:
    rows = "".join(HOSTILE_ROWS)
    source = opened(tmp_path / "csv", HEADER + "\n" + rows, block_size=100)

    totals = written(tmp_path / "report.parquet", source, amount_column="net").totals

    assert totals == {
        "usd": Decimal("100000000009.59"),
        "kwd": Decimal("-1.234"),
        "jpy": Decimal(1204),
        "eur": Decimal("0.000002"),
    }


def test_totals_do_not_overflow(tmp_path: Path) -> None:
    most = "999999999999.999999"
    rows = "".join(row(n, "usd", f"{most} 0 {most}") for n in range(200))
    source = opened(tmp_path / "csv", HEADER + "\n" + rows)

    totals = written(tmp_path / "report.parquet", source, amount_column="net").totals

    assert totals["usd"] == Decimal("199999999999999.9998")


def test_totals_of_a_summary_count_movements_alone(tmp_path: Path) -> None:
    """Neither a balance nor a subtotal is a movement, and a payout row may come without a currency."""
    content = (
        "category,description,net_amount,currency\n"
        "starting_balance,,5,usd\n"
        "activity_gross,,10,usd\n"
        "activity_fee,,-1,usd\n"
        "activity,,9,usd\n"
        "payouts,,-3,\n"
        "ending_balance,,11,usd\n"
    )
    source = opened(tmp_path / "csv", content, SUMMARY)

    totals = written(tmp_path / "report.parquet", source, amount_column="net_amount").totals

    assert totals == {"usd": Decimal(9), "": Decimal(-3)}


def test_without_an_amount_column_there_are_no_totals(tmp_path: Path) -> None:
    source = opened(tmp_path / "csv", HEADER + "\n" + HOSTILE_ROWS[0])

    assert written(tmp_path / "report.parquet", source, amount_column="net_amount").totals == {}


# Whole or not at all


def test_a_bad_cell_leaves_no_file(tmp_path: Path) -> None:
    rows = HOSTILE_ROWS[0] * 50 + row(51, "usd", "1e3 0 1000")
    source = opened(tmp_path / "csv", HEADER + "\n" + rows, block_size=500)
    target = tmp_path / "report.parquet"

    with pytest.raises(CellError, match="row 51"):
        written(target, source, row_group_rows=10)

    assert not target.exists()


@pytest.mark.parametrize("name", [*sorted(RESERVED), "Account", "PERIOD"])
def test_a_column_named_like_ours_is_stored_under_a_name_of_its_own(tmp_path: Path, name: str) -> None:
    source = opened(tmp_path / "csv", f'{HEADER},"{name}"\n')

    assert source.schema.names[-1] == f"{name}_"
    assert source.added_columns == (name,)


def test_the_names_that_are_ours_are_all_reserved() -> None:
    dimensions = ("connected_account",)
    dataset = Dataset("t", "test", None, "x.1", "daily", "UTC", dimensions=dimensions)

    assert {*dataset.path_columns, *CONSTANTS, ROW_KIND} <= RESERVED


@pytest.mark.parametrize("names", ['"Note","note"', '"account","account_"'])
def test_two_columns_that_sql_would_take_for_one_are_refused(tmp_path: Path, names: str) -> None:
    with pytest.raises(SchemaMismatchError, match="under one name"):
        opened(tmp_path / "csv", f"{HEADER},{names}\n")


def bytes_read() -> int:
    """How many bytes this process has read from files so far."""
    counters = Path("/proc/self/io").read_text(encoding="ascii").split()
    return int(counters[counters.index("rchar:") + 1])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="what was read is counted in /proc")
def test_the_csv_is_read_once_and_of_the_file_made_of_it_the_footer_alone(tmp_path: Path) -> None:
    """The seal is taken of what is written, not of what is read again."""
    rows = "".join(row(n, "usd", f"{n}.00 0.00 {n}.00", f'"{n * n:x}"') for n in range(20_000))
    source = opened(tmp_path / "csv", HEADER + "\n" + rows)
    target = tmp_path / "report.parquet"
    before = bytes_read()

    written(target, source)

    read_of_file = bytes_read() - before - source.csv_bytes
    assert 0 < read_of_file < target.stat().st_size / 2


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    source = opened(tmp_path / "csv", HEADER + "\n" + HOSTILE_ROWS[0])

    with pytest.raises(StoreError, match=r"no/such/folder/report\.parquet"):
        written(tmp_path / "no/such/folder/report.parquet", source)


@pytest.mark.parametrize("bad", [True, False], ids=["the-reader-fails", "the-writer-fails"])
def test_the_reading_thread_has_ended_when_the_call_has(tmp_path: Path, bad: bool) -> None:
    rows = "".join(row(n, "usd", "1 0 1") for n in range(2000)) + (row(1, "usd", "x 0 1") if bad else "")
    source = opened(tmp_path / "csv", HEADER + "\n" + rows, block_size=1000)
    target = tmp_path / ("report.parquet" if bad else "no/folder/report.parquet")
    before = set(threading.enumerate())

    with pytest.raises((CellError, StoreError)):
        written(target, source, row_group_rows=100)

    assert set(threading.enumerate()) <= before


# Every engine reads the same


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Three partitions as the store lays them out: full, empty, and full of nulls."""
    contents = {
        "2026-06-01": "".join(HOSTILE_ROWS),
        "2026-06-02": "",
        "2026-06-03": ",".join(['"txn_7"', *[""] * 5, '"1.10"', '"0.60"', '"0.50"', *[""] * 5]) + "\n",
    }
    root = tmp_path / "table"
    for day, rows in contents.items():
        folder = root / f"period={day}"
        folder.mkdir(parents=True)
        written(folder / "report.parquet", opened(tmp_path / day, HEADER + "\n" + rows))
    return root


def test_arrow_reads_the_partitions_as_one_exact_dataset(dataset: Path) -> None:
    rows = ds.dataset(dataset, partitioning="hive").to_table()

    assert rows.num_rows == 7
    assert rows.schema.field("net").type == MONEY
    assert rows.schema.field("created_utc").type == INSTANT
    assert pc.all(pc.equal(pc.subtract(rows["gross"], rows["fee"]), rows["net"])).as_py()


def test_pandas_reads_the_partitions_as_one_exact_frame(dataset: Path) -> None:
    frame = pd.read_parquet(dataset, dtype_backend="pyarrow")

    assert len(frame) == 7
    assert frame["net"].dtype == pd.ArrowDtype(MONEY)
    assert frame["created_utc"].dtype == pd.ArrowDtype(INSTANT)
    assert (frame["gross"] - frame["fee"] == frame["net"]).all()
    assert frame["description"].iloc[0] == "NA"


def test_polars_reads_the_partitions_as_one_exact_frame(dataset: Path) -> None:
    frame = pl.scan_parquet(dataset / "**/*.parquet", hive_partitioning=True).collect()

    assert frame.height == 7
    assert frame.schema["net"] == pl.Decimal(MONEY.precision, MONEY.scale)
    assert frame.schema["created_utc"] == pl.Datetime("us", "UTC")
    assert frame.select((pl.col("gross") - pl.col("fee") == pl.col("net")).all()).item()


def test_duckdb_reads_the_partitions_as_one_exact_relation(dataset: Path) -> None:
    rows = duckdb.read_parquet(f"{dataset}/**/*.parquet", hive_partitioning=True)
    types = dict(zip(rows.columns, map(str, rows.types), strict=True))

    assert (types["net"], types["created_utc"]) == ("DECIMAL(18,6)", "TIMESTAMP WITH TIME ZONE")
    assert rows.aggregate("count(*), bool_and(gross - fee = net)").fetchall() == [(7, True)]


def test_an_empty_text_is_not_a_null_in_any_engine(hostile: Path) -> None:
    in_duckdb = duckdb.read_parquet(str(hostile)).project("description").fetchall()

    assert pq.read_table(hostile)["description"].to_pylist()[2:4] == [None, ""]
    assert pl.read_parquet(hostile)["description"].to_list()[2:4] == [None, ""]
    assert in_duckdb[2:4] == [(None,), ("",)]


def test_a_row_group_is_bounded_by_bytes_as_well_as_by_rows(tmp_path: Path) -> None:
    """A hundred thousand rows of long descriptions would not fit in memory."""
    long = "x" * 50_000
    rows = "".join(row(n, "usd", "1 0 1", f'"{long}"') for n in range(40))
    source = opened(tmp_path / "csv", HEADER + "\n" + rows, block_size=1 << 17)
    target = tmp_path / "report.parquet"

    written(target, source, row_group_bytes=500_000)

    assert pq.ParquetFile(target).metadata.num_row_groups >= 3
    assert pq.read_table(target).num_rows == 40


@dataclass
class Watched:
    """A report whose batches are a row group each. It notes what Arrow holds when one of them is there.

    Attributes:
        held: bytes, for each row group.
    """

    count: int
    held: list[int] = field(default_factory=list)
    schema = pa.schema([("note", pa.string())])
    columns = (Column("note", ColumnType.TEXT, ""),)
    csv_bytes = 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        for _ in range(self.count):
            batch = pa.record_batch([pa.array(["x" * 1000] * 4000)], schema=self.schema)
            self.held.append(pa.total_allocated_bytes())
            yield batch


def test_two_row_groups_are_in_memory_however_many_there_are(tmp_path: Path) -> None:
    """The one that is read, and the one that is written."""
    report, before = Watched(count=8), pa.total_allocated_bytes()

    written(tmp_path / "report.parquet", cast("ReportFileReader", report), row_group_rows=4000)

    groups = [(held - before) / 4_000_000 for held in report.held]
    assert max(groups) < 2.7
    assert groups[-1] > 1


# What becomes of it on a disk


def test_a_file_reads_through_to_its_last_row(hostile: Path) -> None:
    with pa.OSFile(str(hostile)) as file:
        assert read_through(file) == 6


@given(data=st.data())
def test_a_flipped_bit_is_found_wherever_it_is(hostile: Path, data: st.DataObject) -> None:
    """In the footer, too, where it could make an engine skip rows."""
    content = bytearray(hostile.read_bytes())
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8

    with pytest.raises((StoreError, pa.ArrowException, OSError)):
        read_through(pa.BufferReader(bytes(content)))


def test_a_file_cut_short_is_found(hostile: Path) -> None:
    for kept in (0, 4, 100, hostile.stat().st_size - 1):
        with pytest.raises((StoreError, pa.ArrowException)):
            read_through(pa.BufferReader(hostile.read_bytes()[:kept]))


def test_every_engine_passes_over_the_seal(hostile: Path) -> None:
    assert SEAL in hostile.read_bytes()
    assert pq.read_table(hostile).num_rows == len(pd.read_parquet(hostile)) == 6
    assert len(pl.read_parquet(hostile)) == len(duckdb.read_parquet(str(hostile)).fetchall()) == 6


def test_a_flipped_bit_in_the_rows_is_found_by_engines_that_look_for_it(hostile: Path) -> None:
    """They do not know the seal; each page has a checksum of its own."""
    whole, said = hostile.read_bytes(), set()
    for at in range(4, whole.index(SEAL), 9):
        flipped = bytearray(whole)
        flipped[at] ^= 1
        try:
            pq.ParquetFile(pa.BufferReader(bytes(flipped)), page_checksum_verification=True).read()
        except (pa.ArrowException, OSError) as error:
            said.add(str(error).partition(",")[0])

    assert "could not verify page integrity" in said
