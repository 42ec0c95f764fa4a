"""The Parquet dataset: one file per partition, replaced whole, readable by anything that reads Parquet.

    <root>/<mode>/<table>/account=<id>/period=<period>/report.parquet
    <root>/<mode>/_datasets/<table>.json           what the table is
    <root>/.superseded/…                           the last few files that were replaced
    <root>/.staging/…                              unfinished work, read by nobody

A file is finished and verified in staging and then renamed (or uploaded) into place, so a reader sees the
old file or the new one. Rows are never merged: some reports have identical rows that are all real.
"""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from connector.dataset import Dataset, refuse_mixture
from connector.errors import ConfigurationError, DatasetMismatchError, NoDataError, StoreError
from connector.hosts import Mode
from connector.provenance import METADATA_KEY, Provenance
from connector.published import Published
from connector.reading import one_dataset, one_schema, read_footers
from connector.root import Root, failure
from connector.succession import Succession, begin, carry_out, noted, refuse_meanwhile

if TYPE_CHECKING:
    import pyarrow.dataset as ds

SUPERSEDED_KEPT = 5


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

    def kept(self, dataset: Dataset, period: str) -> Provenance | None:
        """What the dataset holds for a partition; None where there is no valid file of ours."""
        path = self._path(dataset.file_path(period))
        try:
            with self._fs.open_input_file(path) as file:
                metadata = pq.read_metadata(file).metadata or {}
            return Provenance.from_json(metadata[METADATA_KEY.encode()])
        except FileNotFoundError:
            return None
        except (pa.ArrowInvalid, KeyError, ValueError):
            # Not a whole Parquet file, or not one of ours: as good as missing.
            return None
        except OSError as error:
            raise failure("read", path, error) from None

    def keys(self, dataset: Dataset) -> tuple[str, ...]:
        """The keys of the partitions that have a file, sorted. One listing, no file is opened."""
        found = self._files(self._path(dataset.account_path))
        return tuple(sorted(dataset.key_of(path) for path in found))

    def columns(self, dataset: Dataset) -> dict[str, str]:
        """Every column that any file of a table has, and its Arrow type as text: that of the newest file."""
        paths = [self._path(dataset.file_path(key)) for key in self.keys(dataset)]
        return {field.name: str(field.type) for field in one_schema(read_footers(paths, self._fs))}

    def arrow_dataset(
        self, dataset: Dataset, periods: Sequence[str] | None = None, *, columns: pa.Schema | None = None
    ) -> "ds.Dataset":
        """A lazy Arrow dataset over a table, or over some of its partitions, whatever columns each has.

        What the path says (`dataset.path_columns`) comes as strings. See `reading` for what becomes of
        columns that came, went or changed their type.

        Args:
            columns: columns that are to be there, with their types, whatever the files have.

        Raises NoDataError naming a partition that has no file, and StoreError a value of an older file that
        is nothing of the type its column has by now.
        """
        if periods is None:
            found = sorted(self._files(self._path(dataset.path)))
        else:
            found = sorted(self._path(dataset.file_path(period)) for period in periods)
            self._refuse_missing(dataset, periods)
        footers = read_footers(found, self._fs)
        return one_dataset(
            footers, one_schema(footers, columns), dataset.path_columns, self._fs, self._path(dataset.path)
        )

    def _refuse_missing(self, dataset: Dataset, periods: Sequence[str]) -> None:
        states = self._fs.get_file_info([self._path(dataset.file_path(period)) for period in periods])
        missing = [p for p, s in zip(periods, states, strict=True) if s.type != pafs.FileType.File]
        if missing:
            raise NoDataError(
                f"{dataset.table} has no data for {', '.join(missing[:10])} under {self.root}; "
                "materialize those partitions first"
            )

    def datasets(self) -> tuple[Dataset, ...]:
        """Every table that is pinned, by mode and name. Pins that cannot be read are left out."""
        found = []
        for mode in Mode:
            for path in sorted(self._root.listed(self._path(f"{mode}/_datasets"))):
                with contextlib.suppress(StoreError):
                    found.append(self._pinned(path))
        return tuple(each for each in found if each)

    # Writing

    def staging(self) -> AbstractContextManager[Path]:
        """A directory of this process for unfinished files, gone afterwards.

        What a killed process left there is removed by the next one.
        """
        return self._root.staging()

    def pin(self, dataset: Dataset) -> None:
        """Make sure the table is what `dataset` says, writing it down where nothing says so yet.

        Raises DatasetMismatchError naming both where the table holds files made from another question.
        """
        path = self._path(dataset.pin_path)
        with self._root.lock(path):
            self._refuse_meanwhile(dataset)
            found = self._pinned(path)
            if found == dataset:
                return
            if found is not None and any(self._files(self._path(dataset.path))):
                refuse_mixture(found, dataset)
            self._root.write(path, dataset.to_json().encode())

    def check(self, dataset: Dataset) -> None:
        """Like `pin`, but writes nothing: for refusing before any network call."""
        self._refuse_meanwhile(dataset)
        found = self._pinned(self._path(dataset.pin_path))
        if found is not None and found != dataset and any(self._files(self._path(dataset.path))):
            refuse_mixture(found, dataset)

    def publish(self, staged: Path, dataset: Dataset, provenance: Provenance) -> Published:
        """Put a finished file into place, unless a newer answer to the same request is there already.

        A file that answers another request (other columns, say) is always replaced: what is configured
        now holds. The staged file is gone afterwards.
        """
        period = provenance.period
        target = self._path(dataset.file_path(period))
        self.pin(dataset)
        try:
            with self._root.lock(target):
                kept = self.kept(dataset, period)
                same = kept is not None and kept.request == provenance.request
                if kept is not None and same and kept.is_newer_than(provenance):
                    return Published(self.uri(dataset, period), kept, None, outdated=True)
                if kept is not None and kept.csv_sha256 != provenance.csv_sha256:
                    self._set_aside(target, dataset, kept)
                self._root.put(staged, target, holding=self._held(dataset))
                return Published(self.uri(dataset, period), provenance, kept, outdated=False)
        except OSError as error:
            raise failure("write", target, error, needed=_size(staged)) from None
        finally:
            staged.unlink(missing_ok=True)

    def switch(self, succession: Succession) -> None:
        """Let the successor's table take the predecessor's name, which keeps its files under another.

        Killed at any moment, both are readable, and the same call finishes it. What is published meanwhile
        waits, and is refused once the table is another. Not for object stores: they cannot rename.

        Raises:
            ConfigurationError: the root is an object store.
            StoreError: the predecessor has partitions that the successor lacks, or the name is taken.
        """
        old, new = succession.predecessor, succession.successor
        base = self._root.directory
        if base is None:
            raise ConfigurationError(
                f"{self.root} is an object store, where a table cannot be renamed in one step. Both tables "
                f"are there: configure the new one with `name: {new.table}`"
            )
        try:
            with self._root.lock(self._path(old.pin_path)), self._root.lock(self._path(new.pin_path)):
                if noted(base, old) is None:
                    self._refuse_loss(old, new)
                    begin(base, succession, self._root.write)
                carry_out(base, succession, self._root.write)
        except OSError as error:
            raise failure("switch", self._path(old.path), error) from None

    def unfinished(self, dataset: Dataset) -> Succession | None:
        """The switch of a table that was begun and not finished; None in peace."""
        return noted(self._root.directory, dataset) if self._root.directory else None

    def _refuse_loss(self, old: Dataset, new: Dataset) -> None:
        for each in (old, new):
            if (found := self._pinned(self._path(each.pin_path))) != each:
                refuse_mixture(found or each, each)
        lacking = sorted({*self.keys(old)} - {*self.keys(new)})
        if lacking:
            more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
            raise StoreError(
                f"{old.table} has partitions that {new.table} lacks: {', '.join(lacking[:5])}{more}; "
                "upgrade all of them before you switch"
            )

    def _refuse_meanwhile(self, dataset: Dataset) -> None:
        if self._root.directory:
            refuse_meanwhile(self._root.directory, dataset)

    def _files(self, directory: str) -> list[str]:
        return [p for p in self._root.listed(directory, recursive=True) if p.endswith("/report.parquet")]

    def _pinned(self, path: str) -> Dataset | None:
        content = self._root.read(path)
        try:
            return None if content is None else Dataset.from_json(content)
        except ValueError as error:
            raise StoreError(f"{path}: {error}; restore it, or remove it with its table") from None

    @contextlib.contextmanager
    def _held(self, dataset: Dataset) -> Iterator[None]:
        """While it lasts, the table is what `dataset` says. Raises DatasetMismatchError where it is not."""
        path = self._path(dataset.pin_path)
        with self._root.lock(path):
            self._refuse_meanwhile(dataset)
            found = self._pinned(path)
            if found is None:
                raise DatasetMismatchError(
                    f"table {dataset.table} was renamed or removed meanwhile; nothing was published there"
                )
            refuse_mixture(found, dataset)
            yield

    def _set_aside(self, target: str, dataset: Dataset, kept: Provenance) -> None:
        """Keep the file about to be replaced, and only the last few of its partition."""
        place = self._path(f".superseded/{dataset.file_path(kept.period).rpartition('/')[0]}")
        run = hashlib.sha256(kept.run_id.encode()).hexdigest()[:8]
        name = f"{place}/{kept.as_of:%Y%m%dT%H%M%SZ}-{run}.parquet"
        self._root.set_aside(target, name, most=SUPERSEDED_KEPT)


def _size(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return None
