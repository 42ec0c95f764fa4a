"""The beginning of a report's file as a recording holds it: written as it was, about nobody.

Its form is kept byte by byte: quotes, line ends, empty fields, the order and number of columns, how many
digits amounts have and whether a row adds up. Report types, categories, currencies and times stay.
"""

import re

from connector.catalogue.dictionary import COLUMNS
from connector.catalogue.spec import ColumnType
from connector.doctor.probe.balanced import balanced
from connector.doctor.probe.csv_bytes import FIELD
from connector.doctor.probe.pseudonyms import Pseudonyms, column_name, is_name, is_time, number, text

#: So many lines are kept from the beginning, and so many more of those that are unlike all before.
FIRST_LINES = 100
MORE_LINES = 100

_BOM = "\ufeff"
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_NUMBERED = re.compile(r"_\d{12}")
_MONEY = ("gross", "fee", "net")
#: Columns whose values are Stripe's words.
_WORDS = frozenset({"reporting_category", "category", "type", "payout_type", "payout_status", "event_type"})

#: A value with its quotes, and what ends it.
_Cell = tuple[str, str]


def anonymous_csv(content: bytes, pseudonyms: Pseudonyms, *, whole: bool) -> bytes:
    """Its first lines, without anything of anybody's.

    Args:
        content: the file, or its beginning.
        whole: it is the file; else its last line, which may be cut, is left out.
    """
    decoded = content.decode("utf-8", "surrogateescape")
    mark, body = (_BOM, decoded[1:]) if decoded.startswith(_BOM) else ("", decoded)
    records, broken = _records(body)
    if not whole:
        records = records[:-1]
    header = [_value(cell) for cell, _ in records[0]] if records else []
    known = sum(name in COLUMNS for name in header) * 2 >= len(header)
    lines: list[str] = []
    seen: set[str] = set()
    for position, record in enumerate(records):
        if position == 0 and known:
            cells = [column_name(name) for name in header]
        else:
            cells = _row(header if known else [], record, pseudonyms)
        line = "".join(
            _written(cell, before) + end for cell, (before, end) in zip(cells, record, strict=True)
        )
        shape = _NUMBERED.sub("", line)
        if len(lines) < FIRST_LINES or (shape not in seen and len(lines) < FIRST_LINES + MORE_LINES):
            lines.append(line)
        seen.add(shape)
    written = mark + "".join(lines)
    if whole and not body.endswith(("\r", "\n")):
        written = written.rstrip("\r\n")
    if broken:
        written += '"text"text\n'
    return written.encode("utf-8", "surrogateescape")


def _records(body: str) -> tuple[list[list[_Cell]], bool]:
    """The records, and whether after them something is neither quoted nor bare."""
    records: list[list[_Cell]] = [[]]
    at = 0
    while at < len(body):
        field = FIELD.match(body, at)
        if field is None or field.end() == at:
            return [each for each in records if each], True
        records[-1].append((field[1], field[2]))
        if field[2] != ",":
            records.append([])
        at = field.end()
    return [each for each in records if each], False


def _value(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def _written(value: str, before: str) -> str:
    return '"' + value.replace('"', '""') + '"' if before.startswith('"') else value


def _row(header: list[str], record: list[_Cell], pseudonyms: Pseudonyms) -> list[str]:
    values = [_value(cell) for cell, _ in record]
    if len(values) != len(header):
        return [_cell("", value, pseudonyms) for value in values]
    cells = [_cell(name, value, pseudonyms) for name, value in zip(header, values, strict=True)]
    if len(set(header)) == len(header) and header and set(_MONEY) <= set(header):
        places = [header.index(name) for name in _MONEY]
        gross, fee, net = (values[place] for place in places)
        if all(number(each) for each in (gross, fee, net)):
            for place, amount in zip(places, balanced(gross, fee, net), strict=True):
                cells[place] = amount
    return cells


def _cell(name: str, value: str, pseudonyms: Pseudonyms) -> str:
    """A cell by its column; in a column that nobody knows, by its form."""
    known = COLUMNS.get(name)
    kind = known.type if known else None
    stays = (
        (kind in {ColumnType.TIMESTAMP, ColumnType.DATE} and is_time(value))
        or (kind is ColumnType.BOOLEAN and value in {"true", "false"})
        or (name in _WORDS and is_name(value))
        or (known and name.endswith("currency") and _CURRENCY.fullmatch(value))
    )
    if stays or not value:
        return value
    if pseudonyms.is_id(value) or (known and name.endswith("_id")):
        return pseudonyms.of(value)
    is_amount = kind in {None, ColumnType.MONEY, ColumnType.NUMBER, ColumnType.INTEGER}
    return (number(value) if is_amount else None) or text(value)
