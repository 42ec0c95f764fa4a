"""An automation condition: partitions nobody waits for, since their account did not live then, or is gone.

Dagster has no such condition of its own, so whoever uses it needs a sensor that evaluates it in the code
location.
"""

from collections.abc import Iterator

import dagster as dg

from assets.dagster_runs.gone import find_gone
from assets.reports.metadata import accounts_of, dataset_of
from assets.reports.partitions import AccountPartitions, account_in
from connector.partitions import Windows


class NotAwaited(dg.AutomationCondition[dg.AssetKey]):
    """True of the partitions of a report that will not come: those outside of their account's life, and those
    of an account that is gone, after the last one it brought."""

    @property
    def name(self) -> str:
        """As the UI shows it."""
        return "not_awaited"

    def evaluate(self, context: dg.AutomationContext[dg.AssetKey]) -> dg.AutomationResult[dg.AssetKey]:
        """Those among the candidates."""
        keys = {*_not_awaited(context)} if isinstance(context.partitions_def, AccountPartitions) else set()
        candidates = context.candidate_subset
        found = (
            candidates.compute_intersection_with_partition_keys(keys) if keys else context.get_empty_subset()
        )
        return dg.AutomationResult(context, true_subset=found)


def _not_awaited(context: dg.AutomationContext[dg.AssetKey]) -> Iterator[str]:
    key, instance = context.key, context.asset_graph_view.instance
    metadata = context.asset_graph.get(key).metadata
    dataset, lives = dataset_of(metadata, mode="", account=None), accounts_of(metadata)
    if dataset is None:
        return
    windows, form = Windows(dataset.window, dataset.zone), dataset.key_format
    gone = find_gone(instance, key, context.partitions_def)
    brought = (
        [each for each in instance.get_materialized_partitions(key) if each in gone] if gone.accounts else []
    )
    last = {account_in(each): each for each in sorted(brought)}
    for each in context.candidate_subset.expensively_compute_partition_keys():
        account, window = form.values(each)
        life = lives.get(account)
        lived = life is not None and life.overlaps(windows.partition(window).interval, dataset.zone)
        if not lived or (each in gone and each > last.get(account, "")):
            yield each
