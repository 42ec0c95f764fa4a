"""The sensor that brings in reports which finished after Dagster had stopped waiting for them.

It looks at partitions whose latest attempt in this Dagster failed, whatever the reason: a report run that
took too long, one that Stripe failed later, a process that was killed before it could write anything down.
What another deployment asks of the same account is none of its business.
"""

import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from assets.dagster_runs.history import (
    PartitionGrid,
    bad_attempts,
    cancelled_last,
    covered,
    in_backfills,
    read_materializations,
    unfinished_attempts,
)
from assets.dagster_runs.run_requests import MOST_REQUESTS, RangeRunRequest, first_requests, shared_resource
from assets.dagster_runs.tags import LATE_TAG
from assets.reports.configured import ConfiguredReport
from assets.resources import stripe_resource
from assets.sensors.late_decisions import HOPELESS, Decision, LateAction, asks, decide, tries
from assets.sensors.report_run_sweep import ReportRunScan, TickBudget, runs_for, swept
from assets.sensors.tick import TICK_RETRY
from connector.api.client import StripeClient
from connector.api.models import ReportRequest, RunStatus
from connector.errors import ConfigurationError, ReportingError

_NAMED = 10


@dataclass(frozen=True, slots=True)
class Overdue:
    """The partitions of one report whose latest attempt failed, and what each asks of Stripe."""

    report: ConfiguredReport
    calendar: PartitionGrid
    requests: Mapping[str, ReportRequest]


