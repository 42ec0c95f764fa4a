"""How old the newest partition of a report may be."""

from datetime import timedelta

import dagster as dg

from assets.reports.configured import ConfiguredReport
from connector.catalogue import latency_of

#: How long after Stripe has the data a partition may take before somebody should look.
SLACK = timedelta(hours=12)

#: Stripe's data advance this often, however short a report's windows are.
_ADVANCE = timedelta(hours=12)

_LONGEST = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(hours=25),
    "weekly": timedelta(days=7, hours=1),
    "monthly": timedelta(days=31, hours=1),
}


def freshness_policy(report: ConfiguredReport) -> dg.FreshnessPolicy | None:
    """How long an asset may go without a new event: a window, Stripe's preparation, and slack.

    It warns when half of the slack is used up. None for payouts, which come when they come.
    """
    if report.query.by_payout:
        return None
    due = max(_LONGEST[report.query.window], _ADVANCE) + latency_of(report.query.spec.id).prepared
    return dg.FreshnessPolicy.time_window(fail_window=due + SLACK, warn_window=due + SLACK / 2)
