"""What one tick of the availability sensor does about each report: what is ready at Stripe and missing, what
is old enough to be refreshed, and what is there and unknown to this Dagster.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import dagster as dg

from assets.dagster_runs.asked import AskAgain, Attempt, ask_again, find_came_in, requests_for
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
from assets.sensors.tick import bounded, in_time, left_for_looks, left_in_all, remembered, unless_refused
from assets.sensors.unknown_files import (
    NOTHING_RECORDED,
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

    Raises ReportingError when Stripe does not answer.
    """
    availabilities = begin_behind(
        read_availability(client, reports, instance, reach=rules.reach(reports)), position.behind
    )
    tick = _Tick(client, store, rules, position, Launches(instance))
    looks = [
        unless_refused(partial(tick.look, each), partial(_unreadable, each))
        for each in in_time(availabilities, partial(left_for_looks, client))
    ]
    budget = RecordingBudget.of(client)
    plans = [
        found
        if isinstance(found, ReportPlan)
        else unless_refused(partial(tick.plan, found, budget), partial(_unreadable, found.availability))
        for found in in_time(looks, partial(left_in_all, client))
    ]
    return TickPlan(plans, [each.grid.asset for each in availabilities[len(plans) :]])


def _unreadable(availability: ReportAvailability, error: StoreError) -> ReportPlan:
    return ReportPlan(availability, unreadable=str(error))


@dataclass(frozen=True, slots=True)
class _Tick:
    """What one tick looks at, and by which rules."""

    client: StripeClient
    store: Store
    rules: AvailabilityRules
    position: Position
    launches: Launches

    def look(self, availability: ReportAvailability) -> Look:
        """A report as the dataset has it."""
        aged = self._find_aged(availability)
        return bounded(partial(self._read, availability, aged), left_in_all(self.client))

    def plan(self, found: Look, budget: RecordingBudget) -> ReportPlan:
        """What is done about a report."""
        availability, instance = found.availability, self.launches.instance
        report, grid = availability.report, availability.grid
        explain = partial(self.store.explain_refusal, found.dataset, keys=found.files)
        if refused := bounded(explain, left_in_all(self.client)):
            return ReportPlan(availability, refused=refused)
        left = self.launches.left_alone(grid, self._concerned(availability, found.aged).keys())
        unknown = find_unknown(
            instance, report, grid, files=found.files, published=found.published, in_hand=left.in_hand
        )
        after = self.position.recorded.get(grid.asset)
        recording = record_unknown(report, unknown, self.store, found.dataset, after=after, budget=budget)
        return self._request(found, recording, left)

    def _concerned(
        self, availability: ReportAvailability, aged: Sequence[tuple[Partition, Refresh]]
    ) -> dict[str, Partition]:
        """What may be asked for, by key."""
        newest = availability.within(self.rules.look_back)
        return {each.key: each for each in [*newest, *(partition for partition, _ in aged)]}

    def _find_aged(self, availability: ReportAvailability) -> list[tuple[Partition, Refresh]]:
        """The partitions that have reached an age at which they are refreshed, and were not for it."""
        ages, look_back = self.rules.ages_of(availability.report), self.rules.look_back
        aged = find_aged(availability.ready, ages=ages, look_back=look_back, now=availability.now)
        reasons = {each.key: _reason(each, interval_of(partition).start) for partition, each in aged}
        came_in = find_came_in(self.launches, availability.grid, reasons)
        return [(partition, each) for partition, each in aged if each.key not in came_in]

    def _read(self, availability: ReportAvailability, aged: Sequence[tuple[Partition, Refresh]]) -> Look:
        """The files that nothing is asked for are not opened.

        Files come before Dagster's runs: one that ends in between has written its events when those are read.
        """
        dataset = availability.report.query.dataset(mode=self.client.mode, account=self.client.account)
        files = self.store.keys(dataset)
        if availability.available is None:
            return Look(availability, dataset, files)
        concerned = self._concerned(availability, aged)
        there = [concerned[key] for key in files if key in concerned]
        published = availability.read_published(self.store, self.client, there)
        return Look(availability, dataset, files, aged, published)

    def _request(self, found: Look, recording: Recording, left: LeftAlone) -> ReportPlan:
        availability, instance = found.availability, self.launches.instance
        if availability.available is None:
            return ReportPlan(availability, recording=recording)
        report, grid = availability.report, availability.grid
        newest = availability.within(self.rules.look_back)
        lacking = find_missing(newest, found.published.keys(), leave=frozenset())
        missing = [key for key in lacking if key not in left.in_hand]
        gone = find_gone(instance, report.key, report.partitions)
        reason = f"missing/{epoch(availability.available.data_available_end)}"
        aged = {
            each.key: _reason(each, availability.begins(each.key))
            for each in select_due(found.aged, found.published)
            if each.key not in left.in_hand
        }

        def ask(reasons: Mapping[str, str], *, after_success: bool) -> AskAgain:
            due = {key: why for key, why in reasons.items() if key not in left.put_down and key not in gone}
            return ask_again(instance, self.launches, report, grid, due, after_success=after_success)

        ask_missing = ask(dict.fromkeys(missing, reason), after_success=True)
        ask_aged = ask(aged, after_success=False)
        return ReportPlan(
            availability,
            requests_for(report, grid, ask_missing.attempts, reason=reason),
            _refreshes(report, grid, ask_aged.attempts, aged),
            lacking=len(lacking),
            in_hand=len(lacking) - len(missing),
            given_up=[*ask_missing.given_up, *ask_aged.given_up],
            left_alone=sorted(left.put_down & {*missing, *aged}),
            gone=[key for key in missing if key in gone],
            gaps=_gaps(found, {each.key for each in newest}),
            unlisted=report.accounts.unlisted(found.dataset.dimension_values(found.files)),
            recording=recording,
            calendar=availability.calendar(found.dataset, found.files),
        )


def _refreshes(
    report: ConfiguredReport, grid: PartitionGrid, attempts: Mapping[str, Attempt], reasons: Mapping[str, str]
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
