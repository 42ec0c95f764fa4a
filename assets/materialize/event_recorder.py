"""The events of a step: each partition's materialization, once, in the way Dagster allows in the run at hand.

Where nothing in the run waits for the asset, each partition gets its event the moment it is published, with
a data version of its own; a process killed later takes nothing back. Where a step of the same run reads the
asset, Dagster starts that step only behind an output, and an output writes the events of all partitions at
once; so they are gathered until the end.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import dagster as dg

from assets.dagster_runs.history import MaterializationEvent, Target, newest_materializations
from assets.materialize.check_recorder import CheckRecorder
from assets.materialize.open_log import over_one_connection, target_of_written
from assets.reports.configured import ConfiguredReport
from assets.reports.metadata import REPORT_RUN, materialization, partition_metadata
from assets.reports.preview import first_rows
from assets.shown import shown, shown_metadata
from connector.checks import CheckOutcome, OpenFile, UnreadableError, opened
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import ReportingError
from connector.pipeline.collect import Asked, Done

#: What a report asset yields: an event without a value, since the file is written already.
Output = dg.MaterializeResult[None]


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
        checks: evaluates each partition's checks, once the partition's event is written.
        gather: hold the events back until `output`.
        recorded: partitions whose published file has its event already.
        files: partitions whose file was there when the step began.
        events: the partitions' events when the step began. A newer one about the same report run was written
            by a step that outlived the process of its run, and needs no second.
    """

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        report: ConfiguredReport,
        store: Store,
        dataset: Dataset,
        checks: CheckRecorder,
        *,
        gather: bool,
        recorded: Set[str],
        files: Set[str],
        events: Collection[MaterializationEvent],
    ) -> None:
        self._context = context
        self._report = report
        self._store = store
        self._dataset = dataset
        self._checks = checks
        self._gather = gather
        self._recorded = recorded
        self._files = files
        self._events = frozenset(events)
        self._newest = {each.partition: each for each in sorted(events, key=lambda each: each.storage_id)}
        self._done: dict[str, Done] = {}
        self._metadata: dict[str, Mapping[str, Any]] = {}

    @property
    def blocked(self) -> Sequence[CheckOutcome]:
        """Failures that block what depends on the partitions, once all partitions are in place."""
        return self._checks.blocked

    def asked(self, event: Asked) -> None:
        """Record the report run at once, whatever becomes of this process."""
        self._context.log_event(
            dg.AssetObservation(
                self._report.key,
                partition=event.partition.key,
                description=shown(f"Report run {event.run_id} {event.origin}."),
                metadata=shown_metadata({REPORT_RUN: event.run_id, "stripe/origin": str(event.origin)}),
            )
        )

    def done(self, event: Done) -> None:
        """A partition is in place: its file is opened once, for the event and for the checks."""
        self._done[event.partition.key] = event
        # What is gathered is written later.
        with nullcontext() if self._gather else over_one_connection(self._context.instance):
            self._record(event)

    def _record(self, event: Done) -> None:
        key = event.partition.key
        with self._opened(key) as file:
            rows = report_run = None
            if isinstance(file, OpenFile):
                rows, report_run = first_rows(self._report, file), file.provenance.run_id
            self._metadata[key] = partition_metadata(self._report, event, rows)
            about = None if self._gather else self._write(event)
            self._checks.evaluate(key, file)
        if about:
            # Another process may have put a file there since, which the checks are about; then the log is
            # read for the event that has come with it.
            self._checks.write(key, about.target if about.report_run == report_run else None)

    def output(self) -> Iterator[Output]:
        """The step's output, for the steps that wait for it: everything went well."""
        if self._gather:
            for key, metadata in self._metadata.items():
                self._context.add_asset_metadata(
                    shown_metadata(metadata), asset_key=self._report.key, partition_key=key
                )
            versions = {key: event.published.provenance.data_version for key, event in self._done.items()}
            yield Output(asset_key=self._report.key, data_version=dg.DataVersion(combined_version(versions)))
        self._checks.conclude()

    def flush(self) -> Sequence[str]:
        """There will be no output: write what was gathered for it.

        Partitions without new data are checked as they are, if they are there at all.

        Returns the keys of the partitions that are in place.
        """
        if self._gather:
            for event in self._done.values():
                self._write(event)
        earlier = {event.partition for event in self._events} & self._files
        for key in self._context.partition_keys:
            if key in earlier and key not in self._done and self._report.asks_for(key):
                # What cannot be read is why the run fails already.
                with suppress(ReportingError), self._opened(key) as file:
                    self._checks.evaluate(key, file, earlier=True)
        self._checks.conclude(failed=True)
        return tuple(self._done)

    def _opened(self, key: str) -> AbstractContextManager[OpenFile | UnreadableError]:
        return opened(self._store, self._dataset, self._report.query, key)

    def _write(self, event: Done) -> "_Recorded":
        """Write a partition's event, unless it is there. Returns which report run it is of, and what ties
        checks to it."""
        key, provenance = event.partition.key, event.published.provenance
        metadata = self._metadata.pop(key)
        if key in self._recorded and not event.fetched:
            self._context.log.info(shown(f"{key}: the file and its event are in place already"))
            there = self._newest[key]
            return _Recorded(there.report_run, there.target)
        # Not what was read when the step began: a step whose run was given up may be at work, and record the
        # file that this one has just published. So it is read in the moment before it is written.
        newest = newest_materializations(self._context.instance, self._report.key, [key]).get(key)
        if newest and newest.report_run == provenance.run_id and newest not in self._events:
            self._context.log.info(
                shown(f"{key}: Dagster run {newest.dagster_run} has just written this event")
            )
            return _Recorded(newest.report_run, newest.target)
        self._context.log_event(materialization(self._report, provenance, metadata))
        target = target_of_written(self._context.instance, self._report.key, key)
        return _Recorded(provenance.run_id, target)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A partition's event.

    Attributes:
        report_run: the report run its rows came from; None for an event that names none.
        target: what ties the evaluations of the partition's checks to it; None where it is not known.
    """

    report_run: str | None
    target: Target | None
