"""The rules: commands of two deployments and a person, and what Stripe and the world do meanwhile."""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from connector.accounts import AccountLife
from connector.dataset.provenance import Provenance
from tests.faults.runs import RunTakes
from tests.model.choices import (
    ACCOUNTS,
    BOUNDS,
    COLUMNS,
    FAULTS,
    HARM,
    INTERRUPTIONS,
    ONE,
    OTHER_COLUMNS,
    OWN_OR_OTHER,
    ROOTS,
    SOME,
    SPELLINGS,
    TIMES,
    TROUBLES,
)
from tests.model.commands import Command, Execution, Interruption, refused_as_another
from tests.model.laws import LawBrokenError, files_hold, hold_to_the_laws
from tests.model.tables import CONNECTED, TABLES
from tests.model.world import HALF_DAY, OTHER_KEY, World


class Months(RuleBasedStateMachine):
    """What two deployments and a person on one account do in a few months."""

    #: How often each rule was carried out, in all.
    steps: ClassVar[Counter[str]] = Counter()

    #: The tables that there may be; what most mistakes can be seen with comes more often.
    tables: ClassVar[Sequence[str]] = ("balances", "balances", "fees", "a snapshot", "accounts", "accounts")

    @initialize(table=st.integers(0, 5), minutes=st.integers(-9, 9))
    def begin(self, table: int, minutes: int) -> None:
        self.place = tempfile.mkdtemp(prefix="model-")
        self.world = World(Path(self.place), TABLES[self.tables[table % len(self.tables)]])
        # One has not joined yet.
        self.world.leave(CONNECTED[-1], status=400)
        self.world.shift = timedelta(minutes=minutes)
        #: What could be read when anybody last looked, by root.
        self.last: list[dict[str, Provenance]] = [{}, {}]

    def teardown(self) -> None:
        if hasattr(self, "place"):
            shutil.rmtree(self.place, ignore_errors=True)

    # Commands

    @rule(root=ROOTS, numbers=SOME, interruption=INTERRUPTIONS)
    def ensure(self, root: int, numbers: list[int], interruption: Interruption | None) -> None:
        self._want(root, self._keys(numbers), interruption=interruption)

    @rule(root=ROOTS, numbers=SOME, interruption=INTERRUPTIONS)
    def refresh(self, root: int, numbers: list[int], interruption: Interruption | None) -> None:
        self._want(root, self._keys(numbers), refresh=True, interruption=interruption)

    @rule(root=ROOTS, numbers=SOME, spelling=SPELLINGS, interruption=INTERRUPTIONS)
    def pull(self, root: int, numbers: list[int], spelling: int, interruption: Interruption | None) -> None:
        """A person, with the restatement policy, who writes the root in some way."""
        self._want(root, self._keys(numbers), policy=True, spelling=spelling, interruption=interruption)

    @rule(root=ROOTS, times=st.integers(2, 5))
    def pull_every_day(self, root: int, times: int) -> None:
        """As a calendar entry does, so that files are met at each age."""
        for _ in range(times):
            self._want(root, policy=True)
            self.world.clock.sleep(2 * HALF_DAY)

    @rule(root=ROOTS, number=st.integers(0, 3))
    def configured_otherwise(self, root: int, number: int) -> None:
        """What would mix with the files there is refused before anything is requested."""
        if not self.world.held(root):
            return
        self._count("configured otherwise")
        otherwise = self.world.table.otherwise
        other, runs = list(otherwise)[number % len(otherwise)], len(self.world.simulator.runs)
        error = refused_as_another(self.world, root, *otherwise[other])
        if error is None or len(self.world.simulator.runs) > runs or self.world.held(root) != self.last[root]:
            raise LawBrokenError(f"{other}: not refused over the files of another configuration: {error}")

    @rule(refresh=st.booleans(), interruption=INTERRUPTIONS)
    def launch(self, refresh: bool, interruption: Interruption | None) -> None:
        """A person, for all partitions of the first deployment."""
        self._want(0, refresh=refresh, interruption=interruption)

    @rule(root=ROOTS, number=ONE, recent=st.integers(0, 12), interruption=INTERRUPTIONS)
    def ensure_by_id(self, root: int, number: int, recent: int, interruption: Interruption | None) -> None:
        """One of the last runs is named, whatever it was asked."""
        (key,) = self._keys([number])
        runs = [run for run in self.world.simulator.runs[-200:] if run.plan.error is None or recent % 3]
        if runs:
            named = {key: runs[-1 - recent % len(runs)].id}
            self._want(root, [key], run_ids=named, interruption=interruption)

    @rule(root=ROOTS, numbers=SOME)
    def other_columns_for_a_while(self, root: int, numbers: list[int]) -> None:
        """A person replaces files by some with other columns, fewer mostly, and wants the former again."""
        other = OTHER_COLUMNS[self.world.columns[root]]
        self._want(root, self._keys(numbers), refresh=True, columns=other)
        self._want(root, self._keys(numbers))

    @rule(root=ROOTS, number=st.integers(0, 3), refresh=st.booleans())
    def refused_for_a_while(self, root: int, number: int, refresh: bool) -> None:
        """The file system refuses to read one file of several while a command is carried out.

        A folder in its place is not listed as a file, so that a table with a single one would seem empty.
        """
        held = sorted(self.world.held(root))
        if len(held) < 2:
            return
        path = self.world.path(root, held[number % len(held)])
        aside = self.world.place / "aside"
        path.rename(aside)
        path.mkdir()
        self.last[root] = self.world.held(root)
        self._want(root, refresh=refresh)
        path.rmdir()
        aside.rename(path)
        self.last[root] = self.world.held(root)

    @rule(root=ROOTS, numbers=SOME, refresh=st.booleans())
    def use_another_key(self, root: int, numbers: list[int], refresh: bool) -> None:
        self._want(root, self._keys(numbers), refresh=refresh, api_key=OTHER_KEY)

    # The world

    @rule(by=TIMES)
    def time_passes(self, by: timedelta) -> None:
        self._count("time passes")
        self.world.clock.sleep(by.total_seconds())

    @rule(number=ONE, cents=st.integers(1, 9_999))
    def restated(self, number: int, cents: int) -> None:
        self._count("restated")
        (key,) = self._keys([number])
        self.world.restate(key, cents)

    @rule(number=ONE, columns=COLUMNS)
    def straddled(self, number: int, columns: str) -> None:
        """Another tool's run begins before Stripe prepares a restatement and ends after it."""
        self._count("straddled")
        world, (key,) = self.world, self._keys([number])
        world.restate(key, 55)
        now = world.clock.now().timestamp()
        world.clock.sleep(-(now + 300) % HALF_DAY)
        world.simulator.faults.add(RunTakes(600.0), "POST")
        world.same_run(key, columns)
        world.clock.sleep(900)

    @rule(root=ROOTS, number=ONE, times=st.integers(1, 3))
    def hung(self, root: int, number: int, times: int) -> None:
        """So many runs hang, and some hours later somebody wants one of these."""
        self._count("hung")
        world, (key,) = self.world, self._keys([number])
        for _ in range(times):
            world.simulator.faults.add(RunTakes(None), "POST")
            world.same_run(key, world.columns[root])
            world.clock.sleep(60)
        world.clock.sleep(7 * 3600)
        self._want(root, [key])

    @rule(
        what=st.sampled_from([1, 120, 250, 1000, "the same", "the same", "the same", "otherwise"]),
        number=ONE,
        columns=COLUMNS,
        api_key=OWN_OR_OTHER,
    )
    def others_ask(self, what: int | str, number: int, columns: str, api_key: str) -> None:
        """Another tool creates so many runs that nobody here wants, or one that may be wanted."""
        self._count("others ask")
        (key,) = self._keys([number])
        if isinstance(what, int):
            self.world.others_run(what)
        elif what == "the same":
            self.world.same_run(key, columns, api_key)
        else:
            self.world.another_type(key)

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
            pin = Path(store.root) / self.world.table.dataset.pin_path
            stored = {self.world.path(root, key) for key in self.world.table.keys}
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
            self._want(root)

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
            self._want(root, refresh=refresh)

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

    # Connected accounts

    @precondition(lambda self: self.world.table is TABLES["accounts"])
    @rule(account=ACCOUNTS, status=st.sampled_from([400, 403]), root=st.none() | ROOTS)
    def joins_or_leaves(self, account: str, status: int, root: int | None) -> None:
        """Somebody may want all of them at once."""
        self._count("joins or leaves")
        if account in self.world.left:
            self.world.come_back(account)
        else:
            self.world.leave(account, status)
        if root is not None:
            self._want(root)

    @precondition(lambda self: self.world.table is TABLES["accounts"])
    @rule(account=ACCOUNTS, start=BOUNDS, until=BOUNDS)
    def lives(self, account: str, start: date | None, until: date | None) -> None:
        """People configure from which day until which an account has reports."""
        self._count("lives")
        last = max(start, until) if start and until else until
        self.world.lives[account] = AccountLife(account, start, last)

    # Carrying out

    def _keys(self, numbers: Sequence[int]) -> list[str]:
        keys = self.world.table.keys
        return list(dict.fromkeys(keys[number % len(keys)] for number in numbers))

    def _want(
        self,
        root: int,
        keys: Sequence[str] | None = None,
        *,
        columns: str | None = None,
        interruption: Interruption | None = None,
        **more: Any,
    ) -> None:
        """Carry out a command, by default for all partitions with the columns that are configured."""
        world = self.world
        command = Command(root, keys or world.table.keys, columns=columns or world.columns[root], **more)
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
                self.world.restate(command.keys[0], 777)
            case "an account leaves":
                account = self.world.connected_account(command.keys[0])
                if account and account not in self.world.left:
                    self.world.leave(account, 403)
            case "an hour":
                self.world.clock.sleep(3600)
            case "half a day":
                self.world.clock.sleep(43_200)
            case "others":
                self.world.others_run(150)
            case _:
                columns = OTHER_COLUMNS[command.columns] if what == "other columns" else command.columns
                self._want(command.root, command.keys, refresh=what != "ensured", columns=columns)

    def _count(self, what: str) -> None:
        Months.steps[what] += 1
