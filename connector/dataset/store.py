"""The Parquet dataset: one file per partition, replaced whole, readable by anything that reads Parquet.

    <root>/<mode>/<table>/account=<id>/period=<period>/report.parquet
    <root>/<mode>/_datasets/<table>.json           what the table is
    <root>/.superseded/…                           the last few files that were replaced
    <root>/.staging/…                              unfinished work, never read

A file is finished and verified in staging and then renamed (or uploaded) into place, so a reader sees the
old file or the new one. Rows are never merged: some reports have identical rows that are all real.
"""

import contextlib
import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from connector.api.models import Mode
from connector.dataset.admission import refuse_other_books, refuse_other_configuration
from connector.dataset.filesystem import Root, failure
from connector.dataset.identity import Dataset, books_in, refuse_mixture
from connector.dataset.provenance import METADATA_KEY, Provenance, Published
from connector.dataset.schema_evolution import one_dataset, one_schema, read_footers
from connector.dataset.seal import read_footer
from connector.errors import NoDataError, StoreError
from connector.text import join_names

if TYPE_CHECKING:
    import pyarrow.dataset as ds

MOST_SUPERSEDED = 5

#: Files read at once where each read is a journey.
_AT_ONCE = 8

#: So many of the last periods are looked at for the newest report run.
_RECENT = 5

_log = logging.getLogger(__name__)


