"""What a cell may look like, and that the fast conversion never takes more than the careful one."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.catalogue import ColumnType
from connector.convert.arrow_types import INSTANT, MONEY, NUMBER, WALL_CLOCK
from connector.convert.cells import BadCellError, convert

STORED = {
    ColumnType.MONEY: MONEY,
    ColumnType.NUMBER: NUMBER,
    ColumnType.INTEGER: pa.int64(),
    ColumnType.TIMESTAMP: INSTANT,
    ColumnType.DATE: pa.date32(),
    ColumnType.BOOLEAN: pa.bool_(),
}

#: Cells that are right and not of the usual shape: beside one of them, a whole column is read carefully.
UNUSUAL = {
    ColumnType.MONEY: b"0." + b"0" * 60,
    ColumnType.NUMBER: b"0." + b"0" * 60,
    ColumnType.INTEGER: b"+1",
    ColumnType.TIMESTAMP: b"2026-01-31 00:00:00Z",
    ColumnType.DATE: b"2026-01-31 00:00:00",
    ColumnType.BOOLEAN: b"TRUE",
}


def read(*cells: bytes | None, kind: ColumnType, stored: pa.DataType | None = None) -> list[Any]:
    found: list[Any] = convert(pa.array(cells, pa.binary()), kind, stored or STORED[kind]).to_pylist()
    return found


def outcome(*cells: bytes, kind: ColumnType) -> Any:
    """The first cell's value, or that it was refused."""
    try:
        return read(*cells, kind=kind)[0]
    except BadCellError as error:
        return f"refused cell {error.index}"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        pytest.param(b"10.00", Decimal(10), id="dollars-and-cents"),
        pytest.param(b"-0.30", Decimal("-0.30"), id="negative"),
        pytest.param(b"+5", Decimal(5), id="plus-sign"),
        pytest.param(b"1250", Decimal(1250), id="yen-has-no-minor-unit"),
        pytest.param(b"1.234", Decimal("1.234"), id="dinar-has-three-decimals"),
        pytest.param(b"0.123456", Decimal("0.123456"), id="six-decimals"),
        pytest.param(b"0.1234560", Decimal("0.123456"), id="seventh-is-zero"),
        pytest.param(b"10.000000000000000000", Decimal(10), id="eighteen-decimals-are-zero"),
        pytest.param(b"1" + b".0" + b"0" * 99, Decimal(1), id="a-hundred-zeros"),
        pytest.param(b"0" * 99 + b"1", Decimal(1), id="leading-zeros"),
        pytest.param(b"-0.00", Decimal(0), id="minus-zero"),
        pytest.param(b".5", Decimal("0.5"), id="no-digit-before-the-point"),
        pytest.param(b"5.", Decimal(5), id="no-digit-after-the-point"),
        pytest.param(b"-999999999999.999999", Decimal("-999999999999.999999"), id="largest"),
        pytest.param(None, None, id="null"),
        pytest.param(b"", None, id="quoted-empty-is-null-not-zero"),
    ],
)
def test_money_is_read_exactly(cell: bytes | None, value: Decimal | None) -> None:
    assert read(cell, b"1.50", kind=ColumnType.MONEY) == [value, Decimal("1.5")]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        pytest.param(b"0.1234567", "more than 6 decimals", id="seventh-decimal"),
        pytest.param(b"1000000000000", "more than 12 digits", id="too-large"),
        pytest.param(b"9" * 128, "more than 12 digits", id="so-long-that-arrow-reads-minus-one"),
        pytest.param(b"9" * 100_000, "more than 12 digits", id="a-hundred-thousand-digits"),
        pytest.param(b"1e3", "plain decimal", id="exponent"),
        pytest.param(b"NaN", "plain decimal", id="nan"),
        pytest.param(b"Infinity", "plain decimal", id="infinity"),
        pytest.param(b"1,000.00", "plain decimal", id="thousands-separator"),
        pytest.param(b"10,00", "plain decimal", id="decimal-comma"),
        pytest.param(b"$5", "plain decimal", id="currency-sign"),
        pytest.param(b" 5", "plain decimal", id="leading-blank"),
        pytest.param(b"5\n", "plain decimal", id="trailing-newline"),
        pytest.param(b"1_000", "plain decimal", id="underscore"),
        pytest.param("١٢".encode(), "plain decimal", id="arabic-digits"),
        pytest.param(b".", "plain decimal", id="point-alone"),
        pytest.param(b"-", "plain decimal", id="sign-alone"),
        pytest.param(b"--5", "plain decimal", id="two-signs"),
        pytest.param(b"1.2.3", "plain decimal", id="two-points"),
        pytest.param(b"\xff", "UTF-8", id="not-text"),
    ],
)
def test_money_that_is_no_plain_number_or_does_not_fit_is_refused(cell: bytes, reason: str) -> None:
    with pytest.raises(BadCellError, match=reason) as caught:
        read(b"1.50", None, cell, kind=ColumnType.MONEY)

    assert caught.value.index == 2


