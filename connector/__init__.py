"""Stripe's financial reports as typed Parquet. Plain Python: nothing here knows of an orchestrator.

    catalogue ──► client ──► runs ──► extract ──► decode ──► store
     what can      ask,       adopt or  fetch the   CSV to     rename
     be asked      retry      create,   file        typed      into place,
                              wait for              Arrow      read back

    asking     catalogue   report types, their parameters and columns, as data
               offering    what Stripe offers an account, beside the catalogue
               query       one question for many partitions;  windows  the calendar cut into them
    Stripe     client      one method per endpoint;  transport, answers  how a request travels, what comes
               hosts       where the key may go;  retry, pace  when to send (again)
               runs        adopt or create, watch many with one loop;  adoption, waiting  its decisions;
                           watch  when to look;  runlist  the list of runs at Stripe;  workers  its threads
    files      extract     the CSV, whole, or not at all
               decode      CSV as typed Arrow batches;  records, cells  rows found, cells read
               parquet     batches as one verified file;  conversion  from one to the other
               store       the dataset: paths, publishing, reading back;  dataset, provenance  what it is;
                           root  its files, on a disk or in an object store
               published   what publishing changed;  reading  files whose columns came and went, as one table
    looking    checks      what has to hold for every partition, evaluated on the published file
    together   pipeline    all of it, for many partitions: `collect`;  events, journal  what it tells
    SQL        warehouse   the dataset in DuckDB;  views  a table in it;  currency  how amounts are shown
    doors      cli         the command `stripe-reports`;  progress, listing  what it prints
               configuration  a first defs.yaml;  first_look  the commands that follow it
               upgrade     a table in another version, compared with the one there is
               doctor      what stands in the way, and what we assume of Stripe, tried
               simulator   a Stripe on this machine
    everywhere models      Stripe's JSON as values;  fields  field by field;  clock  time as an argument
               errors      what can go wrong;  advice  what to do about it

The names below are the public ones. Each is loaded when it is first used, so that importing this package
costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connector.adoption import Patience
    from connector.catalogue import REPORTS, ReportSpec, report
    from connector.client import StripeClient
    from connector.dataset import Dataset
    from connector.errors import ReportingError
    from connector.events import Asked, Done, Missed, Verdict
    from connector.hosts import Hosts, Mode
    from connector.models import Interval, ReportRequest, ReportRun, ReportType
    from connector.pipeline import collect
    from connector.provenance import Provenance
    from connector.query import Partition, ReportQuery
    from connector.store import Store
    from connector.warehouse import open_warehouse
    from connector.windows import Windows

#: The version of this package: the one place that says it, from which pyproject.toml takes it.
__version__ = "0.1.0"

_HOMES = {
    "REPORTS": "catalogue",
    "Asked": "events",
    "Dataset": "dataset",
    "Done": "events",
    "Hosts": "hosts",
    "Interval": "models",
    "Missed": "events",
    "Mode": "hosts",
    "Partition": "query",
    "Patience": "adoption",
    "Provenance": "provenance",
    "ReportQuery": "query",
    "ReportRequest": "models",
    "ReportRun": "models",
    "ReportSpec": "catalogue",
    "ReportType": "models",
    "ReportingError": "errors",
    "Store": "store",
    "StripeClient": "client",
    "Verdict": "events",
    "Windows": "windows",
    "collect": "pipeline",
    "open_warehouse": "warehouse",
    "report": "catalogue",
}

__all__ = [
    "REPORTS",
    "Asked",
    "Dataset",
    "Done",
    "Hosts",
    "Interval",
    "Missed",
    "Mode",
    "Partition",
    "Patience",
    "Provenance",
    "ReportQuery",
    "ReportRequest",
    "ReportRun",
    "ReportSpec",
    "ReportType",
    "ReportingError",
    "Store",
    "StripeClient",
    "Verdict",
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
