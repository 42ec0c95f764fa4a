"""Stripe's list of report runs: the only memory this connector has of what it asked.

The list cannot be filtered by type, status or parameters, so one reading serves a whole batch. Each account
that one acts for has a list of its own.

Source: https://docs.stripe.com/api/reporting/report_run/list
"""

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from typing import TypeVar

from connector.api.client import StripeClient
from connector.api.models import ReportRequest
from connector.errors import AuthenticationError, PermissionDeniedError, ReportingError, UnknownAccountError
from connector.runs.progress import PartitionProgress
from connector.runs.threads import Workers

#: How far back runs are looked for, and through how many pages of a hundred. A run beyond cannot be adopted,
#: but its idempotency key may bring it back for a day. One that hangs there costs no attempt, so that a
#: partition may cost more report runs than `WaitPolicy.attempts` where 10,000 newer ones lie between.
LOOK_BACK, MOST_PAGES = timedelta(days=7), 100


#: A look at futures that are not done yet.
_A_WHILE = 60.0

T = TypeVar("T")


def read_each(
    client: StripeClient,
    accounts: Iterable[str | None],
    read: Callable[[StripeClient, str | None], T],
    workers: Workers,
) -> tuple[dict[str | None, T], dict[str | None, ReportingError]]:
    """What is read in the name of each account, several at a time, and why some could not be read.

    Args:
        accounts: None for the client's own.

    Raises the client's errors where that concerns all: the key, its own account, or every account for
    another reason than that it is refused.
    """
    found: dict[str | None, T] = {}
    refused: dict[str | None, ReportingError] = {}
    wanted = dict.fromkeys(accounts)
    if None in wanted:
        del wanted[None]
        found[None] = read(client, None)
    reading = {each: workers.submit(partial(read, client.acting_for(each), each)) for each in wanted}
    _wait(client, list(reading.values()))
    for account, future in reading.items():
        try:
            found[account] = future.result()
        except AuthenticationError:
            raise
        except ReportingError as error:
            refused[account] = error
    kinds = UnknownAccountError, PermissionDeniedError
    if refused and not found and not any(isinstance(error, kinds) for error in refused.values()):
        raise next(iter(refused.values()))
    return found, refused


def _wait(client: StripeClient, futures: Collection[Future[T]]) -> None:
    left = list(futures)
    while left := [each for each in left if not each.done()]:
        client.clock.wait(left, _A_WHILE)


def by_account(items: Iterable[PartitionProgress]) -> Mapping[str | None, list[PartitionProgress]]:
    """Partitions by the account in whose name they are asked for."""
    found: dict[str | None, list[PartitionProgress]] = {}
    for item in items:
        found.setdefault(item.acting_for, []).append(item)
    return found


def find_runs_of_each(
    client: StripeClient, items: Mapping[str | None, Collection[PartitionProgress]], workers: Workers
) -> tuple[frozenset[str], dict[str | None, ReportingError]]:
    """The same as `find_runs` for the partitions of each account; the ids, and why some could not be read."""
    read, refused = read_each(
        client, items, lambda client, account: find_runs(client, items[account]), workers
    )
    return frozenset().union(*read.values()), refused


def find_runs(client: StripeClient, items: Collection[PartitionProgress]) -> set[str]:
    """Make the recent runs known to the partitions of one account whose requests they ask, newest first.

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
