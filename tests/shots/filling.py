"""Materialize every partition of a deployment in one process, before its servers run: a minute, not an hour.

    python -m tests.shots.filling LAST

Under the deployment's environment, and with its project on the path.
"""

import importlib
import sys
from collections.abc import Iterator

import dagster as dg

from tests.e2e.console import LOCATION

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def main(last: str) -> None:
    """Each asset, what it is made of first, in one Dagster run over its partitions up to `last`."""
    loaded: dg.Definitions = importlib.import_module(f"{LOCATION}.definitions").defs()
    job = dg.Definitions(
        assets=loaded.assets, asset_checks=loaded.asset_checks, resources=loaded.resources
    ).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        for key, partitions in _in_order(loaded):
            keys = [each for each in partitions.get_partition_keys() if each <= last]
            span = {"start": keys[0], "end": keys[-1]} if keys else {}
            if keys:
                job.execute_in_process(
                    run_config=_QUIET,
                    instance=instance,
                    asset_selection=[key],
                    tags={f"dagster/asset_partition_range_{bound}": each for bound, each in span.items()},
                )


def _in_order(loaded: dg.Definitions) -> Iterator[tuple[dg.AssetKey, dg.PartitionsDefinition[str]]]:
    graph = loaded.resolve_asset_graph()
    for level in graph.toposorted_asset_keys_by_level:
        for key in sorted(level):
            partitions = graph.get(key).partitions_def
            if partitions is not None:
                yield key, partitions


if __name__ == "__main__":
    main(*sys.argv[1:])
