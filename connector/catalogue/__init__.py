"""What can be asked of Stripe: report types, their parameters and their columns, as data.

    report("balance_summary")                  the spec of a report type, by id or by name
    custom_report("new.report.1", {…})         the spec of a type that is not here, as configured
    columns_of(spec, None)                     its columns, typed, in file order
    validate(spec, {"interval_start": …})      a request that cannot be refused for a slip of ours

A module for each family of reports, in which a version is a line or two; `column_groups` has what they share.
Adding a report is adding a line there; a column no report had so far is one entry in `dictionary`.

Source: https://docs.stripe.com/reports/report-types
"""

from connector.catalogue.columns import column, columns_by_header, columns_of
from connector.catalogue.custom import custom_report, with_columns
from connector.catalogue.dictionary import COLUMNS, METADATA
from connector.catalogue.latency import Latency, latency_of
from connector.catalogue.registry import REPORTS, report
from connector.catalogue.spec import (
    Column,
    ColumnType,
    Granularity,
    ReportSpec,
    RowKind,
    RowKindRules,
    Scope,
    Status,
)
from connector.catalogue.validation import PARAMETERS, REPORTING_CATEGORIES, validate

__all__ = [
    "COLUMNS",
    "METADATA",
    "PARAMETERS",
    "REPORTING_CATEGORIES",
    "REPORTS",
    "Column",
    "ColumnType",
    "Granularity",
    "Latency",
    "ReportSpec",
    "RowKind",
    "RowKindRules",
    "Scope",
    "Status",
    "column",
    "columns_by_header",
    "columns_of",
    "custom_report",
    "latency_of",
    "report",
    "validate",
    "with_columns",
]
