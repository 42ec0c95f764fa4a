"""The rules: what people do in Dagster and beside it, what the sensors do, and what Stripe does."""

import shutil
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from connector.api.models import epoch
from connector.simulator import Fault, Stage
from connector.simulator.books.entries import Entry
from tests.faults.network import Respond, Silence
from tests.faults.runs import RunFails, RunTakes
from tests.model.location.laws import everything_is_there, reading_is_refused, run_holds, tick_holds
from tests.model.location.place import Place
from tests.support.sensing import Daemon

SENSORS = st.sampled_from([0, 1])
#: Which days, from the newest backwards, and how many.
PLACES, LENGTHS = st.integers(0, 5), st.integers(1, 4)
TIMES = st.sampled_from(
    [timedelta(minutes=20), timedelta(hours=7), timedelta(hours=30), timedelta(days=3), timedelta(days=40)]
)
#: Other reports, which would have a table of that name.
OTHERWISE: dict[str, dict[str, Any]] = {
    "by week": {"window": "weekly"},
    "in Berlin": {"zone": "Europe/Berlin"},
    "in euros": {"filters": {"currency": "eur"}},
}
LAST = datetime(2026, 9, 1, tzinfo=UTC)
FAULTS: dict[str, tuple[Fault, str]] = {
    "runs fail": (RunFails(), "POST"),
    "runs are late": (RunTakes(1800.0), "POST"),
    "runs hang": (RunTakes(None), "POST"),
    "Stripe is down": (Respond(500, stage=Stage.BEFORE), "*"),
    "Stripe is silent": (Silence(), "*"),
    "the key is revoked": (Respond(401), "*"),
}


