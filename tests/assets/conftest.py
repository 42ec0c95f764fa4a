"""Dagster on a Stripe in memory: a real instance, the real assets, and time that only waiting moves."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest

from assets import ConfiguredReport, StripeReporting, build_report_asset, report_reader
from connector.client import StripeClient
from connector.clock import Clock
from connector.hosts import Hosts
from connector.query import ReportQuery
from connector.retry import RetryPolicy
from connector.simulator import SIMULATED_KEY, Simulator
from connector.store import Store

Load = Callable[[str], dg.Definitions]
Handler = Callable[[httpx.Request], httpx.Response]
Assets = Sequence[dg.AssetsDefinition | dg.AssetChecksDefinition]


class Orchestra:
    """One Dagster and one Stripe. Launches partitions as the UI does, and tells what was recorded."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        handler: Handler,
        clock: Clock,
        root: Path,
        *,
        store: Callable[[str], Store] = Store,
    ) -> None:
        self.instance = instance
        self.root = root
        self.stripe = _stripe_on(handler, clock, root, store)
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
        """What the run's one failed step says, and its metadata."""
        (event,) = [event for event in result.all_events if event.is_step_failure]
        failure = event.step_failure_data.user_failure_data
        assert failure is not None
        return failure.description or "", failure.metadata

    def outcome(self, result: dg.ExecuteInProcessResult) -> str | None:
        """The tag alerts look at."""
        run = self.instance.get_run_by_id(result.run_id)
        return run.tags.get("stripe/outcome") if run else None


def _stripe_on(
    handler: Handler, clock: Clock, root: Path, make_store: Callable[[str], Store]
) -> StripeReporting:
    class StripeInMemory(StripeReporting):
        def store(self) -> Store:
            return make_store(self.root)

        def client(self, *, retry: RetryPolicy | None = None) -> StripeClient:
            http = httpx.Client(transport=httpx.MockTransport(handler))
            hosts = Hosts.of(self.api_base)
            return StripeClient(
                self.api_key, hosts=hosts, http=http, clock=clock, retry=retry, draw=lambda: 0.5
            )

    return StripeInMemory(api_key=SIMULATED_KEY, root=str(root))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def orchestra(instance: dg.DagsterInstance, simulator: Simulator, clock: Clock, tmp_path: Path) -> Orchestra:
    return Orchestra(instance, simulator.handle, clock, tmp_path / "data")


def _report(report: str, **options: Any) -> ConfiguredReport:
    question = {name: options.pop(name) for name in ("columns", "filters", "name") if name in options}
    return ConfiguredReport(ReportQuery.of(report, **question), start=date(2026, 5, 1), **options)


@pytest.fixture
def summary_report() -> ConfiguredReport:
    return _report("balance.summary.1")


@pytest.fixture
def summary(summary_report: ConfiguredReport) -> dg.AssetsDefinition:
    return build_report_asset(summary_report, retry_policy=None)


@pytest.fixture
def activity() -> dg.AssetsDefinition:
    report = _report("balance_change_from_activity.itemized.3")
    return build_report_asset(report, retry_policy=None)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Loads a project whose only definitions are the given file."""
    folder = tmp_path / "somebodys" / "defs" / "stripe"
    folder.mkdir(parents=True)
    for package in (folder.parent, folder.parent.parent):
        (package / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text(
        '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "somebodys"\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def from_text(text: str) -> dg.Definitions:
        (folder / "defs.yaml").write_text(text)
        return dg.load_from_defs_folder(path_within_project=folder)

    yield from_text
    for name in [name for name in sys.modules if name.split(".")[0] == "somebodys"]:
        del sys.modules[name]
