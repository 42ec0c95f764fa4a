"""A report's CSV comes out typed and exact, or the error says where it does not."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.catalogue import Column, ColumnType, columns_of, report
from connector.convert.arrow_types import MONEY
from connector.convert.csv_records import RecordFile
from connector.convert.decode import Expected, ReportFileReader, open_report
from connector.errors import CellError, SchemaMismatchError

SUMMARY = report("balance.summary.1")
ACTIVITY = report("balance_change_from_activity.itemized.3")

TEXT = Column("note", ColumnType.TEXT, "Free text.")
NAME = Column("customer_name", ColumnType.TEXT, "A name.", personal=True)
AMOUNT = Column("amount", ColumnType.MONEY, "Money.", unit="major units of `currency`")
CREATED = Column("created", ColumnType.TIMESTAMP, "Local.", local=True)
CREATED_UTC = Column("created_utc", ColumnType.TIMESTAMP, "In UTC.")


def stripe_csv(header: Sequence[str], rows: Sequence[Sequence[str | None]], end: str = "\n") -> bytes:
    """Stripe's dialect: every value quoted, null bare."""
    quoted = [["" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in row] for row in rows]
    return "".join(",".join(row) + end for row in [[f'"{name}"' for name in header], *quoted]).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frr_1.csv"


def opened(path: Path, content: bytes, *columns: Column, **options: Any) -> ReportFileReader:
    path.write_bytes(content)
    block_size = options.pop("block_size", 1 << 20)
    return open_report(RecordFile.open(path, "frr_1", block_size=block_size), Expected(columns, **options))


def table(report: ReportFileReader) -> pa.Table:
    return pa.Table.from_batches(report.batches(), report.schema)


# Public samples of Stripe's files, to the byte.


def test_the_public_sample_of_network_costs_reads_to_the_last_decimal(path: Path) -> None:
    sample = (
        b'"platform_id","connected_account_id","connected_account_name","plan_name","network_cost_category",'
        b'"total_amount","fee_currency","livemode"\n'
        b'"acct_1","acct_2",,"All scheme fees","card_scheme","0.005991","usd","true"\n'
    )
    names = ["platform_id", "connected_account_id", "connected_account_name", "plan_name", "fee_currency"]
    texts = [Column(name, ColumnType.TEXT, "Text.") for name in names]
    total = Column("total_amount", ColumnType.MONEY, "The cost.")
    live = Column("livemode", ColumnType.BOOLEAN, "Whether it is real money.")

    result = opened(path, sample, *texts, total, live)

    assert result.added_columns == ("network_cost_category",)
    assert table(result).to_pylist() == [
        {
            "platform_id": "acct_1",
            "connected_account_id": "acct_2",
            "connected_account_name": None,
            "plan_name": "All scheme fees",
            "fee_currency": "usd",
            "total_amount": Decimal("0.005991"),
            "livemode": True,
            "network_cost_category": "card_scheme",
        }
    ]


def test_the_public_sample_of_a_balance_summary_has_its_subtotals_marked(path: Path) -> None:
    sample = (
        '"category","description","net_amount","currency"\n'
        '"starting_balance","Starting balance (2026-07-01)","0.00","usd"\n'
        '"activity_gross","…","191.83","usd"\n'
        '"activity_fee","…","-7.67","usd"\n'
        '"activity","…","184.16","usd"\n'
        '"payouts_gross","…","-184.16","usd"\n'
        '"payouts_fee","…","0.00","usd"\n'
        '"payouts","…","-184.16","usd"\n'
        '"ending_balance","Ending balance (2026-07-31)","0.00","usd"\n'
    ).encode()

    rows = table(opened(path, sample, *columns_of(SUMMARY), row_kinds=SUMMARY.row_kinds)).to_pylist()

    assert [(row["_row_kind"], str(row["net_amount"].normalize())) for row in rows] == [
        ("balance", "0"),
        ("movement", "191.83"),
        ("movement", "-7.67"),
        ("subtotal", "184.16"),
        ("movement", "-184.16"),
        ("movement", "0"),
        ("subtotal", "-184.16"),
        ("balance", "0"),
    ]


