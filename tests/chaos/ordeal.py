"""One ordeal: pulls of two reports under faults, killed in between, then one more pull in peace; and the law.

The law, when the faults have gone and one more pull has ended:

- every partition holds the ledger's truth, to the byte of the CSV and the value of every cell;
- Stripe was asked for no more report runs than there are partitions, but for one more for each run that it
  failed, lost or denied to know (404), left pending for longer than `abandon_after`, or whose file it never
  delivered as announced; and, where the list hides what exists, for each run whose making it denied (500);
- below the table there are whole files and nothing else, and that after every death too; in staging there is
  nothing at all;
- nobody saw an exception that is not one of ours, nor the key.
"""

import csv
import hashlib
import io
import logging
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

import assets
import connector
from connector.api.client import StripeClient
from connector.api.models import epoch
from connector.dataset.store import Store
from connector.errors import ReportingError
from connector.partitions import Partition
from connector.pipeline.collect import Event, Missed, collect
from connector.query import ReportQuery
from connector.runs.adoption import WaitPolicy
from connector.simulator import SIMULATED_KEY, ActiveFault, Simulator, Stage
from tests.chaos.faults import FAULTS
from tests.support.clock import NOON, ManualClock
from tests.support.partitions import days
from tests.support.workers import InlineWorkers

REPORTS = (ReportQuery.of("balance_summary"), ReportQuery.of("balance_change_from_activity_itemized"))
PATIENCE = WaitPolicy(wait_timeout=timedelta(minutes=10))


def _killable() -> Iterator[tuple[str, str]]:
    """Every file of ours that works in the process that pulls, with its name; Stripe itself does not die."""
    for package in (assets, connector):
        home = Path(package.__file__ or "").parent
        for path in home.rglob("*.py"):
            name = path.relative_to(home.parent).as_posix()
            if not name.startswith("connector/simulator/"):
                yield str(path), name


KILLABLE = dict(_killable())


class Killed(BaseException):
    """The process is gone. Nothing of ours may catch it."""


class LawBrokenError(AssertionError):
    """What must hold does not."""


class _SkewedClock(ManualClock):
    """The same time, read from a clock that is wrong."""

    def __init__(self, right: ManualClock, by: timedelta) -> None:
        super().__init__(right.start + by)
        self._right = right

    @property
    def seconds(self) -> float:
        return self._right.seconds

    @seconds.setter
    def seconds(self, value: float) -> None:
        if hasattr(self, "_right"):
            self._right.seconds = value


