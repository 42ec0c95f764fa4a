"""Alerts for failed runs that need a person, and only for these."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Any

import dagster as dg

from assets.dagster_runs.tags import OUTCOME_TAG, needs_person
from assets.reports.configured import ConfiguredReport
from assets.shown import shown


@dataclass(frozen=True, slots=True)
class Alert:
    """A Dagster run that needs a person.

    Attributes:
        assets: the reports it was launched for, as people read them.
        text: what went wrong and what to do.
    """

    run_id: str
    job: str
    assets: Sequence[str]
    text: str


def build_failure_alert_sensor(
    notify: Callable[[Alert], Any],
    *,
    reports: Sequence[ConfiguredReport],
    name: str = "stripe_failure_alerts",
) -> dg.SensorDefinition:
    """A sensor that calls `notify` for each failed run of the reports, except those that the sensors finish.

    >>> build_failure_alert_sensor(lambda alert: page(alert.text), reports=reports)

    Args:
        notify: sends the alert to wherever people look. An exception it raises fails the tick, which is tried
            again.
        reports: whose runs are watched, of one account or several; runs of other assets are ignored.
        name: a second one in the code location needs its own.
    """
    watched = {report.key for report in reports}

    @dg.run_failure_sensor(
        name=name,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends an alert for each failed run of a Stripe report that needs a person.",
    )
    def failure_alerts(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        run = context.dagster_run
        failed = {str(event.step_key) for event in context.get_step_failure_events()}
        concerned = select_reports(run.asset_selection, failed, watched)
        if not concerned:
            return dg.SkipReason("No alert: the run has none of the watched Stripe reports.")
        outcome = run.tags.get(OUTCOME_TAG)
        if not needs_person(outcome):
            return dg.SkipReason(
                shown(f"No alert: the outcome is {outcome}, and the sensors bring the report later.")
            )
        notify(Alert(run.run_id, run.job_name, concerned, shown(_describe_failure(context))))
        return None

    return failure_alerts


def select_reports(
    selection: Set[dg.AssetKey] | None, failed_steps: Set[str], watched: Set[dg.AssetKey]
) -> list[str]:
    """The watched assets that a failed run is about, as people read them; those whose steps failed where it
    was launched for all assets of its job (None or empty)."""
    chosen = selection or {key for key in watched if "__".join(key.path) in failed_steps}
    return sorted(key.to_user_string() for key in watched & chosen)


def _describe_failure(context: dg.RunFailureSensorContext) -> str:
    """The messages of the failed steps; without any, Dagster's own message."""
    messages = []
    for event in context.get_step_failure_events():
        failure = event.step_failure_data
        ours = failure.user_failure_data
        messages.append(ours.description if ours and ours.description else failure.error_display_string)
    return "\n".join(messages) or context.failure_event.message or "The run failed."