NUMBERS = (
    st.text("0123456789.+-e", max_size=45)
    | st.tuples(st.integers(-(10**20), 10**20), st.text("0123456789", max_size=40)).map(
        lambda n: f"{n[0]}.{n[1]}"
    )
    | st.from_regex(r"[+-]?[0-9]{11,38}(\.[0-9]{0,18})?", fullmatch=True)
    | st.from_regex(r"[+-]?[0-9]{1,13}\.[0-9]{5,8}0{0,30}", fullmatch=True)
)


def fits(text: str, stored: pa.Decimal128Type) -> bool:
    """Whether a text is a number that the type holds, by the rules of fractions."""
    plain = re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", text)
    scaled = Fraction(text) * 10**stored.scale if plain else Fraction(1, 2)
    return scaled.denominator == 1 and abs(scaled) < 10**stored.precision


@pytest.mark.parametrize("kind", [ColumnType.MONEY, ColumnType.NUMBER])
@given(text=NUMBERS)
@example(text="37090943709950440730440")  # found by a fuzzer: Arrow makes 165715568148212932.16… of it
@example(text="1e3")
@example(text="9" * 32)
@example(text="9" * 38)
@example(text="1." + "0" * 35 + "1")
@example(text="0." + "0" * 38 + "1")
@example(text="999999999999.9999995")
@example(text="1000000000000")
def test_a_number_is_its_exact_value_or_refused(kind: ColumnType, text: str) -> None:
    found = outcome(text.encode(), kind=kind)

    if text == "":
        assert found is None
    elif fits(text, STORED[kind]):
        assert Fraction(found) == Fraction(text)
    else:
        assert found == "refused cell 0"


@given(text=NUMBERS.filter(bool))
@example(text="0.0000001")
@example(text="1000000000000")
@example(text="1e3")
def test_what_only_the_wide_type_of_money_holds_is_said(text: str) -> None:
    try:
        read(text.encode(), kind=ColumnType.MONEY)
        said = False
    except BadCellError as error:
        said = error.is_wide

    assert said == (fits(text, NUMBER) and not fits(text, MONEY))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        pytest.param(b"2026-01-31 23:59:59", datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC), id="as-printed"),
        pytest.param(b"2026-01-31T23:59:59", datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC), id="with-t"),
        pytest.param(b"2026-01-31T23:59:59Z", datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC), id="with-z"),
        pytest.param(
            b"2026-01-31 23:59:59.5", datetime(2026, 1, 31, 23, 59, 59, 500000, tzinfo=UTC), id="fraction"
        ),
        pytest.param(
            b"2026-01-31 23:59:59.123456000",
            datetime(2026, 1, 31, 23, 59, 59, 123456, tzinfo=UTC),
            id="nanos",
        ),
        pytest.param(b"2026-01-31", datetime(2026, 1, 31, tzinfo=UTC), id="date-is-its-midnight"),
        pytest.param(b"2024-02-29 00:00:00", datetime(2024, 2, 29, tzinfo=UTC), id="leap-day"),
        pytest.param(b"", None, id="quoted-empty"),
        pytest.param(None, None, id="null"),
    ],
)
def test_a_time_is_read_to_the_microsecond(cell: bytes | None, value: datetime | None) -> None:
    assert read(cell, kind=ColumnType.TIMESTAMP) == [value]


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(b"2026-02-29 00:00:00", id="no-such-day"),
        pytest.param(b"2026-01-31 24:00:00", id="hour-24"),
        pytest.param(b"2026-01-31 23:59:60", id="leap-second"),
        pytest.param(b"2026-01-31 23:59", id="no-seconds"),
        pytest.param(b"2026-01-31 23", id="hour-alone"),
        pytest.param(b"2026-01-31 23:59:59+01:00", id="offset"),
        pytest.param(b"2026-01-31 23:59:59.1234567", id="finer-than-a-microsecond"),
        pytest.param(b"01/31/2026", id="american"),
        pytest.param(b"1767225600", id="unix-seconds"),
        pytest.param(b"0000-01-01 00:00:00", id="year-0"),
    ],
)
def test_what_is_no_time_is_refused(cell: bytes) -> None:
    with pytest.raises(BadCellError):
        read(cell, kind=ColumnType.TIMESTAMP)


