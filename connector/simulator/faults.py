"""Bad days, on order: what goes wrong, to which request, how often.

    sim.faults.add(Respond(500))                                    the next request, whatever it is
    sim.faults.add(Respond(429), "GET /v1/reporting/*", times=3)    the next three such requests
    sim.faults.add(Reset(stage=Stage.AFTER), "POST")                a run is made, and its answer lost
    sim.faults.add(Cut(at=100), "GET */contents", skip=4)           the fifth download, in its 101st byte
    sim.faults.add(RunFails(), Match(report_type="balance.*"), times=None)      every such run, for ever
    sim.faults.add(Respond(503), times=None, probability=0.2)       one request in five, the seed knows which

A fault acts at one stage of a request: before anything is looked at; while the endpoint executes, where
Stripe remembers the answer under the idempotency key; or afterwards, on the answer and its way. Run faults
act on the run that a request makes; what happens to a connection happens before or after. A kind of fault is
a subclass with one method; those named here are in `tests/faults`.

Source for what clients must expect: https://docs.stripe.com/error-low-level
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase

from connector.simulator.books.seeded_random import unit
from connector.simulator.protocol.messages import Call, Reply
from connector.simulator.report_runs import RunPlan


class Stage(Enum):
    """When a fault strikes."""

    BEFORE = "nothing was looked at, nothing is remembered"
    EXECUTING = "the request was valid; nothing was done, the answer is remembered"
    EXECUTED = "it was done; this answer, not the true one, is remembered"
    AFTER = "it was done and remembered; only the answer, or its way, suffers"
    RUN = "the run that is being made"


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What a fault is aimed at: a request, and the run it is about where that is known."""

    method: str
    path: str
    report_type: str = ""
    run: str = ""
    call: Call | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """An aim. Globs for method, path and report type; `run` is an id, also for the run's file.

    `where` decides on whatever else the occasion knows.
    """

    method: str = "*"
    path: str = "*"
    report_type: str = "*"
    run: str = "*"
    where: Callable[[RequestContext], bool] | None = None

    @classmethod
    def parse(cls, text: str) -> "Match":
        """`"GET /v1/files/*"`, `"POST"` or `"*/contents"`."""
        method, _, path = text.partition(" ")
        return cls(path=method) if "/" in method else cls(method, path or "*")

    def hits(self, occasion: RequestContext) -> bool:
        return (
            fnmatchcase(occasion.method, self.method)
            and fnmatchcase(occasion.path, self.path)
            and fnmatchcase(occasion.report_type, self.report_type)
            and fnmatchcase(occasion.run, self.run)
            and (self.where is None or self.where(occasion))
        )


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Base of all faults. `stage` says when it strikes, and so which of the methods is asked."""

    stage: Stage = Stage.AFTER

    def arrive(self, call: Call) -> Call:
        """At BEFORE: the request as it is understood."""
        return call

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:  # noqa: ARG002 - for subclasses
        """The answer to give. `answer` is the true one, None at BEFORE and EXECUTING; None lets it go on."""
        return answer

    def delay(self) -> float:
        """Seconds that pass at this stage before anything else happens."""
        return 0.0

    def fate(self, fate: RunPlan) -> RunPlan:
        """At RUN: what becomes of the run, instead of `fate`."""
        return fate


@dataclass
class ActiveFault:
    """A fault in place: `hits` counts how often it struck, `seen` the requests it was aimed at."""

    fault: Fault
    match: Match
    times: int | None
    skip: int
    probability: float
    name: str
    hits: int = 0
    seen: int = 0
    occurrences: Counter[tuple[str, str]] = field(default_factory=Counter)

    def strikes(self, seed: int, occasion: RequestContext) -> bool:
        """Whether this occasion is struck; counts it.

        The draw depends on the method, the path and how often that came, not on other requests, so that
        threads overtaking each other change little.
        """
        if (self.times is not None and self.hits >= self.times) or not self.match.hits(occasion):
            return False
        self.seen += 1
        key = (occasion.method, occasion.path)
        self.occurrences[key] += 1
        if self.seen <= self.skip:
            return False
        if unit(seed, "fault", self.name, *key, self.occurrences[key]) >= self.probability:
            return False
        self.hits += 1
        return True


class Faults:
    """The faults in place. Safe to use from many threads."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._planted: list[ActiveFault] = []
        self._count = 0
        self._lock = threading.Lock()

    def add(
        self,
        fault: Fault,
        match: Match | str = "*",
        *,
        times: int | None = 1,
        skip: int = 0,
        probability: float = 1.0,
    ) -> ActiveFault:
        """Let `fault` strike `times` requests (None: all) that match, after the first `skip` of them."""
        aim = Match() if match == "*" else Match.parse(match) if isinstance(match, str) else match
        with self._lock:
            self._count += 1
            planted = ActiveFault(fault, aim, times, skip, probability, f"{self._count}")
            self._planted.append(planted)
        return planted

    def remove(self, planted: ActiveFault) -> None:
        with self._lock:
            self._planted.remove(planted)

    def clear(self) -> None:
        """From now on all goes well. Runs already made keep their fate."""
        with self._lock:
            self._planted.clear()

    def striking(self, stage: Stage, occasion: RequestContext) -> Iterator[Fault]:
        """The faults that strike now, in the order they were planted.

        One by one: those that nobody asks for, because an earlier one has answered, are saved for later.
        """
        with self._lock:
            planted_now = list(self._planted)
        for planted in planted_now:
            if planted.fault.stage is not stage:
                continue
            with self._lock:
                strikes = planted.strikes(self._seed, occasion)
            if strikes:
                yield planted.fault
