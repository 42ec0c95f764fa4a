"""Which payouts there are, read out of the files of reports that name them.

A report about one payout has no windows of time; its partitions are payouts. Itemized reports say which there
are: each of their rows names the payout that paid it out, once there is one.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

from assets.reports.configured import ConfiguredReport
from assets.sensors.tick import CursorFormat, remembered
from connector.api.models import epoch, moment
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import ConfigurationError
from connector.partitions import CONNECTED_ACCOUNT
from connector.text import hint

#: Columns that name a payout. Stripe reconciles only automatic payouts, so their column is the better one.
_COLUMNS = ("automatic_payout_id", "payout_id")

#: It names each payout in the window in which it takes effect; others name it in rows that may be older.
_BEST = "payout_reconciliation_itemized"


@dataclass(frozen=True, slots=True)
class PayoutSource:
    """A configured report whose rows name payouts.

    Attributes:
        column: the column with the payouts' ids.
    """

    report: ConfiguredReport
    column: str

    def read_payouts(
        self, store: Store, dataset: Dataset, key: str, *, wanted: ConfiguredReport
    ) -> list[str]:
        """The payouts that one partition of this report names, as sorted keys of `wanted`'s partitions.

        Args:
            dataset: the identity of this report's table.
            key: one of its partitions that has a file.
            wanted: the report about one payout.
        """
        rows = store.arrow_dataset(dataset, [key])
        if self.column not in rows.schema.names:  # made when other columns were configured
            return []
        # From the rows, or the one account that the partition or the whole report is about.
        always: Any = self.report.partition(key).account or self.report.query.filters.get(CONNECTED_ACCOUNT)
        listed = wanted.acting_accounts
        names = [name for name in (CONNECTED_ACCOUNT, self.column) if name in rows.schema.names]
        found = rows.to_table(columns=names).group_by(names).aggregate([]).to_pylist()
        only = wanted.query.filters.get(CONNECTED_ACCOUNT)
        form = wanted.query.key_format
        keys = set()
        for row in found:
            account, payout = row.get(CONNECTED_ACCOUNT) or always, row[self.column]
            if listed and (account is None or listed.get(account) is None):
                continue
            if payout and only in {None, account} and (account or not form.dimensions):
                keys.add(form.key(*([account] if form.dimensions else []), payout))
        return sorted(key for key in keys if is_valid(wanted, key))


def is_valid(report: ConfiguredReport, key: str) -> bool:
    """False for what stands in a payout's column and is not a payout id that Stripe takes."""
    try:
        report.partition(key)
    except ConfigurationError:
        return False
    return True


def find_source(wanted: ConfiguredReport, reports: Iterable[ConfiguredReport]) -> PayoutSource | None:
    """The configured report that a report about one payout takes its payouts from; None where none names any.

    Raises ConfigurationError where the configuration names one that does not fit.
    """
    sources = {report.query.name: source for report in reports if (source := _source_in(report, wanted))}
    if wanted.payouts_from is None:
        return min(sources.values(), key=_rank, default=None)
    if wanted.payouts_from not in sources:
        raise ConfigurationError(
            f"payouts of {wanted.query.name} cannot be read from {wanted.payouts_from!r}"
            f"{hint(wanted.payouts_from, sources)}. Name a report about the same accounts in the same file, "
            f"with one of the columns {', '.join(_COLUMNS)}"
        )
    return sources[wanted.payouts_from]


def find_sources(reports: Sequence[ConfiguredReport]) -> list[tuple[ConfiguredReport, PayoutSource]]:
    """The reports about one payout that have a source, each with it.

    Raises ConfigurationError where one names a source that does not fit.
    """
    found = [(report, find_source(report, reports)) for report in reports if report.query.by_payout]
    return [(report, source) for report, source in found if source is not None]


def _source_in(report: ConfiguredReport, wanted: ConfiguredReport) -> PayoutSource | None:
    query = report.query
    columns = {column.name for column in query.columns}
    column = next((name for name in _COLUMNS if name in columns), None)
    if query.by_payout or column is None or query.spec.scope is not wanted.query.spec.scope:
        return None
    if query.acting is not wanted.query.acting:
        return None
    of_one = CONNECTED_ACCOUNT in {*wanted.query.dimensions, *wanted.query.filters}
    if of_one and CONNECTED_ACCOUNT not in {*columns, *query.dimensions, *query.filters}:
        return None
    return PayoutSource(report, column)


def _rank(source: PayoutSource) -> tuple[bool, int]:
    return (not source.report.query.spec.name.endswith(_BEST), _COLUMNS.index(source.column))


class PendingPayout(NamedTuple):
    """A payout that is requested until its file is published.

    Attributes:
        found: when it became known, in unix seconds.
    """

    found: int


@remembered
@dataclass(frozen=True, slots=True)
class PayoutProgress:
    """How far the payouts of one report about them have been read.

    Attributes:
        read: the newest event of the source that was read; 0 for none.
        pending: by partition key.
        recorded: the file after which the recording of unknown ones goes on; None for the beginning.
        looked: when a tick last looked at it, by Stripe's clock, in unix seconds; 0 for never.
    """

    read: int = 0
    pending: Mapping[str, PendingPayout] = field(default_factory=dict)
    recorded: str | None = None
    looked: int = 0

    def with_found(self, read: int, keys: Iterable[str], now: datetime) -> Self:
        """The same after some of the source's files were read."""
        new = {key: PendingPayout(epoch(now)) for key in keys if key not in self.pending}
        return replace(self, read=read, pending={**self.pending, **new})

    def without_settled(self, published: Set[str], *, now: datetime, look_back: timedelta) -> Self:
        """The same without payouts that are published, and those that were requested for long enough."""
        left = {
            key: one
            for key, one in self.pending.items()
            if key not in published and now - moment(one.found) < look_back
        }
        return replace(self, pending=left)


#: The progress of each report about payouts, by asset key.
PROGRESS_CURSOR = CursorFormat(dict[str, PayoutProgress])
