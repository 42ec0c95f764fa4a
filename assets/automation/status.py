"""How a report's newest partitions stand, as Markdown: what its files say, and what this Dagster knows.

Files are looked at for the windows that are drawn, however many there are, and once for all of a run.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import dagster as dg

from assets.dagster_runs.launches import Launches
from assets.dagster_runs.tags import OUTCOME_TAG
from assets.reports.configured import ConfiguredReport
from assets.reports.metadata import REPORT_RUN
from assets.sensors.readiness import ReportAvailability
from connector.checks import Severity
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.runs.events import Outcome
from connector.sql.views.files import find_restatement
from connector.status.calendar import make_calendar
from connector.status.drawing import as_markdown

#: As Dagster calls a partition of which a check has not passed.
_NOT_PASSED = "FAILED"

#: So many of a check's latest evaluations are read for why partitions fail it.
_EVALUATIONS = 200


def describe_status(
    instance: dg.DagsterInstance,
    availability: ReportAvailability,
    store: Store,
    dataset: Dataset,
    *,
    ending: Mapping[str, str],
) -> str | None:
    """A calendar of the newest windows: there, missing, late, not ready, restated or failing a check.

    None where Stripe does not offer the report. Raises StoreError.

    Args:
        ending: by key, the Dagster run that is about to end without having brought the partition.
    """
    report = availability.report
    with store.snapshot([dataset]):
        calendar = availability.calendar(dataset, store.keys(dataset))
        if calendar is None:
            return None
        there = sorted(calendar.facts.there)
        files = store.provenances(dataset, there)
        restated = {key for key, file in files.items() if file and find_restatement(store, dataset, file)}
    missing = [key for key in calendar.states if key not in calendar.facts.there]
    facts = replace(
        calendar.facts,
        restated=restated,
        failing=_find_failing(instance, report, there),
        pending=_find_late(instance, availability, missing, ending),
    )
    return f"{as_markdown(make_calendar(facts))}\nAs of {availability.now:%Y-%m-%d %H:%M} UTC."


def _find_failing(
    instance: dg.DagsterInstance, report: ConfiguredReport, keys: Sequence[str]
) -> dict[str, list[str]]:
    """By key, the checks that are errors and that the partition failed, with what they said."""
    storage, found = instance.event_log_storage, dict[str, list[str]]()
    checks = [
        dg.AssetCheckKey(report.key, rule.check.name)
        for rule in report.rules
        if rule.severity is Severity.ERROR
    ]
    states = storage.get_asset_check_state([(check, report.partitions) for check in checks])
    for check in checks:
        failed = {
            key
            for status, subset in states[check].subsets.items()
            for key in keys
            if status.value == _NOT_PASSED and not subset.is_empty and key in subset.subset_value
        }
        if not failed:
            continue
        # The newest first: what one says of a partition, later ones have not taken back.
        for record in storage.get_asset_check_execution_history(check, limit=_EVALUATIONS):
            said = record.evaluation
            if record.partition in failed and isinstance(said, dg.AssetCheckEvaluation):
                failed.remove(record.partition)
                if said.severity is dg.AssetCheckSeverity.ERROR:
                    found.setdefault(record.partition, []).append(f"{check.name}: {said.description}")
    return found


def _find_late(
    instance: dg.DagsterInstance,
    availability: ReportAvailability,
    missing: Collection[str],
    ending: Mapping[str, str],
) -> dict[str, str]:
    """By key, the report run that a partition's newest Dagster run no longer waits for."""
    failed = Launches(instance).latest_failed(availability.grid, missing)
    newest = {key: launch.id for key, launch in failed.items()} | {
        key: ending[key] for key in missing if key in ending
    }
    runs = {id: instance.get_run_by_id(id) for id in {*newest.values()}}
    late = {id for id, run in runs.items() if run and run.tags.get(OUTCOME_TAG) == Outcome.LATE}
    found = {}
    for key in (key for key, id in newest.items() if id in late):
        wanted = dg.AssetRecordsFilter(asset_key=availability.report.key, asset_partitions=[key])
        for record in instance.fetch_observations(wanted, limit=1).records:
            observed = record.asset_observation
            if observed and (report_run := observed.metadata.get(REPORT_RUN)):
                found[key] = str(report_run.value)
    return found
