"""The sensor that brings in reports which finished after Dagster had stopped waiting for them.

It looks at partitions whose latest attempt in this Dagster failed, whatever the reason: a report run that
took too long, one that Stripe failed later, a process that was killed before it could record anything.
Requests of other deployments on the same account are ignored.
"""

import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from assets.dagster_runs.asked import asks_again, find_died
from assets.dagster_runs.claims import claim
from assets.dagster_runs.gone import find_gone
from assets.dagster_runs.history import PartitionGrid, read_begun, read_materializations
from assets.dagster_runs.launches import Launches
from assets.dagster_runs.run_requests import RangeRunRequest, shared_resource
from assets.dagster_runs.tags import LATE_TAG
from assets.reports.configured import ConfiguredReport
from assets.resources import StripeReporting, stripe_resource
from assets.sensors.late_decisions import (
    LEFT,
    STUCK,
    Decision,
    LateAction,
    count_tries,
    decide,
    leave_to_asker,
    plan_requests,
)
from assets.sensors.report_run_scan import (
    SCAN_CURSOR,
    AccountScans,
    ScanResult,
    TickBudget,
    WantedRun,
    scan_report_runs,
)
from assets.sensors.tick import TICK_RETRY, count
from assets.shown import shown
from connector.api.client import StripeClient
from connector.api.models import RunStatus
from connector.dataset.coverage import listed
from connector.errors import ConfigurationError, ReportingError

#: Seconds between two ticks, unless configured.
PICK_UP_EVERY = 30

#: How old the report runs may be that are looked for.
_LOOK_BACK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class FailedPartitions:
    """The partitions of one report whose latest attempt failed.

    Attributes:
        wanted: the request of each, and the account in whose name it was made.
        asked_again: those that were asked for by a sensor or schedule and have no report run to show for it;
            it asks for them again unless there is one at Stripe.
    """

    report: ConfiguredReport
    grid: PartitionGrid
    wanted: Mapping[str, WantedRun]
    asked_again: frozenset[str] = frozenset()


