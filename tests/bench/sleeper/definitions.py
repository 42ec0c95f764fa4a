"""Two assets with the partitions, ranges and pool of the reports, which sleep as long as Stripe takes."""

import time
from pathlib import Path

import dagster as dg
import yaml

from assets.definitions import EXECUTOR
from tests.bench.latency import longest

#: What a deployment writes into the project.
_CONFIGURED = Path(__file__).parent / "defs" / "stripe_reports" / "defs.yaml"


@dg.definitions
def defs() -> dg.Definitions:
    attributes = yaml.safe_load(_CONFIGURED.read_text(encoding="utf-8"))["attributes"]
    days = dg.DailyPartitionsDefinition(str(attributes["defaults"]["start"]), timezone="UTC")
    return dg.Definitions([sleeper(each, days) for each in attributes["reports"]], executor=EXECUTOR)


def sleeper(report: dict[str, str], days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset of a report."""
    name = report["report"].rpartition(".")[0].replace(".", "_")

    @dg.multi_asset(
        name=name,
        specs=[dg.AssetSpec(["stripe", name])],
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.multi_run(31),
        pool="stripe_reporting",
    )
    def sleeping(context: dg.AssetExecutionContext) -> None:
        time.sleep(longest(report["report"], context.partition_keys))

    return sleeping
