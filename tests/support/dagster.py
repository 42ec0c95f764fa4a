"""Dagster with a Stripe in memory: a real instance, the real assets, and a manual clock."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import httpx

from assets import ConfiguredReport, StripeReporting, report_reader
from connector.api.client import StripeClient
from connector.api.credentials import Hosts
from connector.api.retry import RetryPolicy
from connector.clock import Clock
from connector.dataset.store import Store
from connector.query import ReportQuery
from connector.simulator import SIMULATED_KEY
from tests.support.migrations import read_migrations_once

read_migrations_once()

Handler = Callable[[httpx.Request], httpx.Response]
Assets = Sequence[dg.AssetsDefinition | dg.AssetChecksDefinition]


class Orchestra:
    """One Dagster and one Stripe: launches partitions as the UI does, and reads what was recorded."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        handler: Handler,
        clock: Clock,
        root: Path,
        *,
        store: Callable[[str], Store] = Store,
        bucket: str | None = None,
    ) -> None:
        """With `bucket`, a URL, files lie there instead of below `root`."""
        self.instance = instance
        self.root = root
        self.stripe = _stripe_on(handler, clock, bucket or root, store)
        self.resources: dict[str, Any] = {"stripe": self.stripe, "stripe_parquet": report_reader()}

    def launch(
        self,
        assets: Assets,
        first: str,
        last: str | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        selection: Sequence[str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """One Dagster run over the partitions from `first` to `last`, both included."""
        span = {
            "dagster/asset_partition_range_start": first,
            "dagster/asset_partition_range_end": last or first,
        }
        return dg.materialize(
            assets,
            instance=self.instance,
            resources=self.resources,
            tags={**(tags or {}), **(span if last else {})},
            partition_key=None if last else first,
            selection=selection,
            raise_on_error=False,
        )

    def recorded(self, asset: dg.AssetsDefinition) -> list[tuple[str, dg.AssetMaterialization]]:
        """Every materialization event of an asset with its partition, oldest first."""
        found = self.instance.fetch_materializations(asset.key, limit=1000, ascending=True).records
        return [
            (str(record.partition_key), record.asset_materialization)
            for record in found
            if record.asset_materialization
        ]

    def observed(self, asset: dg.AssetsDefinition) -> list[tuple[str, dg.AssetObservation]]:
        """Every observation of an asset with its partition, oldest first."""
        found = self.instance.fetch_observations(asset.key, limit=1000, ascending=True).records
        return [
            (str(record.partition_key), record.asset_observation)
            for record in found
            if record.asset_observation
        ]

    def failure(self, result: dg.ExecuteInProcessResult) -> tuple[str, Mapping[str, Any]]:
        """The description and the metadata of the run's one failed step."""
        (event,) = [event for event in result.all_events if event.is_step_failure]
        failure = event.step_failure_data.user_failure_data
        assert failure is not None
        return failure.description or "", failure.metadata

    def outcome(self, result: dg.ExecuteInProcessResult) -> str | None:
        """The tag that alerts use."""
        run = self.instance.get_run_by_id(result.run_id)
        return run.tags.get("stripe/outcome") if run else None


def _stripe_on(
    handler: Handler, clock: Clock, root: Path | str, make_store: Callable[[str], Store]
) -> StripeReporting:
    class StripeInMemory(StripeReporting):
        def store(self) -> Store:
            return make_store(self.root)

        def client(self, *, retry: RetryPolicy | None = None) -> StripeClient:
            http = httpx.Client(transport=httpx.MockTransport(handler), timeout=80.0)
            hosts = Hosts.of(self.api_base)
            return StripeClient(
                self.api_key,
                hosts=hosts,
                account=self.account,
                http=http,
                clock=clock,
                retry=retry,
                draw=lambda: 0.5,
            )

    return StripeInMemory(api_key=SIMULATED_KEY, root=str(root))


def configured(report: str, **options: Any) -> ConfiguredReport:
    """A report from May on."""
    query = {name: options.pop(name) for name in ("columns", "filters", "name") if name in options}
    return ConfiguredReport(ReportQuery.of(report, **query), start=date(2026, 5, 1), **options)


def reader_of(asset: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """A downstream asset in the same windows and ranges."""

    @dg.multi_asset(
        specs=[dg.AssetSpec("books", deps=[asset.key])],
        partitions_def=asset.partitions_def,
        backfill_policy=asset.backfill_policy,
    )
    def books(context: dg.AssetExecutionContext) -> None:
        context.log.info("read")

    return books


def messages_of(error: BaseException) -> str:
    """The messages of an error and its causes, as Dagster shows them."""
    text = str(error)
    return f"{text}\n{messages_of(error.__cause__)}" if error.__cause__ else text


def assets_of(definitions: dg.Definitions) -> dict[str, dg.AssetsDefinition]:
    """The assets of a project by their keys."""
    return {
        asset.key.to_user_string(): asset
        for asset in definitions.assets or []
        if isinstance(asset, dg.AssetsDefinition)
    }
