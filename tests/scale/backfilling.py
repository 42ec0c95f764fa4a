"""The story: a backfill over two workers, with both sensors beside it; one worker is killed in the middle."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from assets.dagster_runs.tags import PARENT_RUN
from connector.simulator import Simulator
from connector.simulator.api.rate_limits import Limiter
from tests.e2e.census import days_from
from tests.e2e.conditions import until
from tests.e2e.console import Asset, Console, DagsterRun, Materialization
from tests.e2e.deployment import LATE_SENSOR
from tests.faults.runs import RunTakes
from tests.scale.census import partitions_asked_for
from tests.scale.machines import Worker
from tests.support.stripe import asking_for

REPORTS = (
    "balance.summary.1",
    "balance_change_from_activity.itemized.3",
    "payouts.itemized.3",
    "payout_reconciliation.itemized.5",
)
TABLES = tuple(report.rpartition(".")[0].replace(".", "_") for report in REPORTS)
ASSETS: tuple[Asset, ...] = tuple(("stripe", table) for table in TABLES)

AVAILABILITY_SENSOR = "stripe_availability"
SENSORS = (AVAILABILITY_SENSOR, LATE_SENSOR)

#: The tag in which Dagster keeps the Celery task of a run.
_TASK = "dagster-celery/task_id"

#: How long a step waits for Stripe, and how long the late report runs take.
WAIT = timedelta(seconds=25)
_LATE = 50.0

Say = Callable[[str, object], None]


def stripe_with(days: int) -> tuple[Simulator, list[str]]:
    """A Stripe under today's limits, where two reports are late; and the days to backfill.

    It has data for later days too, which the availability sensor finds by itself.
    """
    first = datetime.now(UTC).date() - timedelta(days=days + 4)
    simulator = Simulator(seed=7, volume=6, opening=first, run_seconds=(2.0, 8.0), limiter=Limiter())
    keys = days_from(first, days)
    for report, day in ((REPORTS[0], keys[days // 4]), (REPORTS[2], keys[-3])):
        simulator.faults.add(RunTakes(_LATE), asking_for(day, report_type=report), times=None)
    return simulator, keys


class Backfill:
    """One backfill from its launch until nothing is left to do.

    Args:
        days: the partitions of each asset.
        say: where figures go, each with its name.
    """

    def __init__(
        self,
        console: Console,
        workers: Sequence[Worker],
        simulator: Simulator,
        days: Sequence[str],
        say: Say,
    ) -> None:
        self._console, self._workers, self._simulator = console, workers, simulator
        self._days, self._say = days, say
        self._began = self._killed = 0.0
        self._lost: list[str] = []

    def run(self) -> None:
        """All of it. Raises TimeoutError where something does not come to its end."""
        console = self._console
        self._began = time.time()
        backfill = console.backfill(ASSETS, self._days)
        console.start_sensor(AVAILABILITY_SENSOR)
        self._kill(self._workers[0])
        ended = console.backfill_finished(backfill, within=1200)
        self._say(
            "the backfill",
            f"{ended.status} after {time.time() - self._began:.0f} s: {ended.materialized} partitions there, "
            f"{ended.failed} left to the sensor for late reports",
        )
        until(self._all_there, within=300, every=3, what="all partitions are there")
        ticked = {name: console.last_tick(name) for name in SENSORS}
        until(
            lambda: all(console.last_tick(name) > ticked[name] for name in SENSORS),
            within=300,
            what="both sensors have ticked once more",
        )
        until(lambda: all(run.has_ended for run in console.runs()), within=300, what="all runs have ended")
        self._say("wall", f"{time.time() - self._began:.0f} s, until nothing was left to do")

    def _all_there(self) -> bool:
        return self._recorded() >= len(ASSETS) * len(self._days)

    def _recorded(self) -> int:
        return sum(len(self._console.event_counts(asset, self._days)) for asset in ASSETS)

    def _events(self) -> list[Materialization]:
        """All there are, also of days that only a sensor asked for."""
        days = sorted({partition.day for partition in partitions_asked_for(self._simulator)})
        return [event for asset in ASSETS for event in self._console.materializations(asset, days)]

    def _kill(self, victim: Worker) -> None:
        """SIGKILL to all processes of a machine, once a quarter is there and it is in the middle of a run.

        It does not come back.
        """
        until(
            lambda: 4 * self._recorded() >= len(ASSETS) * len(self._days) and self._in_the_middle(victim),
            within=600,
            every=2,
            what=f"{victim.name} is in the middle of a run",
        )
        victim.service.kill_all()
        self._killed = time.time()
        self._lost = [run.id for run in self._runs_of(victim) if not run.has_ended]
        self._say(
            "the kill",
            f"{victim.name} after {self._killed - self._began:.0f} s, with {len(self._lost)} runs in hand; "
            f"{self._recorded()} partitions were there",
        )

    def _in_the_middle(self, victim: Worker) -> bool:
        """Whether a run of it has recorded some partitions, and goes on."""
        running = {run.id for run in self._runs_of(victim) if run.status == "STARTED"}
        return bool(running) and any(event.run_id in running for event in self._events())

    def _runs_of(self, worker: Worker) -> list[DagsterRun]:
        taken = worker.taken()
        return [run for run in self._console.runs() if run.tags.get(_TASK) in taken]

    # In the end

    def who_did_what(self) -> None:
        """Figures of each worker, and of what the kill cost."""
        events = self._events()
        by_run = Counter(event.run_id for event in events)
        for worker in self._workers:
            runs = [run.id for run in self._runs_of(worker)]
            self._say(worker.name, f"{len(runs)} runs, {sum(by_run[run] for run in runs)} partitions")
        again = [run for run in self._console.runs() if run.tags.get(PARENT_RUN) in self._lost]
        brought = {event.metadata["stripe/report_run_id"]: event.run_id for event in events}
        in_their_place = {run.id for run in again}
        adopted = [
            run
            for run in self._simulator.runs
            if run.created < self._killed and brought.get(run.id) in in_their_place
        ]
        ends = [self._console.run(run).ended or 0.0 for run in self._lost]
        self._say(
            "the kill cost",
            f"{len(self._lost)} runs, given up on {max(ends, default=0.0) - self._killed:.0f} s later; "
            f"{len(again)} runs in their place recorded {sum(by_run[run] for run in in_their_place)} "
            f"partitions, of which {len(adopted)} with report runs that Stripe had already; all there "
            f"{max((run.ended or 0.0 for run in again), default=0.0) - self._killed:.0f} s after the kill",
        )

    def wrong_runs(self) -> Iterator[str]:
        """Dagster runs that did not end well, were not started again, and have no reason of this story."""
        runs = self._console.runs()
        again = {run.tags.get(PARENT_RUN) for run in runs}
        for run in runs:
            late = run.tags.get("stripe/outcome") == "late"
            if run.status != "SUCCESS" and run.id not in again and not late:
                said = self._console.failure_text(run.id)
                yield f"run {run.id} has ended as {run.status}: {said or 'without a reason'}"
        if not self._lost:
            yield "the kill has met no run: it proves nothing"