def test_the_public_sample_of_payout_reconciliation_types_what_the_catalogue_knows(path: Path) -> None:
    sample = (
        b'"automatic_payout_id","automatic_payout_effective_at","balance_transaction_id","created",'
        b'"available_on","currency","gross","fee","net","reporting_category","description"\n'
        b'"po_1","2026-09-01 20:09:00","txn_1","2026-08-29 10:04:26","2026-09-01 20:00:00","usd","100.00",'
        b'"3.00","97.00","charge","Charge for order #1"\n'
    )
    names = sample.split(b"\n")[0].decode().replace('"', "").split(",")

    (row,) = table(opened(path, sample, *columns_of(ACTIVITY, names))).to_pylist()

    assert row["automatic_payout_effective_at"] == datetime(2026, 9, 1, 20, 9, tzinfo=UTC)
    assert row["gross"] - row["fee"] == row["net"] == Decimal(97)


# Whatever stands in a cell comes out again.

HOSTILE_TEXT = st.one_of(
    st.none(),
    st.sampled_from(
        [
            "",
            "NA",
            "null",
            "None",
            "NaN",
            "007",
            "1e3",
            "#N/A",
            " ",
            '"',
            '""',
            ",",
            "\n",
            "\r\n",
            "\r",
            "x" * 100_000,
        ]
    ),
    st.text(st.sampled_from('ab",\r\n \té漢😀'), max_size=12),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
)
EXACT_MONEY = st.one_of(
    st.none(),
    st.decimals(-(10**11), 10**11, places=2).map(lambda d: f"{d:f}"),
    st.decimals(-1000, 1000, places=3).map(lambda d: f"{d:f}"),
    st.decimals(-1, 1, places=6).map(lambda d: f"{d:f}"),
    st.integers(-(10**12) + 1, 10**12 - 1).map(str),
)
TIMES = st.none() | st.integers(0, 253_402_300_799).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(
    rows=st.lists(st.tuples(HOSTILE_TEXT, EXACT_MONEY, TIMES, HOSTILE_TEXT), max_size=12),
    end=st.sampled_from(["\n", "\r\n"]),
    frame=st.sampled_from(["plain", "byte order mark", "no last line end"]),
    block_size=st.sampled_from([1, 7, 64, 1 << 20]),
)
def test_every_value_of_a_file_is_found_again(
    path: Path, rows: list[Any], end: str, frame: str, block_size: int
) -> None:
    cells = [(a, money, moment and f"{moment:%Y-%m-%d %H:%M:%S}", b) for a, money, moment, b in rows]
    content = stripe_csv(["note", "amount", "created_utc", "more"], cells, end)
    if frame == "byte order mark":
        content = b"\xef\xbb\xbf" + content
    if frame == "no last line end":
        content = content.removesuffix(end.encode())
    more = Column("more", ColumnType.TEXT, "Text.")

    found = table(opened(path, content, TEXT, AMOUNT, CREATED_UTC, more, block_size=block_size))

    assert [tuple(row.values()) for row in found.to_pylist()] == [
        (a, money and Decimal(money), moment, b) for a, money, moment, b in rows
    ]


@given(cells=st.lists(HOSTILE_TEXT, max_size=8), block_size=st.sampled_from([1, 5, 1 << 20]))
def test_a_file_of_one_column_keeps_its_nulls(path: Path, cells: list[str | None], block_size: int) -> None:
    """A null is an empty line there, and empty lines are easily lost."""
    content = stripe_csv(["note"], [[cell] for cell in cells])

    assert table(opened(path, content, TEXT, block_size=block_size))["note"].to_pylist() == cells


# Shapes of files


def test_a_file_with_a_header_alone_has_a_schema_and_no_rows(path: Path) -> None:
    empty = opened(
        path,
        b'"category","description","net_amount","currency"',
        *columns_of(SUMMARY),
        row_kinds=SUMMARY.row_kinds,
    )

    assert list(empty.batches()) == []
    assert empty.schema.names == ["category", "description", "net_amount", "currency", "_row_kind"]
    assert empty.schema.field("net_amount").type == MONEY


