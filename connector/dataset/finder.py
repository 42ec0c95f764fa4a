"""The one finder of files: which tables there are below a root, which files of each count, and what else is
there.

A table has a pin. A file counts where it lies at the one place its own provenance names, and answers what the
pin asks: `admission` says which do. Whoever reads rows gets the list of files from here; nobody lists
directories for themselves.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from connector.api.models import Mode
from connector.dataset.admission import (
    Stray,
    explain_foreign,
    foreign,
    is_at_its_place,
    refuse_other_configuration,
    strays_beside,
)
from connector.dataset.filesystem.place import Place
from connector.dataset.filesystem.root import Root
from connector.dataset.identity import Dataset, cut_otherwise, refuse_mixture
from connector.dataset.pins import Pins
from connector.dataset.provenance import Provenance, provenance_in
from connector.dataset.schema_evolution import (
    Footer,
    OpenedFile,
    one_dataset,
    one_schema,
    opened_file,
    read_footers,
)
from connector.dataset.seal import read_footer
from connector.errors import ConfigurationError, DatasetMismatchError, NoDataError, StoreError
from connector.text import join_names

if TYPE_CHECKING:
    import pyarrow.dataset as ds

#: So many of the last periods are looked at for the newest report run.
_RECENT = 5


class Finder:
    """The tables below one root, as readers see them: a directory, or a URL such as `s3://bucket/prefix`.

    All methods raise StoreError naming the path when the file system refuses.
    """

    def __init__(self, root: str | Path | Place) -> None:
        self._root = Root(root)
        self._fs = self._root.filesystem
        self._path = self._root.path
        self._pins = Pins(self._root)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.root})"

    @property
    def root(self) -> str:
        """The directory or URL, without its credentials."""
        return str(self._root.place)

    def uri(self, dataset: Dataset, period: str) -> str:
        """Where the file of a partition is, or would be: a path, or a URL for an object store, without
        its credentials."""
        return self._root.uri(dataset.file_path(period))

    def explain(self, error: BaseException) -> str:
        """What Arrow, DuckDB or the system says of a file here, in a line without the root's credentials."""
        return self._root.explain(error)

    # What counts

    def provenance(self, dataset: Dataset, period: str) -> Provenance | None:
        """What the dataset holds for a partition.

        None where there is no file, one that cannot be read (damaged, or cut short), or one that does not
        belong there. Only the end of the file is read, and trusted where its checksum is right.
        """
        found = self._look(dataset, period, self._books_to_compare(dataset))
        return None if isinstance(found, Stray) else found

    def provenances(
        self, dataset: Dataset, periods: Iterable[str] | None = None
    ) -> dict[str, Provenance | None]:
        """What the dataset holds for these partitions, or for all that have a file of it, where None is one
        that cannot be read; several at a time where each read takes long."""
        looks = self._looks(dataset, self.keys(dataset) if periods is None else tuple(periods))
        found = {key: None if isinstance(each, Stray) else each for key, each in looks.items()}
        if periods is None:
            return {key: each for key, each in found.items() if not isinstance(looks[key], Stray)}
        return found

    def newest(self, dataset: Dataset) -> tuple[Provenance, ...]:
        """What the last few periods that can be read say of themselves, the newest report run first.

        Nothing in an empty table. Raises StoreError where none can be read and the file system refuses one.
        """
        books = self._books_to_compare(dataset)
        return self._newest(dataset, lambda key: self._look(dataset, key, books))

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

    def keys(self, dataset: Dataset) -> tuple[str, ...]:
        """The keys of the partitions that have a file in their place, sorted. One listing, no file is opened:
        what lies there may be a stray."""
        return tuple(sorted(self._keys(dataset)))

    def holds(self, dataset: Dataset) -> bool:
        """Whether any partition of a table has a file in its place."""
        return any(True for _ in self._keys(dataset))

    def footers(self, dataset: Dataset, periods: Sequence[str] | None = None) -> tuple[Footer, ...]:
        """The footers of the files that count, by path, of a whole table or of some of its partitions: the
        one list of files for all who read rows.

        Raises:
            DatasetMismatchError: the table is of another report configuration, naming both.
            NoDataError: one of these partitions has no file.
            StoreError: a file cannot be read; one of these partitions has one that does not count; or the
                table has files and no pin.
        """
        self._refuse_unpinned(dataset)
        keys = self.keys(dataset) if periods is None else tuple(periods)
        paths = [self._path(dataset.file_path(key)) for key in keys]
        if periods is not None:
            self._refuse_missing(dataset, paths)
        books, counted = self._books_to_compare(dataset), []
        for footer in read_footers(paths, self._root):
            stray = _footer_of_stray(dataset, footer, books)
            if stray and periods is not None:
                raise StoreError(str(stray))
            counted += [] if stray else [footer]
        return tuple(sorted(counted, key=lambda each: each.path))

    @contextlib.contextmanager
    def opened(self, dataset: Dataset, period: str) -> Iterator[OpenedFile]:
        """The file of a partition, opened once for all that is read of it. Raises what `footers` raises."""
        self._refuse_unpinned(dataset)
        path = self._path(dataset.file_path(period))
        self._refuse_missing(dataset, [path])
        with opened_file(path, self._root) as file:
            if stray := _footer_of_stray(dataset, file.footer, self._books_to_compare(dataset)):
                raise StoreError(str(stray))
            yield file

    def columns(self, dataset: Dataset) -> dict[str, str]:
        """Every column that any file of a table has, and its Arrow type as text.

        Raises StoreError where its files have different types for one.
        """
        return {field.name: str(field.type) for field in one_schema(self.footers(dataset))}

    def arrow_dataset(
        self, dataset: Dataset, periods: Sequence[str] | None = None, *, columns: pa.Schema | None = None
    ) -> "ds.Dataset":
        """A lazy Arrow dataset over a table, or over some of its partitions, whatever columns each has.

        What the path says (`dataset.path_columns`) comes as strings. Columns are in the order of the newest
        file, and null where a file lacks them.

        Args:
            columns: columns that are to be there, with their types, whatever the files have.

        Raises what `footers` raises, and StoreError naming files that have another type for a column than the
        newest, or than `columns`.
        """
        footers = self.footers(dataset, periods)
        return one_dataset(
            footers, one_schema(footers, columns), dataset.path_columns, self._fs, self._path(dataset.path)
        )

    # Tables, and what is none

    def datasets(self) -> tuple[Dataset, ...]:
        """Every table whose pin can be read, by mode and name."""
        return tuple(self._pins.tables())

    def unusable_tables(self) -> dict[str, str]:
        """The tables that `datasets` leaves out: where the pin of each is, or its directory where it has
        none, and what is wrong with it."""
        return self._pins.unusable()

    def contents(self, dataset: Dataset) -> tuple[dict[str, Provenance | None], list[Stray]]:
        """What `provenances` says of a whole table, and what lies below its directory and does not count:
        nobody reads that."""
        keys, table = self.keys(dataset), self._path(dataset.path)
        looks = self._looks(dataset, keys)
        files = {key: each for key, each in looks.items() if not isinstance(each, Stray)}
        strays = [each for each in looks.values() if isinstance(each, Stray)]
        places = {self._path(dataset.file_path(key)) for key in keys}
        through = {str(above) for path in places for above in PurePosixPath(path).parents}
        below = self._root.everything_below(table, through=through)
        return files, [*strays, *strays_beside(table, below, places)]

    def check(self, dataset: Dataset, *, keys: Sequence[str] | None = None) -> None:
        """Raise DatasetMismatchError naming both where the table is of another report configuration.

        Nothing is written: this is for refusing before any network call, and before any row is read.

        Args:
            keys: what `keys` says of the table, where that is known already.
        """
        self._hold_to(dataset, keys)

    def explain_refusal(self, dataset: Dataset, *, keys: Sequence[str] | None = None) -> str | None:
        """What `check` says; None where nothing is in the way.

        Dagster shows partitions green by their keys, also after the report became another one.
        """
        try:
            self.check(dataset, keys=keys)
        except DatasetMismatchError as error:
            return str(error)
        return None

    def books(self, dataset: Dataset) -> str | None:
        """The identity of the simulator's books in a table's pin; None where it has none."""
        return self._pins.books(dataset)

    def _hold_to(self, dataset: Dataset, keys: Sequence[str] | None = None) -> Dataset | None:
        """What the table is pinned to; None where no pin can be read.

        Raises DatasetMismatchError where it has files of something else.
        """
        found = self._pins.identity(dataset)
        if found is not None and found != dataset and self.holds(found):
            refuse_mixture(found, dataset)
        if found is None:
            if newest := self._newest_at_their_places(dataset, keys):
                refuse_other_configuration(dataset, newest[0])
            # A table that is not there yet is listed once, not once for each way to cut it.
            others = cut_otherwise(dataset) if self._root.listed(self._path(dataset.path)) else ()
            for other in others:
                if self._newest_at_their_places(other):
                    refuse_mixture(other, dataset)
        return found

    def _refuse_unpinned(self, dataset: Dataset) -> None:
        if self._hold_to(dataset) is None and self.holds(dataset):
            raise StoreError(self._pins.explain(dataset))

    def _refuse_missing(self, dataset: Dataset, paths: Sequence[str]) -> None:
        try:
            states = self._fs.get_file_info(list(paths))
        except OSError as error:
            raise self._root.failure("read", paths[0], error) from None
        missing = [state.path for state in states if state.type != pafs.FileType.File]
        if missing:
            raise NoDataError(
                f"{dataset.table} has no data for {join_names(map(dataset.key_of, missing))} under "
                f"{self.root}; materialize those partitions first"
            )

    # Files

    def _keys(self, dataset: Dataset) -> Iterator[str]:
        """The keys of the files that lie where a partition of theirs would, in no order."""
        directory, depth = self._path(dataset.files_path), len(dataset.dimensions) + 1
        for path in self._root.at_depth(directory, depth, "report.parquet"):
            with contextlib.suppress(ConfigurationError):
                key = dataset.key_of(path)
                if self._path(dataset.file_path(key)) == path:
                    yield key

    def _look(self, dataset: Dataset, key: str, books: str | None) -> Provenance | Stray | None:
        """What stands in a partition's place; None where there is no file, or one that cannot be read."""
        found = self._stated(dataset, key)
        if not isinstance(found, Provenance):
            return found
        return _stray(dataset, key, self._path(dataset.file_path(key)), found, books) or found

    def _looks(self, dataset: Dataset, keys: Sequence[str]) -> dict[str, Provenance | Stray | None]:
        books = self._books_to_compare(dataset)
        return dict(self._root.each(lambda key: (key, self._look(dataset, key, books)), keys))

    def _stated(self, dataset: Dataset, key: str) -> Provenance | Stray | None:
        """The same, whatever its provenance says."""
        path = self._path(dataset.file_path(key))
        try:
            with self._fs.open_input_file(path) as file:
                footer = read_footer(file)
            metadata = pq.read_metadata(pa.BufferReader(footer)) if footer else None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._root.failure("read", path, error) from None
        except (pa.ArrowException, ValueError, MemoryError):
            return None
        return None if metadata is None else provenance_in(metadata) or _stray(dataset, key, path, None, None)

    def _newest(
        self,
        dataset: Dataset,
        look: Callable[[str], Provenance | Stray | None],
        there: Sequence[str] | None = None,
    ) -> tuple[Provenance, ...]:
        there = self.keys(dataset) if there is None else there
        keys = sorted(there, key=lambda key: dataset.key_format.values(key)[::-1], reverse=True)
        refusals: list[StoreError] = []
        for first in range(0, len(keys), _RECENT):
            found = []
            for key in keys[first : first + _RECENT]:
                try:
                    each = look(key)
                except StoreError as error:
                    refusals.append(error)
                else:
                    found += [each] if isinstance(each, Provenance) else []
            if found:
                return tuple(sorted(found, key=lambda each: each.run_created, reverse=True))
        if refusals:
            raise refusals[0]
        return ()

    def _newest_at_their_places(
        self, dataset: Dataset, keys: Sequence[str] | None = None
    ) -> tuple[Provenance, ...]:
        """The same of files for the same partitions of a table of that name, whatever they were asked for."""

        def look(key: str) -> Provenance | None:
            found = self._stated(dataset, key)
            if isinstance(found, Provenance) and is_at_its_place(dataset, key, found):
                return found
            return None

        return self._newest(dataset, look, keys)

    def _books_to_compare(self, dataset: Dataset) -> str | None:
        return self.books(dataset) if dataset.mode == Mode.SIMULATED else None


def _footer_of_stray(dataset: Dataset, footer: Footer, books: str | None) -> Stray | None:
    """The file with that footer as a stray; None where it belongs where it is."""
    return _stray(dataset, dataset.key_of(footer.path), footer.path, footer.provenance, books)


def _stray(
    dataset: Dataset, key: str, path: str, found: Provenance | None, books: str | None
) -> Stray | None:
    """The file in a partition's place as a stray; None where it belongs there."""
    if found is None:
        return foreign(path, key, "it does not say which report run it was made from")
    reason = explain_foreign(dataset, key, found, books=books)
    return foreign(path, key, reason) if reason else None
