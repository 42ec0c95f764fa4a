"""Faults of a report run: it fails, takes its time, says something odd, or its file has other bytes."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from connector.simulator.faults import Fault, Stage
from connector.simulator.report_runs import RunPlan


@dataclass(frozen=True)
class RunFault(Fault):
    """Base of what can befall a run; aimed by the POST that makes it."""

    stage: Stage = field(default=Stage.RUN, kw_only=True)


@dataclass(frozen=True)
class RunFails(RunFault):
    """The run fails when it would have succeeded, or after `seconds`."""

    error: str = "An error occurred while generating this report. Try again later."
    seconds: float | None = None

    def fate(self, fate: RunPlan) -> RunPlan:
        return replace(fate, error=self.error, seconds=fate.seconds if self.seconds is None else self.seconds)


@dataclass(frozen=True)
class RunTakes(RunFault):
    """The run ends after `seconds`; None: never, until `Simulator.end` ends it."""

    seconds: float | None = None

    def fate(self, fate: RunPlan) -> RunPlan:
        return replace(fate, seconds=self.seconds)


@dataclass(frozen=True)
class RunSays(RunFault):
    """Until the run ends, its status is a word nobody has documented."""

    status: str = "queued"

    def fate(self, fate: RunPlan) -> RunPlan:
        return replace(fate, waiting=self.status)


@dataclass(frozen=True)
class RunVanishes(RunFault):
    """A finished run is unknown `seconds` after its end: 404 where there was a result."""

    seconds: float = 0.0

    def fate(self, fate: RunPlan) -> RunPlan:
        return replace(fate, vanishes=self.seconds)


@dataclass(frozen=True)
class FileReads(RunFault):
    """The run's file has other bytes; its size and its `ETag` agree with them."""

    rewrite: Callable[[bytes], bytes] = field(default=lambda content: content)

    def fate(self, fate: RunPlan) -> RunPlan:
        return replace(fate, rewrite=self.rewrite)


@dataclass(frozen=True)
class LongTail(RunFault):
    """Runs take 20 seconds as a rule and a minute at worst: log-normal, cut off at both ends."""

    median: float = 20.0
    sigma: float = 0.45
    shortest: float = 15.0
    longest: float = 60.0
    draw: random.Random = field(default_factory=lambda: random.Random(20260607))

    def fate(self, fate: RunPlan) -> RunPlan:
        drawn = self.draw.lognormvariate(math.log(self.median), self.sigma)
        return replace(fate, seconds=min(self.longest, max(self.shortest, drawn)))
