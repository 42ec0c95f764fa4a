"""The reports of this project, and assets of the user's own that follow them."""

from dataclasses import dataclass

import dagster as dg
import pyarrow as pa

from assets import ConfiguredReport, StripeReportsComponent, follow_reports


@dataclass
class Reports(StripeReportsComponent):
    """The component as it comes, and an asset behind each report."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The reports and what follows them."""
        followers = [_follower(report) for report in self.reports]
        return dg.Definitions.merge(super().build_defs(context), dg.Definitions(assets=followers))


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
