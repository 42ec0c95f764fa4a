"""The sensor that requests partitions as soon as Stripe has their data, and refreshes them as they age.

It replaces a schedule, and does not have to guess when Stripe will be done. Either it or the schedule runs;
with both, the second one finds nothing left to request. Files that are there and that this Dagster does not
know are recorded.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import timedelta

import dagster as dg

from assets.dagster_runs.asked import MOST_TIMES, ask_again, requests_for, warn_given_up
from assets.dagster_runs.launches import Launches, LeftAlone
from assets.dagster_runs.run_requests import MOST_REQUESTS, RangeRunRequest, of_windows, shared_resource
from assets.dagster_runs.tags import Intent
from assets.reports.configured import ConfiguredReport
from assets.resources import StripeReporting, stripe_resource
from assets.sensors.availability_decisions import find_missing
from assets.sensors.readiness import ReportAvailability, read_availability
from assets.sensors.tick import LOOK_BACK, TICK_RETRY, CursorFormat, count, list_first
from assets.sensors.unknown_files import (
    NOTHING_RECORDED,
    Recording,
    RecordingBudget,
    find_unknown,
    record_unknown,
)
from assets.shown import shown
from connector.api.client import StripeClient
from connector.api.models import epoch
from connector.catalogue import latency_of
from connector.dataset.coverage import coverage_of, intervals_of
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import ReportingError
from connector.partitions import Partition
from connector.runs.readiness import Bound
from connector.runs.restatement import Refresh, find_aged, select_due

#: Seconds between two ticks, unless configured.
LOOK_EVERY = 300


#: Where the reading of unknown files goes on, by asset key. Without it nothing is lost.
_CURSOR = CursorFormat(dict[str, str])


@dataclass(frozen=True, slots=True)
class Look:
    """One report at one tick, as the dataset has it.

    Attributes:
        files: the keys that have a file, by its listing.
        aged: the partitions that have reached an age at which they are refreshed.
        published: what the files say that the tick is about.
    """

    availability: ReportAvailability
    dataset: Dataset
    files: Sequence[str] = ()
    aged: Sequence[tuple[Partition, Refresh]] = ()
    published: Mapping[str, Provenance] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReportPlan:
    """What one tick does about one report.

    Attributes:
        missing, aged: the runs to request, those for the oldest partitions first.
        given_up: keys that were asked for often enough.
        left_alone: keys that are due, and that a person put down.
        gaps: keys between the first file and the last that have none, and are not requested.
        refused: why the table takes and gives no rows of the report as it is configured now.
    """

    availability: ReportAvailability
    missing: Sequence[RangeRunRequest] = ()
    aged: Sequence[RangeRunRequest] = ()
    given_up: Sequence[str] = ()
    left_alone: Sequence[str] = ()
    gaps: Sequence[str] = ()
    recording: Recording = NOTHING_RECORDED
    refused: str | None = None


def build_availability_sensor(
    reports: Sequence[ConfiguredReport],
    *,
    name: str = "stripe_availability",
    look_back: timedelta = LOOK_BACK,
    at_most: int = 62,
    refresh_after: Sequence[timedelta] | None = None,
    minimum_interval_seconds: int = LOOK_EVERY,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.RUNNING,
) -> dg.SensorDefinition:
    """A sensor that requests what is ready at Stripe and missing in the dataset, oldest first.

    Each tick calls Stripe once, for the availability of all report types. What was asked for is known by
    Dagster's runs. A partition whose run died before it had a report run is asked for again, three times in
    all; one that failed at Stripe, when Stripe's data have advanced. What is in hand or was cancelled by a
    person is left alone.

    Args:
        reports: of one account; the sensor uses their resource.
        look_back: how far behind the newest ready partition missing ones are requested, and how long after
            an age was reached a partition is still refreshed. A first start requests no more than that.
        at_most: how many missing partitions of a report one tick requests.
        refresh_after: ages, from the end of a partition's window, at which it is refreshed, one partition
            a run; an empty sequence turns that off. None for those at which a pull refreshes each report.

    Raises ConfigurationError for reports of several accounts, or about payouts.
    """
    resource = shared_resource(of_windows(reports))

    def ages_of(report: ConfiguredReport) -> Sequence[timedelta]:
        return latency_of(report.query.spec.id).refresh_after if refresh_after is None else refresh_after

    # The age of the oldest window that can matter.
    reach = look_back + max((age for each in reports for age in ages_of(each)), default=timedelta())

    def look(client: StripeClient, store: Store, availability: ReportAvailability) -> Look:
        """The files first: a run that ends between two looks has written its events when those are read."""
        report = availability.report
        dataset = report.query.dataset(mode=client.mode, account=client.account)
        files = store.keys(dataset)
        if availability.available is None:
            return Look(availability, dataset, files)
        aged = find_aged(availability.ready, ages=ages_of(report), look_back=look_back, now=availability.now)
        concerned = {each.key: each for each in availability.within(look_back)}
        concerned |= {each.key: each for each, _ in aged}
        there = [each for key, each in concerned.items() if key in set(files)]
        return Look(availability, dataset, files, aged, availability.read_published(store, client, there))

    def plan_report(
        instance: dg.DagsterInstance, launches: Launches, found: Look, recording: Recording, left: LeftAlone
    ) -> ReportPlan:
        availability = found.availability
        if availability.available is None:
            return ReportPlan(availability, recording=recording)
        report, grid = availability.report, availability.grid
        newest = availability.within(look_back)
        missing = find_missing(newest, found.published.keys(), leave=left.in_hand)
        reason = f"missing/{epoch(availability.available.data_available_end)}"
        due = {each.key: each for each in select_due(found.aged, found.published)}
        aged = {key: _reason(each) for key, each in due.items() if key not in left.in_hand}
        ask_missing, ask_aged = (
            ask_again(
                instance,
                launches,
                report,
                grid,
                {key: why for key, why in reasons.items() if key not in left.put_down},
                after_success=after_success,
            )
            for reasons, after_success in ((dict.fromkeys(missing, reason), True), (aged, False))
        )
        first = dict(list(ask_missing.attempts.items())[:at_most])
        return ReportPlan(
            availability,
            requests_for(report, grid, first, reason=reason),
            [
                # One partition a run, so that each gets its own data version, whatever reads it.
                request
                for key, attempt in ask_aged.attempts.items()
                for request in requests_for(
                    report, grid, {key: attempt}, reason=aged[key], intent=Intent.REFRESH
                )
            ],
            [*ask_missing.given_up, *ask_aged.given_up],
            sorted(left.put_down & {*missing, *aged}),
            _gaps(found, {each.key for each in newest}),
            recording,
        )

    def plan_tick(
        instance: dg.DagsterInstance, stripe: StripeReporting, after: Mapping[str, str]
    ) -> list[ReportPlan]:
        store = stripe.store()
        with stripe.client(retry=TICK_RETRY) as client:
            launches, budget = Launches(instance), RecordingBudget(client.clock.monotonic)
            looks = [
                look(client, store, each)
                for each in read_availability(client, reports, instance, reach=reach)
            ]
            plans = []
            for found in looks:
                report, grid = found.availability.report, found.availability.grid
                if refused := store.explain_refusal(found.dataset):
                    plans.append(ReportPlan(found.availability, refused=refused))
                    continue
                left = launches.left_alone(grid)
                unknown = find_unknown(
                    instance,
                    report,
                    grid,
                    files=found.files,
                    published=found.published,
                    in_hand=left.in_hand,
                )
                recording = record_unknown(
                    report, unknown, store, found.dataset, after=after.get(grid.asset), budget=budget
                )
                plans.append(plan_report(instance, launches, found, recording, left))
            return plans

    @dg.sensor(
        name=name,
        # A target would be one job, which cannot hold windows of different lengths.
        asset_selection=dg.AssetSelection.assets(*(report.key for report in reports)),
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        required_resource_keys={resource},
        description="Requests partitions when Stripe has their data and the dataset does not, and refreshes "
        "them at the configured ages, because Stripe restates reports.",
    )
    def availability(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        after = _CURSOR.read(context) or {}
        try:
            plans = plan_tick(context.instance, stripe_resource(context.resources, resource), after)
        except ReportingError as error:
            return dg.SensorResult(
                skip_reason=shown(f"Nothing could be requested; the next tick tries again. {error}"),
                cursor=context.cursor,
            )
        requests = select_requests(plans)
        text = summarize(plans)
        context.log.info(shown(text))
        for plan in plans:
            if plan.given_up:
                context.log.warning(shown(warn_given_up(plan.availability.grid.asset, plan.given_up)))
        stopped = {
            plan.availability.grid.asset: plan.recording.after for plan in plans if plan.recording.after
        }
        return dg.SensorResult(
            requests,
            skip_reason=None if requests else shown(text),
            cursor=_CURSOR.write(stopped),
            asset_events=[event for plan in plans for event in plan.recording.events],
        )

    return availability


def summarize(plans: Sequence[ReportPlan]) -> str:
    """What a tick found, a line for each report."""
    return "\n".join(_line(plan) for plan in plans)


def _line(plan: ReportPlan) -> str:
    report_type, name = plan.availability.report.query.spec.id, plan.availability.grid.asset
    notes = _notes(plan)
    if plan.availability.available is None:
        offered = f"nothing to request; Stripe does not offer {report_type} to this account"
        return f"{name}: {'. '.join([offered, *notes])}."
    if plan.refused:
        return f"{name}: nothing to request, and what is green is not there: {plan.refused}"
    missing = sum(len(request.keys) for request in plan.missing)
    due = [f"{count(missing, 'partition')} to request"] if missing else []
    due += [f"{count(len(plan.aged), 'partition')} to refresh"] if plan.aged else []
    end = plan.availability.available.data_available_end
    until = f"Stripe has data until {end:%Y-%m-%d %H:%M} UTC"
    return f"{name}: {'. '.join([', '.join(due) or 'nothing to request', until, *notes])}."


#: What follows from a refusal that a run of the report met.
_REFUSED = {
    Bound.START: "Stripe refused a window that begins exactly where its data do, so none such is requested",
    Bound.END: "Stripe refused a window that ends exactly where its data do, so the newest is requested when "
    "they have passed its end",
}


def _notes(plan: ReportPlan) -> list[str]:
    """What else there is to say of a report, a sentence each."""
    notes = [*plan.recording.notes, *(_REFUSED[each] for each in sorted(plan.availability.refused))]
    if plan.given_up:
        notes.append(f"Asked for {MOST_TIMES} times in vain: {list_first(list(plan.given_up))}")
    if plan.left_alone:
        notes.append(
            f"Cancelled by a person and left alone until a person launches it: "
            f"{list_first(list(plan.left_alone))}"
        )
    if plan.gaps:
        notes.append(
            f"No file for {list_first(list(plan.gaps))}, between the first file and the last; "
            "sums over this time are short, and a backfill brings them"
        )
    return notes


def _reason(refresh: Refresh) -> str:
    return f"refresh/{int(refresh.age.total_seconds())}/{refresh.key}"


def _gaps(found: Look, recent: Set[str]) -> list[str]:
    """The windows between the table's first file and its last that no file covers; no file is opened."""
    coverage = coverage_of(found.dataset, intervals_of(found.dataset, found.files))
    return [key for key in coverage.missing if key not in recent]


def select_requests(plans: Sequence[ReportPlan]) -> list[dg.RunRequest]:
    """The requests of this tick, missing partitions first; the others are still due at the next."""
    missing = [(plan.availability.begins(each.keys[0]), each) for plan in plans for each in plan.missing]
    missing.sort(key=lambda pair: pair[0])
    due = [*(request for _, request in missing), *(each for plan in plans for each in plan.aged)]
    return [request.request() for request in due[:MOST_REQUESTS]]