def test_columns_are_stored_in_the_order_asked_for_whatever_the_order_of_the_file(path: Path) -> None:
    result = opened(path, stripe_csv(["amount", "new", "note"], [["1", "a", "x"]]), TEXT, AMOUNT)

    assert table(result).to_pylist() == [{"note": "x", "amount": Decimal(1), "new": "a"}]
    assert result.added_columns == ("new",)
    assert result.schema.field("new").type == pa.string()


def test_columns_of_the_same_bytes_are_typed_once_wherever_they_stand(path: Path) -> None:
    columns = [Column(name, ColumnType.MONEY, "") for name in ("gross", "fee", "paid", "net")]
    content = stripe_csv(["gross", "fee", "paid", "net"], [["1.10", "0.10", "1.10", "1.00"], [None] * 4])

    (batch,) = opened(path, content, *columns).batches()

    in_memory = [each.buffers()[1].address for each in batch.columns]
    assert in_memory[0] == in_memory[2]
    assert len(set(in_memory)) == 3
    assert batch["paid"].to_pylist() == [Decimal("1.10"), None]


def test_a_report_can_be_read_twice(path: Path) -> None:
    result = opened(path, stripe_csv(["note"], [["x"]]), TEXT)

    assert table(result) == table(result)


@pytest.mark.parametrize(
    ("zone", "stored", "value"),
    [
        pytest.param(None, pa.timestamp("us", "UTC"), datetime(2026, 3, 8, 2, 30, tzinfo=UTC), id="none"),
        pytest.param("Etc/UTC", pa.timestamp("us", "UTC"), datetime(2026, 3, 8, 2, 30, tzinfo=UTC), id="utc"),
        pytest.param(
            "America/New_York", pa.timestamp("us"), datetime.fromisoformat("2026-03-08 02:30:00"), id="local"
        ),
    ],
)
def test_a_local_time_is_an_instant_only_when_the_run_is_in_utc(
    path: Path, zone: str | None, stored: pa.DataType, value: datetime
) -> None:
    """02:30 of that day does not exist in New York; only a naive wall clock holds what Stripe printed."""
    content = stripe_csv(["created", "created_utc"], [["2026-03-08 02:30:00"] * 2])

    result = opened(path, content, CREATED, CREATED_UTC, timezone=zone)

    assert result.schema.field("created").type == stored
    assert table(result)["created"].to_pylist() == [value]
    assert table(result)["created_utc"].to_pylist() == [datetime(2026, 3, 8, 2, 30, tzinfo=UTC)]


# Kinds of rows


def kinds(path: Path, rows: list[tuple[str, str | None]], block_size: int = 1 << 20) -> list[str | None]:
    content = stripe_csv(
        ["category", "description", "net_amount", "currency"],
        [[name, "…", "1", money] for name, money in rows],
    )
    result = opened(path, content, *columns_of(SUMMARY), row_kinds=SUMMARY.row_kinds, block_size=block_size)
    found: list[str | None] = table(result)["_row_kind"].to_pylist()
    return found


def test_activity_is_a_movement_while_its_parts_are_not_in_the_file(path: Path) -> None:
    assert kinds(path, [("activity", "usd"), ("payouts", "usd")]) == ["movement", "movement"]


def test_parts_make_a_subtotal_in_their_own_currency_alone(path: Path) -> None:
    rows: list[tuple[str, str | None]] = [("activity", "usd"), ("activity", "eur"), ("activity_fee", "eur")]

    assert kinds(path, rows) == ["movement", "subtotal", "movement"]


def test_parts_that_come_later_in_a_long_file_count(path: Path) -> None:
    assert kinds(path, [("payouts", "usd"), ("payouts_fee", "usd")], block_size=1) == ["subtotal", "movement"]


@pytest.mark.parametrize(
    ("line", "part"),
    [
        pytest.param(None, "usd", id="line-without"),
        pytest.param("usd", None, id="part-without"),
        pytest.param("", "usd", id="quoted-empty"),
    ],
)
def test_without_a_currency_parts_are_taken_to_belong_together(
    path: Path, line: str | None, part: str | None
) -> None:
    """Payout rows were seen without a currency. A sum counted twice is worse than one left out."""
    assert kinds(path, [("payouts", line), ("payouts_gross", part)])[0] == "subtotal"


def test_an_unknown_row_has_no_kind(path: Path) -> None:
    assert kinds(path, [("loose_change", "usd")]) == [None]


