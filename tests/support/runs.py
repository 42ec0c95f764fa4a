"""Runs and backfills of one report as they stand in a Dagster, written by hand."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from dagster._core.definitions.timestamp import TimestampWithTimezone
from dagster._core.events import AssetObservationData, DagsterEvent, DagsterEventType
from dagster._core.execution.asset_backfill import AssetBackfillData
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from assets import ConfiguredReport
from assets.dagster_runs.history import AssetsSubset, Backfill, BackfillStatus, PartitionGrid
from assets.dagster_runs.launch import LeftAlone
from assets.dagster_runs.launches import Launches
from assets.dagster_runs.tags import RANGE_END, RANGE_START

_ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="any")), "any"), "any"
)


@dataclass
class Runs:
    """Adds them to an instance."""

    instance: dg.DagsterInstance
    report: ConfiguredReport

    def add(
        self,
        first: str,
        last: str | None = None,
        *,
        status: dg.DagsterRunStatus,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """A run over the partitions from `first` to `last`; returns its id."""
        span = {
            "dagster/asset_partition_range_start": first,
            "dagster/asset_partition_range_end": last or first,
        }
        run = dg.DagsterRun(
            job_name="any",
            run_id=str(uuid.uuid4()),
            asset_selection=frozenset({self.report.key}),
            tags={**(tags or {}), **(span if last else {"dagster/partition": first})},
            status=status,
            # Dagster wants to know where to load a queued run's job from.
            remote_job_origin=_ORIGIN,
        )
        self.instance.add_run(run)
        return run.run_id

    def request(self, request: dg.RunRequest, *, status: dg.DagsterRunStatus, by: dg.SensorDefinition) -> str:
        """The run that Dagster makes of a sensor's request; returns its id."""
        first = request.partition_key or request.tags[RANGE_START]
        tags = {**request.tags, "dagster/sensor_name": by.name}
        return self.add(first, request.tags.get(RANGE_END), status=status, tags=tags)

    def end(self, run_id: str) -> None:
        """The run dies."""
        run = self.instance.get_run_by_id(run_id)
        assert run
        self.instance.report_run_failed(run)

    def observe(self, run_id: str, key: str) -> None:
        """The run wrote down that it has a report run for this partition."""
        seen = dg.AssetObservation(self.report.key, partition=key)
        event = DagsterEvent(
            DagsterEventType.ASSET_OBSERVATION.value, "any", event_specific_data=AssetObservationData(seen)
        )
        self.instance.report_dagster_event(event, run_id)

    def add_backfill(
        self,
        keys: Collection[str],
        *,
        status: str,
        done: Collection[str] = (),
        age: float = 0.0,
        tags: Mapping[str, str] | None = None,
    ) -> Backfill:
        """A backfill of these partitions, launched `age` seconds ago, some of them `done`."""
        launched = datetime.now(UTC).timestamp() - age
        backfill = Backfill(
            backfill_id=uuid.uuid4().hex[:8],
            status=BackfillStatus(status),
            from_failure=False,
            tags=tags or {},
            backfill_timestamp=launched,
            asset_selection=[self.report.key],
            asset_backfill_data=self._progress(keys, done, launched),
        )
        self.instance.add_backfill(backfill)
        return backfill

    def update_backfill(
        self, backfill: Backfill, keys: Collection[str], *, status: str, done: Collection[str]
    ) -> None:
        """The backfill of these partitions has come so far."""
        progress = self._progress(keys, done, backfill.backfill_timestamp)
        self.instance.update_backfill(
            backfill._replace(status=BackfillStatus(status), asset_backfill_data=progress)
        )

    def _progress(self, keys: Collection[str], done: Collection[str], launched: float) -> AssetBackfillData:
        return AssetBackfillData(
            target_subset=self._subset(keys),
            requested_runs_for_target_roots=True,
            latest_storage_id=None,
            materialized_subset=self._subset(done),
            requested_subset=self._subset(done),
            failed_and_downstream_subset=self._subset(()),
            backfill_start_time=TimestampWithTimezone(launched, "UTC"),
        )

    def left_alone(self, grid: PartitionGrid, *, now: datetime | None = None) -> LeftAlone:
        """What is left alone now."""
        return Launches(self.instance, now).left_alone(grid, grid.keys)

    def _subset(self, keys: Collection[str]) -> AssetsSubset:
        some = self.report.partitions.empty_subset().with_partition_keys(keys)
        # What Dagster decorates the class with hides its fields.
        return AssetsSubset({self.report.key: some} if keys else {}, set())  # type: ignore[call-arg]
