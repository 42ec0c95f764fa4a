"""How a CSV is written, byte by byte, without the assumptions of the typed reader.

Its findings never contain a cell: the bytes are an account's books.
"""

import re
from dataclasses import dataclass

#: A field, quoted or bare, and what ends it.
FIELD = re.compile(r'("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n|\n|\r|$)')
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class CsvBytes:
    """The beginning of a file, taken apart.

    Attributes:
        bom: it begins with a mark of its encoding.
        utf8: it is UTF-8.
        line_ends: what ends its rows: `\\n`, `\\r\\n`, `\\r`.
        ended: its last row has an end. Where the file is longer than what was looked at, this is not known
            and counts as true.
        broken: at which character a field begins that is neither quoted nor bare; None where none does.
        bare: how many values that are not null stand without quotes, the header's too.
        nulls, blanks: how many fields are bare and empty, and how many are quoted and empty.
        header: the names.
        rows: the values by name, None for null. Rows of another length than the header are left out.
        ragged: how many those are.
    """

    bom: bool
    utf8: bool
    line_ends: frozenset[str]
    ended: bool
    broken: int | None
    bare: int
    nulls: int
    blanks: int
    header: tuple[str, ...]
    rows: tuple[dict[str, str | None], ...]
    ragged: int

    def values(self, name: str) -> list[str]:
        """What a column says where it says something; nothing where the file has no such column."""
        return [value for row in self.rows if (value := row.get(name)) is not None]

    @classmethod
    def of(cls, content: bytes, *, whole: bool) -> "CsvBytes":
        """Take `content` apart; where it is not the whole file, its last row is left out."""
        bom = content.startswith(_BOM)
        text = content.removeprefix(_BOM).decode("utf-8", "replace")
        records: list[list[str | None]] = [[]]
        ends: set[str] = set()
        bare = nulls = blanks = at = 0
        broken = None
        while at < len(text):
            field = FIELD.match(text, at)
            if field is None or field.end() == at:
                broken = at
                break
            value, end = field.groups()
            quoted = value.startswith('"')
            bare += bool(value) and not quoted
            nulls += not value
            blanks += value == '""'
            records[-1].append(value[1:-1].replace('""', '"') if quoted else value or None)
            if end != ",":
                records.append([])
                ends |= {end} - {""}
            at = field.end()
        ended = not whole or text.endswith(("\n", "\r"))
        header, *rows = [[name or "" for name in records[0]], *records[1:]]
        rows = [row for row in rows if row] if whole else rows[:-2]
        return cls(
            bom=bom,
            utf8=_is_utf8(content, whole=whole),
            line_ends=frozenset(ends),
            ended=ended,
            broken=broken,
            bare=bare,
            nulls=nulls,
            blanks=blanks,
            header=tuple(name or "" for name in header),
            rows=tuple(dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)),
            ragged=sum(len(row) != len(header) for row in rows),
        )


def _is_utf8(content: bytes, *, whole: bool) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return not whole and error.start > len(content) - 4
    return True
