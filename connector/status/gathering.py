"""What is known of each table: out of its files, the configuration here and, where there is a key, Stripe."""

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from connector.accounts import NO_LISTS, AccountLists, AccountLives
from connector.api.client import StripeClient
from connector.api.models import ReportRequest, ReportRun, ReportType, RunStatus
from connector.catalogue import latency_of
from connector.checks.audit import audit, rebuild_query
from connector.checks.finding import CheckResult, Severity
from connector.dataset.coverage import coverage_of
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import ConfigurationError
from connector.partitions import BY_PAYOUT, Interval, Partition, Windows
from connector.query import ReportQuery
from connector.sql.views.files import find_restatement
from connector.status.calendar import Facts

#: How far back report runs are looked for, and through how many pages of a hundred.
_LOOK_BACK, _MOST_PAGES = timedelta(days=7), 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """A table as it is configured.

    Attributes:
        start: the first day there is to be a partition for; None where nothing says so.
        accounts: those that have partitions of their own.
    """

    query: ReportQuery
    start: date | None
    accounts: AccountLives = field(default_factory=lambda: AccountLives(()))

    def partitions(self, now: datetime) -> Sequence[Partition]:
        """All there are to be by now; none where no day is known to begin with, and of payouts."""
        if self.start is None or self.query.by_payout:
            return ()
        windows = Windows(self.query.window, self.query.zone)
        first, last = windows.first_from(_midnight(windows, self.start)), windows.last_until(now)
        whole = windows.between(first, last) if first < last else ()
        return self.query.each_account(whole, self.accounts) if self.query.dimensions else whole


@dataclass(frozen=True, slots=True)
class AtStripe:
    """What Stripe was asked.

    Attributes:
        types: the report types, by id.
        runs: the recent report runs, newest first.
        now: by Stripe's clock.
    """

    types: Mapping[str, ReportType]
    runs: Sequence[ReportRun]
    now: datetime


def ask_stripe(client: StripeClient) -> AtStripe:
    """The report types and the recent report runs. Raises the client's errors."""
    types = client.report_types()
    pages = itertools.islice(client.every_report_run(since=client.now() - _LOOK_BACK), _MOST_PAGES)
    runs = [run for page in pages for run in page.data]
    return AtStripe(types, runs, client.now())


def gather(
    store: Store,
    dataset: Dataset,
    now: datetime,
    *,
    wanted: Wanted | None = None,
    stripe: AtStripe | None = None,
    others: Sequence[Dataset] | None = None,
    lists: AccountLists = NO_LISTS,
) -> Facts:
    """What is known of a table.

    Args:
        wanted: as it is configured; None where it is not: then nothing is missing after its last file.
        stripe: what Stripe was asked in the name of the table's account; None where it was not.
        others: tables it is compared with; None where checks are not to be evaluated.
        lists: the accounts that the configuration names.

    Raises StoreError where the file system refuses.
    """
    files = store.provenances(dataset)
    there = {key: file for key, file in files.items() if file}
    now = stripe.now if stripe else now
    expected = _expected(dataset, there, wanted, now, lists)
    available = stripe.types.get(dataset.report_type) if stripe else None
    facts = Facts(
        table=dataset.table,
        mode=dataset.mode,
        report_type=dataset.report_type,
        window=dataset.window,
        zone=dataset.zone,
        dimensions=dataset.dimensions,
        expected=expected,
        there=frozenset(there),
        now=now,
        prepared=latency_of(dataset.report_type).prepared,
        restated=frozenset(key for key, file in there.items() if find_restatement(store, dataset, file)),
        available=(available.data_available_start, available.data_available_end) if available else None,
    )
    if stripe:
        query = wanted.query if wanted else _last_query(dataset, there)
        facts = _with_runs(facts, query, stripe.runs) if query else facts
    if others is None:
        return facts
    return replace(facts, failing=_failing(store, dataset, others, lists))


def _expected(
    dataset: Dataset,
    there: Mapping[str, Provenance],
    wanted: Wanted | None,
    now: datetime,
    lists: AccountLists,
) -> dict[str, Interval | None]:
    found: dict[str, Interval | None] = {key: file.interval for key, file in there.items()}
    if dataset.window == BY_PAYOUT:
        return found
    intervals = {key: interval for key, interval in found.items() if interval}
    windows = Windows(dataset.window, dataset.zone)
    for key in coverage_of(dataset, intervals, lists).missing:
        try:
            found[key] = windows.partition(dataset.key_format.values(key)[-1]).interval
        except ConfigurationError:  # a gap that no window fits into
            continue
    for each in wanted.partitions(now) if wanted else ():
        found.setdefault(each.key, each.interval)
    return found


def _last_query(dataset: Dataset, there: Mapping[str, Provenance]) -> ReportQuery | None:
    """What the file that was fetched last was requested with; None where the catalogue does not know it."""
    if not there:
        return None
    try:
        return rebuild_query(dataset, max(there.values(), key=lambda file: file.fetched_at))
    except ConfigurationError:
        return None


def _with_runs(facts: Facts, query: ReportQuery, runs: Sequence[ReportRun]) -> Facts:
    """With the report runs that ask for partitions without a file."""
    if facts.window == BY_PAYOUT:
        return facts
    windows = Windows(facts.window, facts.zone)
    asked: dict[ReportRequest, str] = {}
    for key in facts.expected.keys() - facts.there:
        *account, period = query.key_format.values(key)
        window = windows.partition(period)
        asked[query.request(query.of_account(window, account[0]) if account else window)] = key
    # The newest is the last.
    of = [(asked[run.request], run) for run in reversed(runs) if run.request in asked]
    return replace(
        facts,
        pending={key: run.id for key, run in of if run.status is RunStatus.PENDING},
        finished={key: run.id for key, run in of if run.status is RunStatus.SUCCEEDED},
    )


def _failing(
    store: Store, dataset: Dataset, others: Sequence[Dataset], lists: AccountLists
) -> dict[str, list[str]]:
    """Why partitions fail a check that is an error, by key."""
    found: dict[str, list[str]] = {}
    # A report that the catalogue does not have cannot be checked.
    with contextlib.suppress(ConfigurationError):
        for outcome in audit(store, dataset, others, lists):
            if outcome.finding.result is CheckResult.FAILED and outcome.check.severity is Severity.ERROR:
                reason = f"{outcome.check.name}: {outcome.finding.reason}"
                found.setdefault(outcome.partition, []).append(reason)
    return found


def _midnight(windows: Windows, day: date) -> datetime:
    return Windows("daily", windows.zone).bound(day)
