"""A report's partitions in Dagster: windows of time, those of each account, or payouts.

Keys are Dagster's; `connector.partitions` gives the same ones, so that the command and the asset mean the
same file.
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, cast
from zoneinfo import ZoneInfo

import dagster as dg

from connector.errors import ConfigurationError
from connector.partitions import ACTING_FOR, CONNECTED_ACCOUNT, Interval, Partition, Windows
from connector.text import visible

_DEFINITIONS: dict[str, type[dg.TimeWindowPartitionsDefinition]] = {
    "hourly": dg.HourlyPartitionsDefinition,
    "daily": dg.DailyPartitionsDefinition,
    "weekly": dg.WeeklyPartitionsDefinition,
    "monthly": dg.MonthlyPartitionsDefinition,
}

#: The dimension of time; the other one is accounts. Dagster sorts them by name, so it is second.
WINDOW = "window"

#: Dagster recommends no more partitions of one asset; elsewhere in its documentation 25,000.
MOST_PARTITIONS = 100_000

#: How Dagster tags events and runs with the value of each dimension.
_DIMENSION_TAG = "dagster/partition/"

#: Stripe has no data before; later changes of clocks are not known.
_YEARS = range(2011, 2038)


def partitions_definition(
    windows: Windows, start: date | datetime, *, end_offset: int = 0
) -> dg.TimeWindowPartitionsDefinition:
    """Every whole window from `start` until now.

    Args:
        windows: how long they are, and on which clock they begin.
        start: the first window begins here, or at the first bound after it. A date means its midnight on
            the zone's clock; so does a datetime, which must not have a zone of its own.
        end_offset: how many windows beyond the last whole one there are; negative leaves some out.
    """
    refuse_lossy(windows)
    if isinstance(start, datetime) and start.tzinfo is not None:
        raise ConfigurationError(
            f"start {start} has a zone of its own; give it on the clock of {windows.zone}"
        )
    first = start if isinstance(start, datetime) else datetime.combine(start, time())
    definition = _DEFINITIONS[windows.unit]
    return definition(start_date=first, timezone=windows.zone, end_offset=end_offset)  # type: ignore[call-arg]


#: What ends the account in a key: of a window, or of a payout.
_BEHIND_ACCOUNT = re.compile(r"[|:]")


def account_in(key: str) -> str:
    """The account of a partition's key; of a key without one, what cannot be an account."""
    return _BEHIND_ACCOUNT.split(key, maxsplit=1)[0]


class AccountPartitions(dg.MultiPartitionsDefinition):
    """Every window of each of some accounts; keys look like `acct_1|2026-06-01`.

    A run about an account that was taken off the list is refused with the way out. Dagster's own processes
    see a definition like any other.
    """

    def __init__(
        self,
        windows: dg.TimeWindowPartitionsDefinition,
        accounts: Sequence[str],
        dimension: str = CONNECTED_ACCOUNT,
    ) -> None:
        static = dg.StaticPartitionsDefinition(list(accounts))
        super().__init__({dimension: static, WINDOW: windows})

    @property
    def accounts(self) -> Sequence[str]:
        """The accounts, in order."""
        return self._of_accounts.get_partition_keys()

    @property
    def _of_accounts(self) -> dg.PartitionsDefinition[str]:
        (found,) = (each.partitions_def for each in self.partitions_defs if each.name != WINDOW)
        return found

    def keys_of(self, account: str) -> list[str]:
        """The keys of one account's partitions, oldest first."""
        windows = self.get_partitions_def_for_dimension(WINDOW).get_partition_keys()
        return [f"{account}|{window}" for window in windows]

    def get_partition_keys_in_range(
        self, partition_key_range: dg.PartitionKeyRange, *arguments: Any, **options: Any
    ) -> Sequence[dg.MultiPartitionKey]:
        """The keys of a range. Raises DagsterInvalidInvocationError naming accounts that are unknown."""
        self._refuse_unlisted(partition_key_range.start, partition_key_range.end)
        keys = super().get_partition_keys_in_range(partition_key_range, *arguments, **options)
        return cast(Sequence[dg.MultiPartitionKey], keys)

    def validate_partition_key(self, partition_key: str, *arguments: Any, **options: Any) -> None:
        """Raises DagsterInvalidInvocationError naming an account that is unknown."""
        self._refuse_unlisted(partition_key)
        super().validate_partition_key(partition_key, *arguments, **options)

    def _refuse_unlisted(self, *keys: str) -> None:
        accounts = self._of_accounts
        named = dict.fromkeys(account_in(key) for key in map(str, keys) if "|" in key)
        if unlisted := ", ".join(each for each in named if not accounts.has_partition_key(each)):
            raise dg.DagsterInvalidInvocationError(
                f"{visible(unlisted)} is not in the list of accounts of these partitions any more. An "
                "account is ended, never taken off the list: put it back with `until:` and its last day. "
                "Its files are still there, and are read"
            )


