"""The sensor that requests partitions as soon as Stripe has their data, and refreshes them as they age.

It replaces a schedule, and does not have to guess when Stripe will be done. Either it or the schedule runs;
with both, the second one finds nothing left to request. Files that are there and that this Dagster does not
know are recorded.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from assets.dagster_runs.asked import MOST_TIMES, warn_given_up
from assets.dagster_runs.claims import claim
from assets.dagster_runs.run_requests import of_windows, shared_resource
from assets.reports.configured import ConfiguredReport
from assets.reports.partitions import account_in
from assets.resources import stripe_resource
from assets.sensors.availability_plan import (
    AvailabilityRules,
    Position,
    ReportPlan,
    TickPlan,
    plan_tick,
    sort_requests,
)
from assets.sensors.tick import LOOK_BACK, TICK_RETRY, CursorFormat, count, list_first
from assets.shown import shown
from connector.accounts import explain_unlisted
from connector.errors import ReportingError
from connector.runs.readiness import Bound

#: Seconds between two ticks, unless configured.
LOOK_EVERY = 300

_CURSOR = CursorFormat(Position)


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
    rules = AvailabilityRules(look_back, at_most, refresh_after)

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
        began, position = datetime.now(UTC), _CURSOR.read(context) or Position()
        try:
            stripe = stripe_resource(context.resources, resource)
            with stripe.client(retry=TICK_RETRY) as client:
                plan = plan_tick(
                    context.instance,
                    client,
                    stripe.store(),
                    reports=reports,
                    rules=rules,
                    position=position,
                )
        except ReportingError as error:
            return dg.SensorResult(
                skip_reason=shown(f"Nothing could be requested; the next tick tries again. {error}"),
                cursor=context.cursor,
            )
        requests = claim(context.instance, sort_requests(plan.reports), plan.grids, by=name, since=began)
        text = summarize(plan)
        context.log.info(shown(text))
        for each in plan.reports:
            if each.given_up:
                context.log.warning(shown(warn_given_up(each.availability.grid.asset, each.given_up)))
        return dg.SensorResult(
            requests,
            skip_reason=None if requests else shown(text),
            cursor=_CURSOR.write(position.then(plan)),
            asset_events=[event for each in plan.reports for event in each.recording.events],
        )

    return availability


def summarize(plan: TickPlan) -> str:
    """What a tick found, a line for each report."""
    lines = [_line(each) for each in plan.reports]
    if plan.postponed:
        names = list_first(list(plan.postponed))
        lines.append(f"Not looked at, since the tick's time was up; the next tick begins with them: {names}.")
    return "\n".join(lines)


def _line(plan: ReportPlan) -> str:
    report_type, name = plan.availability.report.query.spec.id, plan.availability.grid.asset
    notes = _notes(plan)
    if plan.unreadable:
        return f"{name}: nothing could be requested; the next tick tries again. {plan.unreadable}"
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
    if plan.gone:
        notes.append(_say_gone(plan.gone))
    if plan.gaps:
        notes.append(
            f"No file for {list_first(list(plan.gaps))}, between the first file and the last; "
            "sums over this time are short, and a backfill brings them"
        )
    if plan.unlisted:
        notes.append(explain_unlisted(plan.unlisted))
    return notes


def _say_gone(keys: Sequence[str]) -> str:
    accounts = sorted({*map(account_in, keys)})
    return (
        f"{count(len(accounts), 'account')} gone, refused by Stripe as unknown: {list_first(accounts)}. "
        f"{count(len(keys), 'partition')} not requested until the account is ended with `until:`, or one of "
        "its partitions is launched by hand once it is connected again"
    )