def test_a_local_time_keeps_its_wall_clock_and_takes_no_z() -> None:
    local = {"kind": ColumnType.TIMESTAMP, "stored": WALL_CLOCK}

    assert read(b"2026-03-08 02:30:00", **local) == [datetime.fromisoformat("2026-03-08 02:30:00")]
    with pytest.raises(BadCellError, match="the column is local"):
        read(b"2026-03-08 02:30:00Z", **local)


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        pytest.param(ColumnType.DATE, b"2026-01-31", date(2026, 1, 31), id="date"),
        pytest.param(ColumnType.DATE, b"2026-01-31 00:00:00", date(2026, 1, 31), id="date-at-midnight"),
        pytest.param(ColumnType.INTEGER, b"-9223372036854775808", -(2**63), id="smallest-integer"),
        pytest.param(ColumnType.INTEGER, b"+007", 7, id="integer-with-sign-and-zeros"),
        pytest.param(ColumnType.BOOLEAN, b"true", True, id="true"),
        pytest.param(ColumnType.BOOLEAN, b"FALSE", False, id="false-in-capitals"),
        pytest.param(ColumnType.BOOLEAN, b"", None, id="empty-boolean"),
    ],
)
def test_other_types_are_read_as_printed(kind: ColumnType, cell: bytes, value: Any) -> None:
    assert read(cell, None, kind=kind) == [value, None]


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        pytest.param(ColumnType.DATE, b"2026-01-31 00:00:01", id="date-with-time"),
        pytest.param(ColumnType.DATE, b"2026-02-30", id="no-such-day"),
        pytest.param(ColumnType.INTEGER, b"9223372036854775808", id="integer-too-large"),
        pytest.param(ColumnType.INTEGER, b"9" * 5000, id="integer-far-too-large"),
        pytest.param(ColumnType.INTEGER, b"1.0", id="integer-with-decimals"),
        pytest.param(ColumnType.INTEGER, b"0x1", id="hexadecimal"),
        pytest.param(ColumnType.BOOLEAN, b"t", id="t"),
        pytest.param(ColumnType.BOOLEAN, b"1", id="one"),
        pytest.param(ColumnType.BOOLEAN, b"yes", id="yes"),
    ],
)
def test_other_types_are_not_guessed(kind: ColumnType, cell: bytes) -> None:
    with pytest.raises(BadCellError):
        read(cell, kind=kind)


NEARLY_RIGHT = st.one_of(
    st.text("0123456789-+.: TZetruflas\n", max_size=24),
    st.datetimes().map(str),
    st.dates().map(str),
    st.tuples(
        st.datetimes().map(lambda t: str(t)[:19]), st.integers(0, 18), st.sampled_from("09-: .TZx\n")
    ).map(lambda case: case[0][: case[1]] + case[2] + case[0][case[1] + 1 :]),
    st.integers().map(str),
    st.tuples(st.sampled_from("0123456789"), st.integers(1, 400)).map(lambda digits: digits[0] * digits[1]),
)


@pytest.mark.parametrize("kind", list(UNUSUAL), ids=lambda kind: kind.value)
@given(text=NEARLY_RIGHT)
@example(text="1e3")
@example(text="9" * 128)
@example(text="0000-00-00 00:00:00")
@example(text="0000-01-01")
@example(text="2026-01-31 10:00:00")
def test_the_fast_conversion_agrees_with_the_careful_one(kind: ColumnType, text: str) -> None:
    """A column is read fast or carefully for the sake of other cells: that must not change this one."""
    alone = outcome(text.encode(), kind=kind)
    beside = outcome(text.encode(), UNUSUAL[kind], kind=kind)

    assert alone == beside


LETTERS = st.sampled_from(
    [b"a", "Å".encode()[:1], "Å".encode()[1:], "Å".encode(), b"\xff", "😀".encode()[:2], b""]
)


def is_utf8(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(
    cells=st.lists(st.none() | st.lists(LETTERS, max_size=4).map(b"".join), max_size=6),
    left=st.integers(0, 6),
)
@example(cells=["Å".encode()[:1], "Å".encode()[1:]], left=0)
@example(cells=[None, None], left=0)
def test_a_text_is_utf8_by_itself_or_refused(cells: list[bytes | None], left: int) -> None:
    """Whatever stands in the cells beside it, which together may be whole letters, or before a slice."""
    bad = [index for index, cell in enumerate(cells[left:]) if not is_utf8(cell or b"")]

    try:
        found = convert(pa.array(cells, pa.binary())[left:], ColumnType.TEXT, pa.string()).to_pylist()
    except BadCellError as error:
        found = error.index

    assert found == (bad[0] if bad else [cell if cell is None else cell.decode() for cell in cells[left:]])