def build_late_report_sensor(
    reports: Sequence[ConfiguredReport],
    *,
    name: str = "stripe_late_reports",
    minimum_interval_seconds: int = PICK_UP_EVERY,
    budget: TickBudget | None = None,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.RUNNING,
) -> dg.SensorDefinition:
    """A sensor that picks up late report runs, replaces failed and hanging ones, and waits for the rest.

    Stripe is not called as long as no partition's latest attempt failed.

    Args:
        reports: of one account; the sensor uses their resource.
        budget: what one tick may cost; a longer list, and those of many accounts that one acts for, are
            read over several ticks.

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
        description="Picks up reports that Stripe finished after Dagster had stopped waiting for them, and "
        "requests those again that failed at Stripe, whoever asked for them: a person, a backfill, another "
        "sensor or a schedule.",
    )
    def late_reports(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        stripe = stripe_resource(context.resources, resource)
        return _tick(context, stripe, reports, limits, by=name)

    return late_reports


def _tick(
    context: dg.SensorEvaluationContext,
    stripe: StripeReporting,
    reports: Sequence[ConfiguredReport],
    budget: TickBudget,
    *,
    by: str,
) -> dg.SensorResult:
    began, launches = datetime.now(UTC), Launches(context.instance)
    found = [find_failed(context.instance, launches, report) for report in reports]
    failed = [each for each in found if each.wanted]
    if not failed:
        return dg.SensorResult(skip_reason="Nothing to do: no partition's latest run failed or timed out.")
    try:
        with stripe.client(retry=TICK_RETRY) as client:
            wanted = {one for each in failed for one in each.wanted.values()}
            begun = SCAN_CURSOR.read(context)
            read = scan_report_runs(begun, client, wanted, look_back=_LOOK_BACK, budget=budget)
            if read.unread and not read.answered:
                # Which account's turn is next is remembered all the same.
                return _unread(next(iter(read.unread.values())), SCAN_CURSOR.write(read.scans.remaining()))
            decided = [_decide(context.instance, client, each, read.scans) for each in failed]
    except ReportingError as error:
        # The cursor stays where it is, so the next tick continues from there.
        return _unread(error, context.cursor)
    return _result(context, failed, read, decided, by=by, since=began)


def _unread(error: ReportingError, cursor: str | None) -> dg.SensorResult:
    text = f"Stripe's report runs could not be read; the next tick tries again. {error}"
    return dg.SensorResult(skip_reason=shown(text), cursor=cursor)


def find_failed(
    instance: dg.DagsterInstance, launches: Launches, report: ConfiguredReport
) -> FailedPartitions:
    """A report's partitions whose latest attempt in this Dagster failed, and that are not left alone.

    Dagster goes on calling a partition failed when a later attempt at it was cancelled.
    """
    grid = PartitionGrid.of(report, instance)
    states = instance.get_status_by_partition(report.key, grid.keys, report.partitions) or {}
    failed = [key for key in grid.keys if (state := states.get(key)) and state.value == "FAILED"]
    if not failed:
        return FailedPartitions(report, grid, {})
    left_alone = launches.left_alone(grid, failed).keys
    failed = [key for key in failed if key not in left_alone and report.asks_for(key)]
    failed = _without_gone(instance, launches, report, grid, failed)
    died = find_died(instance, launches, report, grid, failed)
    asked_again = asks_again(launches, grid, died)
    return FailedPartitions(report, grid, _wanted(report, failed), asked_again)


def _without_gone(
    instance: dg.DagsterInstance,
    launches: Launches,
    report: ConfiguredReport,
    grid: PartitionGrid,
    failed: Sequence[str],
) -> list[str]:
    """Those that a report run may still bring: of an account that is gone, only what was under way when its
    latest run ended, and nothing where one would have to act for it."""
    gone = find_gone(instance, report.key, report.partitions)
    if report.query.acting:
        return [key for key in failed if key not in gone]
    refused = [key for key in failed if key in gone]
    begun = read_begun(instance, report.key, refused)
    latest = launches.latest_failed(grid, refused)
    under_way = {key for key, launch in latest.items() if (launch.id, key) in begun}
    return [key for key in failed if key not in gone or key in under_way]


def _wanted(report: ConfiguredReport, keys: Iterable[str]) -> dict[str, WantedRun]:
    """The report run of each partition, without keys that have none: a payout that was mistyped by hand
    failed before anything was sent."""
    wanted = {}
    for key in keys:
        with contextlib.suppress(ConfigurationError):
            partition = report.partition(key)
            wanted[key] = WantedRun(partition.acting_for, report.query.request(partition))
    return wanted


def _decide(
    instance: dg.DagsterInstance, client: StripeClient, failed: FailedPartitions, scans: AccountScans
) -> Mapping[str, Decision]:
    """What to do about each partition of one report."""
    wait_policy = failed.report.wait_policy
    asset = failed.report.key.to_user_string()
    found = {key: scans.runs_of(wanted) for key, wanted in failed.wanted.items()}
    # What is pending or unknown at Stripe is decided without the events, which are slow to read.
    settled = [key for key, runs in found.items() if any(run.status is not RunStatus.PENDING for run in runs)]
    recorded: dict[str, str] = {}
    for event in read_materializations(instance, failed.report.key, settled):
        if event.report_run:
            recorded.setdefault(event.partition, event.report_run)
    earlier = instance.get_runs(
        filters=dg.RunsFilter(tags={LATE_TAG: asset}, created_after=client.now() - _LOOK_BACK)
    )
    tried = count_tries(run.tags for run in earlier)
    decided = {
        key: decide(
            runs,
            recorded=recorded.get(key),
            tried=tried.get(key, Counter()),
            complete=scans.is_complete(failed.wanted[key]),
            now=client.now(),
            abandon_after=wait_policy.abandon_after,
            attempts=wait_policy.attempts,
        )
        for key, runs in found.items()
    }
    again = failed.asked_again
    return {key: leave_to_asker(one) if key in again else one for key, one in decided.items()}


def _result(
    context: dg.SensorEvaluationContext,
    failed: Sequence[FailedPartitions],
    read: ScanResult,
    decided: Sequence[Mapping[str, Decision]],
    *,
    by: str,
    since: datetime,
) -> dg.SensorResult:
    due: list[RangeRunRequest] = []
    for each, decisions in zip(failed, decided, strict=True):
        due += plan_requests(each.report, each.grid, decisions)
        for line in describe_stuck(each.report, decisions):
            context.log.warning(shown(line))
    for account, error in read.unread.items():
        if account:
            context.log.warning(shown(f"The report runs of {account} could not be read: {error}"))
    cursor = SCAN_CURSOR.write(read.scans.remaining())
    grids = {each.grid.asset: each.grid for each in failed}
    requests = claim(context.instance, due, grids, by=by, since=since)
    text = summarize(decided, read.scans, postponed=len(due) - len(requests))
    if not requests:
        return dg.SensorResult(skip_reason=shown(text), cursor=cursor)
    context.log.info(shown(text))
    return dg.SensorResult(run_requests=[each.request() for each in requests], cursor=cursor)


def summarize(decided: Iterable[Mapping[str, Decision]], scan: AccountScans, *, postponed: int) -> str:
    """What a tick found and did, in one line."""
    found: dict[LateAction, list[str]] = {}
    for decisions in decided:
        for key, decision in decisions.items():
            found.setdefault(decision.action, []).append(key)
    states = "; ".join(
        f"{len(found[action]):,} {action}" + (f" ({listed(found[action])})" if action in LEFT else "")
        for action in LateAction
        if action in found
    )
    later = (
        f" {count(postponed, 'Dagster run')} not requested yet, until others have ended." if postponed else ""
    )
    return (
        f"{count(sum(map(len, found.values())), 'partition')} failed or timed out: {states}.{later} "
        f"({count(scan.listed, 'report run')} read at Stripe, {scan.unknown:,} of them for other requests.)"
    )


def describe_stuck(report: ConfiguredReport, decisions: Mapping[str, Decision]) -> list[str]:
    """What needs a person, a line for each kind."""
    lines = []
    for action in sorted(STUCK):
        stuck = [f"{key} ({one.run_id})" for key, one in decisions.items() if one.action is action]
        if stuck:
            lines.append(
                f"{report.key.to_user_string()}: {count(len(stuck), 'partition')} {action}: "
                f"{listed(stuck)}. The failed Dagster runs say what went wrong."
            )
    return lines
