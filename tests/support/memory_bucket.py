"""A bucket in memory, and every request that is made to one."""

from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from obstore.store import MemoryStore, ObjectStore

from connector.dataset.filesystem.bucket import Bucket
from connector.dataset.filesystem.place import Place

#: The requests that `Bucket` makes.
REQUESTS = ("get", "head", "list", "list_with_delimiter", "put", "delete")


def bucket(store: Any = None, url: str = "memory://bucket/prefix") -> Bucket:
    """A root in a bucket; for `Store`, as one machine sees it.

    Args:
        store: of obstore, or one that counts; by default a new one in memory.
    """
    return Bucket(Place.of(url), MemoryStore() if store is None else cast(ObjectStore, store))


def _nothing(_name: str, _key: str) -> None:
    """Before a request."""


class Watched:
    """A store that says of each request what it is, before it is made: its name and the key.

    Attributes:
        made: how many of each name.
        keys: name and key of each, in their order.
    """

    def __init__(self, store: Any, before: Callable[[str, str], None] = _nothing) -> None:
        self._store = store
        self._before = before
        self.made: Counter[str] = Counter()
        self.keys: list[tuple[str, str]] = []

    def forget(self) -> None:
        """Count from now on."""
        self.made.clear()
        self.keys.clear()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in REQUESTS:
            return method

        def request(key: Any = "", *given: Any, **named: Any) -> Any:
            self.made[name] += 1
            self.keys.append((name, str(key)))
            self._before(name, str(key))
            return method(key, *given, **named)

        return request
