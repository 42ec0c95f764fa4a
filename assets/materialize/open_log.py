"""Dagster's event log, held open while a step writes to it.

In SQLite, Dagster connects for each event up to three times, each time with an engine of its own that
compiles every statement again, and commits as often; and SQLite writes its log back into the database
whenever the last connection to it is closed. So a step keeps one connection to each of the two databases it
writes to, that of its run and the index of all runs, and Dagster's own statements run on it, in transactions
of their own as before. What is logged in `written_together` is one transaction in each. And the number that
an event got is kept, so that nobody reads the log for it.

In Postgres a connection that is idle while Stripe is waited for may be gone when it is needed; but Dagster
makes one for each statement or two, and commits each statement. There an event is one transaction over one
connection, so is what is logged in `written_together`, and what is read and written `over_one_connection`
needs no further one. Only a materialization is committed by statement, as by Dagster: its daemon follows
materializations by their numbers, and what got one and is not to be seen until later it could miss.

Other storages pass by.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from threading import get_ident, local
from typing import Any

import dagster as dg

from assets.dagster_runs.history import Target


@contextmanager
def event_log_open(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """While it lasts, events of this run are written over connections that stay open, as far as can be."""
    storage = instance.event_log_storage
    with ExitStack() as stack:
        held: _Log | None = None
        # A database is a file for each run in this storage alone.
        if hasattr(storage, "path_for_shard"):
            held = _SqliteLog(storage, run_id, stack)
        elif hasattr(storage, "postgres_url"):
            held = _PostgresLog(storage)
        # Where something else stands in for these methods, such as another step of this process, everything
        # works as well, only slower.
        if held and not vars(storage).keys() & {*held.METHODS}:
            for name in held.METHODS:
                setattr(storage, name, getattr(held, name))
                stack.callback(delattr, storage, name)
        yield


@contextmanager
def written_together(instance: dg.DagsterInstance) -> Iterator[None]:
    """Events that this thread logs in the block are written at its end, also where it raises an error; all of
    them, or none where they cannot be. They cannot be read before. Does nothing where the log is not held."""
    held = _held(instance)
    with held.written_together() if held else nullcontext():
        yield


@contextmanager
def over_one_connection(instance: dg.DagsterInstance) -> Iterator[None]:
    """What this thread reads of the log and writes to it in the block is over one connection; in transactions
    of its own, as before. It is for a moment: nothing is waited for in it."""
    held = _held(instance)
    with held.over_one_connection() if held else nullcontext():
        yield


def target_of_written(instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str) -> Target | None:
    """What ties checks to the newest materialization of a partition that this step has written; None where it
    has written none, or the log is not held."""
    held = _held(instance)
    return held.written.get((asset, partition)) if held else None


def _held(instance: dg.DagsterInstance) -> "_Log | None":
    log = getattr(instance.event_log_storage.store_event, "__self__", None)
    return log if isinstance(log, _Log) else None


class _Log(ABC):
    """The event log while the thread that makes this writes to it.

    Attributes:
        written: what ties checks to the newest materialization written, by asset and partition.
    """

    #: What of Dagster's storage is carried out here.
    METHODS: tuple[str, ...]

    def __init__(self, storage: Any) -> None:
        self._thread = get_ident()
        self._store = storage.store_event
        self._store_asset, self._look = storage._store_asset_event, storage.has_table
        self._tables: set[str] = set()
        self._gathered: list[Any] | None = None
        self.written: dict[tuple[dg.AssetKey, str | None], Target] = {}

    @property
    def _of_this_thread(self) -> bool:
        """Not of one of the connector's workers, which log, too."""
        return get_ident() == self._thread

    def store_event(self, event: Any) -> None:
        if self._gathered is not None and self._of_this_thread:
            self._gathered.append(event)
        else:
            self._store(event)

    def has_table(self, name: str) -> bool:
        """Looked up once: tables come with a migration, and none goes."""
        if name not in self._tables and self._look(name):
            self._tables.add(name)
        return name in self._tables

    def _store_asset_event(self, connection: Any, event: Any, number: int) -> None:
        """Called by `store_event` with the number that the event got."""
        self._store_asset(connection, event, number)
        if _is_materialization(event):
            about = event.dagster_event
            target = Target(storage_id=number, run_id=event.run_id, timestamp=event.timestamp)
            self.written[about.asset_key, about.partition] = target

    @contextmanager
    def written_together(self) -> Iterator[None]:
        # Not written in the block: a transaction that waits there for the lock of a log handler, while
        # another thread has that and waits for the database, would wait until SQLite gives up.
        self._gathered = []
        try:
            yield
        finally:
            gathered, self._gathered = self._gathered, None
            with self._transaction() if gathered else nullcontext():
                for event in gathered:
                    self._store(event)

    @abstractmethod
    def over_one_connection(self) -> AbstractContextManager[None]:
        """While it lasts, this thread keeps a connection."""

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[None]:
        """While it lasts, this thread's events are written in one transaction."""