def build_late_report_sensor(
    reports: Sequence[ConfiguredReport],
    *,
    name: str = "stripe_late_reports",
    look_back: timedelta = timedelta(days=7),
    minimum_interval_seconds: int = 30,
    budget: TickBudget | None = None,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.RUNNING,
) -> dg.SensorDefinition:
    """A sensor that picks up late report runs, replaces those that came to nothing, and waits for the rest.

    Nothing is asked of Stripe as long as no partition's latest attempt failed. Each tick says what it saw.

    Args:
        reports: of one account; the sensor uses their resource.
        look_back: how old the report runs may be that are looked for.
        budget: what one tick may cost; a longer list is read over several ticks.

    Raises ConfigurationError for reports of several accounts.
    """
    resource, limits = shared_resource(reports), budget or TickBudget()

    @dg.sensor(
        name=name,
        # A target would be one job, which cannot hold windows of different lengths.
        asset_selection=dg.AssetSelection.assets(*(report.key for report in reports)),
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        required_resource_keys={resource},
        description="Picks up Stripe's reports that finished after Dagster had stopped waiting.",
    )
    def late_reports(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        stripe = stripe_resource(context.resources, resource)
        overdue = [each for report in reports if (each := overdue_of(context.instance, report)).requests]
        if not overdue:
            return dg.SensorResult(skip_reason="No partition's latest attempt failed.")
        try:
            with stripe.client(retry=TICK_RETRY) as client:
                requests = {request for each in overdue for request in each.requests.values()}
                sweep = swept(context.cursor, client, requests, look_back=look_back, budget=limits)
                decided = _decided(context.instance, client, overdue, sweep, look_back)
        except ReportingError as error:
            # The cursor stays where it is, so the next tick goes on from there.
            return dg.SensorResult(
                skip_reason=f"Stripe's report runs could not be read: {error}", cursor=context.cursor
            )
        return _result(context, overdue, sweep, decided)

    return late_reports


def overdue_of(instance: dg.DagsterInstance, report: ConfiguredReport) -> Overdue:
    """A report's partitions whose latest attempt in this Dagster failed, and that nobody is busy with.

    Dagster goes on calling a partition failed when a later attempt at it was cancelled; such a one is left
    alone.
    """
    calendar = PartitionGrid.of(report, instance)
    states = instance.get_status_by_partition(report.key, calendar.keys, report.partitions) or {}
    failed = [key for key in calendar.keys if (state := states.get(key)) and state.value == "FAILED"]
    if failed:
        busy = covered(unfinished_attempts(instance), calendar) | in_backfills(instance, report)
        busy |= cancelled_last(bad_attempts(instance), calendar)
        failed = [key for key in failed if key not in busy]
    return Overdue(report, calendar, _requests(report, failed))


def _requests(report: ConfiguredReport, keys: Iterable[str]) -> dict[str, ReportRequest]:
    """What each partition asks of Stripe, without those that nothing can be asked for: a payout that somebody
    mistyped by hand failed before anything was sent."""
    requests = {}
    for key in keys:
        with contextlib.suppress(ConfigurationError):
            requests[key] = report.query.request(report.partition(key))
    return requests


def _decided(
    instance: dg.DagsterInstance,
    client: StripeClient,
    overdue: Iterable[Overdue],
    sweep: ReportRunScan,
    look_back: timedelta,
) -> list[Mapping[str, Decision]]:
    """What to do about each partition, report by report."""
    decided: list[Mapping[str, Decision]] = []
    for each in overdue:
        wait_policy = each.report.wait_policy
        asset = each.report.key.to_user_string()
        found = {key: runs_for(sweep, request) for key, request in each.requests.items()}
        # What is pending or unknown at Stripe is decided without the events, which are slow to read.
        settled = [key for key, runs in found.items() if any(run.status is not _PENDING for run in runs)]
        recorded: dict[str, str] = {}
        for event in read_materializations(instance, each.report.key, settled):
            if event.report_run:
                recorded.setdefault(event.partition, event.report_run)
        asked = instance.get_runs(
            filters=dg.RunsFilter(tags={LATE_TAG: asset}, created_after=client.now() - look_back)
        )
        tried = tries(run.tags for run in asked)
        decided.append(
            {
                key: decide(
                    runs,
                    recorded=recorded.get(key),
                    tried=tried.get(key, Counter()),
                    complete=sweep.complete,
                    now=client.now(),
                    abandon_after=wait_policy.abandon_after,
                    attempts=wait_policy.attempts,
                )
                for key, runs in found.items()
            }
        )
    return decided


_PENDING = RunStatus.PENDING


def _result(
    context: dg.SensorEvaluationContext,
    overdue: Sequence[Overdue],
    sweep: ReportRunScan,
    decided: Sequence[Mapping[str, Decision]],
) -> dg.SensorResult:
    due: list[RangeRunRequest] = []
    for each, decisions in zip(overdue, decided, strict=True):
        due += asks(each.report, each.calendar, decisions)
        for line in hopeless(each.report, decisions):
            context.log.warning(line)
    told = summary(decided, sweep, postponed=max(0, len(due) - MOST_REQUESTS))
    if not due:
        return dg.SensorResult(skip_reason=told, cursor=sweep.to_json())
    context.log.info(told)
    return dg.SensorResult(run_requests=first_requests(due), cursor=sweep.to_json())


def summary(decided: Iterable[Mapping[str, Decision]], sweep: ReportRunScan, *, postponed: int) -> str:
    """What a tick saw, in one line."""
    counts = Counter(decision.action for decisions in decided for decision in decisions.values())
    states = ", ".join(f"{counts[action]} {action}" for action in LateAction if counts[action])
    more = "" if sweep.complete else "; the list goes on at the next tick"
    later = f" {postponed} requests are left to the next tick." if postponed else ""
    return (
        f"{counts.total()} late partitions: {states}. {sweep.listed:,} report runs read, "
        f"{sweep.unknown:,} of them ignored{more}.{later}"
    )


def hopeless(report: ConfiguredReport, decisions: Mapping[str, Decision]) -> list[str]:
    """What needs a person, a line for each kind."""
    lines = []
    for action in sorted(HOPELESS):
        stuck = [f"{key} ({one.run_id})" for key, one in decisions.items() if one.action is action]
        if stuck:
            shown = ", ".join(stuck[:_NAMED]) + (f" and {len(stuck) - _NAMED} more" if stuck[_NAMED:] else "")
            lines.append(
                f"{report.key.to_user_string()}: {action}: {shown}. Look at the failed runs, then "
                "materialize these partitions by hand."
            )
    return lines
