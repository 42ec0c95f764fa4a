"""The rules: commands of two deployments and a person, and what Stripe and the world do meanwhile."""

import os
import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from connector.dataset.provenance import Provenance
from connector.simulator import SIMULATED_KEY, Fault, Stage
from tests.faults.network import Reset, Respond
from tests.faults.runs import FileDeleted, FileLate, ResultReused, RunFails, RunTakes, RunVanishes
from tests.model.commands import Command, Execution, Interruption, refused_as_another
from tests.model.laws import LawBrokenError, files_hold, hold_to_the_laws
from tests.model.world import DATASET, HALF_DAY, KEYS, OTHER_KEY, OTHERWISE, QUERIES, World

ROOTS = st.sampled_from([0, 1])
SOME_KEYS = st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True)
COLUMNS = st.sampled_from(sorted(QUERIES))
OWN_OR_OTHER = st.sampled_from([SIMULATED_KEY, SIMULATED_KEY, SIMULATED_KEY, OTHER_KEY])
TIMES = st.sampled_from(
    [
        timedelta(seconds=20),
        timedelta(minutes=7),
        timedelta(hours=1),
        timedelta(hours=5),
        timedelta(hours=12),
        timedelta(hours=26),
        timedelta(days=3),
        timedelta(days=8),
        timedelta(days=366),
    ]
)
HAPPENINGS = ["kill", "kill", "restated", "an hour", "half a day", "others"]
HAPPENINGS += ["refreshed", "ensured", "other columns"]
INTERRUPTIONS = (
    st.none()
    | st.builds(Interruption, st.integers(1, 14), st.booleans(), st.sampled_from(HAPPENINGS))
    | st.builds(
        Interruption,
        st.integers(1, 3),
        st.booleans(),
        st.sampled_from(HAPPENINGS),
        at=st.just("download"),
    )
    | st.builds(
        Interruption,
        st.integers(1, 8),
        st.booleans(),
        st.sampled_from(HAPPENINGS),
        at=st.just("clock"),
    )
    # While a file is written its table is locked, so that nobody else comes between.
    | st.builds(Interruption, st.integers(1, 60), st.just(value=True), st.just("kill"), at=st.just("file"))
)
SPELLINGS = st.integers(0, 3)
HARM = ["lost", "refused", "cut", "garbage", "flipped", "pin lost", "pin cut"]
OTHER_COLUMNS = {"all": "few", "few": "all", "reversed": "few"}
FAULTS: dict[str, Fault] = {
    "fails": RunFails(),
    "hangs": RunTakes(None),
    "takes hours": RunTakes(3 * 3600.0),
    "reused": ResultReused(),
    "file late": FileLate(3.0),
    "file deleted": FileDeleted(),
    "vanishes": RunVanishes(),
    "vanishes later": RunVanishes(4000.0),
    "answer lost": Reset(stage=Stage.AFTER),
    "error stored": Respond(500, stage=Stage.EXECUTED),
}
#: What needs a command of its own to be seen comes more often.
TROUBLES = [*sorted(FAULTS), "file late", "file late", "hangs", "hangs"]


