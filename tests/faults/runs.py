"""Faults of a report run: it fails, takes long, has an odd status, or something is wrong with its file."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from connector.simulator.named_faults import RunFails as RunFails  # noqa: PLC0414 - of those here
from connector.simulator.named_faults import RunFault as RunFault  # noqa: PLC0414 - of those here
from connector.simulator.named_faults import RunTakes as RunTakes  # noqa: PLC0414 - of those here
from connector.simulator.report_runs import RunPlan


@dataclass(frozen=True)
class RunSays(RunFault):
    """Until the run ends, its status is a word that is not documented."""

    status: str = "queued"

    def plan(self, plan: RunPlan) -> RunPlan:
        return replace(plan, waiting=self.status)


@dataclass(frozen=True)
class RunVanishes(RunFault):
    """The run and its file are a 404 from `seconds` after its end on."""

    seconds: float = 0.0

    def plan(self, plan: RunPlan) -> RunPlan:
        return replace(plan, vanishes=self.seconds)


@dataclass(frozen=True)
class ResultReused(RunFault):
    """The run succeeds at once with the file of an earlier, identical run, if one has succeeded.

    The file has its own `created`, before the run's, and is named after the earlier run.
    """

    def plan(self, plan: RunPlan) -> RunPlan:
        return replace(plan, reuse=True)


@dataclass(frozen=True)
class FileLate(RunFault):
    """The contents of the file are a 404 until `seconds` after the run has succeeded."""

    seconds: float = 3.0

    def plan(self, plan: RunPlan) -> RunPlan:
        return replace(plan, contents_after=self.seconds)


@dataclass(frozen=True)
class FileDeleted(RunFault):
    """The file is a 404 from `seconds` after the end of the run on; the run still names it."""

    seconds: float = 0.0

    def plan(self, plan: RunPlan) -> RunPlan:
        return replace(plan, file_deleted=self.seconds)


@dataclass(frozen=True)
class FileReads(RunFault):
    """The file has other bytes; its size and its `ETag` agree with them."""

    rewrite: Callable[[bytes], bytes] = field(default=lambda content: content)

    def plan(self, plan: RunPlan) -> RunPlan:
        return replace(plan, rewrite=self.rewrite)


@dataclass(frozen=True)
class LongTail(RunFault):
    """Runs take 20 seconds as a rule and a minute at worst: log-normal, cut off at both ends."""

    median: float = 20.0
    sigma: float = 0.45
    shortest: float = 15.0
    longest: float = 60.0
    draw: random.Random = field(default_factory=lambda: random.Random(20260607))

    def plan(self, plan: RunPlan) -> RunPlan:
        drawn = self.draw.lognormvariate(math.log(self.median), self.sigma)
        return replace(plan, seconds=min(self.longest, max(self.shortest, drawn)))