class Weeks(RuleBasedStateMachine):
    """What happens to one code location in a few weeks."""

    #: How often each rule was carried out, in all.
    steps: ClassVar[Counter[str]] = Counter()

    @initialize()
    def begin(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="model-")
        self.place = Place(Path(self.directory))
        self.late = 0
        #: Whether there may be faults.
        self.in_trouble = False

    def teardown(self) -> None:
        if hasattr(self, "place"):
            try:
                self._calm_down()
            finally:
                self.place.stack.close()
                shutil.rmtree(self.directory, ignore_errors=True)

    # People

    @rule(back=PLACES, length=LENGTHS)
    def materialize(self, back: int, length: int) -> None:
        if keys := self._days(back, length):
            self._count("materialize")
            there = set(self.place.run_ids(keys))
            known = {key for key, run in self.place.known().items() if run}
            self.place.put_down -= set(keys)
            fresh = there == set(keys) and there <= known
            run_holds(self.place, self.place.launch(keys), fresh=fresh, launched=True)

    @precondition(lambda self: self.place.launched)
    @rule(number=st.integers(0, 5))
    def execute_again(self, number: int) -> None:
        if self.place.launched:
            before = self.place.launched[-1 - number % len(self.place.launched)]
            self._count("re-execute")
            self.place.put_down -= set(before.keys)
            run_holds(self.place, self.place.launch_again(before), fresh=before.ended_well)

    @rule(back=PLACES, length=LENGTHS)
    def start(self, back: int, length: int) -> None:
        """A run that a person launched goes on for a while."""
        if keys := self._days(back, length):
            self._count("start")
            self.place.put_down -= set(keys)
            run_id = self.place.record_run(keys, dg.DagsterRunStatus.STARTED)
            self.place.held[run_id] = self.place.wanted[run_id] = keys

    @precondition(lambda self: self.place.held)
    @rule(cancelled=st.booleans(), number=st.integers(0, 5))
    def end_started(self, cancelled: bool, number: int) -> None:
        """A run that goes on is cancelled by a person, or its worker dies."""
        if self.place.held:
            run_id = list(self.place.held)[number % len(self.place.held)]
            keys, run = self.place.held.pop(run_id), self.place.instance.get_run_by_id(run_id)
            assert run
            if cancelled:
                self._count("cancel")
                self.place.instance.report_run_canceled(run)
                # Who has launched a day once more since then still wants it.
                later = list(self.place.wanted)[list(self.place.wanted).index(run_id) + 1 :]
                wanted = {key for each in later for key in self.place.wanted[each]}
                self.place.put_down |= set(keys) - wanted
            else:
                self._count("worker dies")
                self.place.instance.report_run_failed(run)

    @precondition(lambda self: self.place.known())
    @rule()
    def wipe(self) -> None:
        self._count("wipe")
        self.place.instance.wipe_assets([self.place.asset.key])

    @precondition(lambda self: any(daemon.cursor for daemon in self.place.daemons))
    @rule()
    def lose_cursors(self) -> None:
        self._count("lose cursors")
        for daemon in self.place.daemons:
            daemon.cursor = None

    @precondition(lambda self: self.place.launched)
    @rule()
    def lose_home(self) -> None:
        self._count("lose home")
        self.place.open_home()

    @precondition(lambda self: any((Path(self.directory) / "data").glob("*/*/*/*/report.parquet")))
    @rule(number=st.integers(0, 5))
    def remove_file(self, number: int) -> None:
        self._count("remove file")
        files = sorted((Path(self.directory) / "data").glob("*/*/*/*/report.parquet"))
        files[-1 - number % len(files)].unlink()

    @rule(back=PLACES, length=LENGTHS)
    def pull(self, back: int, length: int) -> None:
        """The command, without Dagster."""
        if (keys := self._days(back, length)) and not self.in_trouble:
            self._count("pull")
            self.place.pull(keys)

    @precondition(lambda self: self.place.run_ids(self.place.store.keys(self.place.dataset)))
    @rule(otherwise=st.sampled_from(sorted(OTHERWISE)), number=st.integers(0, 5))
    def read_otherwise(self, otherwise: str, number: int) -> None:
        """Somebody reads the table as a report of another window, zone or filter."""
        self._count("read otherwise")
        keys = self.place.store.keys(self.place.dataset)
        reading_is_refused(self.place, OTHERWISE[otherwise], keys[-1 - number % len(keys)])

    # The daemon

    @rule(which=SENSORS, alive=st.booleans())
    def tick(self, which: int, alive: bool) -> None:
        """The runs that a tick asks for are carried out, or die before they begin."""
        self._count("tick" if alive else "tick, its runs die")
        self._tick(self.place.daemons[which], alive=alive)

    # Stripe

    # Dagster's calendar ends with the machine's own day.
    @precondition(lambda self: self.place.clock.now() < LAST)
    @rule(by=TIMES)
    def time_passes(self, by: timedelta) -> None:
        self._count("time passes")
        self.place.clock.sleep(by.total_seconds())

    @rule(back=PLACES)
    def restated(self, back: int) -> None:
        for key in self._days(back, 1):
            self._count("restated")
            self.late += 1
            at = epoch(self.place.end_of(key)) - 60 * self.late
            name, source = f"txn_late{self.late}", f"ch_{self.late}"
            entry = Entry(name, "charge", at, at, "usd", Decimal(7), Decimal(0), source, None)
            self.place.simulator.book_late(entry, account=self.place.simulator.account)

    @rule(fault=st.sampled_from(sorted(FAULTS)), times=st.integers(1, 6))
    def trouble(self, fault: str, times: int) -> None:
        self._count(fault)
        what, aim = FAULTS[fault]
        self.place.simulator.faults.add(what, aim, times=times)
        self.in_trouble = True

    @precondition(lambda self: self.in_trouble)
    @rule()
    def calm(self) -> None:
        self._count("calm")
        self._all_is_well()

    # Carrying out

    def _days(self, back: int, length: int) -> list[str]:
        """Days that were ready when Stripe was last asked."""
        if self.in_trouble:
            return []
        ready = self.place.keys()
        end = len(ready) - back
        return ready[max(0, end - length) : max(0, end)]

    def _tick(self, daemon: Daemon, *, alive: bool = True) -> None:
        with self.place.timed() as seconds:
            tick = daemon.tick()
            tick_holds(self.place, tick, seconds())
        self.place.carry_out(daemon, tick, alive=alive)

    def _all_is_well(self) -> None:
        self.place.simulator.faults.clear()
        self.in_trouble = False
        for run in self.place.simulator.runs:
            if run.ends_at is None:
                self.place.simulator.end(run.id)

    def _calm_down(self) -> None:
        """Everything on, Stripe healthy, no run going on: after some ticks everything is there."""
        self._all_is_well()
        for run_id in list(self.place.held):
            run = self.place.instance.get_run_by_id(run_id)
            assert run
            self.place.instance.report_run_failed(run)
            del self.place.held[run_id]
        for _ in range(6):
            self.place.clock.sleep(1800)
            for daemon in self.place.daemons:
                self._tick(daemon)
        everything_is_there(self.place)

    def _count(self, what: str) -> None:
        Weeks.steps[what] += 1
