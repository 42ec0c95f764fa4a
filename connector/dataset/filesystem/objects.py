"""Objects of a bucket as files that Arrow reads: few requests, and every byte of one version.

The end of an object comes first, in one request: it holds the footer, and all of a small file. The rest comes
in one more request up to a size, else in large pieces; each names the version that the end was of, so that a
file is never put together from two.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import pyarrow as pa
import pyarrow.fs as pafs

from connector.dataset.filesystem.root import Version

#: The end of an object that is fetched first.
END = 1 << 16

#: Up to this size, all of an object is fetched at once.
WHOLE = 16 << 20

#: Of larger ones so much is fetched at least.
_PIECE = 4 << 20

#: So many bytes of ends are remembered.
_REMEMBERED = 64 << 20

#: Fetches the bytes from one position up to another of an object of one version.
Fetch = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class End:
    """The last bytes of an object, or all of a small one."""

    bytes: bytes
    size: int
    version: Version

    @property
    def is_whole(self) -> bool:
        return len(self.bytes) == self.size


class Memory:
    """The ends of objects that were fetched lately, the last of each path; for any number of threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ends: OrderedDict[str, End] = OrderedDict()
        self._size = 0

    def get(self, path: str, version: Version | None) -> End | None:
        """What is remembered of this version; None where it is not known which is there."""
        with self._lock:
            end = self._ends.get(path)
            if end is None or version is None or version.tag is None or _bare(end) != version.tag.strip('"'):
                return None
            self._ends.move_to_end(path)
            return end

    def put(self, path: str, end: End) -> None:
        with self._lock:
            self._size += len(end.bytes) - self._forget(path)
            self._ends[path] = end
            while self._size > _REMEMBERED:
                self._size -= self._forget(next(iter(self._ends)))

    def latest(self, path: str) -> End | None:
        """What is remembered of any version."""
        with self._lock:
            return self._ends.get(path)

    def _forget(self, path: str) -> int:
        end = self._ends.pop(path, None)
        return len(end.bytes) if end else 0


def _bare(end: End) -> str | None:
    """Listings of some stores write it without quotes."""
    return end.version.tag.strip('"') if end.version.tag is not None else None


class ObjectFile:
    """An object, to be read as a file by `pyarrow.PythonFile`."""

    closed = False

    def __init__(self, end: End, fetch: Fetch) -> None:
        self._size = end.size
        self._fetch = fetch
        self._at = 0
        self._pieces = [(end.size - len(end.bytes), end.bytes)]

    def read(self, count: int | None = None) -> bytes:
        stop = self._size if count is None or count < 0 else min(self._at + count, self._size)
        if self._at >= stop:
            return b""
        found = self._held(self._at, stop)
        if found is None:
            self._get(self._at, stop)
            found = self._held(self._at, stop) or b""
        self._at = stop
        return found

    def get_rest(self) -> None:
        """Fetch what is missing, if that is little enough for one request."""
        if self._size <= WHOLE and self._pieces[0][0] > 0:
            self._get(0, self._size)

    def seek(self, position: int, whence: int = 0) -> int:
        self._at = position + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self.closed = True
        self._pieces = []

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def _held(self, start: int, stop: int) -> bytes | None:
        for first, piece in self._pieces:
            if first <= start and stop <= first + len(piece):
                return piece[start - first : stop - first]
        return None

    def _get(self, start: int, stop: int) -> None:
        """Fetch at least these bytes. The end stays; of the rest one piece is held."""
        first, end = self._pieces[0]
        if self._size <= WHOLE:
            self._pieces = [(0, self._fetch(0, first) + end)]
            return
        stop = min(max(stop, start + _PIECE), self._size)
        wanted = self._fetch(start, min(stop, first)) if start < first else b""
        if stop > first:
            wanted += end[max(start - first, 0) : stop - first]
        self._pieces = [(first, end), (start, wanted)]


class ObjectFiles(pafs.FileSystemHandler):  # type: ignore[misc]
    """The objects of a bucket for Arrow's readers, which get their paths from a listing: they open files, and
    neither list nor write."""

    def __init__(self, open_object: Callable[[str], ObjectFile], name: str) -> None:
        self._open = open_object
        self._name = name

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def get_type_name(self) -> str:
        return self._name

    def normalize_path(self, path: str) -> str:
        return path

    def open_input_file(self, path: str) -> pa.PythonFile:
        return pa.PythonFile(self._open(path), mode="r")

    def open_input_stream(self, path: str) -> pa.PythonFile:
        return self.open_input_file(path)

    def get_file_info(self, paths: list[str]) -> list[pafs.FileInfo]:
        return [pafs.FileInfo(path, pafs.FileType.File) for path in paths]

    def _refuse(self, *_given: object, **_named: object) -> None:
        raise NotImplementedError("a bucket is written to and listed through its root")

    get_file_info_selector = create_dir = delete_dir = delete_dir_contents = _refuse
    delete_root_dir_contents = delete_file = move = copy_file = _refuse
    open_output_stream = open_append_stream = _refuse
