"""Stripe's list of report runs: the only memory this connector has of what it asked.

The list cannot be filtered by type, status or parameters, so one reading serves a whole batch.

Source: https://docs.stripe.com/api/reporting/report_run/list
"""

from collections.abc import Collection
from datetime import timedelta

from connector.api.client import StripeClient
from connector.api.models import ReportRequest, ReportRun

#: How far back a run is looked for, and through how many pages of a hundred, so that a busy account stays
#: cheap. What a crash left beyond is still found for a day, by its idempotency key.
LOOK_BACK, LOOK_BACK_PAGES = timedelta(days=7), 2


def recent_runs(
    client: StripeClient, requests: Collection[ReportRequest]
) -> dict[ReportRequest, list[ReportRun]]:
    """Recent runs of the report types asked for, by what they ask, newest first."""
    types = {request.report_type for request in requests}
    found: dict[ReportRequest, list[ReportRun]] = {}
    for number, page in enumerate(client.every_report_run(since=client.now() - LOOK_BACK), start=1):
        for run in page.data:
            if run.report_type in types:
                found.setdefault(run.request, []).append(run)
        if number >= LOOK_BACK_PAGES:
            break
    return found