class _SqliteLog(_Log):
    """The database of one run, and the index.

    Args:
        storage: Dagster's.
        closing: what is to be closed.
    """

    METHODS = ("run_connection", "index_connection", "has_table", "store_event", "_store_asset_event")

    def __init__(self, storage: Any, run_id: str, closing: ExitStack) -> None:
        super().__init__(storage)
        self._run_id = run_id
        self._connect = storage.run_connection
        self._run = _Database(storage.run_connection(run_id), closing)
        self._index = _Database(storage.index_connection(), closing)

    def run_connection(self, run_id: str | None = None) -> AbstractContextManager[Any]:
        if run_id != self._run_id:
            # The events of another run: what this one is a retry of.
            other: AbstractContextManager[Any] = self._connect(run_id)
            return other
        return self._run.transaction()

    def index_connection(self) -> AbstractContextManager[Any]:
        return self._index.transaction()

    def over_one_connection(self) -> AbstractContextManager[None]:
        """It keeps one to each anyway."""
        return nullcontext()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._run.transaction(), self._index.transaction():
            yield


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
            with self._engine.begin() as connection:
                yield connection
        elif self._connection.in_transaction():
            yield self._connection
        else:
            with self._connection.begin():
                yield self._connection


class _PostgresLog(_Log):
    """One database for all runs."""

    METHODS = ("_connect", "has_table", "store_event", "_store_asset_event")

    def __init__(self, storage: Any) -> None:
        super().__init__(storage)
        self._made, self._store_by_statement = storage._connect, storage.store_event
        self._store = self._store_at_once
        self._of_thread = local()

    def _connect(self) -> AbstractContextManager[Any]:
        kept = self._kept
        if kept is None:
            made: AbstractContextManager[Any] = self._made()
            return made
        return nullcontext(kept) if kept.in_transaction() else _as_made(kept)

    @property
    def _kept(self) -> Any:
        """The connection that this thread keeps, if it does."""
        return getattr(self._of_thread, "connection", None)

    @contextmanager
    def over_one_connection(self) -> Iterator[None]:
        with self._made() as self._of_thread.connection:
            try:
                yield
            finally:
                del self._of_thread.connection

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._one_connection():
            if self._kept.in_transaction():
                yield
            else:
                with self._kept.execution_options(isolation_level="READ COMMITTED").begin():
                    yield

    def _one_connection(self) -> AbstractContextManager[None]:
        return self.over_one_connection() if self._kept is None else nullcontext()

    def _store_at_once(self, event: Any) -> None:
        with self._one_connection() if _is_materialization(event) else self._transaction():
            self._store_by_statement(event)


@contextmanager
def _as_made(connection: Any) -> Iterator[Any]:
    """The connection as Dagster makes it: each statement is committed, unless a transaction is begun."""
    connection.execution_options(isolation_level="AUTOCOMMIT")
    try:
        yield connection
    finally:
        # Nothing is left to commit; but SQLAlchemy takes what it did for a transaction.
        connection.rollback()


def _is_materialization(event: Any) -> bool:
    return bool(event.dagster_event and event.dagster_event.is_step_materialization)
