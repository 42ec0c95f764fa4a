"""Which payouts there are, read out of the files of reports that name them.

A report about one payout has no windows, so something else has to say which partitions it has. Itemized
reports do: each of their rows names the payout that paid it out, once there is one.
"""

import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from assets.reports.configured import ConfiguredReport
from connector.api.models import epoch, moment
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import ConfigurationError
from connector.query import CONNECTED_ACCOUNT
from connector.text import hint

#: Columns that name a payout. Only automatic payouts can be taken apart, so their column is the better one.
_COLUMNS = ("automatic_payout_id", "payout_id")

#: It names each payout in the window in which it takes effect; others name it in rows that may be older.
_BEST = "payout_reconciliation_itemized"

_VERSION = 1


@dataclass(frozen=True, slots=True)
class PayoutSource:
    """A configured report whose rows name payouts.

    Attributes:
        column: where they stand.
    """

    report: ConfiguredReport
    column: str

    def payouts(self, store: Store, dataset: Dataset, key: str, *, asker: ConfiguredReport) -> list[str]:
        """Keys of `asker`'s partitions for the payouts that one partition of this report names, sorted.

        Args:
            dataset: the identity of this report's table.
            key: one of its partitions that has a file.
        """
        rows = store.arrow_dataset(dataset, [key])
        if self.column not in rows.schema.names:  # made when other columns were configured
            return []
        # Out of the rows, or the one account that the partition or the whole report is about.
        always = self.report.partition(key).parameters.get(
            CONNECTED_ACCOUNT, self.report.query.filters.get(CONNECTED_ACCOUNT)
        )
        names = [name for name in (CONNECTED_ACCOUNT, self.column) if name in rows.schema.names]
        found = rows.to_table(columns=names).group_by(names).aggregate([]).to_pylist()
        wanted = asker.query.filters.get(CONNECTED_ACCOUNT)
        form = asker.query.key_format
        keys = set()
        for row in found:
            account, payout = row.get(CONNECTED_ACCOUNT) or always, row[self.column]
            if payout and wanted in {None, account} and (account or not form.dimensions):
                keys.add(form.key(*([account] if form.dimensions else []), payout))
        return sorted(key for key in keys if _can_be_asked(asker, key))


def _can_be_asked(asker: ConfiguredReport, key: str) -> bool:
    """False for what a payout's column holds and Stripe would not take for one."""
    try:
        asker.partition(key)
    except ConfigurationError:
        return False
    return True


def source_of(asker: ConfiguredReport, reports: Iterable[ConfiguredReport]) -> PayoutSource | None:
    """The configured report that a report about one payout takes its payouts from; None where none names any.

    Raises ConfigurationError where the configuration names one that cannot be taken.
    """
    named = {report.query.name: source for report in reports if (source := _named_in(report, asker))}
    if asker.payouts_from is None:
        return min(named.values(), key=_rank, default=None)
    if asker.payouts_from not in named:
        raise ConfigurationError(
            f"payouts of {asker.query.name} cannot be read from {asker.payouts_from!r}"
            f"{hint(asker.payouts_from, named)}. It has to be a report about the same accounts in the same "
            f"file, with one of the columns {', '.join(_COLUMNS)}"
        )
    return named[asker.payouts_from]


def _named_in(report: ConfiguredReport, asker: ConfiguredReport) -> PayoutSource | None:
    query = report.query
    columns = {column.name for column in query.columns}
    column = next((name for name in _COLUMNS if name in columns), None)
    if query.by_payout or column is None or query.spec.scope is not asker.query.spec.scope:
        return None
    of_one = CONNECTED_ACCOUNT in {*asker.query.dimensions, *asker.query.filters}
    if of_one and CONNECTED_ACCOUNT not in {*columns, *query.dimensions, *query.filters}:
        return None
    return PayoutSource(report, column)


def _rank(source: PayoutSource) -> tuple[bool, int]:
    return (not source.report.query.spec.name.endswith(_BEST), _COLUMNS.index(source.column))


@dataclass(frozen=True, slots=True)
class Pending:
    """A payout that is to be asked for until its file is there.

    Attributes:
        found: when it became known, in unix seconds.
        asked: Stripe's `data_available_end` when it was asked for last, in unix seconds; 0 for not yet.
    """

    found: int
    asked: int = 0


@dataclass(frozen=True, slots=True)
class PayoutCursor:
    """How far the payouts of one report about them have been looked for.

    Attributes:
        read: the newest event of the source that was looked at; 0 for none.
        pending: by partition key.
    """

    read: int = 0
    pending: Mapping[str, Pending] = field(default_factory=dict)

    def learned(self, read: int, keys: Iterable[str], now: datetime) -> Self:
        """The same after some of the source's files were read."""
        new = {key: Pending(epoch(now)) for key in keys if key not in self.pending}
        return type(self)(read, {**self.pending, **new})

    def without(self, kept: Set[str], *, now: datetime, look_back: timedelta) -> Self:
        """The same without payouts whose file is there, and those that were asked for long enough."""
        left = {
            key: one
            for key, one in self.pending.items()
            if key not in kept and now - moment(one.found) < look_back
        }
        return type(self)(self.read, left)

    def due(self, until: int, *, leave: Set[str]) -> list[str]:
        """Keys to ask for: not yet asked for since Stripe's data last advanced, to `until`.

        Args:
            leave: keys that are asked for already.
        """
        return [key for key, one in self.pending.items() if one.asked != until and key not in leave]

    def having_asked(self, keys: Iterable[str], until: int) -> Self:
        """The same with what was asked for just now."""
        asked = {key: Pending(self.pending[key].found, until) for key in keys}
        return type(self)(self.read, {**self.pending, **asked})


def to_cursor(progress: Mapping[str, PayoutCursor]) -> str:
    """Progress by asset, as a sensor's cursor."""
    assets = {
        asset: {"read": one.read, "pending": {key: [p.found, p.asked] for key, p in one.pending.items()}}
        for asset, one in sorted(progress.items())
    }
    return json.dumps({"version": _VERSION, "assets": assets}, separators=(",", ":"))


def from_cursor(text: str | None) -> dict[str, PayoutCursor]:
    """What `to_cursor` wrote; nothing for a cursor that is lost, or not one of ours."""
    try:
        state = json.loads(text or "{}")
        if state.get("version") != _VERSION:
            return {}
        return {
            str(asset): PayoutCursor(
                int(one["read"]),
                {str(key): Pending(int(found), int(asked)) for key, (found, asked) in one["pending"].items()},
            )
            for asset, one in state["assets"].items()
        }
    except (ValueError, TypeError, AttributeError, KeyError):
        return {}
