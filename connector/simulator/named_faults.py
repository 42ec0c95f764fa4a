# ruff: noqa: ARG002 - all have the signature of the base; few use all of it
"""The faults that `stripe-reports simulate --fault NAME` puts in place, and their kinds.

Tests have many more, in `tests/faults`.

Source: https://docs.stripe.com/error-low-level
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from connector.simulator.books.entries import Entry
from connector.simulator.faults import Fault, Faults, Stage
from connector.simulator.protocol.messages import Call, Json, Reply, json_reply
from connector.simulator.report_runs import RunPlan
from connector.simulator.simulator import Simulator


@dataclass(frozen=True)
class Respond(Fault):
    """Any status with any body; by default Stripe's error object for the status.

    `Stripe-Should-Retry` is as Stripe sends it: `false` with a 500, absent with the others.
    """

    status: int = 500
    body: bytes | str | Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    stage: Stage = field(default=Stage.BEFORE, kw_only=True)

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        if self.body is None or isinstance(self.body, dict):
            usual = {"Stripe-Should-Retry": "false"} if self.status == 500 else {}
            body = _error_body(self.status) if self.body is None else self.body
            return json_reply(self.status, body, {**usual, **self.headers})
        raw = self.body.encode() if isinstance(self.body, str) else self.body
        plain = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(raw))}
        return Reply(self.status, {**plain, **self.headers}, raw)


_ERRORS = {
    400: ("invalid_request_error", None, "Bad request."),
    401: ("invalid_request_error", "api_key_expired", "Expired API Key provided."),
    403: ("invalid_request_error", None, "The provided key lacks a permission for this request."),
    404: ("invalid_request_error", "resource_missing", "No such object."),
    409: ("invalid_request_error", "idempotency_key_in_use", "Another request with this key is in progress."),
    429: ("invalid_request_error", "rate_limit", "Too many requests hit the API too quickly."),
}


def _error_body(status: int) -> Json:
    kind, code, message = _ERRORS.get(status, ("api_error", None, "Something went wrong at Stripe's end."))
    error: Json = {"type": kind, "message": message}
    return {"error": error | ({"code": code} if code else {})}


@dataclass(frozen=True)
class Cut(Fault):
    """The connection closes after `at` bytes of the body; by default after half of it."""

    at: int | None = None

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        if answer is None:
            return None
        at = len(answer.body) // 2 if self.at is None else min(self.at, len(answer.body))
        return replace(answer, delivery=replace(answer.delivery, cut_at=at))


@dataclass(frozen=True)
class RunFault(Fault):
    """Base of all faults of runs; matched with the POST that creates the run."""

    stage: Stage = field(default=Stage.RUN, kw_only=True)


@dataclass(frozen=True)
class RunFails(RunFault):
    """The run fails when it would have succeeded, or after `seconds`."""

    error: str = "An error occurred while generating this report. Try again later."
    seconds: float | None = None

    def plan(self, plan: RunPlan) -> RunPlan:
        return replace(plan, error=self.error, seconds=plan.seconds if self.seconds is None else self.seconds)


@dataclass(frozen=True)
class RunTakes(RunFault):
    """The run ends after `seconds`; with None it ends when `Simulator.end` is called."""

    seconds: float | None = None

    def plan(self, plan: RunPlan) -> RunPlan:
        return replace(plan, seconds=self.seconds)


#: By name, what puts it in place.
NAMED_FAULTS: Mapping[str, Callable[[Faults], object]] = {
    "slow-runs": lambda faults: faults.add(RunTakes(180), "POST", times=None),
    "stuck-run": lambda faults: faults.add(RunTakes(None), "POST"),
    "failed-run": lambda faults: faults.add(RunFails(), "POST"),
    "failing-runs": lambda faults: faults.add(RunFails(), "POST", times=None),
    "rate-limited": lambda faults: faults.add(Respond(429), times=None, probability=0.3),
    "server-errors": lambda faults: faults.add(Respond(503), times=None, probability=0.2),
    "cut-downloads": lambda faults: faults.add(Cut(at=1000), "GET */contents", times=None, probability=0.5),
    "no-permission": lambda faults: faults.add(Respond(403), "POST", times=None),
    "expired-key": lambda faults: faults.add(Respond(401), times=None, skip=60),
}


def restate(simulator: Simulator) -> tuple[date, ...]:
    """Book a fee of the day before yesterday now, and one of the last month's last day, so that report runs
    created from now on show them.

    Returns the days, of UTC: one where these are the same.
    """
    today = simulator.now().astimezone(UTC).date()
    days = sorted({today - timedelta(days=2), today.replace(day=1) - timedelta(days=1)})
    for number, day in enumerate(days, start=1):
        at = int(datetime.combine(day, time(12), UTC).timestamp())
        ids = (f"txn_late_{number}", f"adj_late_{number}")
        fee = Entry(ids[0], "network_cost", at, at, "usd", Decimal("-1.25"), Decimal(0), ids[1], None)
        simulator.ledger().book_late(replace(fee, known_from=at))
    return tuple(days)
