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
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from connector.api.models import Mode
from connector.dataset.filesystem import Root, failure
from connector.dataset.identity import Dataset, refuse_mixture
from connector.dataset.provenance import METADATA_KEY, Provenance, Published
from connector.dataset.schema_evolution import one_dataset, one_schema, read_footers
from connector.errors import NoDataError, StoreError
from connector.text import join_names

if TYPE_CHECKING:
    import pyarrow.dataset as ds

MOST_SUPERSEDED = 5


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

    def check(self, dataset: Dataset) -> None:
        """Raise DatasetMismatchError naming both where the table is of another report configuration.

        Nothing is written: this is for refusing before any network call.
        """
        self._hold_to(dataset)

    def publish(self, staged: Path, dataset: Dataset, provenance: Provenance) -> Published:
        """Put a finished file into place, unless a newer answer to the same request is there already.

        A file that answers another request (other columns, say) is always replaced: what is configured
        now holds. The staged file is gone afterwards.

        Raises DatasetMismatchError naming both where the table is of another report configuration.
        """
        period = provenance.period
        target = self._path(dataset.file_path(period))
        try:
            # What takes long comes before the lock, so that the partitions of a table wait for a rename only.
            with self._root.prepared(staged) as move, self._root.lock(dataset.path):
                self._pin(dataset)
                published = self.provenance(dataset, period)
                same = published is not None and published.request == provenance.request
                if published is not None and same and published.is_newer_than(provenance):
                    return Published(self.uri(dataset, period), published, None, outdated=True)
                if published is not None and published.csv_sha256 != provenance.csv_sha256:
                    self._set_aside(target, dataset, published)
                move(target)
                return Published(self.uri(dataset, period), provenance, published, outdated=False)
        except OSError as error:
            raise failure("write", target, error, needed=_size(staged)) from None
        finally:
            staged.unlink(missing_ok=True)

    def _pin(self, dataset: Dataset) -> None:
        """Write down what the table is, unless that is written already. The caller holds its lock."""
        if self._hold_to(dataset) != dataset:
            self._root.write(self._path(dataset.pin_path), dataset.to_json().encode())

    def _hold_to(self, dataset: Dataset) -> Dataset | None:
        """What the table is pinned to. Raises DatasetMismatchError where it has files of something else."""
        found = self._pinned(self._path(dataset.pin_path))
        if found is not None and found != dataset and any(self._files(self._path(dataset.path))):
            refuse_mixture(found, dataset)
        return found

    def _files(self, directory: str) -> list[str]:
        return [p for p in self._root.listed(directory, recursive=True) if p.endswith("/report.parquet")]

    def _pinned(self, path: str) -> Dataset | None:
        content = self._root.read(path)
        try:
            return None if content is None else Dataset.from_json(content)
        except ValueError as error:
            raise StoreError(f"{path}: {error}; restore it, or remove it with its table") from None

    def _set_aside(self, target: str, dataset: Dataset, published: Provenance) -> None:
        """Keep the file about to be replaced, and only the last few of its partition."""
        place = self._path(f".superseded/{dataset.file_path(published.period).rpartition('/')[0]}")
        run = hashlib.sha256(published.run_id.encode()).hexdigest()[:8]
        name = f"{place}/{published.as_of:%Y%m%dT%H%M%SZ}-{run}.parquet"
        self._root.set_aside(target, name, most=MOST_SUPERSEDED)


def _size(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return None
