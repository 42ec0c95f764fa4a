"""What a bucket held when it was listed, for who looks at all of it: each directory is listed once, each
small file read once."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping
from threading import RLock
from typing import TypeVar

from connector.dataset.filesystem.root import Version

T = TypeVar("T")


class Snapshot:
    """Listings and small files, remembered; for any number of threads.

    Args:
        directories: are listed with all that lies below them, when the first of it is wanted.
        list_below: lists one.
    """

    def __init__(
        self, directories: Collection[str], list_below: Callable[[str], Mapping[str, Version]]
    ) -> None:
        self._directories = tuple(directories)
        self._list_below = list_below
        self._listings: dict[str, tuple[list[str], Mapping[str, Version]]] = {}
        self._small: dict[str, object] = {}
        self._lock = RLock()

    def below(self, directory: str) -> dict[str, Version] | None:
        """The files below a directory; None where that is not known."""
        if (listing := self._listing(directory)) is None:
            return None
        paths, versions = listing
        first, behind = (bisect_left(paths, f"{directory}{end}") for end in ("/", "0"))
        return {path: versions[path] for path in paths[first:behind]}

    def version(self, path: str) -> Version | None:
        """The version of a file; None where that is not known.

        Raises FileNotFoundError where it was not there.
        """
        if (listing := self._listing(path)) is None:
            return None
        if path not in listing[1]:
            raise FileNotFoundError(path)
        return listing[1][path]

    def small(self, path: str, read: Callable[[], T]) -> T:
        """A small file."""
        with self._lock:
            if path not in self._small:
                self._small[path] = read()
            return self._small[path]  # type: ignore[return-value]

    def _listing(self, path: str) -> tuple[list[str], Mapping[str, Version]] | None:
        with self._lock:
            for each in self._directories:
                if path == each or path.startswith(f"{each}/"):
                    if each not in self._listings:
                        listed = self._list_below(each)
                        self._listings[each] = sorted(listed), listed
                    return self._listings[each]
        return None