class Store:
    """The datasets below one root: a directory, or a URL such as `s3://bucket/prefix`.

    All methods raise StoreError naming the path when the file system refuses.
    """

    def __init__(self, root: str | Path) -> None:
        self._root = Root(root)
        self._fs = self._root.filesystem
        self._path = self._root.path

    def __repr__(self) -> str:
        return f"Store({self.root})"

    @property
    def root(self) -> str:
        """The directory or URL as it was given."""
        return self._root.place

    # Reading

    def uri(self, dataset: Dataset, period: str) -> str:
        """Where the file of a partition is, or would be: a path, or a URL for an object store."""
        return self._root.uri(dataset.file_path(period))

    def provenance(self, dataset: Dataset, period: str) -> Provenance | None:
        """What the dataset holds for a partition.

        None where there is no file, or one that cannot be read: damaged, cut short, or not one of ours. Only
        the end of the file is read, and trusted where its checksum is right.
        """
        path = self._path(dataset.file_path(period))
        try:
            with self._fs.open_input_file(path) as file:
                footer = read_footer(file)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise failure("read", path, error) from None
        return _stated(footer) if footer else None

    def provenances(
        self, dataset: Dataset, periods: Iterable[str] | None = None
    ) -> dict[str, Provenance | None]:
        """What the dataset holds for these partitions, or for all that have a file; several at a time where
        each read takes long."""
        keys = self.keys(dataset) if periods is None else tuple(periods)
        if self._root.directory:
            return {key: self.provenance(dataset, key) for key in keys}
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="provenance") as pool:
            return dict(zip(keys, pool.map(lambda key: self.provenance(dataset, key), keys), strict=True))

    def readable(
        self, dataset: Dataset, periods: Sequence[str]
    ) -> tuple[dict[str, Provenance | None], dict[str, StoreError]]:
        """The same for these partitions, and what the file system refuses to read, by key: a refusal concerns
        one partition."""
        with contextlib.suppress(StoreError):
            return self.provenances(dataset, periods), {}
        found: dict[str, Provenance | None] = {}
        refused: dict[str, StoreError] = {}
        for key in periods:
            try:
                found[key] = self.provenance(dataset, key)
            except StoreError as error:
                refused[key] = error
        return found, refused

    def newest(self, dataset: Dataset) -> tuple[Provenance, ...]:
        """What the last few periods that can be read say of themselves, the newest report run first.

        Nothing in an empty table. Raises StoreError where none can be read and the file system refuses one.
        """
        keys = sorted(self.keys(dataset), key=lambda key: dataset.key_format.values(key)[::-1], reverse=True)
        refusals: list[StoreError] = []
        for first in range(0, len(keys), _RECENT):
            found, refused = self.readable(dataset, keys[first : first + _RECENT])
            refusals += refused.values()
            readable = filter(None, found.values())
            if newest := sorted(readable, key=lambda each: each.run_created, reverse=True):
                return tuple(newest)
        if refusals:
            raise refusals[0]
        return ()

    def keys(self, dataset: Dataset) -> tuple[str, ...]:
        """The keys of the partitions that have a file, sorted. One listing, no file is opened."""
        found = self._files(self._path(dataset.account_path))
        return tuple(sorted(dataset.key_of(path) for path in found))

    def columns(self, dataset: Dataset) -> dict[str, str]:
        """Every column that any file of a table has, and its Arrow type as text.

        Raises StoreError where its files have different types for one.
        """
        paths = [self._path(dataset.file_path(key)) for key in self.keys(dataset)]
        return {field.name: str(field.type) for field in one_schema(read_footers(paths, self._fs))}

    def arrow_dataset(
        self, dataset: Dataset, periods: Sequence[str] | None = None, *, columns: pa.Schema | None = None
    ) -> "ds.Dataset":
        """A lazy Arrow dataset over a table, or over some of its partitions, whatever columns each has.

        What the path says (`dataset.path_columns`) comes as strings. Columns are in the order of the newest
        file, and null where a file lacks them.

        Args:
            columns: columns that are to be there, with their types, whatever the files have.

        Raises NoDataError naming a partition that has no file, and StoreError naming files that have another
        type for a column than the newest, or than `columns`.
        """
        if periods is None:
            found = sorted(self._files(self._path(dataset.path)))
        else:
            paths = {period: self._path(dataset.file_path(period)) for period in periods}
            self._refuse_missing(dataset, paths)
            found = sorted(paths.values())
        footers = read_footers(found, self._fs)
        return one_dataset(
            footers, one_schema(footers, columns), dataset.path_columns, self._fs, self._path(dataset.path)
        )

    def _refuse_missing(self, dataset: Dataset, paths: Mapping[str, str]) -> None:
        states = self._fs.get_file_info(list(paths.values()))
        missing = [p for p, s in zip(paths, states, strict=True) if s.type != pafs.FileType.File]
        if missing:
            raise NoDataError(
                f"{dataset.table} has no data for {join_names(missing)} under {self.root}; "
                "materialize those partitions first"
            )

    def datasets(self) -> tuple[Dataset, ...]:
        """Every table whose pin can be read, by mode and name."""
        found = []
        for path in self._pins():
            with contextlib.suppress(StoreError):
                found.append(self._pinned(path))
        return tuple(each for each in found if each)

    def unusable_tables(self) -> dict[str, str]:
        """The tables that `datasets` leaves out: where the pin of each is, and what is wrong with it."""
        found = {}
        for path in self._pins():
            try:
                if self._pinned(path) is None:
                    found[path] = "the pin is damaged; the next pull into the table writes it again"
            except StoreError as error:
                found[path] = str(error)
        return found

    def books(self, dataset: Dataset) -> str | None:
        """The identity of the simulator's books in a table's pin; None where it has none."""
        content = self._root.read(self._path(dataset.pin_path))
        return books_in(content) if content and _identity(content) else None

    def _pins(self) -> Iterator[str]:
        for mode in Mode:
            listed = sorted(self._root.listed(self._path(f"{mode}/_datasets")))
            yield from (path for path in listed if path.endswith(".json"))

    # Writing

    def staging(self) -> AbstractContextManager[Path]:
        """A directory of this process for unfinished files, gone afterwards.

        What a killed process left there is removed by the next one.
        """
        return self._root.staging()

    def check(self, dataset: Dataset) -> None:
        """Raise DatasetMismatchError naming both where the table is of another report configuration.

        Nothing is written: this is for refusing before any network call.
        """
        self._hold_to(dataset)

    def publish(
        self, staged: Path, dataset: Dataset, provenance: Provenance, *, books: str | None = None
    ) -> Published:
        """Put a finished file into place, unless a newer answer to the same request is there already.

        A file that answers another request (other columns, say) is always replaced: what is configured
        now holds. So is one that cannot be read. The staged file is gone afterwards.

        Args:
            books: in `simulated` mode, the identity of the simulator's books.

        Raises DatasetMismatchError naming both where the table is of another report configuration, or holds
        data of other books.
        """
        period = provenance.period
        target = self._path(dataset.file_path(period))
        try:
            # What takes long comes before the lock, so that the partitions of a table wait for a rename only.
            with self._root.prepared(staged) as move, self._root.lock(dataset.path):
                self._pin(dataset, books)
                published = self.provenance(dataset, period)
                same = published is not None and published.request == provenance.request
                if published is not None and same and published.is_newer_than(provenance):
                    return Published(self.uri(dataset, period), published, None, outdated=True)
                if published is None or published.csv_sha256 != provenance.csv_sha256:
                    self._set_aside(target, dataset, period, published)
                move(target)
                return Published(self.uri(dataset, period), provenance, published, outdated=False)
        except OSError as error:
            raise failure("write", target, error, needed=_size(staged)) from None
        finally:
            staged.unlink(missing_ok=True)

    def _pin(self, dataset: Dataset, books: str | None) -> None:
        """Write down what the table is, unless that is written already. The caller holds its lock."""
        pinned, pinned_books = self._hold_to(dataset), self.books(dataset) if books else None
        if books and pinned_books not in {None, books} and self._has_files(dataset):
            refuse_other_books(dataset, pinned_books, books)
        if pinned != dataset or pinned_books != books:
            self._root.write(self._path(dataset.pin_path), dataset.to_json(books=books).encode())

    def _hold_to(self, dataset: Dataset) -> Dataset | None:
        """What the table is pinned to; None where no pin can be read.

        Raises DatasetMismatchError where it has files of something else.
        """
        path = self._path(dataset.pin_path)
        found = self._pinned(path)
        if found is not None and found != dataset and self._has_files(dataset):
            refuse_mixture(found, dataset)
        if found is None and (newest := self.newest(dataset)):
            refuse_other_configuration(dataset, newest[0])
        return found

    def _has_files(self, dataset: Dataset) -> bool:
        return any(self._files(self._path(dataset.path)))

    def _files(self, directory: str) -> list[str]:
        return [p for p in self._root.listed(directory, recursive=True) if p.endswith("/report.parquet")]

    def _pinned(self, path: str) -> Dataset | None:
        """The identity in a pin; None where there is none that can be read."""
        content = self._root.read(path)
        return _identity(content) if content is not None else None

    def _set_aside(self, target: str, dataset: Dataset, period: str, published: Provenance | None) -> None:
        """Copy the file about to be replaced, if there is one, to where the last few of its partition are."""
        if published is not None:
            run = hashlib.sha256(published.run_id.encode()).hexdigest()[:8]
            name = f"{published.as_of:%Y%m%dT%H%M%SZ}-{run}"
        else:
            info = self._fs.get_file_info(target)
            if info.type != pafs.FileType.File:
                return
            at = info.mtime.astimezone(UTC) if info.mtime else datetime.fromtimestamp(0, UTC)
            name = f"{at:%Y%m%dT%H%M%SZ}-unreadable"
            _log.warning("%s cannot be read: it is replaced, and set aside as %s", target, name)
        place = self._path(f".superseded/{dataset.file_path(period).rpartition('/')[0]}")
        self._root.set_aside(target, f"{place}/{name}.parquet", most=MOST_SUPERSEDED)


def _identity(pin: bytes) -> Dataset | None:
    with contextlib.suppress(ValueError):
        return Dataset.from_json(pin)
    return None


def _stated(footer: bytes) -> Provenance | None:
    """The provenance in a footer; None where it has none that can be read."""
    try:
        metadata = pq.read_metadata(pa.BufferReader(footer)).metadata or {}
        return Provenance.from_json(metadata[METADATA_KEY.encode()])
    except (pa.ArrowException, OSError, KeyError, ValueError, MemoryError):
        return None


def _size(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return None
