"""Dagster's event log in SQLite, held open while a step writes to it.

For each event Dagster connects up to three times, each time with an engine of its own that compiles every
statement again, and commits as often; and SQLite writes its log back into the database whenever the last
connection to it is closed. So a step keeps one connection to each of the two databases it writes to, that of
its run and the index of all runs, and Dagster's own statements run on it, in transactions of their own as
before. What is logged in `written_together` is one transaction in each. Other storages pass by.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import get_ident
from typing import Any

import dagster as dg

#: What of Dagster's storage is carried out here while it is held open.
_HELD = ("run_connection", "index_connection", "has_table", "store_event")


@contextmanager
def event_log_open(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """While it lasts, events of this run are written to SQLite over connections that stay open."""
    storage = instance.event_log_storage
    # A database is a file for each run in this storage alone. Where something else stands in for its methods,
    # such as another step of this process, everything works as well, only slower.
    if not hasattr(storage, "path_for_shard") or vars(storage).keys() & {*_HELD}:
        yield
        return
    with ExitStack() as stack:
        held = _HeldLog(storage, run_id, stack)
        for name in _HELD:
            setattr(storage, name, getattr(held, name))
            stack.callback(delattr, storage, name)
        yield


@contextmanager
def written_together(instance: dg.DagsterInstance) -> Iterator[None]:
    """Events that this thread logs in the block are written at its end, also where it raises an error: all of
    them, or none where they cannot be. They cannot be read before. Does nothing where the log is not held."""
    held = getattr(instance.event_log_storage.store_event, "__self__", None)
    with held.written_together() if isinstance(held, _HeldLog) else ExitStack():
        yield


class _HeldLog:
    """The event log of one run, held open by the thread that makes this.

    Args:
        storage: Dagster's.
        closing: what is to be closed.
    """

    def __init__(self, storage: Any, run_id: str, closing: ExitStack) -> None:
        self._run_id = run_id
        self._thread = get_ident()
        self._connect, self._look, self._store = (
            storage.run_connection,
            storage.has_table,
            storage.store_event,
        )
        self._run = _Database(storage.run_connection(run_id), closing)
        self._index = _Database(storage.index_connection(), closing)
        self._tables: set[str] = set()
        self._gathered: list[Any] | None = None

    def run_connection(self, run_id: str | None = None) -> AbstractContextManager[Any]:
        if run_id != self._run_id:
            # The events of another run: what this one is a retry of.
            other: AbstractContextManager[Any] = self._connect(run_id)
            return other
        return self._run.transaction()

    def index_connection(self) -> AbstractContextManager[Any]:
        return self._index.transaction()

    def has_table(self, name: str) -> bool:
        """Looked up once: tables come with a migration, and none goes."""
        if name not in self._tables and self._look(name):
            self._tables.add(name)
        return name in self._tables

    def store_event(self, event: Any) -> None:
        if self._gathered is not None and get_ident() == self._thread:
            self._gathered.append(event)
        else:
            self._store(event)

    @contextmanager
    def written_together(self) -> Iterator[None]:
        # Not written in the block: a transaction that waits there for the lock of a log handler, while
        # another thread has that and waits for the database, would wait until SQLite gives up.
        self._gathered = []
        try:
            yield
        finally:
            gathered, self._gathered = self._gathered, None
            with self._run.transaction(), self._index.transaction():
                for event in gathered:
                    self._store(event)


class _Database:
    """One database of the log, with a connection for the thread that makes this.

    Args:
        opened: by Dagster, which also makes its tables.
        closing: what is to be closed.
    """

    def __init__(self, opened: AbstractContextManager[Any], closing: ExitStack) -> None:
        with opened as connection:
            self._engine = connection.engine
        self._thread = get_ident()
        self._connection = closing.enter_context(self._engine.connect())

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """A connection, as Dagster gives it: what is written is committed at the end, or not at all."""
        if get_ident() != self._thread:
            # The connector's workers log, too.
            with self._engine.begin() as connection:
                yield connection
        elif self._connection.in_transaction():
            yield self._connection
        else:
            with self._connection.begin():
                yield self._connection
