"""Dagster's event log in SQLite, held open while a step writes to it.

Dagster connects for every event three times, and SQLite writes its log back into the database whenever the
last connection to it is closed: with none but those, two thirds of all writing. One more connection, which
does nothing, halves the time that an event takes. Other storages pass by.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import dagster as dg

#: The database of all runs, beside one for each.
_INDEX = "index"


@contextmanager
def event_log_open(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """While it lasts, the run's event log in SQLite is not written back at each event."""
    path_of = getattr(instance.event_log_storage, "path_for_shard", None)
    with ExitStack() as stack:
        for shard in (_INDEX, run_id):
            if path_of is None:
                break
            # Without it everything works as well, only slower.
            with suppress(sqlite3.Error, OSError):
                # Not made where it is not there: Dagster makes it with its tables.
                name = f"{Path(path_of(shard)).absolute().as_uri()}?mode=rw"
                connection = sqlite3.connect(name, uri=True, check_same_thread=False)
                stack.enter_context(closing(connection))
                # It is opened by the first read.
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield
