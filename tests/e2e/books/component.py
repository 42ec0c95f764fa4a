"""The reports of this project, the sensor that brings in the late ones, and an asset that follows them."""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg
import pyarrow as pa

from assets import ConfiguredReport, StripeReportsComponent
from assets.automation import follow_reports
from assets.upkeep import Automation


@dataclass
class Reports(StripeReportsComponent):
    """The component as it comes, with only the late-run sensor switched on: the others would ask too."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The reports, a sensor that looks as often as Dagster lets it, and what follows each report."""
        self.automation = Automation(ask_by="hand", check_newest=False, pick_up_every=5)
        added = dg.Definitions(assets=_followers(self.reports))
        return dg.Definitions.merge(super().build_defs(context), added)


def _followers(reports: Sequence[ConfiguredReport]) -> list[dg.AssetsDefinition]:
    return [_follower(report) for report in reports]


def _follower(report: ConfiguredReport) -> dg.AssetsDefinition:
    """An asset of the user's own, which counts a report's rows."""

    @dg.asset(
        key=["books", f"{report.query.name}_rows"],
        ins={"rows": dg.AssetIn(report.key)},
        partitions_def=report.partitions,
        backfill_policy=dg.BackfillPolicy.multi_run(31),
        automation_condition=follow_reports(),
    )
    def counted(context: dg.AssetExecutionContext, rows: pa.Table) -> dg.MaterializeResult:  # type: ignore[type-arg, unused-ignore]
        context.log.info(f"{len(context.partition_keys)} partitions: {rows.num_rows} rows")
        return dg.MaterializeResult(metadata={"rows": rows.num_rows})

    return counted
