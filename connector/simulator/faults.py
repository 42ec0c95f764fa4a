"""Faults: what goes wrong, with which request, how often.

    sim.faults.add(Respond(500))                                    the next request
    sim.faults.add(Respond(429), "GET /v1/reporting/*", times=3)    the next three such requests
    sim.faults.add(Reset(stage=Stage.AFTER), "POST")                the run is created, the answer is lost
    sim.faults.add(Cut(at=100), "GET */contents", skip=4)           the fifth download, after 100 bytes
    sim.faults.add(RunFails(), Match(report_type="balance.*"), times=None)      every such run
    sim.faults.add(Respond(503), times=None, probability=0.2)       one request in five, drawn from the seed

A fault acts at one stage of a request: before it is read; while the endpoint executes, where Stripe remembers
the answer under the idempotency key; or afterwards, on the answer and its delivery. Faults of runs act on the
run that a request creates. A kind of fault is a subclass with one method; those named here are in
`tests/faults`.

Source: https://docs.stripe.com/error-low-level
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase

from connector.simulator.books.seeded_random import uniform
from connector.simulator.protocol.messages import Call, Reply
from connector.simulator.report_runs import RunPlan


class Stage(Enum):
    """When a fault acts."""

    BEFORE = "the request was not read, and is not remembered"
    EXECUTING = "the request was valid; it was not executed, and the answer is remembered"
    EXECUTED = "the request was executed; this answer is remembered instead of the true one"
    AFTER = "the request was executed and remembered; only the answer or its delivery changes"
    RUN = "the run that is being created"


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What a fault can match: a request, and the run it is about where that is known."""

    method: str
    path: str
    report_type: str = ""
    run: str = ""
    call: Call | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests. Globs for method, path and report type; `run` is an id, and matches its file too.

    `where` decides on all else that the context has.
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

    def matches(self, context: RequestContext) -> bool:
        return (
            fnmatchcase(context.method, self.method)
            and fnmatchcase(context.path, self.path)
            and fnmatchcase(context.report_type, self.report_type)
            and fnmatchcase(context.run, self.run)
            and (self.where is None or self.where(context))
        )


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Base of all faults. `stage` says when it acts, and so which of the methods is called."""

    stage: Stage = Stage.AFTER

    def change_request(self, call: Call) -> Call:
        """At BEFORE: the request to execute instead of `call`."""
        return call

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:  # noqa: ARG002 - for subclasses
        """The answer to give. `answer` is the true one, None at BEFORE and EXECUTING; None lets it go on."""
        return answer

    def delay(self) -> float:
        """Seconds that pass at this stage before anything else happens."""
        return 0.0

    def plan(self, plan: RunPlan) -> RunPlan:
        """At RUN: what will happen to the run, instead of `plan`."""
        return plan


@dataclass
class ActiveFault:
    """A fault in place. `hits` counts how often it acted, `seen` the requests that it matched."""

    fault: Fault
    match: Match
    times: int | None
    skip: int
    probability: float
    name: str
    hits: int = 0
    seen: int = 0
    occurrences: Counter[tuple[str, str]] = field(default_factory=Counter)

    def acts_on(self, seed: int, context: RequestContext) -> bool:
        """Whether it acts on this request; counts it.

        The draw depends on the method, the path and how often they occurred, not on other requests, so that
        the order of threads matters little.
        """
        if (self.times is not None and self.hits >= self.times) or not self.match.matches(context):
            return False
        self.seen += 1
        key = (context.method, context.path)
        self.occurrences[key] += 1
        if self.seen <= self.skip:
            return False
        if uniform(seed, "fault", self.name, *key, self.occurrences[key]) >= self.probability:
            return False
        self.hits += 1
        return True


class Faults:
    """The faults in place. Safe to use from many threads."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._active: list[ActiveFault] = []
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
        """Let `fault` act on `times` requests (None: all) that match, after the first `skip` of them."""
        with self._lock:
            self._count += 1
            matched = Match.parse(match) if isinstance(match, str) else match
            active = ActiveFault(fault, matched, times, skip, probability, f"{self._count}")
            self._active.append(active)
        return active

    def remove(self, active: ActiveFault) -> None:
        with self._lock:
            self._active.remove(active)

    def clear(self) -> None:
        """Remove all. Runs already created keep their plan."""
        with self._lock:
            self._active.clear()

    def acting(self, stage: Stage, context: RequestContext) -> Iterator[Fault]:
        """The faults that act now, in the order they were added.

        One by one: a fault that is not reached, because an earlier one has answered, is not used up.
        """
        with self._lock:
            active_now = list(self._active)
        for active in active_now:
            if active.fault.stage is not stage:
                continue
            with self._lock:
                acts = active.acts_on(self._seed, context)
            if acts:
                yield active.fault
