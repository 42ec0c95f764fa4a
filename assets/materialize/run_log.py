"""What the connector logs while a step runs, in Dagster's own log of the run.

Each line is an event that Dagster stores. Where another event of the partition says the same, there is none.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from assets.shown import shown
from connector.pipeline.log import fields_of, listening

#: An observation has the first two with the report run, a materialization the last with all that is known.
_EVENTS_THEMSELVES = {"created", "adopted", "published"}


class _DagsterHandler(logging.Handler):
    """Passes records on. Dagster's log may be written to from any thread, as the connector's workers do."""

    def __init__(self, log: dg.DagsterLogManager) -> None:
        super().__init__(logging.INFO)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        if (fields_of(record) or {}).get("step") not in _EVENTS_THEMSELVES:
            self._log.log(record.levelno, shown(record.getMessage()))


@contextmanager
def log_to_dagster(context: dg.AssetExecutionContext) -> Iterator[None]:
    """While it lasts, each step that is not an event itself is a line of the run's log, and so are retries.

    Does nothing where the instance captures these loggers itself (`python_logs`): each line would come twice.
    """
    if {"connector", "root"} & set(context.instance.managed_python_loggers):
        yield
        return
    with listening(_DagsterHandler(context.log)):
        yield
