"""Records are cut rightly wherever a block ends, and a file that is no whole CSV is never taken for one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.convert import csv_records as records
from connector.convert.csv_records import RecordFile
from connector.errors import CellError

Rows = list[tuple[bytes | None, ...]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frr_1.csv"


def rows(path: Path, content: bytes, block_size: int = 1 << 20) -> Rows:
    path.write_bytes(content)
    pieces = RecordFile.open(path, "frr_1", block_size=block_size).pieces()
    return [
        row
        for _, piece in pieces
        for row in zip(*(column.to_pylist() for column in piece.columns), strict=True)
    ]


@pytest.mark.parametrize("shift", range(3))
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_a_line_break_within_quotes_survives_wherever_a_block_ends(
    path: Path, end: bytes, shift: int
) -> None:
    """Arrow's own streaming reader loses the newline of a CRLF that straddles two blocks."""
    wanted: Rows = [(b"x" * shift, b"a\r\nb"), (None, b"\r\n"), (b'"\r\n"', b""), (b"\n\r", b"end")]
    quoted = [
        b",".join(b"" if cell is None else b'"' + cell.replace(b'"', b'""') + b'"' for cell in row) + end
        for row in wanted
    ]
    content = b"a,b" + end + b"".join(quoted)

    found = [rows(path, content, block_size) for block_size in range(1, len(content) + 2)]

    assert all(each == wanted for each in found)


def test_pieces_say_the_number_of_their_first_record(path: Path) -> None:
    path.write_bytes(b'a,b\n"1\n1",1\n\n2,2\n3,3\n')

    pieces = list(RecordFile.open(path, "frr_1", block_size=1).pieces())

    assert [(row, piece.column(1).to_pylist()) for row, piece in pieces] == [
        (1, [b"1"]),
        (2, [b"2"]),
        (3, [b"3"]),
    ]


def test_a_record_may_be_longer_than_a_block(path: Path) -> None:
    long = b"x\n" * 50_000

    assert rows(path, b'a,b\n"' + long + b'",1\n2,2\n', block_size=64) == [(long, b"1"), (b"2", b"2")]


@given(
    cells=st.lists(st.tuples(*[st.text('a"\n5', max_size=5)] * 2), min_size=1, max_size=10),
    block_size=st.integers(1, 40),
)
def test_a_stray_quote_reads_the_same_whatever_the_block_size(
    path: Path, cells: list[tuple[str, str]], block_size: int
) -> None:
    """Quotes within a bare value, as in 5" nails, upset counting them. No cut may be wrong for that."""
    content = ("a,b\n" + "".join(f"{x},{y}\n" for x, y in cells)).encode()

    def outcome(size: int) -> Rows | str:
        try:
            return rows(path, content, size)
        except CellError:
            return "refused"

    assert outcome(block_size) == outcome(1 << 20)


@pytest.mark.parametrize("block_size", [1, 9, 1 << 20])
@pytest.mark.parametrize(
    ("content", "row", "reason"),
    [
        pytest.param(b"a,b\n1,2\n3\n4,5\n", 2, "1 fields where the header has 2", id="short"),
        pytest.param(b"a,b\n1,2\n3,4,5\n4,5\n", 2, "3 fields where the header has 2", id="long"),
        pytest.param(b'a,b\n"1\n\n","2"\n\n3,4,5\n', 2, "3 fields", id="after-newlines-in-values"),
        pytest.param(b'a,b\n1,2\n3,"4', 2, "cut off", id="cut-within-quotes"),
        pytest.param(b'a,b\n1,2\n3,"4\n5,6\n', 2, "cut off", id="quote-never-closed"),
        pytest.param(b'a,b\n1,2\n"3', 2, "cut off", id="cut-in-the-first-field"),
        pytest.param(b"a,b\n1,2\n3,", None, "", id="cut-after-a-comma-is-a-null"),
        pytest.param(b"a,b\n1,2\n3", 2, "1 fields", id="cut-between-fields"),
        pytest.param(b'a,b\n1,2\n3,"x\0y"\n', 2, "column 'b', row 2: a NUL", id="nul"),
        pytest.param(b"a,b\n1,2\n<html>\n", 2, "1 fields", id="html-in-the-middle"),
    ],
)
def test_a_broken_record_is_named_by_its_number(
    path: Path, content: bytes, row: int | None, reason: str, block_size: int
) -> None:
    if row is None:
        assert rows(path, content, block_size)[-1] == (b"3", None)
        return
    with pytest.raises(CellError, match=reason) as caught:
        rows(path, content, block_size)

    assert caught.value.row == row


@given(content=st.binary(max_size=60), block_size=st.sampled_from([1, 8, 1 << 20]))
def test_any_bytes_at_all_are_read_or_refused(path: Path, content: bytes, block_size: int) -> None:
    try:
        found = rows(path, b"a,b\n" + content, block_size)
    except CellError:
        found = []

    assert all(len(row) == 2 for row in found)


def test_a_record_without_end_is_refused_before_it_fills_the_memory(path: Path) -> None:
    size = records.LARGEST_RECORD + (8 << 20)
    with path.open("wb") as file:
        file.write(b'a,b\n1,2\n3,"')
        file.seek(size)
        file.write(b"x")

    with pytest.raises(CellError, match="row 2 is larger than 16 MiB"):
        list(RecordFile.open(path, "frr_1").pieces())
