"""A month of the reports that it is closed by, pulled from a Stripe in memory."""

from collections.abc import Callable, Sequence
from typing import Any

from connector.close.month import Month
from connector.query import ReportQuery

#: What a month is made of.
REPORTS = (
    "balance_summary",
    "balance_change_from_activity_itemized",
    "payouts_itemized",
    "payout_reconciliation_itemized",
)
JUNE = Month.of("2026-06")


def pull_month(
    pull: Callable[..., Any],
    *,
    month: Month = JUNE,
    reports: Sequence[str] = REPORTS,
    window: str = "daily",
    zone: str = "UTC",
    following: bool = True,
    accounts: Sequence[str] = (),
    **options: Any,
) -> None:
    """Pull the windows of a month, and the first one of the next.

    Args:
        following: whether the first window of the next month is pulled.
        accounts: connected accounts that have partitions of their own.
        options: as `tests.conftest.pull` takes them.
    """
    windows = month.partitions(window, zone)
    if following:
        windows = (*windows, month.following.partitions(window, zone)[0])
    for report in reports:
        query = ReportQuery.of(report, window=window, zone=zone, by_account=bool(accounts))
        partitions = query.each_account(windows, accounts) if accounts else windows
        pull(query, partitions, **options)
