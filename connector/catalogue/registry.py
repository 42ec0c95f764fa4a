"""Every report type there is an entry for, and how one is named.

Source: https://docs.stripe.com/reports/report-types
"""

from collections.abc import Mapping
from types import MappingProxyType

from connector.catalogue.reports import (
    balance,
    connect,
    ending_balance,
    fees,
    financial_accounts,
    payout_reconciliation,
    payouts,
    tax,
)
from connector.catalogue.spec import ReportSpec, Status
from connector.errors import ConfigurationError
from connector.text import hint

_FAMILIES = (balance, payouts, payout_reconciliation, ending_balance, fees, tax, connect, financial_accounts)

#: Every report type the catalogue knows, by Stripe's id.
REPORTS: Mapping[str, ReportSpec] = MappingProxyType(
    {spec.id: spec for family in _FAMILIES for spec in family.REPORTS}
)


def report(name_or_id: str) -> ReportSpec:
    """The report type of that id (`balance.summary.1`) or name (`balance_summary`).

    A name stands for the highest version Stripe documents; others are to be had by id alone.

    Raises:
        ConfigurationError: there is none; the message names the nearest.
    """
    if name_or_id in REPORTS:
        return REPORTS[name_or_id]
    versions = [spec for spec in REPORTS.values() if spec.name == name_or_id]
    documented = [spec for spec in versions if spec.status is Status.DOCUMENTED]
    if documented:
        return max(documented, key=lambda spec: spec.version)
    if versions:
        ids = ", ".join(spec.id for spec in versions)
        raise ConfigurationError(
            f"{name_or_id!r} has only versions known from programs that use them; name one by its id: {ids}"
        )
    known = {*REPORTS, *(spec.name for spec in REPORTS.values())}
    raise ConfigurationError(f"there is no report {name_or_id!r}{hint(name_or_id, known)}")
