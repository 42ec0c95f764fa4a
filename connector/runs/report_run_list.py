"""Stripe's list of report runs: the only memory this connector has of what it asked.

The list cannot be filtered by type, status or parameters, so one reading serves a whole batch.

Source: https://docs.stripe.com/api/reporting/report_run/list
"""

import itertools
from collections.abc import Collection
from datetime import timedelta

from connector.api.client import StripeClient
from connector.api.models import ReportRequest
from connector.runs.progress import PartitionProgress

#: How far back runs are looked for, and through how many pages of a hundred. A run beyond cannot be adopted,
#: but its idempotency key may bring it back for a day. One that hangs there costs no attempt, so that a
#: partition may cost more report runs than `WaitPolicy.attempts` where 10,000 newer ones lie between.
LOOK_BACK, MOST_PAGES = timedelta(days=7), 100


def find_runs(client: StripeClient, items: Collection[PartitionProgress]) -> set[str]:
    """Make the recent runs known to the partitions whose requests they ask, newest first.

    The list is read until each partition has a run to adopt, or to the end of what is looked at. Returns the
    ids of all runs that were read.
    """
    read: set[str] = set()
    asking: dict[ReportRequest, list[PartitionProgress]] = {}
    for item in items:
        for request in item.alike:
            asking.setdefault(request, []).append(item)
    without = set(items)
    pages = itertools.islice(client.every_report_run(since=client.now() - LOOK_BACK), MOST_PAGES)
    while without and (page := next(pages, None)) is not None:
        found: set[PartitionProgress] = set()
        read |= {run.id for run in page.data}
        for run in page.data:
            for item in asking.get(run.request, ()):
                item.add(run)
                found.add(item)
        now = client.now()
        without -= {item for item in found if item.choose(now)}
    return read
