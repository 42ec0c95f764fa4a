"""Checksums by which a Parquet file of ours proves that it is as it was written.

Parquet has no checksum for its footer, where the metadata stand, and the statistics by which engines leave
rows out. So a seal stands between rows and footer, where readers, who find everything by the offsets in the
footer, pass over it:

    rows · SEAL · SHA-256 of all bytes but the seal · SHA-256 of the footer · footer

The second one proves the footer alone, so that the metadata can be trusted without reading the rows.
"""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from connector.errors import StoreError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: What the seal begins with.
SEAL = b"sha256 of all other bytes, then of the footer:"

_DIGEST = hashlib.sha256().digest_size
_SEALED = len(SEAL) + 2 * _DIGEST

#: Behind the footer: its length in four bytes, and `PAR1`.
_ENDING = 8
_MAGIC = b"PAR1"

#: Most footers of ours, with their seal, are shorter, so that one read is enough.
_TAIL = 1 << 16

_PIECE = 1 << 20


@contextmanager
def writing_sealed(path: Path) -> Iterator[IO[bytes]]:
    """A new file for a Parquet file to be written to, from its start to its end. It gets its seal when the
    context ends without an error. What stands at `path` is overwritten.

    The SHA-256 is taken of the bytes on their way to the disk: nothing but the footer is read again, and what
    the disk makes of them otherwise does not agree with the seal.

    Raises OSError as the file system does, and StoreError where the file is not as long as what was written.
    """
    with _HashedWriter(io.FileIO(path, "w")) as writer:
        yield writer
        written = writer.tell()
    with path.open("r+b") as file:
        size = file.seek(0, io.SEEK_END)
        if size != written:
            raise StoreError(f"{path} has {size:,} bytes where {written:,} were written")
        start = _footer_start(file, size)
        file.seek(start)
        footer = file.read()
        file.seek(start)
        file.write(SEAL + writer.sha256.digest() + hashlib.sha256(footer).digest() + footer)


class _HashedWriter(io.BufferedWriter):
    """Writes a file from its start to its end, and takes the SHA-256 of that."""

    def __init__(self, raw: io.FileIO) -> None:
        super().__init__(raw)
        self.sha256 = hashlib.sha256()

    def write(self, data: "ReadableBuffer", /) -> int:
        self.sha256.update(data)
        return super().write(data)


def read_footer(source: pa.NativeFile) -> bytes | None:
    """The footer of a Parquet file, for Arrow to read the metadata of; None where it is damaged.

    Only the end of the file is read. A file without a seal is not ours, and its footer is returned as it is.
    Raises OSError as the file system does.
    """
    size = source.size()
    tail = _last(source, size, _TAIL)
    length = int.from_bytes(tail[-_ENDING:-4], "little") + _ENDING
    if not tail.endswith(_MAGIC) or length > size:
        return None
    if len(tail) < length + _SEALED:
        tail = _last(source, size, length + _SEALED)
    sealed, footer = tail[-length - _SEALED : -length], tail[-length:]
    if not sealed.startswith(SEAL):
        return footer if SEAL not in tail else None
    return footer if sealed.endswith(hashlib.sha256(footer).digest()) else None


def metadata_in(footer: bytes) -> pq.FileMetaData:
    """What a footer says, as Arrow reads it. Raises ArrowException or OSError for what is not one.

    `read_metadata` of pyarrow takes twice the time, as it also looks for nested columns.
    """
    reader = pq.ParquetReader()
    reader.open(pa.BufferReader(footer))
    return reader.metadata


def compare_with_seal(source: pa.NativeFile) -> None:
    """Read a whole file and compare it with its seal. Raises StoreError where it is not as it was written."""
    size = source.size()
    footer = _footer_start(source, size)
    start = max(footer - _SEALED, 0)
    source.seek(start)
    found = source.read(footer - start)
    if not found.startswith(SEAL):
        raise StoreError("it is damaged, or not a file of ours: the SHA-256 of its bytes is not in it")
    whole, of_footer = _sha256(source, (0, start), (footer, size)), _sha256(source, (footer, size))
    if found != SEAL + whole + of_footer:
        raise StoreError(
            "it is damaged: the SHA-256 of its bytes is not the one they had when it was written"
        )


def _last(source: pa.NativeFile, size: int, count: int) -> bytes:
    """The last `count` bytes, or all of a shorter file."""
    source.seek(max(size - count, 0))
    return bytes(source.read(min(size, count)))


def _footer_start(file: "BinaryIO | pa.NativeFile", size: int) -> int:
    """Where the footer begins: its length stands before the last four bytes. Anywhere, if it is damaged."""
    file.seek(max(size - _ENDING, 0))
    return max(size - _ENDING - int.from_bytes(file.read(4), "little"), 0)


def _sha256(file: "BinaryIO | pa.NativeFile", *spans: tuple[int, int]) -> bytes:
    """The SHA-256 of these stretches of a file, one after the other."""
    digest = hashlib.sha256()
    for start, end in spans:
        file.seek(start)
        while (at := file.tell()) < end and (piece := file.read(min(_PIECE, end - at))):
            digest.update(piece)
    return digest.digest()
