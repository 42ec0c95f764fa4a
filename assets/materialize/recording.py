"""Writing down what happened to each partition, once, in the way Dagster allows in the run at hand; and
reading what was written.

Where nothing in the run waits for the asset, each partition gets its event the moment it is published, with
a data version of its own; a process killed later takes nothing back. Where a step of the same run reads the
asset, Dagster starts that step only behind an output, and an output writes the events of all partitions at
once; so they are gathered until the end.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import dagster as dg

from assets.dagster_runs.history import Recorded, recorded_runs
from assets.materialize.evaluation import CheckRecorder
from assets.reports.configured import ConfiguredReport
from assets.reports.metadata import REPORT_RUN, partition_metadata
from assets.reports.partitions import dimension_tags
from assets.reports.preview import ROWS
from connector.checks import CheckOutcome
from connector.dataset.store import Store
from connector.pipeline.collect import Asked, Done

#: What a report asset yields: an event without a value, since the file is written already.
Output = dg.MaterializeResult[None]

_DATA_VERSION = "dagster/data_version"
_BY_USER = "dagster/data_version_is_user_provided"
_CODE_VERSION = "dagster/code_version"


def is_awaited(step: str, downstream: Set[str], to_execute: Sequence[str] | None) -> bool:
    """Whether another step of the run waits for this one's output.

    Args:
        step: this step's key.
        downstream: the keys of all steps that read its output.
        to_execute: the keys of the steps this run carries out; None for all there are.
    """
    others = downstream - {step}
    return bool(others if to_execute is None else others & set(to_execute))


def combined_version(versions: Mapping[str, str]) -> str:
    """One data version for several partitions: it changes when any of theirs does.

    A single partition keeps its own, so that it is the same however it was materialized.
    """
    if len(versions) == 1:
        return next(iter(versions.values()))
    text = json.dumps(sorted(versions.items()), separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class EventRecorder:
    """The events of one step.

    Args:
        inspection: what checks say of each partition; told after the partition's event.
        gather: hold the events back until `output`.
        written: partitions whose kept file has its event already.
        seen: the events there were when the step began. One about the same report run that came since was
            written by a step that outlived the process of its run, and says all there is to say.
    """

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        report: ConfiguredReport,
        store: Store,
        inspection: CheckRecorder,
        *,
        gather: bool,
        written: Set[str],
        seen: Set[Recorded],
    ) -> None:
        self._context = context
        self._report = report
        self._store = store
        self._inspection = inspection
        self._gather = gather
        self._written = written
        self._seen = seen
        self._done: dict[str, Done] = {}

    @property
    def blocked(self) -> Sequence[CheckOutcome]:
        """Failures for which nothing should be made from the partitions that are in place, once all are."""
        return self._inspection.blocked

    def asked(self, event: Asked) -> None:
        """Leave a trace of the report run at once, whatever becomes of this process."""
        self._context.log_event(
            dg.AssetObservation(
                self._report.key,
                partition=event.partition.key,
                description=f"Report run {event.run_id} {event.origin}.",
                metadata={REPORT_RUN: event.run_id, "stripe/origin": str(event.origin)},
            )
        )

    def done(self, event: Done) -> None:
        """A partition is in place."""
        key = event.partition.key
        self._done[key] = event
        if not self._gather:
            self._write(event)
        self._inspection.partition(key)
        if not self._gather:
            self._inspection.write(key)

    def output(self) -> Iterator[Output]:
        """The step's output, for those who wait for it: everything went well."""
        if self._gather:
            for key, event in self._done.items():
                self._context.add_asset_metadata(
                    self._metadata(event), asset_key=self._report.key, partition_key=key
                )
            versions = {key: event.published.provenance.data_version for key, event in self._done.items()}
            yield Output(asset_key=self._report.key, data_version=dg.DataVersion(combined_version(versions)))
        self._inspection.conclude()

    def flushed(self) -> Sequence[str]:
        """There will be no output: write what was gathered for it.

        Returns the keys of the partitions that are in place.
        """
        if self._gather:
            for event in self._done.values():
                self._write(event)
        self._inspection.conclude()
        return tuple(self._done)

    def _write(self, event: Done) -> None:
        key = event.partition.key
        if key in self._written and not event.fetched:
            self._context.log.info(f"{key}: kept, and its event is written already")
            return
        if other := self._written_meanwhile(event):
            self._context.log.info(f"{key}: run {other.dagster_run} has just written its event")
            return
        tags = {
            _DATA_VERSION: event.published.provenance.data_version,
            _BY_USER: "true",
            _CODE_VERSION: self._report.code_version,
            **dimension_tags(self._report.partitions, key),
        }
        self._context.log_event(
            dg.AssetMaterialization(
                self._report.key, partition=key, metadata=self._metadata(event), tags=tags
            )
        )

    def _written_meanwhile(self, event: Done) -> Recorded | None:
        newest = next(recorded_runs(self._context.instance, self._report.key, [event.partition.key]), None)
        same = newest is not None and newest.report_run == event.published.provenance.run_id
        return newest if same and newest not in self._seen else None

    def _metadata(self, event: Done) -> dict[str, Any]:
        provenance = event.published.provenance
        dataset = self._report.query.dataset(mode=str(provenance.mode), account=provenance.account)
        there = self._store.arrow_dataset(dataset, [event.partition.key])
        # Without read-ahead: a preview of five rows shall not load a large file.
        rows = there.head(ROWS, batch_readahead=0, fragment_readahead=0)
        return partition_metadata(self._report, event, rows.drop_columns(list(dataset.path_columns)))
