"""The check that a run brought every partition it was launched for.

Without it *Re-execute from asset failure* would leave the report out: Dagster counts an asset as materialized
as soon as one partition of the run is, and the re-execution ends well without the others. Dagster does select
an asset of which a check that blocks has failed, or was planned and never evaluated.
"""

import dagster as dg

from assets.dagster_runs.tags import needs_person
from assets.materialize.failures import MATERIALIZED, outcome_of
from assets.shown import shown

CHECK_NAME = "every_partition_is_there"


def completeness_spec(asset: dg.AssetKey) -> dg.AssetCheckSpec:
    """The check of an asset; it is about a run, not about single partitions."""
    return dg.AssetCheckSpec(
        CHECK_NAME,
        asset=asset,
        description="The latest run brought every partition that it was launched for.",
        blocking=True,
    )


def completeness_evaluation(
    asset: dg.AssetKey, wanted: int, ended: BaseException | None = None
) -> dg.AssetCheckEvaluation:
    """The check's result for a run that has ended.

    Args:
        wanted: how many partitions it was launched for.
        ended: what ended it, unless it ended well.
    """
    there, text, passing = wanted, f"All {wanted} partitions of this run are there.", False
    if isinstance(ended, dg.Failure):
        materialized = ended.metadata.get(MATERIALIZED)
        there = (materialized.value or 0) if isinstance(materialized, dg.IntMetadataValue) else 0
        text = f"{there} of {wanted} partitions of this run are there."
        if there < wanted:
            text = f"{text}\n{ended.description}"
        passing = not needs_person(outcome_of(ended))
    elif ended:
        there, text = 0, f"The run ended before all of its {wanted} partitions were there."
        passing = isinstance(ended, dg.DagsterExecutionInterruptedError)
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=CHECK_NAME,
        passed=there == wanted,
        severity=dg.AssetCheckSeverity.WARN if passing else dg.AssetCheckSeverity.ERROR,
        blocking=True,
        description=shown(text),
    )
