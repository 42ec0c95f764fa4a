"""What is read of Dagster's database and of files, counted."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, cast

import dagster as dg

from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from tests.support.datasets import counted


class CountedInstance:
    """An instance that counts what is read of it.

    Attributes:
        runs: runs that were read.
        events: materializations that were read.
    """

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self.runs = 0
        self.events = 0

    @property
    def as_instance(self) -> dg.DagsterInstance:
        """What code under test is given."""
        return cast(dg.DagsterInstance, self)

    def get_run_records(self, *arguments: Any, **options: Any) -> Sequence[dg.RunRecord]:
        found = self._instance.get_run_records(*arguments, **options)
        self.runs += len(found)
        return found

    def fetch_materializations(self, *arguments: Any, **options: Any) -> dg.EventRecordsResult:
        found = self._instance.fetch_materializations(*arguments, **options)
        self.events += len(found.records)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._instance, name)


class CountedStore(Store):
    """A store that counts, for all stores of the class."""

    opens: ClassVar[list[str]] = []
    passes: ClassVar[int] = 0

    def __init__(self, root: Any) -> None:
        super().__init__(root)
        self._root.filesystem = counted(type(self).opens)

    @classmethod
    def forget_counts(cls) -> None:
        """Begin to count."""
        cls.opens.clear()
        cls.passes = 0

    def keys(self, dataset: Dataset) -> tuple[str, ...]:
        return Listing(super().keys(dataset))


class Listing(tuple[str, ...]):
    """A listing of a table that counts how often it is gone through."""

    __slots__ = ()

    def __iter__(self) -> Iterator[str]:
        CountedStore.passes += 1
        return super().__iter__()
