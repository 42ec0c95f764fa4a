"""The sensor that requests partitions as soon as Stripe has their data, and refreshes them as they age.

It replaces a schedule, and does not have to guess when Stripe will be done. Either it or the schedule runs;
with both, the second one finds nothing left to request. Files that are there and that this Dagster does not
know are recorded.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg

from assets.dagster_runs.asked import MOST_TIMES, warn_given_up
from assets.dagster_runs.claims import MOST_IN_HAND, claim
from assets.dagster_runs.launches import Launches
from assets.dagster_runs.run_requests import RangeRunRequest, of_windows, shared_resource
from assets.reports.configured import ConfiguredReport
from assets.reports.partitions import account_in
from assets.resources import stripe_resource
from assets.sensors.availability_decisions import AvailabilityRules
from assets.sensors.availability_plan import Position, ReportPlan, TickPlan, plan_tick
from assets.sensors.tick import LOOK_BACK, TICK_RETRY, CursorFormat, count, tried_again
from assets.shown import shown
from connector.accounts import explain_unlisted
from connector.dataset.coverage import listed
from connector.errors import ReportingError
from connector.runs.readiness import Bound
from connector.status.drawing import as_text, legend

#: Seconds between two looks at Stripe and the tables while nothing is due, unless configured.
LOOK_EVERY = 300

#: Seconds between two ticks. While something is due, each looks whether Dagster runs have ended, and requests
#: the next: `MOST_IN_HAND` of them last about so long.
_TICK_EVERY = 30

_CURSOR = CursorFormat(Position)


def build_availability_sensor(
    reports: Sequence[ConfiguredReport],
    *,
    name: str = "stripe_availability",
    look_back: timedelta = LOOK_BACK,
    at_once: int = MOST_IN_HAND,
    refresh_after: Sequence[timedelta] | None = None,
    look_every_seconds: int = LOOK_EVERY,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.RUNNING,
) -> dg.SensorDefinition:
    """A sensor that requests what is ready at Stripe and missing in the dataset.

    It keeps a few Dagster runs in hand: the next are requested as these end, a turn for each account and
    report, the oldest partitions first. A tick that looks calls Stripe once, for the availability of all
    report types. What was asked for is known by Dagster's runs. A partition whose run died before it had a
    report run is asked for again, three times in all; one that failed at Stripe, when Stripe's data have
    advanced. What is in hand or was cancelled by a person is left alone.

    Args:
        reports: of one account; the sensor uses their resource.
        look_back: how far behind the newest ready partition missing ones are requested, and how long after
            an age was reached a partition is still refreshed. A first start requests no more than that.
        at_once: how many Dagster runs that it requested may be in hand.
        refresh_after: ages, from the end of a partition's window, at which it is refreshed; an empty
            sequence turns that off. None for those at which a pull refreshes each report.
        look_every_seconds: how often it looks while it has nothing left to request.

    Raises ConfigurationError for reports of several accounts, or about payouts.
    """
    resource = shared_resource(of_windows(reports))
    rules = AvailabilityRules(look_back, refresh_after)
    assets = {report.key.to_user_string() for report in reports}

    @dg.sensor(
        name=name,
        # A target would be one job, which cannot hold windows of different lengths.
        asset_selection=dg.AssetSelection.assets(*(report.key for report in reports)),
        minimum_interval_seconds=min(_TICK_EVERY, look_every_seconds),
        default_status=default_status,
        required_resource_keys={resource},
        description="Requests partitions when Stripe has their data and the dataset does not, and refreshes "
        "them at the configured ages, because Stripe restates reports.",
    )
    def availability(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        began, position = datetime.now(UTC), _CURSOR.read(context) or Position()
        # The first tick looks, and so does one that a person evaluates by hand.
        if not context.is_first_tick_since_sensor_start:
            in_hand = partial(Launches(context.instance).count_in_hand, name, assets)
            if text := _why_rest(position, began, look_every_seconds, in_hand, at_once):
                return dg.SensorResult(skip_reason=shown(text), cursor=context.cursor)
        try:
            stripe = stripe_resource(context.resources, resource)
            with stripe.client(retry=TICK_RETRY) as client:
                plan = plan_tick(
                    context.instance, client, stripe.store(), reports=reports, rules=rules, position=position
                )
        except ReportingError as error:
            return tried_again(context, "Nothing could be requested", error)
        due = plan.due(position.served)
        granted = claim(context.instance, due, plan.grids, by=name, since=began, at_once=at_once)
        text = summarize(plan, granted)
        context.log.info(shown(f"{text}{draw(plan)}"))
        for each in plan.reports:
            if each.given_up:
                context.log.warning(shown(warn_given_up(each.availability.grid.asset, each.given_up)))
        return dg.SensorResult(
            [each.request() for each in granted],
            skip_reason=None if granted else shown(text),
            cursor=_CURSOR.write(position.then(plan, due, granted, began)),
            asset_events=[event for each in plan.reports for event in each.recording.events],
        )

    return availability


def _why_rest(
    position: Position, now: datetime, every: int, count_in_hand: Callable[[], int], at_once: int
) -> str | None:
    """Why a tick does not look; None for one that does."""
    again = position.looked + every
    if not position.looked <= now.timestamp() < again:
        return None
    if position.more:
        in_hand = count_in_hand()
        waits = f"{count(in_hand, 'Dagster run')} of this sensor in hand; more is requested as they end."
        return waits if in_hand >= at_once else None
    looked, next_look = (datetime.fromtimestamp(each, UTC) for each in (position.looked, again))
    return f"Nothing was left to request at {looked:%H:%M} UTC; the next look is at {next_look:%H:%M}."


def summarize(plan: TickPlan, granted: Sequence[RangeRunRequest]) -> str:
    """What a tick found and requests, a line for each report."""
    lines = [_line(each, granted) for each in plan.reports]
    if plan.postponed:
        names = listed(plan.postponed)
        lines.append(f"Not looked at, since the tick's time was up; the next tick begins with them: {names}.")
    return "\n".join(lines)


def draw(plan: TickPlan) -> str:
    """A calendar of each report, with what its letters mean; nothing where there is none."""
    drawn = [
        "\n".join([each.availability.grid.asset, *as_text(each.calendar)])
        for each in plan.reports
        if each.calendar
    ]
    return "".join(f"\n\n{each}" for each in [*drawn, legend()]) if drawn else ""


def _line(plan: ReportPlan, granted: Sequence[RangeRunRequest]) -> str:
    report_type, name = plan.availability.report.query.spec.id, plan.availability.grid.asset
    notes = _notes(plan)
    if plan.unreadable:
        return f"{name}: nothing could be requested; the next tick tries again. {plan.unreadable}"
    if plan.availability.available is None:
        offered = f"nothing to request; Stripe does not offer {report_type} to this account"
        return f"{name}: {'. '.join([offered, *notes])}."
    if plan.refused:
        return f"{name}: nothing to request, and what is green is not there: {plan.refused}"
    requested = {request.run_key for request in granted}
    due = []
    if plan.lacking:
        in_hand = f", {plan.in_hand:,} of them in hand" if plan.in_hand else ""
        due.append(f"{count(plan.lacking, 'partition')} missing{in_hand}{_now(plan.missing, requested)}")
    if plan.aged:
        aged = sum(len(request.keys) for request in plan.aged)
        due.append(f"{count(aged, 'partition')} to refresh{_now(plan.aged, requested)}")
    end = plan.availability.available.data_available_end
    until = f"Stripe has data until {end:%Y-%m-%d %H:%M} UTC"
    return f"{name}: {'. '.join([*(due or ['nothing to request']), until, *notes])}."


def _now(due: Sequence[RangeRunRequest], requested: Collection[str]) -> str:
    """How many of the partitions are requested at this tick, and how many at a later one."""
    now = sum(len(each.keys) for each in due if each.run_key in requested)
    later = sum(len(each.keys) for each in due) - now
    found = [f"{now:,} requested now"] if now else []
    found += [f"{later:,} as Dagster runs end"] if later else []
    return f": {', '.join(found)}" if found else ""


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
        notes.append(f"Asked for {MOST_TIMES} times in vain: {listed(plan.given_up)}")
    if plan.left_alone:
        notes.append(
            f"Cancelled by a person and left alone until a person launches it: {listed(plan.left_alone)}"
        )
    if plan.gone:
        notes.append(_say_gone(plan.gone))
    if plan.gaps:
        notes.append(
            f"No file for {listed(plan.gaps)}, between the first file and the last; "
            "sums over this time are short, and a backfill brings them"
        )
    if plan.unlisted:
        notes.append(explain_unlisted(plan.unlisted))
    return notes


def _say_gone(keys: Sequence[str]) -> str:
    accounts = sorted({*map(account_in, keys)})
    return (
        f"{count(len(accounts), 'account')} gone, refused by Stripe as unknown: {listed(accounts)}. "
        f"{count(len(keys), 'partition')} not requested until the account is ended with `until:`, or one of "
        "its partitions is launched by hand once it is connected again"
    )
