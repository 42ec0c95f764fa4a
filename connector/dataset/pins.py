"""The pins of tables: files beside the data that say which report configuration each table is of.

What has files and no pin that can be read is not a table: nobody reads it, and here is why.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from connector.api.models import Mode
from connector.dataset.admission import may_be_read
from connector.dataset.filesystem.root import Root, Version
from connector.dataset.identity import Dataset, beside_identity
from connector.errors import StoreError

_DAMAGED = "the pin is damaged; the next pull into the table writes it again"
_UNPINNED = (
    "it has files and no pin, so nothing reads them. If it is a table of this root, the next pull "
    "into it writes the pin again; else move it away"
)


@dataclass(frozen=True, slots=True)
class Pin:
    """What a table is pinned to.

    Attributes:
        identity: None where no pin can be read, or one of another table.
        books: the identity of the simulator's books; None where it has none.
        version: of the file; None where there is none.
        money: how the files hold money, `NARROW` or `WIDE` of `connector.money`; None where nothing says.
        widening: the files are being rewritten, from the one to the other.
    """

    identity: Dataset | None
    books: str | None
    version: Version | None
    money: str | None = None
    widening: bool = False


class Pins:
    """The pins below one root. All methods raise StoreError naming the path when the file system refuses."""

    def __init__(self, root: Root) -> None:
        self._root = root

    def tables(self) -> Iterator[Dataset]:
        """Every table whose pin can be read, by mode and name."""
        for path in self._listed():
            with contextlib.suppress(StoreError):
                if found := self._read(path):
                    yield found

    def unusable(self) -> dict[str, str]:
        """What `tables` leaves out: where the pin of each is, or its directory where it has none, and what is
        wrong with it."""
        found, pins = {}, list(self._listed())
        for path in pins:
            try:
                if self._read(path) is None:
                    found[path] = self._explain(path)
            except StoreError as error:
                found[path] = str(error)
        for mode in Mode:
            for path in sorted(self._root.listed(self._root.path(mode))):
                name = path.rpartition("/")[2]
                if not name.startswith("_") and self._root.path(f"{mode}/_datasets/{name}.json") not in pins:
                    files = self._root.everything_below(path, through=())
                    found |= {path: _UNPINNED} if any(map(may_be_read, files)) else {}
        return found

    def being_widened(self) -> Iterator[Dataset]:
        """Every table whose files are being rewritten with money in its wide type."""
        for path in self._listed():
            with contextlib.suppress(StoreError):
                content, _ = self._root.read(path) or (None, None)
                found = _identity(content, widening=True)
                if content is not None and found and beside_identity(content)[2]:
                    yield found

    def read(self, dataset: Dataset, *, widening: bool = False) -> Pin:
        """The pin of the table of that name.

        Args:
            widening: also where the files are being rewritten; else DatasetMismatchError is raised then.
        """
        path = self._root.path(dataset.pin_path)
        content, version = self._root.read(path) or (None, None)
        found = _identity(content, widening=widening)
        if content is None or found is None:
            return Pin(None, None, version)
        mine = found if self._root.path(found.pin_path) == path else None
        books, money, widening = beside_identity(content)
        return Pin(mine, books, version, money, widening)

    def write(
        self, dataset: Dataset, books: str | None, money: str, *, replacing: Pin, widening: bool = False
    ) -> bool:
        """Write a pin in the place of another, or of none; False where another one is there by now."""
        path = self._root.path(dataset.pin_path)
        content = dataset.to_json(books=books, money=money, widening=widening).encode()
        try:
            return self._root.put(path, content, replacing=replacing.version)
        except OSError as error:
            raise self._root.failure("write", path, error, needed=len(content)) from None

    def explain(self, dataset: Dataset) -> str:
        """Why a table without a pin that can be read is not read, naming where it would be."""
        path = self._root.path(dataset.pin_path)
        return f"{path}: {self._explain(path)}"

    def _listed(self) -> Iterator[str]:
        for mode in Mode:
            listed = sorted(self._root.listed(self._root.path(f"{mode}/_datasets")))
            yield from (path for path in listed if path.endswith(".json"))

    def _read(self, path: str) -> Dataset | None:
        """The identity in a pin; None where there is none that can be read, or one of another table."""
        content, _ = self._root.read(path) or (None, None)
        found = _identity(content)
        return found if found and self._root.path(found.pin_path) == path else None

    def _explain(self, path: str) -> str:
        content, _ = self._root.read(path) or (None, None)
        if content is None:
            return _UNPINNED
        found = _identity(content)
        if found is None:
            return _DAMAGED
        return (
            f"the pin is of the {found.mode} table {found.table}, so nothing here is read: the files were "
            "copied or renamed. Move them away"
        )


def _identity(pin: bytes | None, *, widening: bool = False) -> Dataset | None:
    with contextlib.suppress(ValueError):
        return None if pin is None else Dataset.from_json(pin, widening=widening)
    return None
