"""What can be asked of Stripe: report types, their parameters and their columns, as data.

    report("balance_summary")                  the spec of a report type, by id or by name
    columns_of(spec, None)                     its columns, typed, in file order
    validate(spec, {"interval_start": …})      a request that cannot be refused for a slip of ours

Adding a report is adding one `ReportSpec` to a module here and to `_SPECS`; a column no report had so far
is one entry in `columns.py`.

Source: https://docs.stripe.com/reports/report-types
"""

from collections.abc import Mapping
from types import MappingProxyType

from connector.catalogue import balance
from connector.catalogue.columns import COLUMNS, METADATA, column, columns_of
from connector.catalogue.request import CURRENCIES, REPORTING_CATEGORIES, validate
from connector.catalogue.spec import Column, ColumnType, Granularity, ReportSpec, RowKind, RowKinds
from connector.catalogue.spelling import hint
from connector.errors import ConfigurationError

__all__ = [
    "COLUMNS",
    "CURRENCIES",
    "METADATA",
    "REPORTING_CATEGORIES",
    "REPORTS",
    "Column",
    "ColumnType",
    "Granularity",
    "ReportSpec",
    "RowKind",
    "RowKinds",
    "column",
    "columns_of",
    "report",
    "validate",
]

_SPECS = (balance.SUMMARY, balance.ACTIVITY)

#: Every report type the catalogue knows, by Stripe's id.
REPORTS: Mapping[str, ReportSpec] = MappingProxyType({spec.id: spec for spec in _SPECS})


def report(name_or_id: str) -> ReportSpec:
    """The report type of that id (`balance.summary.1`) or name (`balance_summary`).

    A name stands for the highest version the catalogue knows.

    Raises:
        ConfigurationError: there is none; the message names the nearest.
    """
    if name_or_id in REPORTS:
        return REPORTS[name_or_id]
    versions = [spec for spec in REPORTS.values() if spec.name == name_or_id]
    if versions:
        return max(versions, key=lambda spec: spec.version)
    known = {*REPORTS, *(spec.name for spec in REPORTS.values())}
    raise ConfigurationError(f"there is no report {name_or_id!r}{hint(name_or_id, known)}")
