"""How Stripe behaves on the day of a test: how long report runs take, and which of them go wrong."""

import math
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import parse_qs

from connector.simulator import Fault, Match, Occasion, Stage
from connector.simulator.runs import Fate

_RUNS = "/v1/reporting/report_runs"


@dataclass(frozen=True, kw_only=True)
class LongTail(Fault):
    """Runs take 20 seconds as a rule and a minute at worst: log-normal, cut off at both ends."""

    stage: Stage = Stage.RUN
    median: float = 20.0
    sigma: float = 0.45
    shortest: float = 15.0
    longest: float = 60.0
    draw: random.Random = field(default_factory=lambda: random.Random(20260607))

    def fate(self, fate: Fate) -> Fate:
        drawn = self.draw.lognormvariate(math.log(self.median), self.sigma)
        return replace(fate, seconds=min(self.longest, max(self.shortest, drawn)))


def asking_for(days: Collection[str], *, report_type: str = "*", first_only: bool = False) -> Match:
    """The POSTs that ask for a run over one of these UTC days; `first_only`: one for each day and type."""
    wanted, met = set(days), set[tuple[str, str]]()

    def hits(occasion: Occasion) -> bool:
        day = _day_asked_for(occasion)
        if day not in wanted or (first_only and (occasion.report_type, day) in met):
            return False
        met.add((occasion.report_type, day))
        return True

    return _creating(report_type, hits)


def _creating(report_type: str, where: Callable[[Occasion], bool]) -> Match:
    return Match("POST", _RUNS, report_type, where=where)


def _day_asked_for(occasion: Occasion) -> str:
    form = parse_qs(occasion.call.body.decode()) if occasion.call else {}
    starts = form.get("parameters[interval_start]")
    return f"{datetime.fromtimestamp(int(starts[0]), UTC):%Y-%m-%d}" if starts else ""
