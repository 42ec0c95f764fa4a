"""One code location: a report's asset and its sensors on a Dagster in memory, a Stripe, files, one clock.

The report is of the account itself, or of two connected ones, which have partitions of their own.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import (
    ConfiguredReport,
    build_availability_sensor,
    build_late_report_sensor,
    build_report_asset,
)
from assets.dagster_runs.history import MaterializationEvent, newest_materializations, read_materializations
from assets.dagster_runs.tags import BACKFILL, PARENT_RUN, PARTITION, RANGE_END, RANGE_START
from assets.reports.check_rules import CheckOptions
from connector.accounts import NO_ACCOUNTS, AccountLife, AccountLives
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.pipeline.collect import collect
from connector.query import ReportQuery
from connector.runs.adoption import WaitPolicy
from connector.simulator import Simulator
from tests.support.clock import NOON, ManualClock
from tests.support.dagster import Orchestra
from tests.support.sensing import Daemon, Tick, carry_out

if TYPE_CHECKING:
    from tests.model.location.backfills import UnderWay

CONNECTED = AccountLives.of(["acct_1bistro", "acct_1velo"])
FIRST_DAY = date(2026, 6, 2)

#: A run waits so long; a report that takes longer is late.
PATIENCE = WaitPolicy(wait_timeout=timedelta(minutes=5))

#: The tag Dagster gives the runs of a sensor.
SENSOR = "dagster/sensor_name"
RUN_KEY = "dagster/run_key"


@dataclass
class Launched:
    """A Dagster run and what it was launched for."""

    run_id: str
    keys: Sequence[str]
    began: datetime
    ended_well: bool


@dataclass
class Place:
    """Everything there is.

    Attributes:
        directory: an empty one.
        owner: the location on the same Stripe account that was there before; None for the first.
        shares_home: it is in the Dagster of its owner, under another prefix.
        accounts: the connected accounts that have partitions of their own, and the days on which people say
            that they live; none where the report is of the account itself.
        launched: the runs that were carried out, oldest first.
        held: keys by the ids of the runs that go on.
        backfills: those that are not finished, by id.
        wanted: keys by the ids of all runs and backfills that people have launched, oldest first.
        put_down: keys that a person cancelled, and no person has launched since.
        ever_cancelled: keys that a person has cancelled at any time.
        run_keys: those that its sensors have asked with.
        in_vain: how many runs that a sensor asked for ended without it, by key: they died before they
            began, or Stripe was down, or refused its account.
    """

    directory: Path
    owner: "Place | None" = None
    shares_home: bool = False
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    accounts: AccountLives = NO_ACCOUNTS
    stack: ExitStack = field(default_factory=ExitStack)
    launched: list[Launched] = field(default_factory=list)
    held: dict[str, Sequence[str]] = field(default_factory=dict)
    backfills: "dict[str, UnderWay]" = field(default_factory=dict)
    wanted: dict[str, Sequence[str]] = field(default_factory=dict)
    put_down: set[str] = field(default_factory=set)
    ever_cancelled: set[str] = field(default_factory=set)
    run_keys: set[str] = field(default_factory=set)
    in_vain: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.simulator: Simulator = self.owner.simulator if self.owner else _stripe(self.clock)
        self._define()
        self.store = Store(self.directory / "data")
        self.open_home()

    def _define(self) -> None:
        prefix = ("stripe_too",) if self.shares_home else ("stripe",)
        query = self.query()
        plain = ConfiguredReport(
            query,
            start=FIRST_DAY,
            wait_policy=PATIENCE,
            prefix=prefix,
            connected_accounts=self.accounts,
        )
        # Evaluations of checks are most of what a run costs, and say nothing here.
        self.report = replace(plain, checks=CheckOptions(skip=plain.checkable))
        self.asset = build_report_asset(self.report, retry_policy=None)

    def query(self, **otherwise: Any) -> ReportQuery:
        """The report; or as somebody configures it otherwise, for a table of the same name."""
        if self.accounts:
            return ReportQuery.of("connected_account_balance_summary", by_account=True, **otherwise)
        return ReportQuery.of("balance_summary", **otherwise)

    def open_home(self) -> None:
        """A Dagster without a history."""
        self.stack.close()
        if self.owner and self.shares_home:
            instance = self.owner.instance
        else:
            instance = self.stack.enter_context(dg.DagsterInstance.ephemeral())
        self.orchestra = Orchestra(instance, self.simulator.handle, self.clock, self.directory / "data")
        self.launched.clear()
        self.held.clear()
        self.backfills.clear()
        self.wanted.clear()
        self.put_down.clear()
        self.ever_cancelled.clear()
        self.run_keys.clear()
        self.in_vain.clear()
        self.daemons = [Daemon(self.orchestra, [self.asset], sensor) for sensor in self._sensors()]

    def live(self, life: AccountLife) -> None:
        """People say otherwise on which days an account lives, and load the location again."""
        others = (each for each in self.accounts if each.account != life.account)
        self.accounts = AccountLives(tuple(sorted((life, *others), key=lambda each: each.account)))
        self._define()
        self.daemons = [
            replace(daemon, assets=[self.asset], sensor=sensor)
            for daemon, sensor in zip(self.daemons, self._sensors(), strict=True)
        ]

    def _sensors(self) -> Sequence[dg.SensorDefinition]:
        (prefix,) = self.report.prefix
        return (
            build_availability_sensor([self.report], name=f"{prefix}_availability"),
            build_late_report_sensor([self.report], name=f"{prefix}_late_reports"),
        )

    @property
    def instance(self) -> dg.DagsterInstance:
        return self.orchestra.instance

    @cached_property
    def dataset(self) -> Dataset:
        return self.report.query.dataset(mode="test", account=None)

    # Partitions

    def keys(self) -> list[str]:
        """The days that Stripe has data for, of each account those on which it lives."""
        days = self._days()
        if not self.accounts:
            return days
        keys = [f"{account}|{day}" for account in self.accounts.names for day in days]
        return [key for key in keys if self.is_lived(key)]

    def is_lived(self, key: str) -> bool:
        """Whether its account lives on its day."""
        account, _, day = key.rpartition("|")
        life = self.accounts.get(account)
        return life is None or str(life.start or day) <= day <= str(life.until or day)

    def keys_alike(self, number: int) -> list[str]:
        """Those of one account, where each has its own."""
        if not self.accounts:
            return self.keys()
        account = self.accounts.names[number % len(self.accounts)]
        return [key for key in self.keys() if key.startswith(account)]

    def account_of(self, key: str) -> str:
        return self.report.partition(key).account or str(self.simulator.account)

    def _days(self) -> list[str]:
        until = self.available_until()
        found, day = [], FIRST_DAY
        while datetime(day.year, day.month, day.day, tzinfo=until.tzinfo) + timedelta(days=1) <= until:
            found.append(day.isoformat())
            day += timedelta(days=1)
        return found

    def available_until(self) -> datetime:
        with self.orchestra.stripe.client() as client:
            return client.report_types()[self.report.query.spec.id].data_available_end

    def end_of(self, key: str) -> datetime:
        interval = self.report.partition(key).interval
        assert interval
        return interval.end

    def file_of(self, key: str) -> Path:
        return Path(self.store.uri(self.dataset, key))

    def run_ids(self, keys: Collection[str]) -> dict[str, str]:
        """The report runs of the files there are."""
        found = self.store.provenances(self.dataset, list(keys))
        return {key: each.run_id for key, each in found.items() if each}

    def known(self) -> Mapping[str, str | None]:
        """The report run of the newest materialization of each partition, as Dagster has it."""
        return {key: event.report_run for key, event in self.events().items()}

    def recorded(self) -> set[tuple[str, str | None]]:
        """The report runs of all materializations of each partition."""
        keys = self.report.partitions.get_partition_keys()
        found = read_materializations(self.instance, self.asset.key, keys)
        return {(event.partition, event.report_run) for event in found}

    def in_hand(self) -> set[str]:
        """What goes on, as people see it."""
        backfills = (each.keys for each in self.backfills.values())
        return {key for keys in (*self.held.values(), *backfills) for key in keys}

    def wanted_since(self, id: str) -> set[str]:
        """What people have launched since the run or backfill with that id."""
        later = list(self.wanted)[list(self.wanted).index(id) + 1 :]
        return {key for each in later for key in self.wanted[each]}

    def cancel(self, keys: Collection[str], id: str | None = None) -> None:
        """A person has cancelled these. Who has launched one of them once more since then still wants it.

        Args:
            id: the run or backfill that was cancelled; None for one that was launched right now.
        """
        since = self.wanted_since(id) if id else set()
        self.ever_cancelled |= set(keys)
        self.put_down |= set(keys) - since

    def events(self) -> Mapping[str, MaterializationEvent]:
        """The newest materialization of each partition, as Dagster has it."""
        return newest_materializations(
            self.instance, self.asset.key, self.report.partitions.get_partition_keys()
        )

    # Runs

    def launch(self, keys: Sequence[str], tags: Mapping[str, str] | None = None) -> Launched:
        """Materialize a range of days, as a person does unless the tags say otherwise."""
        began = self.clock.now()
        last = None if len(keys) == 1 else keys[-1]
        result = self.orchestra.launch([self.asset], keys[0], last, tags=tags)
        done = Launched(result.run_id, keys, began, result.success)
        self.launched.append(done)
        if BACKFILL not in (tags or {}) or PARENT_RUN in (tags or {}):
            self.wanted[result.run_id] = keys
        return done

    def launch_again(self, before: Launched) -> Launched:
        """Re-execute a run, all steps."""
        run = self.instance.get_run_by_id(before.run_id)
        tags = {PARENT_RUN: before.run_id, "dagster/root_run_id": before.run_id}
        before_tags = run.tags if run else {}
        own = {name: value for name, value in before_tags.items() if name.startswith("stripe/")}
        if (backfill := before_tags.get(BACKFILL)) in self.backfills:
            own[BACKFILL] = str(backfill)  # as Dagster does while the backfill goes on
        return self.launch(before.keys, {**own, **tags})

    def record_run(
        self, keys: Sequence[str], status: dg.DagsterRunStatus, tags: Mapping[str, str] | None = None
    ) -> str:
        """A run that nothing of ours is executed in: it goes on, or died before its first step."""
        span = {PARTITION: keys[0]} if len(keys) == 1 else {RANGE_START: keys[0], RANGE_END: keys[-1]}
        run = dg.DagsterRun(
            job_name="any",
            asset_selection=frozenset({self.asset.key}),
            tags={**span, **(tags or {})},
            status=status,
        )
        return self.instance.add_run(run).run_id

    def start(self, keys: Sequence[str]) -> None:
        """A person launches a run, which goes on."""
        run_id = self.record_run(keys, dg.DagsterRunStatus.STARTED)
        self.held[run_id] = self.wanted[run_id] = keys

    def end_oldest(self, *, cancelled: bool) -> None:
        """Of the runs that go on a person cancels the oldest, or its worker dies."""
        run_id = next(iter(self.held))
        keys, run = self.held.pop(run_id), self.instance.get_run_by_id(run_id)
        assert run
        if cancelled:
            self.instance.report_run_canceled(run)
            self.cancel(keys, run_id)
        else:
            self.instance.report_run_failed(run)

    # Sensors

    def carry_out(self, daemon: Daemon, tick: Tick, *, alive: bool) -> None:
        """The runs that a tick asks for, none twice under a key: to their end, or dead before they began."""
        for request in tick.requests:
            if request.run_key in daemon.seen:
                continue
            daemon.seen.add(str(request.run_key))
            self.run_keys.add(str(request.run_key))
            tags = {**request.tags, SENSOR: daemon.sensor.name, RUN_KEY: str(request.run_key)}
            keys = self.keys_of(request)
            if alive:
                run = carry_out(self.orchestra, [self.asset], request._replace(tags=tags))
                events = self.events()
                brought = {key for key in keys if key in events and events[key].dagster_run == run.run_id}
                self.in_vain.update(set(keys) - brought)
            else:
                self.record_run(keys, dg.DagsterRunStatus.FAILURE, tags)
                self.in_vain.update(keys)

    def keys_of(self, request: dg.RunRequest) -> list[str]:
        """The days that a request is for."""
        first = request.partition_key or request.tags[RANGE_START]
        last = request.partition_key or request.tags[RANGE_END]
        corners = dg.PartitionKeyRange(first, last)
        return [str(key) for key in self.report.partitions.get_partition_keys_in_range(corners)]

    # Without Dagster

    def reports_of(self, otherwise: Mapping[str, Any]) -> ConfiguredReport:
        """The report as somebody configures it otherwise, for a table of the same name."""
        return replace(self.report, query=self.query(**otherwise))

    def pull(self, keys: Sequence[str]) -> None:
        """What the command does."""
        partitions = [self.report.partition(key) for key in keys]
        with self.orchestra.stripe.client() as client:
            for _ in collect(client, self.store, self.report.query, partitions, wait_policy=PATIENCE):
                pass

    @contextmanager
    def timed(self) -> Iterator[Callable[[], float]]:
        """How many seconds have passed on the clock so far."""
        began = self.clock.monotonic()
        yield lambda: self.clock.monotonic() - began


def _stripe(clock: ManualClock) -> Simulator:
    return Simulator(
        clock,
        seed=5,
        volume=1,
        opening=date(2026, 6, 1),
        run_seconds=(1, 40),
        account="acct_1own",
        connected_accounts=CONNECTED.names,
    )
