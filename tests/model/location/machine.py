"""The rules: what people do in Dagster and beside it, what the sensors do, and what Stripe does."""

import shutil
import tempfile
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from connector.accounts import NO_ACCOUNTS, AccountLife
from connector.api.models import epoch
from connector.simulator import Fault, Stage
from connector.simulator.books.entries import Entry
from tests.faults.network import Respond, Silence
from tests.faults.runs import RunFails, RunTakes
from tests.model.location.backfills import Backfills
from tests.model.location.laws import (
    changed_definition_is_refused,
    company_is_unharmed,
    everything_is_there,
    reading_is_refused,
    run_holds,
    run_keys_differ,
    state_of,
    tick_holds,
)
from tests.model.location.place import CONNECTED, Launched, Place
from tests.support.sensing import Daemon

SENSORS = st.sampled_from([0, 1])
#: Which days, from the newest backwards, and how many.
PLACES, LENGTHS = st.integers(0, 5), st.integers(1, 4)
TIMES = st.sampled_from(
    [timedelta(minutes=20), timedelta(hours=7), timedelta(hours=30), timedelta(days=3), timedelta(days=40)]
)
#: Whether a tick follows at once, and what becomes of the runs that it asks for.
TICKS = st.sampled_from([None, "alive", "dead"])
#: Other reports, which would have a table of that name.
OTHERWISE: dict[str, dict[str, Any]] = {
    "by week": {"window": "weekly"},
    "in Berlin": {"zone": "Europe/Berlin"},
    "in euros": {"filters": {"currency": "eur"}},
}
ACCIDENTS = ["wipe", "lose cursors", "lose home", "remove file", "delete run", "report by hand"]
LAST = datetime(2026, 9, 1, tzinfo=UTC)
#: Where lives begin and end.
BOUNDS = st.none() | st.dates(date(2026, 5, 20), date(2026, 6, 20))
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

    @initialize(of_accounts=st.booleans())
    def begin(self, *, of_accounts: bool) -> None:
        self.directory = tempfile.mkdtemp(prefix="model-")
        self.place = Place(Path(self.directory), accounts=CONNECTED if of_accounts else NO_ACCOUNTS)
        self.company: dict[str, Place] = {}
        self.late = 0
        #: The connected accounts that Stripe refuses.
        self.left: set[str] = set()
        #: Whether there may be faults.
        self.in_trouble = False

    def teardown(self) -> None:
        if hasattr(self, "place"):
            try:
                self._calm_down()
            finally:
                for place in self.places:
                    place.stack.close()
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

    # What a person has begun ends by the rule that began it: of many rules each is seldom chosen. So too for
    # a day that nobody has asked for, and a tick that finds it in hand or put down.

    @rule(
        ends=st.sampled_from([None, None, "cancelled", "dead"]),
        back=PLACES,
        length=LENGTHS,
        new_day=st.booleans(),
        tick=TICKS,
    )
    def start(self, *, ends: str | None, back: int, length: int, new_day: bool, tick: str | None) -> None:
        """A person launches a run, which goes on for a while; or the oldest that does, if need be this one,
        is cancelled by a person, or its worker dies."""
        place = self.place
        self._begin_a_day(new_day)
        if (ends is None or not place.held) and (days := self._days(back, length)):
            self._count("start")
            place.put_down -= set(days)
            place.start(days)
        if ends and place.held:
            self._count("cancel" if ends == "cancelled" else "worker dies")
            place.end_oldest(cancelled=ends == "cancelled")
        if tick:
            self.tick(0, alive=tick == "alive")

    @rule(
        ends=st.sampled_from([None, None, "well", "dead", "cancelled", "all cancelled"]),
        back=PLACES,
        length=st.integers(2, 5),
        at_once=st.sampled_from([1, 2, None]),
        new_day=st.booleans(),
        tick=TICKS,
    )
    def backfill(
        self,
        *,
        ends: str | None,
        back: int,
        length: int,
        at_once: int | None,
        new_day: bool,
        tick: str | None,
    ) -> None:
        """A person launches a backfill; or of the oldest, if need be this one, the next run is carried out,
        dies before it begins, or is cancelled by a person, with the others or alone."""
        place = self.place
        self._begin_a_day(new_day)
        if (ends is None or not place.backfills) and (keys := self._days(back, length)):
            self._count("backfill")
            place.put_down -= set(keys)
            Backfills(place).launch(keys, at_once=at_once)
        if ends and place.backfills:
            self._count(f"of a backfill: {ends}")
            oldest = next(iter(place.backfills))
            if ends == "all cancelled":
                Backfills(place).cancel(oldest)
            else:
                self._go_on(oldest, ends)
        if tick:
            self.tick(0, alive=tick == "alive")

    @precondition(lambda self: not self.in_trouble and self._has_files())
    @rule(
        what=st.sampled_from(["pull", "read", "load"]),
        otherwise=st.sampled_from(sorted(OTHERWISE)),
        back=PLACES,
        length=LENGTHS,
    )
    def go_around_dagster(self, what: str, otherwise: str, back: int, length: int) -> None:
        """The command is run; or the table is read, or the location loaded, as another report."""
        keys = self._days(back, length)
        if what == "pull" and keys:
            self._count("pull")
            self.place.pull(keys)
        elif what == "read":
            self._count("read otherwise")
            there = self.place.store.keys(self.place.dataset)
            reading_is_refused(self.place, OTHERWISE[otherwise], there[-1 - back % len(there)])
        elif what == "load" and keys:
            self._count("load otherwise")
            self.place.put_down.discard(changed_definition_is_refused(self.place, OTHERWISE[otherwise]))

    @precondition(lambda self: self.place.accounts)
    @rule(who=st.integers(0, 1), start=BOUNDS, until=BOUNDS)
    def live(self, who: int, start: date | None, until: date | None) -> None:
        """People say on which days an account lives."""
        self._count("live")
        last = max(start, until) if start and until else until
        self.place.live(AccountLife(self.place.accounts.names[who], start, last))

    @precondition(lambda self: self.place.launched)
    @rule(what=st.sampled_from(ACCIDENTS), number=st.integers(0, 5), launched=st.booleans())
    def accident(self, *, what: str, number: int, launched: bool) -> None:
        """Something is lost, or reported by hand, and perhaps a person launches that day at once."""
        run = self.place.launched[-1 - number % len(self.place.launched)]
        # What was cancelled stays so only as long as Dagster has the runs that say so.
        if what != "delete run" or not self.place.ever_cancelled & set(run.keys):
            self._count(what)
            self._lose(what, number, run)
        if launched:
            self.materialize(number, 1)

    @rule(
        shares_home=st.booleans(),
        what=st.sampled_from(["materialize", "tick", "tick, its runs die", "cancel", "pull"]),
        which=SENSORS,
        back=PLACES,
        length=LENGTHS,
    )
    def company_acts(self, *, shares_home: bool, what: str, which: int, back: int, length: int) -> None:
        """Another code location in this Dagster, or another deployment on the same Stripe account."""
        keys = self._days(back, length)
        if not keys:
            return
        self._count(f"company: {what}")
        other, before = self._other(shares_home=shares_home), state_of(self.place)
        if what == "materialize":
            other.put_down -= set(keys)
            run_holds(other, other.launch(keys), fresh=False, launched=True)
        elif what == "cancel":
            other.record_run(keys, dg.DagsterRunStatus.CANCELED)
            other.cancel(keys)
        elif what == "pull":
            other.pull(keys)
        else:
            self._tick(other, other.daemons[which], alive=what == "tick")
        company_is_unharmed(before, state_of(self.place))

    # The daemon

    @rule(which=SENSORS, alive=st.booleans())
    def tick(self, which: int, alive: bool) -> None:
        """The runs that a tick asks for are carried out, or die before they begin."""
        self._count("tick" if alive else "tick, its runs die")
        self._tick(self.place, self.place.daemons[which], alive=alive)

    # Stripe

    # Dagster's calendar ends with the machine's own day.
    @precondition(lambda self: self.place.clock.now() < LAST)
    @rule(by=TIMES, restated=st.booleans(), back=PLACES)
    def time_passes(self, *, by: timedelta, restated: bool, back: int) -> None:
        """Stripe may have restated a day before."""
        if restated:
            self._restate(back)
        self._count("time passes")
        self.place.clock.sleep(by.total_seconds())

    @precondition(lambda self: self.place.accounts)
    @rule(who=st.integers(0, 1), status=st.sampled_from([400, 403]), tick=TICKS)
    def leave_or_come_back(self, who: int, status: int, tick: str | None) -> None:
        """A connected account leaves, and Stripe refuses it; or it comes back."""
        account = self.place.accounts.names[who]
        if account in self.left:
            self._count("come back")
            self.place.simulator.come_back(account)
            self.left.remove(account)
        else:
            self._count("leave")
            self.place.simulator.leave(account, status=status)
            self.left.add(account)
        if tick:
            self.tick(0, alive=tick == "alive")

    @rule(fault=st.sampled_from(sorted(FAULTS)), times=st.integers(1, 6), tick=TICKS)
    def trouble(self, *, fault: str, times: int, tick: str | None) -> None:
        """Trouble begins; where there is some already, it ends."""
        if self.in_trouble:
            self._count("calm")
            self._all_is_well()
            return
        self._count(fault)
        what, aim = FAULTS[fault]
        self.place.simulator.faults.add(what, aim, times=times)
        self.in_trouble = True
        if tick:
            self.tick(0, alive=tick == "alive")

    # Carrying out

    def _begin_a_day(self, new_day: bool) -> None:
        if new_day and self.place.clock.now() < LAST:
            self.place.clock.sleep(timedelta(days=1).total_seconds())

    def _days(self, back: int, length: int) -> list[str]:
        """Days that were ready when Stripe was last asked."""
        if self.in_trouble:
            return []
        ready = self.place.keys_alike(back)
        end = len(ready) - back
        return ready[max(0, end - length) : max(0, end)]

    @property
    def places(self) -> list[Place]:
        return [self.place, *self.company.values()]

    def _other(self, *, shares_home: bool) -> Place:
        name = "location" if shares_home else "deployment"
        if name not in self.company:
            directory = Path(self.directory) / name
            directory.mkdir()
            here = self.place
            self.company[name] = Place(directory, here, shares_home, here.clock, here.accounts)
        return self.company[name]

    def _has_files(self) -> bool:
        return bool(self.place.store.keys(self.place.dataset))

    def _go_on(self, id: str, ends: str) -> None:
        before = self.place.backfills[id]
        keys = before.left[0]
        there = set(self.place.run_ids(keys))
        known = {key for key, run in self.place.known().items() if run}
        run = Backfills(self.place).go_on(id, ends)
        if run:
            fresh = there == set(keys) and there <= known
            run_holds(self.place, run, fresh=fresh, launched=True)
        elif ends == "cancelled":
            self.place.cancel(keys)

    def _tick(self, place: Place, daemon: Daemon, *, alive: bool = True) -> None:
        with place.timed() as seconds:
            tick = daemon.tick()
            tick_holds(place, tick, seconds())
        place.carry_out(daemon, tick, alive=alive)
        run_keys_differ(self.places)

    def _lose(self, what: str, number: int, run: Launched) -> None:
        place = self.place
        match what:
            case "delete run":
                place.launched.remove(run)
                place.wanted.pop(run.run_id, None)
                place.instance.delete_run(run.run_id)
            case "wipe":
                place.instance.wipe_assets([place.asset.key])
            case "lose cursors":
                for daemon in place.daemons:
                    daemon.cursor = None
            case "lose home":
                for each in self.places:
                    if each is place or each.shares_home:
                        each.open_home()
            case "remove file":
                there = place.store.keys(place.dataset)
                for key in there[-1 - number : len(there) - number]:
                    place.file_of(key).unlink()
            case "report by hand":
                for key in self._days(number, 1):
                    event = dg.AssetMaterialization(place.asset.key, partition=key)
                    place.instance.report_runless_asset_event(event)

    def _restate(self, back: int) -> None:
        for key in self._days(back, 1):
            self._count("restated")
            self.late += 1
            at = epoch(self.place.end_of(key)) - 60 * self.late
            name, source = f"txn_late{self.late}", f"ch_{self.late}"
            entry = Entry(name, "charge", at, at, "usd", Decimal(7), Decimal(0), source, None)
            self.place.simulator.book_late(entry, account=self.place.account_of(key))

    def _all_is_well(self) -> None:
        self.place.simulator.faults.clear()
        self.in_trouble = False
        for run in self.place.simulator.runs:
            if run.ends_at is None:
                self.place.simulator.end(run.id)

    def _calm_down(self) -> None:
        """Everything on, Stripe healthy, no run going on: after some ticks everything is there."""
        self._all_is_well()
        while self.place.held:
            self.place.end_oldest(cancelled=False)
        while self.place.backfills:
            self._go_on(next(iter(self.place.backfills)), "well")
        self._come_back()
        for _ in range(6):
            self.place.clock.sleep(1800)
            for place in self.places:
                for daemon in place.daemons:
                    self._tick(place, daemon)
        for place in self.places:
            everything_is_there(place)

    def _come_back(self) -> None:
        """All accounts are back, and a person launches a day of each, which says so."""
        for account in sorted(self.left):
            self.place.simulator.come_back(account)
        for place in self.places:
            for number in range(len(place.accounts)):
                if days := place.keys_alike(number):
                    place.put_down.discard(days[-1])
                    place.launch(days[-1:])

    def _count(self, what: str) -> None:
        Weeks.steps[what] += 1