class Months(RuleBasedStateMachine):
    """What two deployments and a person on one account do in a few months."""

    #: How often each rule was carried out, in all.
    steps: ClassVar[Counter[str]] = Counter()

    @initialize(minutes=st.integers(-9, 9))
    def begin(self, minutes: int) -> None:
        self.place = tempfile.mkdtemp(prefix="model-")
        self.world = World(Path(self.place))
        self.world.shift = timedelta(minutes=minutes)
        #: What could be read when anybody last looked, by root.
        self.last: list[dict[str, Provenance]] = [{}, {}]

    def teardown(self) -> None:
        if hasattr(self, "place"):
            shutil.rmtree(self.place, ignore_errors=True)

    # Commands

    @rule(root=ROOTS, keys=SOME_KEYS, interruption=INTERRUPTIONS)
    def ensure(self, root: int, keys: list[str], interruption: Interruption | None) -> None:
        self._carry_out(Command(root, keys, columns=self.world.columns[root]), interruption)

    @rule(root=ROOTS, keys=SOME_KEYS, interruption=INTERRUPTIONS)
    def refresh(self, root: int, keys: list[str], interruption: Interruption | None) -> None:
        self._carry_out(Command(root, keys, refresh=True, columns=self.world.columns[root]), interruption)

    @rule(root=ROOTS, keys=SOME_KEYS, spelling=SPELLINGS, interruption=INTERRUPTIONS)
    def pull(self, root: int, keys: list[str], spelling: int, interruption: Interruption | None) -> None:
        """A person, with the restatement policy, who writes the root in some way."""
        columns = self.world.columns[root]
        self._carry_out(Command(root, keys, columns=columns, policy=True, spelling=spelling), interruption)

    @rule(root=ROOTS, other=st.sampled_from(sorted(OTHERWISE)))
    def configured_otherwise(self, root: int, other: str) -> None:
        """What would mix with the files there is refused before anything is requested."""
        if not self.world.held(root):
            return
        self._count("configured otherwise")
        query, runs = OTHERWISE[other], len(self.world.simulator.runs)
        error = refused_as_another(self.world, root, query)
        if error is None or len(self.world.simulator.runs) > runs or self.world.held(root) != self.last[root]:
            raise LawBrokenError(f"{other}: not refused over the files of another configuration: {error}")

    @rule(refresh=st.booleans(), interruption=INTERRUPTIONS)
    def launch(self, refresh: bool, interruption: Interruption | None) -> None:
        """A person, for all days of the first deployment."""
        columns = self.world.columns[0]
        self._carry_out(Command(0, KEYS, refresh, columns=columns), interruption)

    @rule(root=ROOTS, key=st.sampled_from(KEYS), recent=st.integers(0, 12), interruption=INTERRUPTIONS)
    def ensure_by_id(self, root: int, key: str, recent: int, interruption: Interruption | None) -> None:
        """One of the last runs is named, whatever it was asked."""
        runs = [run for run in self.world.simulator.runs[-200:] if run.plan.error is None or recent % 3]
        if runs:
            named = {key: runs[-1 - recent % len(runs)].id}
            self._carry_out(
                Command(root, [key], run_ids=named, columns=self.world.columns[root]), interruption
            )

    @rule(root=ROOTS, keys=SOME_KEYS)
    def other_columns_for_a_while(self, root: int, keys: list[str]) -> None:
        """A person replaces files by some with other columns, fewer mostly, and wants the former again."""
        columns = self.world.columns[root]
        self._carry_out(Command(root, keys, refresh=True, columns=OTHER_COLUMNS[columns]), None)
        self._carry_out(Command(root, keys, columns=columns), None)

    @rule(root=ROOTS, number=st.integers(0, 3), refresh=st.booleans())
    def refused_for_a_while(self, root: int, number: int, refresh: bool) -> None:
        """The file system refuses to read one file of several while a command is carried out.

        A folder in its place is not listed as a file, so that a table with a single one would seem empty.
        """
        held = sorted(self.world.held(root))
        if len(held) < 2:
            return
        path = Path(self.world.stores[root].uri(DATASET, held[number % len(held)]))
        aside = self.world.place / "aside"
        path.rename(aside)
        path.mkdir()
        self.last[root] = self.world.held(root)
        columns = self.world.columns[root]
        self._carry_out(Command(root, KEYS, refresh, columns=columns), None)
        path.rmdir()
        aside.rename(path)
        self.last[root] = self.world.held(root)

    @rule(root=ROOTS, keys=SOME_KEYS, refresh=st.booleans())
    def use_another_key(self, root: int, keys: list[str], refresh: bool) -> None:
        columns = self.world.columns[root]
        self._carry_out(Command(root, keys, refresh, columns=columns, api_key=OTHER_KEY), None)

    # The world

    @rule(by=TIMES)
    def time_passes(self, by: timedelta) -> None:
        self._count("time passes")
        self.world.clock.sleep(by.total_seconds())

    @rule(day=st.sampled_from(KEYS), cents=st.integers(1, 9_999))
    def restated(self, day: str, cents: int) -> None:
        self._count("restated")
        self.world.restate(day, cents, self.world.simulator.account)

    @rule(day=st.sampled_from(KEYS), columns=COLUMNS)
    def straddled(self, day: str, columns: str) -> None:
        """Another tool's run begins before Stripe prepares a restatement and ends after it."""
        self._count("straddled")
        world = self.world
        world.restate(day, 55, world.simulator.account)
        now = world.clock.now().timestamp()
        world.clock.sleep(-(now + 300) % HALF_DAY)
        world.simulator.faults.add(RunTakes(600.0), "POST")
        world.same_run(day, columns, SIMULATED_KEY)
        world.clock.sleep(900)

    @rule(root=ROOTS, day=st.sampled_from(KEYS), times=st.integers(1, 3))
    def hung(self, root: int, day: str, times: int) -> None:
        """So many runs hang, and some hours later somebody wants one of these."""
        self._count("hung")
        world, columns = self.world, self.world.columns[root]
        for _ in range(times):
            world.simulator.faults.add(RunTakes(None), "POST")
            world.same_run(day, columns, SIMULATED_KEY)
            world.clock.sleep(60)
        world.clock.sleep(7 * 3600)
        self._carry_out(Command(root, [day], columns=columns), None)

    @rule(
        what=st.sampled_from([1, 120, 250, 1000, "the same", "the same", "the same", "otherwise"]),
        day=st.sampled_from(KEYS),
        columns=COLUMNS,
        key=OWN_OR_OTHER,
    )
    def others_ask(self, what: int | str, day: str, columns: str, key: str) -> None:
        """Another tool creates so many runs that nobody here wants, or one that may be wanted."""
        self._count("others ask")
        if isinstance(what, int):
            self.world.others_run(what)
        elif what == "the same":
            self.world.same_run(day, columns, key)
        else:
            self.world.another_type(day)

    @rule(root=ROOTS, columns=COLUMNS, minutes=st.integers(-9, 9))
    def configured(self, root: int, columns: str, minutes: int) -> None:
        """Other columns are wanted, and the clocks of the machines are set."""
        self._count("configured")
        self.world.columns[root] = columns
        self.world.shift = timedelta(minutes=minutes)

    @rule(
        root=ROOTS,
        harm=st.sampled_from(HARM),
        number=st.integers(0, 40),
        any_file=st.booleans(),
        used=st.booleans(),
    )
    def harmed(self, root: int, harm: str, number: int, any_file: bool, used: bool) -> None:
        """A file of the table, its pin, or any file of ours is lost or damaged, and perhaps used at once."""
        store = self.world.stores[root]
        files = sorted(each for each in Path(store.root).rglob("*") if each.is_file())
        if not any_file:
            pin = Path(store.root) / DATASET.pin_path
            stored = {Path(store.uri(DATASET, key)) for key in KEYS}
            files = [each for each in files if (each == pin if harm.startswith("pin") else each in stored)]
        if not files:
            return
        path = files[number % len(files)]
        self._count("harmed")
        content = path.read_bytes()
        match harm.removeprefix("pin "):
            case "lost":
                path.unlink()
            case "refused":
                if path.name == "report.parquet":
                    path.unlink()
                    path.mkdir()
            case "cut":
                path.write_bytes(content[: len(content) // 2])
            case "garbage":
                path.write_bytes(os.urandom(1) * 999)
            case _:
                path.write_bytes(content[:-20] + bytes(byte ^ 1 for byte in content[-20:-19]) + content[-19:])
        self.last[root] = self.world.held(root)
        if used:
            self._carry_out(Command(root, KEYS, columns=self.world.columns[root]), None)

    @rule(
        fault=st.sampled_from(TROUBLES),
        times=st.integers(1, 4),
        root=st.none() | ROOTS,
        refresh=st.booleans(),
    )
    def trouble(self, fault: str, times: int, root: int | None, refresh: bool) -> None:
        """Faults of the next runs, which perhaps somebody wants at once."""
        self._count(fault)
        self.world.simulator.faults.add(FAULTS[fault], "POST", times=times)
        if root is not None:
            self._carry_out(Command(root, KEYS, refresh, columns=self.world.columns[root]), None)

    @rule(runs_end=st.booleans())
    def calm(self, runs_end: bool) -> None:
        """No more faults, of Stripe or of the file system; perhaps the runs that hang end now."""
        self._count("calm")
        for store in self.world.stores:
            for path in Path(store.root).rglob("report.parquet"):
                if path.is_dir():
                    path.rmdir()
        simulator = self.world.simulator
        simulator.faults.clear()
        for run in simulator.runs:
            if runs_end and run.ends_at is None:
                simulator.end(run.id)

    # Carrying out

    def _carry_out(self, command: Command, interruption: Interruption | None) -> None:
        self._count("killed" if interruption and interruption.what == "kill" else "command")
        execution = Execution(self.world, command, self._interrupt, interruption)
        execution.carry_out()
        hold_to_the_laws(execution, self.last[command.root])
        self.last[command.root] = self.world.held(command.root)

    def _interrupt(self, execution: Execution) -> None:
        command = execution.command
        self.last[command.root] = files_hold(execution, self.last[command.root])
        what = execution.interruption.what if execution.interruption else ""
        self._count(f"meanwhile {what}")
        match what:
            case "restated":
                self.world.restate(command.keys[0], 777, self.world.simulator.account)
            case "an hour":
                self.world.clock.sleep(3600)
            case "half a day":
                self.world.clock.sleep(43_200)
            case "others":
                self.world.others_run(150)
            case _:
                columns = OTHER_COLUMNS[command.columns] if what == "other columns" else command.columns
                refresh = what != "ensured"
                self._carry_out(Command(command.root, command.keys, refresh, columns=columns), None)

    def _count(self, what: str) -> None:
        Months.steps[what] += 1