def test_rows_have_no_kind_when_the_column_that_names_them_was_not_asked_for(path: Path) -> None:
    content = stripe_csv(["net_amount"], [["1"]])
    columns = columns_of(SUMMARY, ["net_amount"])

    assert table(opened(path, content, *columns, row_kinds=SUMMARY.row_kinds))["_row_kind"].to_pylist() == [
        None
    ]


# What is refused


def test_a_missing_column_is_named_beside_what_the_file_has(path: Path) -> None:
    with pytest.raises(
        SchemaMismatchError, match="frr_1: the file lacks amount; it has note, other"
    ) as caught:
        opened(path, b"note,other\n", TEXT, AMOUNT)

    assert caught.value.missing == ("amount",)


def test_a_name_that_would_break_a_log_line_is_told_on_one(path: Path) -> None:
    """Found by a fuzzer."""
    with pytest.raises(SchemaMismatchError) as caught:
        opened(path, b'"not\x1b[2Je\n2026-06-07 all is well"\n', AMOUNT)

    assert str(caught.value) == "frr_1: the file lacks amount; it has not\\x1b[2Je\\n2026-06-07 all is well"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "empty", id="no-bytes"),
        pytest.param(b"\n", "lacks note", id="blank-line"),
        pytest.param(b"<!DOCTYPE html>\n<html>", "HTML", id="html"),
        pytest.param(b'{"error": {"message": "no"}}', "JSON", id="json"),
        pytest.param(b"PK\x03\x04\x14\x00", "zip", id="zip"),
        pytest.param(b"\x1f\x8b\x08\x00\xff\xfe", "gzip", id="gzip"),
        pytest.param(b"note,amount,note\n", "note more than once", id="column-twice"),
        pytest.param(b"note,,amount\n", "no name", id="column-without-name"),
        pytest.param(b'"note","amount', "does not begin with a header", id="cut-within-the-header"),
        pytest.param("note,amount\n".encode("utf-16"), "not UTF-8", id="utf-16"),
        pytest.param(
            b"note,amount," + b"x" * (1 << 20) + b"\n", "does not begin with a header", id="long-header"
        ),
        pytest.param(
            b"note,amount" + b",a" * 10_000 + b"\n", "does not begin with a header", id="wide-header"
        ),
        pytest.param(b"note,amount,payment_metadata[a],payment_metadata__a\n", "under one name", id="clash"),
    ],
)
def test_a_file_without_the_right_header_is_refused(path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(SchemaMismatchError, match=f"frr_1: .*{reason}"):
        opened(path, content, TEXT, AMOUNT)


@pytest.mark.parametrize("block_size", [1, 16, 1 << 20])
def test_a_bad_cell_is_named_by_run_column_row_and_value(path: Path, block_size: int) -> None:
    content = stripe_csv(["note", "amount"], [["a\nb", "1.00"], ["", "2.00"], ["c", "1e3"], ["d", "x"]])

    with pytest.raises(CellError, match=r"frr_1: column 'amount', row 3: '1e3' is not a plain") as caught:
        table(opened(path, content, TEXT, AMOUNT, block_size=block_size))

    assert (caught.value.column, caught.value.row) == ("amount", 3)


def test_rows_before_a_bad_cell_were_yielded(path: Path) -> None:
    content = stripe_csv(["note", "amount"], [["a", "1.00"], ["b", "x"]])
    batches = opened(path, content, TEXT, AMOUNT, block_size=1).batches()

    assert next(batches).num_rows == 1
    with pytest.raises(CellError):
        next(batches)


def test_an_error_shows_the_beginning_of_a_long_value_and_nothing_of_a_personal_one(path: Path) -> None:
    path.write_bytes(b'"amount","customer_name"\n"' + b"9" * 1000 + b'","Zo\xeb"\n')

    with pytest.raises(CellError) as long:
        table(open_report(RecordFile.open(path, "frr_1"), Expected((AMOUNT,))))
    with pytest.raises(CellError) as personal:
        table(open_report(RecordFile.open(path, "frr_1"), Expected((NAME,))))

    assert len(str(long.value)) < 200
    assert "Zo" not in str(personal.value)
