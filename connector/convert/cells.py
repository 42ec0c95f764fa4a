"""What the text of a cell means, exactly: a column of bytes becomes a column of its type, or an error.

Where all cells of a column have the one shape Stripe prints, Arrow converts them. Where one has not,
Python converts them cell by cell, which is slow and finds the bad cell. The careful conversion alone decides
what a cell may look like; the fast one accepts less, never more, and gives the same values.

    money, number   a sign, digits, a point, digits: no exponent, no blank, no thousands separator; as many
                    digits as the type has
    integer         a sign and digits, within 64 bits
    timestamp       2026-01-31 23:59:59, or with T, fractions to the microsecond, Z where the column is UTC;
                    a date alone is its midnight
    date            2026-01-31, or a timestamp at midnight
    boolean         true or false, in any case
    text            any UTF-8

A bare empty field (null in the input) is null everywhere. A quoted one is "" in text and null elsewhere:
nothing is lost, and writers that quote everything are common.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connector.catalogue.spec import ColumnType
from connector.convert.arrow_types import INSTANT, NUMBER, WALL_CLOCK
from connector.money import EXACT

_TEXT = pa.string()
#: So many digits fit into 128 bits.
_MOST_DIGITS = 38
#: Python has no year 0, Arrow has.
_YEAR_1 = -62_135_596_800_000_000

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_INTEGER = re.compile(r"[+-]?[0-9]{1,1000}")
_TIMESTAMP = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[ T](?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.(?P<fraction>[0-9]{1,1000}))?(?P<zulu>Z)?)?"
)


class BadCellError(Exception):
    """A cell does not fit its column. `decode` adds run, column and row and raises a `CellError`.

    Attributes:
        index: which cell of the column, from 0.
        why: what is wrong, as the end of a sentence that begins with the value.
        is_wide: it is an amount that only the wide type of money holds.
    """

    def __init__(self, index: int, why: str, *, is_wide: bool = False) -> None:
        super().__init__(why)
        self.index = index
        self.why = why
        self.is_wide = is_wide


class _TooWideError(ValueError):
    """A number has more digits than its type."""


def convert(cells: pa.Array, kind: ColumnType, stored: pa.DataType) -> pa.Array:
    """A column of `binary` as `stored`, the Arrow type of `kind`. Nothing is rounded.

    A timestamp stored without a zone keeps its wall-clock time; one stored in UTC is an instant.

    Raises:
        BadCellError: for the first cell that does not fit.
    """
    texts = _texts(cells)
    if kind is ColumnType.TEXT:
        return texts
    if _lengths(texts)[0] == 0:
        texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, _TEXT), texts)
    typed = _fast(texts, kind, stored)
    if typed is None:
        values = _carefully(texts, _READERS[kind], stored)
        typed = pa.array(values, WALL_CLOCK if stored == INSTANT else stored)
    return typed.cast(stored)  # from a wall clock to an instant: what is printed is UTC


def _texts(cells: pa.Array) -> pa.Array:
    data = cells.buffers()[2]
    if data is None or data.to_pybytes().isascii():
        return cells.view(_TEXT)  # a check of every cell for itself takes five times as long
    try:
        return cells.cast(_TEXT)
    except pa.ArrowInvalid:
        for index, cell in enumerate(cells.to_pylist()):
            try:
                (cell or b"").decode()
            except UnicodeDecodeError:
                raise BadCellError(index, "is not UTF-8 text") from None
        raise


# The fast conversion: None unless every cell has the usual shape.


def _fast(texts: pa.Array, kind: ColumnType, stored: pa.DataType) -> pa.Array | None:
    try:
        return _USUAL[kind](texts, stored)
    except pa.ArrowInvalid:
        return None


def _usual_decimal(texts: pa.Array, stored: pa.DataType) -> pa.Array | None:
    # Arrow reads a number of more than 38 digits, counted with all decimals of the type, as another number,
    # without a word; one that merely does not fit it refuses.
    longest, most = _lengths(texts)[1] or 0, _MOST_DIGITS - stored.scale
    fits = longest <= most or (longest <= _MOST_DIGITS and _before_point(texts) <= most)
    return texts.cast(stored) if fits and _only(texts, b"0123456789.+-") else None


def _before_point(texts: pa.Array) -> int:
    """How many characters stand before the point at most."""
    point = pc.find_substring(texts, ".")
    return int(pc.max(pc.if_else(pc.less(point, 0), pc.binary_length(texts), point)).as_py() or 0)


def _usual_integer(texts: pa.Array, stored: pa.DataType) -> pa.Array | None:
    return texts.cast(stored) if _only(texts, b"0123456789-") else None


def _usual_timestamp(texts: pa.Array, _stored: pa.DataType) -> pa.Array | None:
    return _after_year_0(texts.cast(WALL_CLOCK)) if _all_as_long_as(texts, "2026-01-31 23:59:59") else None


def _usual_date(texts: pa.Array, _stored: pa.DataType) -> pa.Array | None:
    return _after_year_0(texts.cast(WALL_CLOCK)) if _all_as_long_as(texts, "2026-01-31") else None


def _usual_boolean(texts: pa.Array, stored: pa.DataType) -> pa.Array | None:
    flags = pc.index_in(texts, pa.array(["false", "true"]), skip_nulls=True)
    return flags.cast(stored) if flags.null_count == texts.null_count else None


def _only(texts: pa.Array, allowed: bytes) -> bool:
    """Whether no cell has another byte. Arrow alone would read `1e3`."""
    data = texts.buffers()[2]
    return data is None or not data.to_pybytes().translate(None, allowed)


def _all_as_long_as(texts: pa.Array, example: str) -> bool:
    """Whether all cells have that length. Arrow alone would read a time without minutes."""
    return set(_lengths(texts)) <= {len(example), None}


def _lengths(texts: pa.Array) -> tuple[int | None, int | None]:
    """The least and the greatest length in bytes; None where all cells are null."""
    lengths = pc.min_max(pc.binary_length(texts)).as_py()
    return lengths["min"], lengths["max"]


def _after_year_0(times: pa.Array) -> pa.Array | None:
    first = pc.min(times.cast(pa.int64())).as_py()
    return times if first is None or first >= _YEAR_1 else None


_USUAL: Mapping[ColumnType, Callable[[pa.Array, pa.DataType], pa.Array | None]] = {
    ColumnType.MONEY: _usual_decimal,
    ColumnType.NUMBER: _usual_decimal,
    ColumnType.INTEGER: _usual_integer,
    ColumnType.TIMESTAMP: _usual_timestamp,
    ColumnType.DATE: _usual_date,
    ColumnType.BOOLEAN: _usual_boolean,
}


# The careful conversion, cell by cell.


def _carefully(texts: pa.Array, read: "_Reader", stored: pa.DataType) -> list[Any]:
    values: list[Any] = []
    for index, text in enumerate(texts.to_pylist()):
        try:
            values.append(None if text is None else read(text, stored))
        except _TooWideError as error:
            raise BadCellError(index, str(error), is_wide=_is_decimal(text, NUMBER)) from None
        except ValueError as error:
            raise BadCellError(index, str(error)) from None
    return values


def _is_decimal(text: str, stored: pa.DataType) -> bool:
    try:
        _decimal(text, stored)
    except ValueError:
        return False
    return True


def _decimal(text: str, stored: pa.DataType) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise ValueError("is not a plain decimal number")
    value = Decimal(text).normalize(EXACT)
    exponent = value.as_tuple().exponent
    if not value:
        return Decimal(0)
    if isinstance(exponent, int) and exponent < -stored.scale:
        raise _TooWideError(f"has more than {stored.scale} decimals, and money is never rounded")
    if value.adjusted() >= (whole := stored.precision - stored.scale):
        raise _TooWideError(f"has more than {whole} digits before the point")
    return value


def _integer(text: str, _stored: pa.DataType) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError("is not a whole number")
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise ValueError("does not fit in 64 bits")
    return value


def _timestamp(text: str, stored: pa.DataType) -> datetime:
    found = _TIMESTAMP.fullmatch(text)
    if not found:
        raise ValueError("is not a time like 2026-01-31 23:59:59")
    if found["zulu"] and stored == WALL_CLOCK:
        raise ValueError("is in UTC, and the column is local time")
    fraction = (found["fraction"] or "").ljust(6, "0")
    if fraction[6:].strip("0"):
        raise ValueError("is finer than a microsecond")
    try:
        day = date.fromisoformat(found["day"])
        # Not fromisoformat: since Python 3.14 it reads 24:00:00, as the midnight before.
        hour, minute, second = map(int, (found["time"] or "00:00:00").split(":"))
        moment = time(hour, minute, second, int(fraction[:6]))
    except ValueError:
        raise ValueError("is not in the calendar") from None
    return datetime.combine(day, moment)


def _date(text: str, stored: pa.DataType) -> date:
    moment = _timestamp(text, stored)
    if moment.time() != time():
        raise ValueError("is a time of day, and the column holds dates")
    return moment.date()


def _boolean(text: str, _stored: pa.DataType) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError("is neither true nor false")
    return text.lower() == "true"


_Reader = Callable[[str, pa.DataType], Any]

_READERS: Mapping[ColumnType, _Reader] = {
    ColumnType.MONEY: _decimal,
    ColumnType.NUMBER: _decimal,
    ColumnType.INTEGER: _integer,
    ColumnType.TIMESTAMP: _timestamp,
    ColumnType.DATE: _date,
    ColumnType.BOOLEAN: _boolean,
}
