"""What stands in the places of a table's partitions, by what each file says of itself at its end.

A file counts where it lies at the one place its own provenance names, and answers what the pin asks:
`admission` says which do.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from connector.dataset.admission import Stray, explain_foreign, foreign, is_at_its_place
from connector.dataset.filesystem.root import Root, Version
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance, provenance_in
from connector.dataset.seal import metadata_in, read_footer
from connector.errors import ConfigurationError, StoreError

#: So many of the last periods are looked at for the newest report run.
_RECENT = 5

#: From so many partitions on, one listing takes less time than looking for each.
_LISTED_FROM = 3


@dataclass(frozen=True, slots=True)
class Sight:
    """What stands in a partition's place.

    Attributes:
        found: None where there is no file, or one that cannot be read.
        version: of the file; None where there is none.
    """

    found: Provenance | Stray | None
    version: Version | None

    @property
    def provenance(self) -> Provenance | None:
        """That of a file that counts."""
        return self.found if isinstance(self.found, Provenance) else None


_NOTHING = Sight(None, None)


class Places:
    """The places of partitions below one root. All methods raise StoreError naming the path when the file
    system refuses."""

    def __init__(self, root: Root) -> None:
        self._root = root

    def listed(self, dataset: Dataset) -> dict[str, Version | None]:
        """The keys of the files that lie where a partition of theirs would, in no order, and what the listing
        shows of the version of each."""
        return dict(self._listed(dataset))

    def holds(self, dataset: Dataset) -> bool:
        """Whether there is any."""
        return any(True for _ in self._listed(dataset))

    def _listed(self, dataset: Dataset) -> Iterator[tuple[str, Version | None]]:
        directory, depth = self._root.path(dataset.files_path), len(dataset.dimensions) + 1
        for path, version in self._root.at_depth(directory, depth, "report.parquet"):
            with contextlib.suppress(ConfigurationError):
                key = dataset.key_of(path)
                if self._root.path(dataset.file_path(key)) == path:
                    yield key, version

    def listed_for(self, dataset: Dataset, keys: Sequence[str]) -> dict[str, Version | None] | None:
        """The same where so many are looked for that a listing is worth it; else None."""
        return self.listed(dataset) if self._root.directory is None and len(keys) > _LISTED_FROM else None

    def look(self, dataset: Dataset, key: str, books: str | None, known: Version | None = None) -> Sight:
        """What stands in a partition's place.

        Args:
            books: the identity of the simulator's books in the pin; None where it is not compared.
            known: the version that a listing has just shown.
        """
        sight = self._stated(dataset, key, known)
        if not isinstance(sight.found, Provenance):
            return sight
        stray = stray_at(dataset, key, self._root.path(dataset.file_path(key)), sight.found, books)
        return Sight(stray or sight.found, sight.version)

    def looks(self, dataset: Dataset, keys: Sequence[str], books: str | None) -> dict[str, Sight]:
        """The same of many, several at a time where each is a request."""
        return self.looks_at(dataset, keys, books, self.listed_for(dataset, keys))

    def looks_at(
        self,
        dataset: Dataset,
        keys: Sequence[str],
        books: str | None,
        listed: Mapping[str, Version | None] | None,
    ) -> dict[str, Sight]:
        """The same, with what a listing has just shown; None where there was none."""

        def look(key: str) -> tuple[str, Sight]:
            if listed is not None and key not in listed:
                return key, _NOTHING
            return key, self.look(dataset, key, books, listed[key] if listed is not None else None)

        return dict(self._root.each(look, keys))

    def newest(self, dataset: Dataset, books: str | None) -> tuple[Provenance, ...]:
        """What the last few periods that can be read say of themselves, the newest report run first.

        Raises StoreError where none can be read and the file system refuses one.
        """
        return self._newest(dataset, lambda key, known: self.look(dataset, key, books, known).provenance)

    def newest_at_their_places(
        self, dataset: Dataset, *, there: Mapping[str, Version | None] | None = None
    ) -> tuple[Provenance, ...]:
        """The same of files for the same partitions of a table of that name, whatever they were asked for."""

        def look(key: str, known: Version | None) -> Provenance | None:
            found = self._stated(dataset, key, known).provenance
            return found if found and is_at_its_place(dataset, key, found) else None

        return self._newest(dataset, look, there)

    def _newest(
        self,
        dataset: Dataset,
        look: Callable[[str, Version | None], Provenance | None],
        there: Mapping[str, Version | None] | None = None,
    ) -> tuple[Provenance, ...]:
        listed = self.listed(dataset) if there is None else there

        def attempt(key: str) -> Provenance | StoreError | None:
            try:
                return look(key, listed[key])
            except StoreError as error:
                return error

        keys = sorted(listed, key=lambda key: dataset.key_format.values(key)[::-1], reverse=True)
        refusals: list[StoreError] = []
        for first in range(0, len(keys), _RECENT):
            looks = self._root.each(attempt, keys[first : first + _RECENT])
            refusals += [each for each in looks if isinstance(each, StoreError)]
            if found := [each for each in looks if isinstance(each, Provenance)]:
                return tuple(sorted(found, key=lambda each: each.run_created, reverse=True))
        if refusals:
            raise refusals[0]
        return ()

    def _stated(self, dataset: Dataset, key: str, known: Version | None) -> Sight:
        """What stands there, whatever its provenance says."""
        path, version = self._root.path(dataset.file_path(key)), known
        try:
            with self._root.opened(path, known) as file:
                version = file.version
                footer = read_footer(file.bytes)
            metadata = metadata_in(footer) if footer else None
        except FileNotFoundError:
            return _NOTHING
        except OSError as error:
            raise self._root.failure("read", path, error) from None
        except (pa.ArrowException, ValueError, MemoryError):
            return Sight(None, version)
        if metadata is None:
            return Sight(None, version)
        return Sight(provenance_in(metadata) or stray_at(dataset, key, path, None, None), version)


def stray_at(
    dataset: Dataset, key: str, path: str, found: Provenance | None, books: str | None
) -> Stray | None:
    """The file in a partition's place as a stray; None where it belongs there."""
    if found is None:
        return foreign(dataset, path, key, "it does not say which report run it was made from")
    reason = explain_foreign(dataset, key, found, books=books)
    return foreign(dataset, path, key, reason) if reason else None