@dataclass
class Ordeal:
    """What is done to whom. `log` is everything that was said.

    Attributes:
        seed: decides the faults' draws, the kills, and how long everything takes.
        root: an empty directory for the dataset.
        faults: names of `FAULTS`; none for fair weather.
        probability: of each fault, on each fitting request.
        kills: how many pulls are killed before the last.
        partitions: how many days are pulled of each of the two reports.
        died_at: for each pull that was killed, the module it died in, or what it waited for.
    """

    seed: int
    root: Path
    faults: Sequence[str] = ()
    probability: float = 0.3
    kills: int = 2
    partitions: int = 4
    log: list[str] = field(default_factory=list)
    hits: dict[str, int] = field(default_factory=dict)
    died_at: list[str] = field(default_factory=list)
    unfinished: int = 0

    def __post_init__(self) -> None:
        self.draw = random.Random(f"{self.seed} {self.faults}")
        self.clock = ManualClock(NOON)
        self.simulator = Simulator(
            self.clock, seed=self.seed, volume=1, opening=date(2026, 4, 20), run_seconds=(1, 60)
        )
        self.days = days("2026-05-01", self.partitions)
        self.skew = timedelta(hours=self.draw.choice([-30, -1, 0, 0, 2, 50]))

    def undergo(self) -> None:
        """Raises LawBrokenError naming the seed and what did not hold."""
        planted = {name: FAULTS[name](self.simulator.faults, self.probability) for name in self.faults}
        try:
            with _heard(self.log):
                for _ in range(self.kills):
                    self._pull(dying=True)
                    self._expect_whole_files()
                    self.clock.sleep(self.draw.choice([0, 1, 60, 900]))
                self._pull(dying=False)
                self._expect_whole_files()
                self.hits = {name: sum(each.hits for each in them) for name, them in planted.items()}
                self.simulator.faults.clear()
                self._find_lost_runs()
                self.clock.sleep(PATIENCE.abandon_after.total_seconds() + 1)
                self._age_locks()
                missing = self._pull(dying=False)
            self._hold_to_the_law(missing, planted)
        except AssertionError as broken:
            how = f"seed {self.seed}, faults {list(self.faults)}, probability {self.probability}"
            raise LawBrokenError(f"{how}, kills {self.kills}: {broken}") from broken

    def _find_lost_runs(self) -> None:
        """A table whose newest runs Stripe has lost for good is refused: it could be another account's."""
        for run in self.simulator.runs:
            run.plan = replace(run.plan, vanishes=None)

    # Pulling and dying

    def _pull(self, *, dying: bool) -> list[str]:
        """One process that pulls both reports; what did not come, and why."""
        missing: list[str] = []
        death = self._death() if dying else Life()
        try:
            with death.threatening():
                self._attempt(death, missing)
        except Killed:
            self.died_at.append(death.place)
            self.log.append(f"killed: {death}")
        self.unfinished += len(missing)
        self.log += missing
        return missing

    def _attempt(self, death: "Life", missing: list[str]) -> None:
        """Pull, until it has ended or somebody died; `missing` is added to."""
        http = httpx.Client(transport=httpx.MockTransport(self._stripe(death)), timeout=80.0)
        try:
            with (
                http,
                StripeClient(
                    SIMULATED_KEY, http=http, clock=self.skewed_clock(), draw=self.draw.random
                ) as client,
            ):
                for query in self.draw.sample(REPORTS, 2):
                    for event in self._events(client, query):
                        death.at("event")
                        if isinstance(event, Missed):
                            missing.append(f"{event.partition.key}: {event.error}")
        except ReportingError as error:
            missing.append(str(error))

    def _events(self, client: StripeClient, query: ReportQuery) -> Iterator[Event]:
        events = collect(
            client,
            Store(self.root),
            query,
            self.days,
            wait_policy=PATIENCE,
            senders=InlineWorkers(),
            converters=InlineWorkers(),
            draw=self.draw.random,
        )
        with closing(events):
            yield from events

    def _stripe(self, death: "Life") -> Callable[[httpx.Request], httpx.Response]:
        def handle(request: httpx.Request) -> httpx.Response:
            death.at("request")
            response = self.simulator.handle(request)
            death.at("answer")
            return response

        return handle

    def skewed_clock(self) -> ManualClock:
        """The clock of the machine that pulls, which may be wrong."""
        return _SkewedClock(self.clock, self.skew)

    def _death(self) -> "Life":
        """How the next one dies."""
        makers: list[Callable[[], Life]] = [
            lambda: At("event", self.draw.randrange(_EVENTS_EACH * self.partitions)),
            lambda: At("request", self.draw.randrange(_REQUESTS_EACH * self.partitions)),
            lambda: At("answer", self.draw.randrange(_REQUESTS_EACH * self.partitions)),
            lambda: Anywhere(self.draw.randrange(_CALLS_OF_A_PULL)),
            lambda: Anywhere(self.draw.randrange(_CALLS_OF_A_PULL)),
        ]
        return self.draw.choice(makers)()

    def _age_locks(self) -> None:
        """A young lock in staging, by the disk's own time, is taken for a living process's."""
        for lock in (self.root / ".staging").glob("*.lock"):
            os.utime(lock, (0, 0))

    # The law

    def _expect_whole_files(self) -> None:
        """What a reader might look at, at any moment."""
        for path in (self.root / "test").rglob("*.parquet"):
            try:
                pq.ParquetFile(path).read()
            except (OSError, pa.ArrowInvalid) as error:
                raise LawBrokenError(f"{path} is torn: {error}") from None

    def _hold_to_the_law(self, missing: Sequence[str], planted: Mapping[str, Sequence[ActiveFault]]) -> None:
        assert not missing, f"not there after a pull in peace: {missing[:3]}"
        files = {
            Path(Store(self.root).uri(query.dataset(mode="test", account=None), day.key)): (query, day)
            for query in REPORTS
            for day in self.days
        }
        found = {path for path in (self.root / "test").rglob("*") if path.is_file()}
        pins = {self.root / "test" / "_datasets" / f"{query.name}.json" for query in REPORTS}
        assert found == files.keys() | pins, f"not as it should be: {found ^ (files.keys() | pins)}"
        for path, (query, day) in files.items():
            self._compare(path, query, day)
        with Store(self.root).staging():
            pass  # What a killed process left is removed by the next one that has something to do.
        staging = self.root / ".staging"
        left = [p for p in staging.rglob("*") if p.is_file() and p.parent != staging / "locks"]
        assert not left, f"left in staging: {left}"
        created, allowed = len(self.simulator.runs), self._allowed(planted)
        assert created <= len(files) + allowed, f"{created} runs, {len(files)} partitions, {allowed} more"
        everything = "\n".join(self.log).encode() + b"".join(path.read_bytes() for path in found)
        assert SIMULATED_KEY.encode() not in everything, "the key was shown"

    def _compare(self, path: Path, query: ReportQuery, day: Partition) -> None:
        assert day.interval
        truth = self.simulator.csv(
            query.spec.id,
            interval_start=epoch(day.interval.start),
            interval_end=epoch(day.interval.end),
            columns=[column.name for column in query.columns],
        )
        kept = Store(self.root).provenance(query.dataset(mode="test", account=None), day.key)
        assert kept is not None, f"{path} is no whole file of ours"
        said = hashlib.sha256(truth).hexdigest()
        assert kept.csv_sha256 == said, f"{query.name} {day.key} is not what the ledger says"
        rows = pq.ParquetFile(path).read().to_pylist()
        expected = list(csv.DictReader(io.StringIO(truth.decode(), newline="")))
        assert len(rows) == len(expected) == kept.rows, f"{query.name} {day.key} has {len(rows)} rows"
        for row, line in zip(rows, expected, strict=True):
            differing = {name: row[name] for name, cell in line.items() if _printed(row[name], cell) != cell}
            assert not differing, f"{query.name} {day.key}: {differing} where the ledger has {line}"

    def _allowed(self, planted: Mapping[str, Sequence[ActiveFault]]) -> int:
        """How many runs more than partitions the faults excuse."""
        excused = {
            run.id
            for run in self.simulator.runs
            if run.plan.error is not None
            or run.plan.vanishes is not None
            or run.ends_at is None
            or run.ends_at - run.created > PATIENCE.abandon_after.total_seconds()
        }
        excused |= {seen.run for seen in self.simulator.requests if seen.status in {404, 410} and seen.run}
        given_up = {line.partition("no file from report run ")[2].split(" ")[0] for line in self.log}
        denied = 0
        if "list pages shift" in planted or "missing fields" in planted:
            denied = sum(p.hits for them in planted.values() for p in them if p.fault.stage is Stage.EXECUTED)
        return len(excused | (given_up - {""})) + denied


