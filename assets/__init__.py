"""The connector as Dagster sees it: assets, resource, reader, component. Wiring only.

    component, defs_yaml    the configuration format, and what it becomes
    configured              one report as configured: question, windows, asset key
    reports, recording      the asset of a report, and its events
    intent, outcome         what launching a partition means; what a failure says
    metadata, preview       what Dagster shows
    io_manager              how downstream assets read partitions
    resources, settings     the connection to Stripe; what the environment says
    partitions              windows of time as partitions
    definitions, defs/      the code location
    demo, dev               `make demo`, `make dev`

Importing it reads no environment and asks nothing of Stripe.
"""

from assets.component import StripeReportsComponent
from assets.configured import ConfiguredReport
from assets.io_manager import ReportReader, report_reader
from assets.reports import build_report_asset, materialize_report, report_asset_spec
from assets.resources import StripeReporting

__all__ = [
    "ConfiguredReport",
    "ReportReader",
    "StripeReporting",
    "StripeReportsComponent",
    "build_report_asset",
    "materialize_report",
    "report_asset_spec",
    "report_reader",
]
