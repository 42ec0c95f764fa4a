"""A random walk of people and Stripe through the real Dagster, with everything on: what must hold at its end.

`tests/model/location` walks thousands of such ways in process; a few steps here show that the daemon, the
webserver and its mutations are what that takes them for.
"""

import random
import shutil
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from assets.dagster_runs.tags import PARTITION, RANGE_END, RANGE_START
from connector.simulator import Simulator
from connector.simulator.server import serve
from tests.e2e.census import days_from
from tests.e2e.conditions import until
from tests.e2e.console import Asset, DagsterRun
from tests.e2e.deployment import LATE_SENSOR, SUMMARY, Deployment, Setup
from tests.faults.runs import RunTakes

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("ps") is None, reason="counts processes with ps"),
]

SENSORS = ("stripe_availability", LATE_SENSOR)
DAYS = days_from((datetime.now(UTC) - timedelta(days=12)).date(), 8)
STEPS = ("materialize", "materialize", "cancel", "wipe", "late", "backfill", "cancel backfill")


@dataclass
class Walk:
    """What was done so far.

    Attributes:
        put_down: days that a person cancelled and none has launched since, with the runs there were then.
        launches: the days of each launch by a person, oldest first.
        backfills: the ids, and the number of each among the launches.
    """

    dagster: Deployment
    simulator: Simulator
    draw: random.Random
    put_down: dict[str, Collection[str]] = field(default_factory=dict)
    launches: list[Sequence[str]] = field(default_factory=list)
    backfills: dict[str, int] = field(default_factory=dict)

    def step(self, what: str) -> None:
        """One step; the next one comes when a sensor has ticked, whatever goes on by then. No tick looks at
        runs that will be late."""
        console = self.dagster.console
        match what:
            case "materialize":
                days = self._wanted()
                console.launch_range(SUMMARY, days[0], days[-1])
            case "backfill":
                days = self._wanted()
                self.backfills[console.backfill([SUMMARY], days)] = len(self.launches)
            case "cancel backfill":
                self._cancel_backfill()
            case "cancel":
                self._cancel()
            case "wipe":
                console.wipe(SUMMARY)
            case _:
                takes = RunTakes(self.draw.uniform(4, 7))
                self.simulator.faults.add(takes, "POST /v1/reporting/report_runs", times=2)
                return
        self._until_ticks(any)

    def ticked(self) -> None:
        """Until both sensors have ticked once more."""
        self._until_ticks(all)

    def finish(self) -> None:
        """Until nothing goes on, and each day is there and known, or was put down."""
        left: list[str] = []

        def done() -> bool:
            left[:] = self._left()
            return not left

        try:
            until(done, within=300, what="all is done", every=1)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {left}") from error

    def _left(self) -> list[str]:
        console = self.dagster.console
        shown = console.partition_statuses(SUMMARY, DAYS)
        backfills = {id: console.backfill_status(id) for id in self.backfills}
        return [
            *(f"run {run.id} {run.status} {run.tags}" for run in console.runs() if not run.has_ended),
            *(f"backfill {id} {each}" for id, each in backfills.items() if not each.has_ended),
            *(
                f"{day} {shown.get(day)}"
                for day in DAYS
                if shown.get(day) != "MATERIALIZED" and day not in self.put_down
            ),
        ]

    def _wanted(self) -> Sequence[str]:
        first = self.draw.randrange(len(DAYS) - 1)
        days = DAYS[first : first + self.draw.randint(2, 3)]
        for day in days:
            self.put_down.pop(day, None)
        self.launches.append(days)
        return days

    def _cancel(self) -> None:
        """The newest run that goes on, whoever asked for it; it may end before it is cancelled."""
        console = self.dagster.console
        going = [run for run in console.runs() if run.status in {"QUEUED", "STARTED"}]
        for run in going[:1]:
            console.terminate(run.id)
            if console.finished(run.id).status == "CANCELED":
                self._put_down(days_of(run))

    def _cancel_backfill(self) -> None:
        console = self.dagster.console
        going = [id for id in self.backfills if not console.backfill_status(id).has_ended]
        for id in going[:1]:
            console.cancel_backfill(id)
            number = self.backfills[id]
            later = {day for days in self.launches[number:] for day in days}
            self._put_down(set(self.launches[number - 1]) - later)

    def _put_down(self, days: Collection[str]) -> None:
        runs = {run.id for run in self.dagster.console.runs()}
        self.put_down.update(dict.fromkeys(days, runs))

    def _until_ticks(self, enough: Callable[[Iterable[bool]], bool]) -> None:
        last = self.dagster.console.last_tick
        before = {name: last(name) for name in SENSORS}
        until(
            lambda: enough(last(name) > before[name] for name in SENSORS),
            within=60,
            what="the sensors have ticked",
        )


def days_of(run: DagsterRun) -> list[str]:
    """The days that a run is for."""
    first = run.tags.get(RANGE_START) or run.tags[PARTITION]
    last = run.tags.get(RANGE_END) or run.tags[PARTITION]
    return [day for day in DAYS if first <= day <= last]


def files_of(dagster: Deployment, asset: Asset) -> dict[str, str]:
    """The report run of the file of each day that has one."""
    found = {}
    for day in DAYS:
        for path in dagster.root.glob(f"*/{asset[-1]}/account=*/period={day}/report.parquet"):
            (found[day],) = set(pq.read_table(path, columns=["_report_run_id"]).column(0).to_pylist())
    return found


def test_after_a_random_walk_everything_is_there_and_known_and_what_was_cancelled_stays_so(
    tmp_path: Path,
) -> None:
    simulator = Simulator(seed=7, volume=3, run_seconds=0)
    setup = Setup(
        datetime.fromisoformat(DAYS[0]).date(),
        reports=["balance.summary.1"],
        wait=timedelta(seconds=3),
        automation={"ask_by": "sensor", "look_every_seconds": 5, "refresh_after_days": []},
        defaults={"checks": {"skip": ["closing_is_next_opening"]}},
    )
    end = datetime.fromisoformat(DAYS[-1]).replace(tzinfo=UTC) + timedelta(days=1)
    simulator.set_available_until("balance.summary.1", end)
    with serve(simulator) as stripe, Deployment(tmp_path, stripe, setup) as dagster:
        walk = Walk(dagster, simulator, random.Random(367))
        for what in [walk.draw.choice(STEPS) for _ in range(7)]:
            walk.step(what)
        walk.finish()
        walk.ticked()

        events = dagster.console.materializations(SUMMARY, DAYS)
        files, known = (
            files_of(dagster, SUMMARY),
            {(e.partition, e.metadata["stripe/report_run_id"]) for e in events},
        )
        assert set(DAYS) - files.keys() <= walk.put_down.keys()
        assert set(files.items()) <= known
        for day, runs in walk.put_down.items():
            later = [run for run in dagster.console.runs() if day in days_of(run) and run.id not in runs]
            assert not [run.tags for run in later if "dagster/sensor_name" in run.tags], day
        # A report run for each launch by a person, and one for the sensor.
        for day in DAYS:
            start = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
            asked = [run for run in simulator.runs if run.parameters["interval_start"] == start]
            assert len(asked) <= 1 + sum(day in days for days in walk.launches), day
    assert not dagster.left_behind
