"""The connector as Dagster sees it: assets, resource, reader, component. Wiring only.

    component, defs_yaml, checks_yaml, sections    the configuration format, and what it becomes
    configured              one report as configured: question, windows, asset key
    reports, recording      the asset of a report, and its events
    checks, check_options, inspection    whether the data are right, and what follows if not
    intent, outcome         what launching a partition means; what a failure says
    metadata, preview       what Dagster shows
    io_manager              how downstream assets read partitions
    resources, settings     the connection to Stripe; what the environment says
    partitions              windows of time, connected accounts and payouts as partitions
    late_sensor, late       reports that finish after Dagster stopped waiting;  sweep  Stripe's list, in parts
    availability_sensor, availability, readiness    what is ready and missing, and what to ask again
    payout_sensor, payouts  payouts as they become known
    schedules               the same by cron;  asking  partitions as Dagster runs
    attempts                what Dagster is busy with
    automation              how downstream assets follow
    freshness, alerts       when to look, and whom to call
    upkeep                  all of these for one account
    definitions, defs/      the code location
    demo, dev               `make demo`, `make dev`

Importing it reads no environment and asks nothing of Stripe.
"""

from assets.alerts import Alert, build_failure_alert_sensor
from assets.automation import follow_reports
from assets.availability_sensor import build_availability_sensor
from assets.check_options import CheckOptions
from assets.component import StripeReportsComponent
from assets.configured import ConfiguredReport
from assets.freshness import (
    build_newest_partition_check,
    build_newest_partition_schedule,
    freshness_policy,
)
from assets.io_manager import ReportReader, report_reader
from assets.late_sensor import build_late_report_sensor
from assets.payout_sensor import build_payout_sensor
from assets.reports import build_report_asset, materialize_report, report_asset_spec
from assets.resources import StripeReporting
from assets.schedules import build_report_schedule, build_report_schedules
from assets.upkeep import Automation

__all__ = [
    "Alert",
    "Automation",
    "CheckOptions",
    "ConfiguredReport",
    "ReportReader",
    "StripeReporting",
    "StripeReportsComponent",
    "build_availability_sensor",
    "build_failure_alert_sensor",
    "build_late_report_sensor",
    "build_newest_partition_check",
    "build_newest_partition_schedule",
    "build_payout_sensor",
    "build_report_asset",
    "build_report_schedule",
    "build_report_schedules",
    "follow_reports",
    "freshness_policy",
    "materialize_report",
    "report_asset_spec",
    "report_reader",
]