def _printed(value: Any, cell: str) -> str:
    """A typed value as the ledger prints it."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return cell if Decimal(cell) == value else str(value)
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


# Ways to die


class Life:
    """A long one. `dead` says when it was not, and `place` where it ended."""

    dead = False
    place = ""

    def at(self, occasion: str) -> None:
        """Called where somebody might die; raises Killed."""

    @contextmanager
    def threatening(self) -> Iterator[None]:
        yield


@dataclass
class At(Life):
    """At the n-th event, or before or after the n-th request is answered. The dead send no more requests."""

    occasion: str
    left: int

    def at(self, occasion: str) -> None:
        if occasion == self.occasion:
            self.left -= 1
        if self.dead or self.left < 0:
            self.dead, self.place = True, self.occasion
            raise Killed


@dataclass
class Anywhere(Life):
    """At the n-th call that a function of ours makes or receives, whatever it is doing then.

    A line that is reached over and over counts a few times only: else nearly everybody would die while an
    answer of Stripe's is read character by character.
    """

    left: int
    met: Counter[tuple[CodeType, str, int]] = field(default_factory=Counter, repr=False)

    def at(self, occasion: str) -> None:  # noqa: ARG002 - whatever it is
        if self.dead:
            raise Killed

    @contextmanager
    def threatening(self) -> Iterator[None]:
        def count(frame: FrameType, event: str, _arg: object) -> None:
            place = KILLABLE.get(frame.f_code.co_filename)
            if place is None:
                return
            here = (frame.f_code, event, frame.f_lineno)
            self.met[here] += 1
            self.left -= self.met[here] <= _REPEATED
            if self.left < 0:
                sys.setprofile(None)
                self.dead, self.place = True, place
                raise Killed

        sys.setprofile(count)
        try:
            yield
        finally:
            sys.setprofile(None)


#: Roughly what a pull of one partition of each report amounts to.
_REQUESTS_EACH, _EVENTS_EACH = 5, 4

#: How often a line counts, and roughly what a pull amounts to then.
_REPEATED, _CALLS_OF_A_PULL = 4, 4_000


@contextmanager
def _heard(log: list[str]) -> Iterator[None]:
    """Everything our loggers say while this lasts."""
    handler = logging.Handler()
    handler.emit = lambda record: log.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("connector")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
