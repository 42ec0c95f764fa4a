"""What one tick of the availability sensor does about each report: what is ready at Stripe and missing, what
is old enough to be refreshed, and what is there and unknown to this Dagster.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import dagster as dg

from assets.dagster_runs.asked import Attempt, ask_again, find_came_in, requests_for
from assets.dagster_runs.gone import find_gone
from assets.dagster_runs.history import PartitionGrid
from assets.dagster_runs.launch import LeftAlone
from assets.dagster_runs.launches import Launches
from assets.dagster_runs.run_requests import RangeRunRequest
from assets.dagster_runs.tags import Intent
from assets.dagster_runs.turns import Turn, take_turns
from assets.reports.configured import ConfiguredReport
from assets.sensors.availability_decisions import AvailabilityRules, find_missing, interval_of
from assets.sensors.readiness import ReportAvailability, read_availability
from assets.sensors.tick import AFTER_STRIPE, TICK_SECONDS, bounded, in_time, remembered
from assets.sensors.unknown_files import (
    NOTHING_RECORDED,
    RECORDING_SECONDS,
    Recording,
    RecordingBudget,
    find_unknown,
    record_unknown,
)
from connector.api.client import StripeClient
from connector.api.models import epoch
from connector.dataset.coverage import coverage_of, intervals_of
from connector.dataset.identity import Dataset
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import StoreError
from connector.partitions import Partition
from connector.runs.restatement import Refresh, find_aged, select_due
from connector.status.calendar import Calendar


@dataclass(frozen=True, slots=True)
class Look:
    """One report at one tick, as the dataset has it.

    Attributes:
        files: the keys that have a file, by its listing.
        aged: the partitions that have reached an age at which they are refreshed, and were not for it.
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
        lacking: how many partitions are ready and have no file, `in_hand` of them in hand.
        given_up: keys that were asked for often enough.
        left_alone: keys that are due, and that a person put down.
        gone: keys that are due, and whose account is gone.
        gaps: keys between the first file and the last that have none, and are not requested.
        unlisted: accounts that have files and are not in the list of accounts.
        refused: why the table takes and gives no rows of the report as it is configured now.
        unreadable: why the table could not be read.
        calendar: how its newest windows stand, for people.
    """

    availability: ReportAvailability
    missing: Sequence[RangeRunRequest] = ()
    aged: Sequence[RangeRunRequest] = ()
    lacking: int = 0
    in_hand: int = 0
    given_up: Sequence[str] = ()
    left_alone: Sequence[str] = ()
    gone: Sequence[str] = ()
    gaps: Sequence[str] = ()
    unlisted: Sequence[str] = ()
    recording: Recording = NOTHING_RECORDED
    refused: str | None = None
    unreadable: str | None = None
    calendar: Calendar | None = None


@dataclass(frozen=True, slots=True)
class TickPlan:
    """What one tick does.

    Attributes:
        reports: those that it got to; the next tick begins behind the last of them.
        postponed: the asset keys of the others, for which there was no time.
    """

    reports: Sequence[ReportPlan]
    postponed: Sequence[str] = ()

    @property
    def grids(self) -> Mapping[str, PartitionGrid]:
        """The partitions of each report, by asset key."""
        return {each.availability.grid.asset: each.availability.grid for each in self.reports}

    def turn_of(self, request: RangeRunRequest) -> Turn:
        """Whose turn one of the requests belongs to."""
        return Turn.of(request, self.grids[request.report.key.to_user_string()])

    def due(self, behind: Turn | None) -> list[RangeRunRequest]:
        """What is to be requested, a fair turn for each account and report.

        Args:
            behind: whose turn the last request was.
        """
        queues: dict[Turn, list[RangeRunRequest]] = {}
        for report in self.reports:
            for request in [*report.missing, *report.aged]:
                queues.setdefault(Turn.of(request, report.availability.grid), []).append(request)
        return take_turns(queues, behind)

    @property
    def stopped_at(self) -> str | None:
        """The asset key of the last report that it got to; None where it got to all."""
        return self.reports[-1].availability.grid.asset if self.postponed else None


@remembered
@dataclass(frozen=True, slots=True)
class Position:
    """Where the next tick goes on. Without it nothing is lost.

    Attributes:
        behind: the asset key of the report after which the last tick stopped.
        recorded: by asset key, the partition after which the reading of unknown files stopped.
        served: whose turn the last request was.
        looked: when the last tick looked, by this machine's clock, in unix seconds; 0 for never.
        more: it left something to do.
    """

    behind: str | None = None
    recorded: Mapping[str, str] = field(default_factory=dict)
    served: Turn | None = None
    looked: int = 0
    more: bool = False

    def then(
        self, plan: TickPlan, due: Sequence[RangeRunRequest], granted: Sequence[RangeRunRequest], at: datetime
    ) -> "Position":
        """After one more tick, which looked at that time and was granted some of what is due."""
        stopped = {each.availability.grid.asset: each.recording.after for each in plan.reports}
        recorded = {asset: after for asset, after in {**self.recorded, **stopped}.items() if after}
        served = plan.turn_of(granted[-1]) if granted else self.served
        more = len(granted) < len(due) or bool(recorded or plan.postponed)
        return Position(plan.stopped_at, recorded, served, epoch(at), more)


def begin_behind(
    availabilities: Sequence[ReportAvailability], asset: str | None
) -> Sequence[ReportAvailability]:
    """All of them, those after this asset first; in the order given where there is no such."""
    at = next((n for n, each in enumerate(availabilities, 1) if each.grid.asset == asset), 0)
    return [*availabilities[at:], *availabilities[:at]]


def plan_tick(
    instance: dg.DagsterInstance,
    client: StripeClient,
    store: Store,
    *,
    reports: Sequence[ConfiguredReport],
    rules: AvailabilityRules,
    position: Position,
) -> TickPlan:
    """What one tick does, report by report, as far as there is time.

    Half of the time is for looking at tables. A table that cannot be read holds up no other.

    Raises ReportingError when Stripe does not answer.
    """
    availabilities = begin_behind(
        read_availability(client, reports, instance, reach=rules.reach(reports)), position.behind
    )

    def left() -> float:
        return client.time_left() + AFTER_STRIPE

    launches = Launches(instance)

    def take_look(availability: ReportAvailability) -> Look:
        aged = _find_aged(launches, availability, rules)
        return bounded(partial(look, client, store, availability, rules, aged), left())

    looks = [
        _unless_unreadable(each, partial(take_look, each))
        for each in in_time(availabilities, lambda: client.time_left() - TICK_SECONDS / 2)
    ]
    seconds = min(RECORDING_SECONDS, left())
    budget = RecordingBudget(client.clock.monotonic, seconds=seconds)

    def plan(found: Look | ReportPlan) -> ReportPlan:
        if isinstance(found, ReportPlan):
            return found
        report, grid = found.availability.report, found.availability.grid
        if refused := bounded(partial(store.explain_refusal, found.dataset, keys=found.files), left()):
            return ReportPlan(found.availability, refused=refused)
        concerned = {each.key for each in found.availability.within(rules.look_back)}
        concerned |= {each.key for each, _ in found.aged}
        alone = launches.left_alone(grid, concerned)
        unknown = find_unknown(
            instance, report, grid, files=found.files, published=found.published, in_hand=alone.in_hand
        )
        after = position.recorded.get(grid.asset)
        recording = record_unknown(report, unknown, store, found.dataset, after=after, budget=budget)
        return _plan_report(instance, launches, found, recording=recording, left=alone, rules=rules)

    plans = [_unless_unreadable(found.availability, partial(plan, found)) for found in in_time(looks, left)]
    return TickPlan(plans, [each.grid.asset for each in availabilities[len(plans) :]])


Found = TypeVar("Found")


def _unless_unreadable(availability: ReportAvailability, read: Callable[[], Found]) -> Found | ReportPlan:
    """What is read; where the storage refuses, a plan that says so."""
    try:
        return read()
    except StoreError as error:
        return ReportPlan(availability, unreadable=str(error))


def _find_aged(
    launches: Launches, availability: ReportAvailability, rules: AvailabilityRules
) -> list[tuple[Partition, Refresh]]:
    """The partitions that have reached an age at which they are refreshed, and were not refreshed for it."""
    ages, look_back = rules.ages_of(availability.report), rules.look_back
    aged = find_aged(availability.ready, ages=ages, look_back=look_back, now=availability.now)
    reasons = {each.key: _reason(each, interval_of(partition).start) for partition, each in aged}
    came_in = find_came_in(launches, availability.grid, reasons)
    return [(partition, each) for partition, each in aged if each.key not in came_in]


def look(
    client: StripeClient,
    store: Store,
    availability: ReportAvailability,
    rules: AvailabilityRules,
    aged: Sequence[tuple[Partition, Refresh]],
) -> Look:
    """A report as the dataset has it; the files that nothing is asked for are not opened.

    Files come before Dagster's runs: one that ends in between has written its events when those are read.
    """
    report = availability.report
    dataset = report.query.dataset(mode=client.mode, account=client.account)
    files = store.keys(dataset)
    if availability.available is None:
        return Look(availability, dataset, files)
    concerned = {each.key: each for each in availability.within(rules.look_back)}
    concerned |= {each.key: each for each, _ in aged}
    there = [concerned[key] for key in files if key in concerned]
    return Look(availability, dataset, files, aged, availability.read_published(store, client, there))


def _plan_report(
    instance: dg.DagsterInstance,
    launches: Launches,
    found: Look,
    *,
    recording: Recording,
    left: LeftAlone,
    rules: AvailabilityRules,
) -> ReportPlan:
    availability = found.availability
    if availability.available is None:
        return ReportPlan(availability, recording=recording)
    report, grid = availability.report, availability.grid
    newest = availability.within(rules.look_back)
    lacking = find_missing(newest, found.published.keys(), leave=frozenset())
    missing = [key for key in lacking if key not in left.in_hand]
    gone = find_gone(instance, report.key, report.partitions)
    reason = f"missing/{epoch(availability.available.data_available_end)}"
    aged = {
        each.key: _reason(each, availability.begins(each.key))
        for each in select_due(found.aged, found.published)
        if each.key not in left.in_hand
    }
    ask_missing, ask_aged = (
        ask_again(
            instance,
            launches,
            report,
            grid,
            {key: why for key, why in reasons.items() if key not in left.put_down and key not in gone},
            after_success=after_success,
        )
        for reasons, after_success in ((dict.fromkeys(missing, reason), True), (aged, False))
    )
    return ReportPlan(
        availability,
        requests_for(report, grid, ask_missing.attempts, reason=reason),
        _refreshes(report, grid, ask_aged.attempts, aged),
        len(lacking),
        len(lacking) - len(missing),
        [*ask_missing.given_up, *ask_aged.given_up],
        sorted(left.put_down & {*missing, *aged}),
        [key for key in missing if key in gone],
        _gaps(found, {each.key for each in newest}),
        report.accounts.unlisted(found.dataset.dimension_values(found.files)),
        recording,
        calendar=availability.calendar(found.dataset, found.files),
    )


def _refreshes(
    report: ConfiguredReport,
    grid: PartitionGrid,
    attempts: Mapping[str, Attempt],
    reasons: Mapping[str, str],
) -> list[RangeRunRequest]:
    """The runs that refresh these partitions, oldest first; of one day, neighbouring accounts share one."""
    alike: dict[str, dict[str, Attempt]] = {}
    for key, attempt in attempts.items():
        alike.setdefault(reasons[key], {})[key] = attempt
    requests = [
        request
        for reason, some in alike.items()
        for request in requests_for(report, grid, some, reason=reason, intent=Intent.REFRESH)
    ]
    return sorted(requests, key=lambda request: grid.age(request.keys[0]))


def _reason(refresh: Refresh, begins: datetime) -> str:
    """By the day: the runs of one reason are looked through at each tick."""
    return f"refresh/{int(refresh.age.total_seconds())}/{begins.astimezone(UTC):%Y-%m-%d}"


def _gaps(found: Look, recent: Set[str]) -> list[str]:
    """The windows between the table's first file and its last that no file covers; no file is opened."""
    coverage = coverage_of(found.dataset, intervals_of(found.dataset, found.files))
    report, place = found.availability.report, found.availability.grid.place
    outside = {key for key in coverage.missing if key in place and not report.asks_for(key)}
    return [key for key in coverage.missing if key not in recent and key not in outside]
