"""Cut a CSV into pieces of whole records, and have Arrow split them into columns of bytes.

Arrow has a streaming reader of its own. It is not used, because it loses a newline where a quoted CRLF
straddles two of its blocks (https://github.com/apache/arrow/issues/51368), stops at a record longer than a
block, and takes a file that ends within quotes for a whole one. So the file is cut here, at record ends,
and a cut counts as right only when an empty record appended to the piece comes back as one: behind an open
quote it would be swallowed.

The dialect is Stripe's: comma, `"` doubled within quotes, null bare. Blank lines, CRLF line ends, a byte
order mark and a missing last newline, which Stripe does not send, are tolerated.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
from pyarrow import csv

from connector.errors import CellError, SchemaMismatchError

#: What is read at once stays in a processor's cache until it is typed: 4 MiB take an eighth more time, and
#: 1 MiB a tenth more, for more calls.
BLOCK_SIZE = 2 << 20
#: A record may outgrow the block up to here; a longer one is an attack or an accident.
LARGEST_RECORD = 16 << 20
LARGEST_HEADER = 1 << 20
MOST_COLUMNS = 10_000
#: So many surplus fields are counted for the error message; more would take memory.
_COUNTED = 1_000

#: One field and what ends it. Possessive, so that an open quote never matches as a closed one.
_FIELD = re.compile(
    rb'(?:"(?P<quoted>[^"]*+(?:""[^"]*+)*+)"(?!")(?P<tail>[^,\r\n]*+)|(?P<bare>(?!")[^,\r\n]*+))'
    rb"(?P<end>,|\r\n|\r|\n|\Z)"
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RecordFile:
    """A CSV file whose header has been read.

    Attributes:
        path: the file.
        run_id: the report run, which every error names.
        header: the names of the columns, in file order.
        body: the byte the first record begins at.
        block_size: how many bytes are read at once.
    """

    path: Path
    run_id: str
    header: tuple[str, ...]
    body: int
    block_size: int = BLOCK_SIZE

    @classmethod
    def open(cls, path: Path, run_id: str, *, block_size: int = BLOCK_SIZE) -> "RecordFile":
        """Read the header.

        Raises:
            SchemaMismatchError: the file does not begin with one. What it seems to be instead is said.
        """
        with path.open("rb") as file:
            start = file.read(LARGEST_HEADER)
        if not start:
            raise SchemaMismatchError(f"{run_id}: the file is empty, it has not even a header")
        begin = len(_BYTE_ORDER_MARK) if start.startswith(_BYTE_ORDER_MARK) else 0
        record = _record(start, begin, MOST_COLUMNS, ended=len(start) < LARGEST_HEADER)
        if record is None or len(record[0]) > MOST_COLUMNS:
            most = f"one that ends within {LARGEST_HEADER >> 20} MiB and {MOST_COLUMNS:,} columns"
            raise SchemaMismatchError(
                f"{run_id}: the file does not begin with a header, {most}{_likeness(start)}"
            )
        fields, body = record
        try:
            names = tuple(name.decode() for name in fields)
        except UnicodeDecodeError:
            raise SchemaMismatchError(f"{run_id}: the header is not UTF-8 text{_likeness(start)}") from None
        return cls(path, run_id, names, body, block_size)

    def likeness(self) -> str:
        """What the file seems to be instead of a CSV, as the end of a message; empty when nothing else."""
        with self.path.open("rb") as file:
            return _likeness(file.read(64))

    def pieces(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The number of a piece's first record, counted from 1, and its columns as `binary`.

        A bare empty field is null, a quoted one is b"". Columns are in the order of the header.

        Raises:
            CellError: a record has more or fewer fields than the header, is larger than `LARGEST_RECORD`,
                holds a NUL byte, or opens a quote that nothing closes.
        """
        row, held, spare = 1, 0, len(self.header) + 1
        # One buffer for the whole file: a new one for each block costs a tenth of the time in page faults.
        buffer = bytearray(self.block_size + spare)
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.body)
            while read := file.readinto(memoryview(buffer)[held:-spare]):
                held += read
                piece, used = self._whole_records(buffer, held, row)
                if piece is not None and piece.num_rows:
                    yield row, piece
                    row += piece.num_rows
                held -= used
                buffer[:held] = buffer[used : used + held]
                if held > LARGEST_RECORD:
                    self._refuse(row, f"is larger than {LARGEST_RECORD >> 20} MiB")
                if held + spare == len(buffer):
                    room = max(min(2 * held, LARGEST_RECORD + 1), held)
                    buffer = bytearray(buffer[:held]).ljust(room + spare, b"\0")
        if held:
            piece = self._last_records(buffer, held, row)
            if piece.num_rows:
                yield row, piece

    def _whole_records(self, buffer: bytearray, held: int, row: int) -> tuple[pa.RecordBatch | None, int]:
        """As many whole records as the buffer begins with, and their bytes; none where more must be read.

        The last newline nearly always ends a record. Where it stands in a quoted value, the last one with
        an even number of quotes before it does.
        """
        last = buffer.rfind(b"\n", 0, held) + 1
        if not last:
            return None, 0
        piece, end = self._split(buffer, last), last
        if piece is None:
            end = _end_outside_quotes(buffer, last)
            piece = self._split(buffer, end) if 0 < end < last else None
        if piece is None:
            self._refuse_wrong_record(bytes(buffer[:held]), row, ended=False)
            return None, 0
        self._refuse_nul(buffer, end, piece, row)
        return piece, end

    def _last_records(self, buffer: bytearray, held: int, row: int) -> pa.RecordBatch:
        """What is left at the end of the file, whose last line may lack its end."""
        whole = held
        if buffer[held - 1] != ord("\n"):
            buffer[held] = ord("\n")
            whole += 1
        piece = self._split(buffer, whole)
        if piece is None:
            self._refuse_wrong_record(bytes(buffer[:held]), row, ended=True)
            self._refuse(row, "or one after it cannot be read as CSV")
        self._refuse_nul(buffer, held, piece, row)
        return piece

    def _split(self, buffer: bytearray, end: int) -> pa.RecordBatch | None:
        """The records before `end` as columns of bytes, copied out of the buffer.

        None unless they are whole and have as many fields as the header. An empty record is put behind them
        for the while: behind an open quote it does not come back as one.
        """
        width = len(self.header)
        probe = b"," * (width - 1) + b"\n"
        covered = buffer[end : end + width]
        buffer[end : end + width] = probe
        try:
            (piece,) = self._parsed(memoryview(buffer)[: end + width]).to_batches()
        except pa.ArrowInvalid:
            return None
        finally:
            buffer[end : end + width] = covered
        last = piece.num_rows - 1
        return None if piece.column(width - 1)[last].is_valid else piece.slice(0, last)

    def _parsed(self, data: memoryview) -> pa.Table:
        numbers = [str(number) for number in range(len(self.header))]
        return csv.read_csv(
            pa.BufferReader(data),
            csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=numbers),
            # In a file of one column a null is an empty line.
            csv.ParseOptions(newlines_in_values=False, ignore_empty_lines=len(numbers) > 1),
            csv.ConvertOptions(
                column_types=dict.fromkeys(numbers, pa.binary()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    def _refuse_wrong_record(self, pending: bytes, row: int, *, ended: bool) -> None:
        """Raise for the first record that is whole and wrong; return when there is none."""
        start, width = 0, len(self.header)
        while start < len(pending):
            record = _record(pending, start, width + _COUNTED, ended=ended)
            if record is None:
                if ended:
                    self._refuse(row, "opens a quote that nothing closes: the file is cut off, or not a CSV")
                return
            fields, start = record
            if fields == [b""] and width > 1:
                continue
            if len(fields) != width:
                more = "more than " if len(fields) > width + _COUNTED else ""
                self._refuse(row, f"has {more}{len(fields)} fields where the header has {width}")
            row += 1

    def _refuse_nul(self, buffer: bytearray, end: int, piece: pa.RecordBatch, row: int) -> None:
        """No text has a NUL byte; a file that has one was damaged."""
        if buffer.find(b"\0", 0, end) < 0:
            return
        for name, cells in zip(self.header, piece.columns, strict=True):
            for index, cell in enumerate(cells.to_pylist()):
                if cell and b"\0" in cell:
                    message = f"column {name[:60]!r}, row {row + index}: a NUL byte; the file is damaged"
                    raise CellError(f"{self.run_id}: {message}", column=name, row=row + index)

    def _refuse(self, row: int, why: str) -> NoReturn:
        raise CellError(f"{self.run_id}: row {row} {why}", column=None, row=row)


def _record(data: bytes, start: int, most: int, *, ended: bool) -> tuple[list[bytes], int] | None:
    """The fields of the record at `start`, and where the next begins; None when its end is not there.

    Beyond `most` fields one more is read, and no end is looked for. `ended` says that nothing follows `data`,
    so that its end is a record's end too.
    """
    fields: list[bytes] = []
    while found := _FIELD.match(data, start):
        quoted, end = found["quoted"], found["end"]
        if not end and not ended:
            return None
        fields.append(found["bare"] if quoted is None else quoted.replace(b'""', b'"') + found["tail"])
        start = found.end()
        if end != b"," or len(fields) > most:
            return fields, start
    return None


def _end_outside_quotes(data: bytearray, end: int) -> int:
    """The end of the last line of `data[:end]` with an even number of quotes up to there; 0 for none."""
    quotes = data.count(b'"', 0, end)
    while end and quotes % 2:
        before = data.rfind(b"\n", 0, end - 1) + 1
        quotes -= data.count(b'"', before, end)
        end = before
    return end


def _likeness(start: bytes) -> str:
    text = start.removeprefix(_BYTE_ORDER_MARK).lstrip()
    kinds = {b"<": "HTML or XML", b"{": "JSON", b"[": "JSON", b"PK": "a zip archive", b"\x1f\x8b": "gzip"}
    known = next((kind for sign, kind in kinds.items() if text.startswith(sign)), None)
    return f" (it looks like {known})" if known else ""