def has_accounts(definition: dg.PartitionsDefinition[str] | None) -> bool:
    """Whether a dimension of an asset's partitions, ours or not, is accounts, by its name."""
    return isinstance(definition, dg.MultiPartitionsDefinition) and not (
        {CONNECTED_ACCOUNT, ACTING_FOR}.isdisjoint(definition.partition_dimension_names)
    )


def too_many(definition: dg.PartitionsDefinition[str]) -> str | None:
    """A warning about more partitions than Dagster is made for; None where there are fewer."""
    if not isinstance(definition, dg.MultiPartitionsDefinition):
        return None
    count = math.prod(len(each.partitions_def.get_partition_keys()) for each in definition.partitions_defs)
    if count <= MOST_PARTITIONS:
        return None
    return (
        f"{count:,} partitions: Dagster recommends at most {MOST_PARTITIONS:,} for one asset, in places "
        "25,000, and its UI slows down beyond. Use longer windows or a later start, split the accounts over "
        "several `name`s, or pull all accounts in one run, with the account as a column"
    )


def dimension_tags(definition: dg.PartitionsDefinition[str], key: str) -> Mapping[str, str]:
    """The tags that give an event of a partition its dimensions; empty where there is one dimension."""
    if not isinstance(definition, dg.MultiPartitionsDefinition):
        return {}
    tags = definition.get_tags_for_partition_key(key)
    return {name: value for name, value in tags.items() if name.startswith(_DIMENSION_TAG)}


def refuse_lossy(windows: Windows) -> None:
    """Refuse windows that Dagster cannot tile time with.

    Where a clock changes by less than an hour, as on Lord Howe Island, Dagster's hourly windows leave the
    rest of that hour out.
    """
    zone = ZoneInfo(windows.zone)
    months = (datetime(year, month, 1, tzinfo=zone) for year in _YEARS for month in range(1, 13))
    offsets = [each.utcoffset() or timedelta() for each in months]
    if windows.unit == "hourly" and any((one - two) % timedelta(hours=1) for one, two in pairwise(offsets)):
        raise ConfigurationError(
            f"hourly windows of {windows.zone} would lose a part of the hour in which its clock changes; "
            "cut the hours in UTC, or use daily windows"
        )


def partition_of(definition: dg.TimeWindowPartitionsDefinition, key: str) -> Partition:
    """The partition of that key: aware bounds on the zone's clock become seconds in UTC.

    A day has 23, 24 or 25 hours, as the clock says.
    """
    window = definition.time_window_for_partition_key(key)
    return Partition(key, Interval(window.start, window.end))


def adjacent(definition: dg.TimeWindowPartitionsDefinition, key: str) -> list[tuple[str, str]]:
    """A partition with the one before it, and with the one after it, as far as they are defined."""
    window = definition.time_window_for_partition_key(key)
    pairs = []
    if before := definition.get_prev_partition_window(window.start):
        pairs.append((definition.get_partition_key_for_timestamp(before.start.timestamp()), key))
    if after := definition.get_next_partition_window(window.end):
        pairs.append((key, definition.get_partition_key_for_timestamp(after.start.timestamp())))
    return pairs
