"""Paging people for what needs them, and only for that."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Any

import dagster as dg

from assets.dagster_runs.tags import OUTCOME_TAG
from assets.reports.configured import ConfiguredReport
from connector.pipeline.collect import Outcome

#: These heal by themselves: the sensors bring in what is late, and what becomes ready.
_HEALS = {str(Outcome.LATE), str(Outcome.NOT_READY)}


@dataclass(frozen=True, slots=True)
class Alert:
    """A Dagster run that needs a person.

    Attributes:
        run_id: the run.
        job: the job it belongs to.
        assets: the reports it was asked for, as people read them.
        text: what went wrong and what to do.
    """

    run_id: str
    job: str
    assets: Sequence[str]
    text: str


def needs_somebody(outcome: str | None) -> bool:
    """Whether a failed run calls for a person.

    Args:
        outcome: its `stripe/outcome`. A run without one died before it could say anything, or failed at
            something that is not Stripe's; nothing promises that it heals.
    """
    return outcome not in _HEALS


def build_failure_alert_sensor(
    notify: Callable[[Alert], Any],
    *,
    reports: Sequence[ConfiguredReport],
    name: str = "stripe_failure_alerts",
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.RUNNING,
) -> dg.SensorDefinition:
    """A sensor that calls `notify` for each failed run of the reports, except for those that will heal.

    >>> build_failure_alert_sensor(lambda alert: page(alert.text), reports=reports)

    Args:
        notify: sends the alert to wherever people look. What it raises fails the tick, which is tried again.
        reports: whose runs are looked at; runs of other assets are none of its business.
    """
    watched = {report.key for report in reports}

    @dg.run_failure_sensor(name=name, default_status=default_status)
    def failure_alerts(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        run = context.dagster_run
        failed = {str(event.step_key) for event in context.get_step_failure_events()}
        concerned = concerned_reports(run.asset_selection, failed, watched)
        if not concerned:
            return dg.SkipReason("The run is about no Stripe report.")
        outcome = run.tags.get(OUTCOME_TAG)
        if not needs_somebody(outcome):
            return dg.SkipReason(f"The run is {outcome}, and will heal by itself.")
        notify(Alert(run.run_id, run.job_name, concerned, _told(context)))
        return None

    return failure_alerts


def concerned_reports(
    selection: Set[dg.AssetKey] | None, failed_steps: Set[str], watched: Set[dg.AssetKey]
) -> list[str]:
    """The watched assets that a failed run is about, as people read them.

    Args:
        selection: the assets it was asked for; None or empty where it took all its job has.
        failed_steps: keys of the steps that failed.
    """
    chosen = selection or {key for key in watched if "__".join(key.path) in failed_steps}
    return sorted(key.to_user_string() for key in watched & chosen)


def _told(context: dg.RunFailureSensorContext) -> str:
    """What the failed steps say; of a run that died without a word, what Dagster says."""
    said = []
    for event in context.get_step_failure_events():
        failure = event.step_failure_data
        by_us = failure.user_failure_data
        said.append(by_us.description if by_us and by_us.description else failure.error_display_string)
    return "\n".join(said) or context.failure_event.message or "The run failed."
