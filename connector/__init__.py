"""Stripe's financial reports as typed Parquet. Plain Python: nothing here knows of an orchestrator.

    catalogue ──► api ──► runs ──► api.download ──► convert ──► dataset
     what can     ask,    adopt or  fetch the       CSV to      rename
     be asked     retry   create,   file            typed       into place,
                          wait for                  Arrow       read back

A folder is one stage and imports only what stands below it:

    cli          the command `stripe-reports`, one module for each command
    doctor       what stands in the way, and what is assumed of Stripe, tried
    project      a project's `defs.yaml`
    checks       what has to hold for every published file
    sql          the files in DuckDB
    pipeline     all of it for many partitions: `collect`
    runs         which report run to reuse, when to create one, and waiting for many
    dataset      tables of files: publishing, provenance, reading back
    convert      CSV to typed Arrow to one verified Parquet file
    catalogue    report types, their parameters and columns, as data
    api          Stripe's endpoints, the key, retries and limits
    simulator    a Stripe on this machine; it knows nothing of the rest

The names below are the public ones. Each is loaded when it is first used, so that importing this package
costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connector.accounts import AccountLife, AccountLives
    from connector.api.client import StripeClient
    from connector.api.credentials import Hosts
    from connector.api.models import Mode, ReportRequest, ReportRun, ReportType
    from connector.catalogue import REPORTS, ReportSpec, report
    from connector.dataset.identity import Dataset
    from connector.dataset.provenance import Provenance
    from connector.dataset.store import Store
    from connector.errors import ReportingError
    from connector.partitions import Interval, Partition, Windows
    from connector.pipeline.collect import collect
    from connector.pipeline.events import Asked, Done, Missed, Outcome
    from connector.query import ReportQuery
    from connector.runs.adoption import WaitPolicy
    from connector.sql.warehouse import open_warehouse

#: The version of this package: the one place that says it, from which pyproject.toml takes it.
__version__ = "0.1.0"

_HOMES = {
    "AccountLife": "accounts",
    "AccountLives": "accounts",
    "Asked": "pipeline.events",
    "Dataset": "dataset.identity",
    "Done": "pipeline.events",
    "Hosts": "api.credentials",
    "Interval": "partitions",
    "Missed": "pipeline.events",
    "Mode": "api.models",
    "Partition": "partitions",
    "WaitPolicy": "runs.adoption",
    "Provenance": "dataset.provenance",
    "REPORTS": "catalogue",
    "ReportQuery": "query",
    "ReportRequest": "api.models",
    "ReportRun": "api.models",
    "ReportSpec": "catalogue",
    "ReportType": "api.models",
    "ReportingError": "errors",
    "Store": "dataset.store",
    "StripeClient": "api.client",
    "Outcome": "pipeline.events",
    "Windows": "partitions",
    "collect": "pipeline.collect",
    "open_warehouse": "sql.warehouse",
    "report": "catalogue",
}

__all__ = [
    "REPORTS",
    "AccountLife",
    "AccountLives",
    "Asked",
    "Dataset",
    "Done",
    "Hosts",
    "Interval",
    "Missed",
    "Mode",
    "Outcome",
    "Partition",
    "Provenance",
    "ReportQuery",
    "ReportRequest",
    "ReportRun",
    "ReportSpec",
    "ReportType",
    "ReportingError",
    "Store",
    "StripeClient",
    "WaitPolicy",
    "Windows",
    "__version__",
    "collect",
    "open_warehouse",
    "report",
]


def __getattr__(name: str) -> Any:
    """A public name, loaded when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
