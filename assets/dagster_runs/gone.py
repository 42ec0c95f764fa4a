"""Accounts that Stripe refuses as unknown, as Dagster's runs have found out.

A run that meets such an account names it in a tag, for the asset it was about. The account counts as gone
until one of its partitions is materialized later: a person who has connected it again launches one. Nothing
else is remembered, so nothing can be lost.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from assets.reports.partitions import AccountPartitions, account_in
from connector.partitions import Partition

#: Run tag: the run has met an account that is gone. Its value is always the same, so that it can be found.
_GONE_TAG, _YES = "stripe/gone", "yes"

#: Run tag: which accounts, by asset, as JSON.
_ACCOUNTS_TAG = "stripe/gone_accounts"

_RUNS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class GoneAccounts:
    """The accounts of one report that are gone. A key is in it if its account is."""

    accounts: frozenset[str] = frozenset()

    def __contains__(self, key: object) -> bool:
        return account_in(str(key)) in self.accounts


NONE_GONE = GoneAccounts()


def find_gone(
    instance: dg.DagsterInstance, asset: dg.AssetKey, partitions: dg.PartitionsDefinition[str] | None
) -> GoneAccounts:
    """The accounts of an asset that are gone; without partitions of accounts, or of their payouts, there are
    none."""
    if not isinstance(partitions, (AccountPartitions, dg.DynamicPartitionsDefinition)):
        return NONE_GONE
    refused = _refused(instance, asset.to_user_string())
    if not refused:
        return NONE_GONE
    keys = _keys_of(instance, partitions, refused)
    gone = (each for each, own in keys.items() if not _came_back(instance, asset, own, refused[each]))
    return GoneAccounts(frozenset(gone))


def gone_tags(found: Iterable[tuple[str, Partition]], before: Mapping[str, str]) -> dict[str, str]:
    """The tags of a run that has met accounts that are gone.

    Args:
        found: asset keys as people read them, each with a partition that was refused.
        before: the tags of the run so far; another step of it may have met some.
    """
    named = _named(before)
    for asset, partition in found:
        if account := partition.account:
            named[asset] = sorted({*named.get(asset, ()), account})
    if not named:
        return {}
    return {_GONE_TAG: _YES, _ACCOUNTS_TAG: json.dumps(named, separators=(",", ":"))}


def _refused(instance: dg.DagsterInstance, asset: str) -> dict[str, float]:
    """The accounts that runs about an asset were refused, and when the last one ended, in unix seconds."""
    found: dict[str, float] = {}
    for record in _runs(instance):
        ended = record.end_time or record.update_timestamp.timestamp()
        for account in _named(record.dagster_run.tags).get(asset, ()):
            found[account] = max(ended, found.get(account, ended))
    return found


def _keys_of(
    instance: dg.DagsterInstance,
    partitions: AccountPartitions | dg.DynamicPartitionsDefinition,
    accounts: Collection[str],
) -> dict[str, list[str]]:
    """The partitions of each of these accounts, as far as there are any."""
    if isinstance(partitions, AccountPartitions):
        return {each: partitions.keys_of(each) for each in partitions.accounts if each in accounts}
    found: dict[str, list[str]] = {}
    for key in partitions.get_partition_keys(dynamic_partitions_store=instance):
        if (account := account_in(key)) in accounts:
            found.setdefault(account, []).append(key)
    return found


def _came_back(
    instance: dg.DagsterInstance,
    asset: dg.AssetKey,
    keys: Sequence[str],
    refused: float,
) -> bool:
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=keys, after_timestamp=refused)
    return bool(instance.fetch_materializations(wanted, limit=1).records)


def _runs(instance: dg.DagsterInstance) -> Iterator[dg.RunRecord]:
    cursor: str | None = None
    while page := instance.get_run_records(
        dg.RunsFilter(tags={_GONE_TAG: _YES}), limit=_RUNS_AT_ONCE, cursor=cursor
    ):
        yield from page
        if len(page) < _RUNS_AT_ONCE:
            return
        cursor = page[-1].dagster_run.run_id


def _named(tags: Mapping[str, str]) -> dict[str, list[str]]:
    """The accounts in a run's tags, by asset; none in what people made up."""
    try:
        return {str(asset): list(map(str, some)) for asset, some in json.loads(tags[_ACCOUNTS_TAG]).items()}
    except (KeyError, ValueError, AttributeError, TypeError):
        return {}
