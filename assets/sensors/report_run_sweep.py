"""Reading Stripe's list of report runs within the budget of a sensor's tick, over several ticks if need be.

A sensor that takes too long is cut off by Dagster and loses what it knew. So a tick reads so many pages, for
so long, and the cursor says where the next one goes on. A cursor that is lost only means to begin again.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

from assets.sensors.late_decisions import Found
from connector.api.client import StripeClient
from connector.api.models import ReportRequest, RunStatus, epoch, moment
from connector.errors import InvalidRequestError

_VERSION = 1


@dataclass(frozen=True, slots=True)
class TickBudget:
    """What one tick may cost: calls to Stripe, and seconds. Dagster cuts ticks off after 60 s."""

    requests: int = 25
    seconds: float = 40.0


@dataclass(slots=True)
class ReportRunScan:
    """One reading of the list, from the newest run back.

    Attributes:
        found: digest of a request to the runs that ask it, newest first.
        after: the run the next page begins behind; None at the beginning.
        complete: the list has been read back to the look-back.
        listed: how many runs were read; `unknown` of them ask what nobody here waits for.
    """

    found: dict[str, list[Found]] = field(default_factory=dict)
    after: str | None = None
    complete: bool = False
    listed: int = 0
    unknown: int = 0

    def read(
        self,
        client: StripeClient,
        wanted: Mapping[ReportRequest, str],
        *,
        look_back: timedelta,
        budget: TickBudget,
    ) -> None:
        """Go on reading until the list ends or the budget is spent.

        Args:
            wanted: what is looked for, and the digest of each.

        Raises ReportingError when Stripe does not answer; what was read stays.
        """
        began, types = client.clock.monotonic(), {request.report_type for request in wanted}
        since = client.now() - look_back
        for _ in range(budget.requests):
            if client.clock.monotonic() - began >= budget.seconds:
                return
            page = client.report_runs(created={"gte": since}, starting_after=self.after)
            for run in page.data:
                digest = wanted.get(run.request) if run.report_type in types else None
                if digest is None:
                    self.unknown += 1
                else:
                    self.found.setdefault(digest, []).append(Found(run.id, run.status, run.created))
            self.listed += len(page.data)
            self.complete = not page.has_more or not page.data
            if self.complete:
                return
            self.after = page.data[-1].id

    def to_json(self) -> str:
        """For the cursor: where to go on, and what was found so far. A finished one begins anew."""
        if self.complete or self.after is None:
            return json.dumps({"version": _VERSION})
        found = {
            digest: [[run.id, run.status, epoch(run.created)] for run in runs]
            for digest, runs in self.found.items()
        }
        state = {
            "version": _VERSION,
            "after": self.after,
            "listed": self.listed,
            "unknown": self.unknown,
            "found": found,
        }
        return json.dumps(state, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """Where the last tick stopped; the beginning for a cursor that is lost, or not one of ours."""
        try:
            state: Mapping[str, Any] = json.loads(text or "{}")
            if state.get("version") != _VERSION or not state.get("after"):
                return cls()
            found = {
                str(digest): [
                    Found(str(id), RunStatus.of(status), moment(int(at))) for id, status, at in runs
                ]
                for digest, runs in state["found"].items()
            }
            return cls(found, str(state["after"]), listed=int(state["listed"]), unknown=int(state["unknown"]))
        except (ValueError, TypeError, AttributeError, KeyError):
            return cls()


def swept(
    cursor: str | None,
    client: StripeClient,
    requests: Collection[ReportRequest],
    *,
    look_back: timedelta,
    budget: TickBudget,
) -> ReportRunScan:
    """The list as far as this tick could read it, going on where `cursor` says.

    Raises ReportingError when Stripe does not answer.
    """
    wanted = {request: request.digest()[:16] for request in requests}
    sweep = ReportRunScan.from_json(cursor)
    try:
        sweep.read(client, wanted, look_back=look_back, budget=budget)
    except InvalidRequestError:
        # The run to go on behind is not known any more.
        if sweep.after is None:
            raise
        sweep = ReportRunScan()
        sweep.read(client, wanted, look_back=look_back, budget=budget)
    return sweep


def runs_for(sweep: ReportRunScan, request: ReportRequest) -> tuple[Found, ...]:
    """The runs found that ask exactly this, newest first."""
    return tuple(sweep.found.get(request.digest()[:16], ()))
