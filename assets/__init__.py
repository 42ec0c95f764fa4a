"""The connector in Dagster: assets, resource, reader, component.

    config          `defs.yaml`: its fields, and the component that loads it
    analytics       assets behind the reports, with pictures
    automation      sensors, schedules and checks of one account, as one value
    sensors         late report runs, data that became available, payouts that became known
    materialize     one step of a report asset, from partitions to events
    reports         what a report is to Dagster: configuration, partitions, checks, metadata
    dagster_runs    Dagster's runs of reports: history, requests, tags
    resources       the connection to Stripe
    io_manager      how downstream assets read partitions
    definitions     the code location;  demo, dev  `make demo`, `make dev`

Importing it reads no environment and sends nothing to Stripe.
"""

from pathlib import Path

import connector

_BESIDE = Path(__file__).resolve().parents[1] / "connector" / "__init__.py"
if Path(connector.__file__ or "").resolve() != _BESIDE:
    raise ImportError(
        f"the package `connector` that is found first is {connector.__file__ or connector.__path__}, and not "
        f"the one of dagster-stripe-reports in {_BESIDE.parent}. Give Stripe's reports a code location with "
        "an environment and a directory of their own, or rename the other package."
    )

from assets.analytics.definitions import build_analytics
from assets.automation.alerts import Alert, build_failure_alert_sensor
from assets.automation.automation import Automation
from assets.automation.follow import follow_reports
from assets.automation.newest_partition import (
    build_newest_partition_check,
    build_newest_partition_schedule,
    log_newest_partition,
)
from assets.automation.schedules import build_report_schedule, build_report_schedules
from assets.config.component import StripeReportsComponent
from assets.io_manager import ReportReader, report_reader
from assets.materialize.asset import build_report_asset, materialize_report, report_asset_spec
from assets.reports.check_rules import CheckOptions
from assets.reports.configured import ConfiguredReport
from assets.reports.freshness import freshness_policy
from assets.resources import StripeReporting
from assets.sensors.availability_sensor import build_availability_sensor
from assets.sensors.late_sensor import build_late_report_sensor
from assets.sensors.payout_sensor import build_payout_sensor

__all__ = [
    "Alert",
    "Automation",
    "CheckOptions",
    "ConfiguredReport",
    "ReportReader",
    "StripeReporting",
    "StripeReportsComponent",
    "build_analytics",
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
    "log_newest_partition",
    "materialize_report",
    "report_asset_spec",
    "report_reader",
]
