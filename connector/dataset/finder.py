"""The one finder of files: which tables there are below a root, which files of each count, and what else is
there.

A table has a pin. A file counts where it lies at the one place its own provenance names, and answers what the
pin asks: `admission` says which do. Whoever reads rows gets the list of files from here; nobody lists
directories for themselves.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NoReturn

import pyarrow as pa

from connector.api.models import Mode
from connector.dataset.admission import Stray, refuse_other_configuration, strays_beside
from connector.dataset.filesystem.clouds import open_root
from connector.dataset.filesystem.place import Place
from connector.dataset.filesystem.root import Root
from connector.dataset.identity import Dataset, cut_otherwise, refuse_mixture
from connector.dataset.pins import Pin, Pins
from connector.dataset.places import Places, Sight, stray_at
from connector.dataset.provenance import Provenance
from connector.dataset.schema_evolution import (
    Footer,
    OpenedFile,
    one_dataset,
    one_schema,
    opened_file,
    read_footers,
)
from connector.errors import DatasetMismatchError, NoDataError, StoreError
from connector.money import NARROW
from connector.text import join_names

if TYPE_CHECKING:
    import pyarrow.dataset as ds


class Finder:
    """The tables below one root, as readers see them: a directory, a URL such as `s3://bucket/prefix`, or a
    `Root` that is open already.

    All methods raise StoreError naming the path when the file system refuses.
    """

    def __init__(self, root: str | Path | Place | Root) -> None:
        self._root = open_root(root)
        self._path = self._root.path
        self._pins = Pins(self._root)
        self._places = Places(self._root)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.root})"

    @property
    def root(self) -> str:
        """The directory or URL, without its credentials."""
        return str(self._root.place)

    def uri(self, dataset: Dataset, period: str) -> str:
        """Where the file of a partition is, or would be: a path, or a URL without its credentials."""
        return self._root.uri(dataset.file_path(period))

    @property
    def directory(self) -> Path | None:
        """The root on this machine's disk; None for a bucket."""
        return self._root.directory

    @property
    def scheme(self) -> str:
        """What stands before `://` in the URL of a bucket."""
        return self.root.partition("://")[0]

    def open_bytes(self, path: str) -> pa.NativeFile:
        """A file of `footers`, to be read by another engine; all of it is of one version. The path may have
        the scheme of a bucket before it. Raises OSError."""
        own = path if self.directory else path.removeprefix(f"{self.scheme}://")
        return self._root.filesystem.open_input_file(own)

    def explain(self, error: BaseException) -> str:
        """As `Root.explain`."""
        return self._root.explain(error)

    def snapshot(self, datasets: Iterable[Dataset]) -> AbstractContextManager[None]:
        """For who looks at all files of these tables: lists are of one moment meanwhile, and so is what a
        bucket holds. Nothing is to be written meanwhile."""
        paths = [self._path(path) for each in datasets for path in (each.path, f".superseded/{each.path}")]
        return self._root.snapshot(paths)

    # What counts

    def provenance(self, dataset: Dataset, period: str) -> Provenance | None:
        """What the dataset holds for a partition.

        None where there is no file, one that cannot be read (damaged, or cut short), or one that does not
        belong there. Only the end of the file is read, and trusted where its checksum is right.
        """
        return self._places.look(dataset, period, self._books_to_compare(dataset)).provenance

    def provenances(
        self, dataset: Dataset, periods: Iterable[str] | None = None
    ) -> dict[str, Provenance | None]:
        """What the dataset holds for these partitions, or for all that have a file of it, where None is one
        that cannot be read; several at a time where each read takes long."""
        books = self._books_to_compare(dataset)
        if periods is not None:
            looks = self._places.looks(dataset, tuple(periods), books)
            return {key: each.provenance for key, each in looks.items()}
        looks = self._all(dataset, books)
        return {key: each.provenance for key, each in looks.items() if not isinstance(each.found, Stray)}

    def newest(self, dataset: Dataset) -> tuple[Provenance, ...]:
        """What the last few periods that can be read say of themselves, the newest report run first."""
        return self._places.newest(dataset, self._books_to_compare(dataset))

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
        return tuple(sorted(self._places.listed(dataset)))

    def holds(self, dataset: Dataset) -> bool:
        """Whether any partition of a table has a file in its place."""
        return self._places.holds(dataset)

    def footers(
        self, dataset: Dataset, periods: Sequence[str] | None = None, *, whole: bool = False
    ) -> tuple[Footer, ...]:
        """The footers of the files that count, by path, of a whole table or of some of its partitions: the
        one list of files for all who read rows.

        Args:
            whole: hold small files, so that they need not be opened again for their rows.

        Raises:
            DatasetMismatchError: the table is of another report configuration, naming both.
            NoDataError: one of these partitions has no file.
            StoreError: a file cannot be read; one of these partitions has one that does not count; or the
                table has files and no pin.
        """
        self._refuse_unpinned(dataset)
        if periods is None:
            known = self._places.listed(dataset)
        else:
            listed = self._places.listed_for(dataset, periods) or {}
            known = {key: listed.get(key) for key in periods}
        paths = {self._path(dataset.file_path(key)): version for key, version in known.items()}
        found = read_footers(paths, self._root, whole=whole)
        missing = [path for path, footer in found.items() if footer is None]
        if missing and periods is not None:
            self._refuse_missing(dataset, missing)
        books, counted = self._books_to_compare(dataset), []
        for footer in filter(None, found.values()):
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
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(opened_file(path, self._root, whole=True))
            except FileNotFoundError:
                self._refuse_missing(dataset, [path])
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
            footers,
            one_schema(footers, columns),
            dataset.path_columns,
            self._root.filesystem,
            self._path(dataset.path),
        )

    # Tables, and what is none

    def datasets(self) -> tuple[Dataset, ...]:
        """Every table whose pin can be read, by mode and name."""
        return tuple(self._pins.tables())

    def unusable_tables(self) -> dict[str, str]:
        """The tables that `datasets` leaves out: where the pin of each is, or its directory where it has
        none, and what is wrong with it."""
        return self._pins.unusable()

    def tables_being_widened(self) -> tuple[Dataset, ...]:
        """The tables whose files are being rewritten with money in its wide type: `datasets` leaves them out,
        and nobody reads them."""
        return tuple(self._pins.being_widened())

    def contents(self, dataset: Dataset) -> tuple[dict[str, Provenance | None], list[Stray]]:
        """What `provenances` says of a whole table, and what lies below its directory and does not count:
        nobody reads that."""
        table, looks = self._path(dataset.path), self._all(dataset, self._books_to_compare(dataset))
        files = {key: each.provenance for key, each in looks.items() if not isinstance(each.found, Stray)}
        strays = [each.found for each in looks.values() if isinstance(each.found, Stray)]
        places = {self._path(dataset.file_path(key)) for key in looks}
        through = {str(above) for path in places for above in PurePosixPath(path).parents}
        below = self._root.everything_below(table, through=through)
        return files, [*strays, *strays_beside(table, below, places)]

    def check(self, dataset: Dataset, *, keys: Sequence[str] | None = None) -> None:
        """Raise DatasetMismatchError naming both where the table is of another report configuration.

        Nothing is written. `keys` is what `keys` says of the table, where that is known already.
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
        return self._pins.read(dataset).books

    def money(self, dataset: Dataset) -> str:
        """How the files of a table hold money: `NARROW` or `WIDE` of `connector.money`; narrow where there
        are none yet. Raises what `check` raises."""
        return self._hold_to(dataset).money or NARROW

    def _hold_to(self, dataset: Dataset, keys: Sequence[str] | None = None) -> Pin:
        """What the table is pinned to; of one without a pin, what its newest file says of money.

        Raises DatasetMismatchError where it has files of something else.
        """
        pin = self._pins.read(dataset)
        if pin.identity is not None and pin.identity != dataset:
            self._refuse_identity(pin.identity, dataset)
        if pin.identity is None:
            there = None if keys is None else dict.fromkeys(keys)
            if newest := self._places.newest_at_their_places(dataset, there=there):
                refuse_other_configuration(dataset, newest[0])
                pin = replace(pin, money=newest[0].money)
            # A table that is not there yet is listed once, not once for each way to cut it.
            others = cut_otherwise(dataset) if self._root.listed(self._path(dataset.path)) else ()
            for other in others:
                if self._places.newest_at_their_places(other):
                    refuse_mixture(other, dataset)
        return pin

    def _refuse_identity(self, pinned: Dataset, dataset: Dataset) -> None:
        """Raise DatasetMismatchError where the pin is of something else, and may not become this."""
        if self.holds(pinned):
            refuse_mixture(pinned, dataset)
        if self._root.directory is None:
            # Another machine may be about to publish what the pin is of, and no lock would show it.
            refuse_mixture(pinned, dataset, empty=self._root.uri(dataset.pin_path))

    def _refuse_unpinned(self, dataset: Dataset) -> None:
        if self._hold_to(dataset).identity is None and self.holds(dataset):
            raise StoreError(self._pins.explain(dataset))

    def _refuse_missing(self, dataset: Dataset, paths: Sequence[str]) -> NoReturn:
        raise NoDataError(
            f"{dataset.table} has no data for {join_names(map(dataset.key_of, paths))} under "
            f"{self.root}; materialize those partitions first"
        )

    def _all(self, dataset: Dataset, books: str | None) -> dict[str, Sight]:
        """What stands in the places of all partitions that have a file, sorted."""
        listed = self._places.listed(dataset)
        return self._places.looks_at(dataset, sorted(listed), books, listed)

    def _books_to_compare(self, dataset: Dataset) -> str | None:
        return self.books(dataset) if dataset.mode == Mode.SIMULATED else None


def _footer_of_stray(dataset: Dataset, footer: Footer, books: str | None) -> Stray | None:
    """The file with that footer as a stray; None where it belongs where it is."""
    return stray_at(dataset, dataset.key_of(footer.path), footer.path, footer.provenance, books)
