# ruff: noqa: ARG002 - all have the signature of the base; few use all of it
"""Faults of the network: another answer, no answer, or another body than Stripe's.

Every fault has a stage; where it makes sense at several, `stage` can be given.

Source: https://docs.stripe.com/error-low-level
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import httpx

from connector.simulator.faults import Fault, Stage
from connector.simulator.named_faults import Cut as Cut  # noqa: PLC0414 - of those here
from connector.simulator.named_faults import Respond as Respond  # noqa: PLC0414 - of those here
from connector.simulator.protocol.messages import Call, Json, Outcome, Reply

# Other answers


def rate_limited(
    retry_after: int | None = None, *, reason: str | None = None, stage: Stage = Stage.BEFORE
) -> Respond:
    """429 from the rate limiter, with `Retry-After` in seconds and `Stripe-Rate-Limited-Reason` if given."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    if reason is not None:
        headers["Stripe-Rate-Limited-Reason"] = reason
    return Respond(429, headers=headers, stage=stage)


def lock_timeout() -> Respond:
    """429 because an object is in use, with `Stripe-Should-Retry: true`."""
    message = "This object cannot be accessed right now because another request is using it."
    error = {"type": "invalid_request_error", "code": "lock_timeout", "message": message}
    return Respond(429, {"error": error}, {"Stripe-Should-Retry": "true"})


@dataclass(frozen=True)
class Html(Fault):
    """A page for people instead of JSON, by default with the status 200."""

    status: int = 200
    page: str = (
        "<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body>Back soon.</body></html>\n"
    )

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        body = self.page.encode()
        page = Reply(self.status, {"Content-Type": "text/html; charset=utf-8"})
        return page.with_body(body)


# The connection


@dataclass(frozen=True)
class ConnectionFault(Fault):
    """Base of faults without an answer, before the request is read or after it was executed."""

    stage: Stage = field(default=Stage.BEFORE, kw_only=True)

    def __post_init__(self) -> None:
        if self.stage not in {Stage.BEFORE, Stage.AFTER}:
            raise ValueError(
                "a connection fails before the request is read or after it was executed: BEFORE or AFTER"
            )


@dataclass(frozen=True)
class Reset(ConnectionFault):
    """The connection is reset without an answer."""

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        return _undelivered(answer, Outcome.RESET)


@dataclass(frozen=True)
class Refuse(ConnectionFault):
    """The connection is refused. Behind a port that is open, it is closed at once."""

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        return _undelivered(answer, Outcome.REFUSED)


@dataclass(frozen=True)
class Silence(ConnectionFault):
    """No answer until the caller's timeout, or for `seconds`; then the connection is closed."""

    seconds: float = 80.0

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        reply = _undelivered(answer, Outcome.TIMED_OUT)
        return replace(reply, delivery=replace(reply.delivery, hold=self.seconds))


def _undelivered(answer: Reply | None, outcome: Outcome) -> Reply:
    reply = answer or Reply(0, {})
    return replace(reply, delivery=replace(reply.delivery, outcome=outcome))


@dataclass(frozen=True)
class Delay(Fault):
    """The request takes `seconds` longer. While EXECUTING, its idempotency key is in use meanwhile."""

    seconds: float = 1.0
    stage: Stage = field(default=Stage.BEFORE, kw_only=True)

    def delay(self) -> float:
        return self.seconds


@dataclass(frozen=True)
class Drip(Fault):
    """The body comes `chunk` bytes at a time, with `pause` seconds between."""

    chunk: int = 1
    pause: float = 0.01

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        return answer and replace(
            answer, delivery=replace(answer.delivery, chunk=self.chunk, pause=self.pause)
        )


@dataclass(frozen=True)
class WrongLength(Fault):
    """`Content-Length` is off by `by` bytes; the body is right."""

    by: int = 10

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        return answer and answer.with_headers(Content_Length=str(max(len(answer.body) + self.by, 0)))


# The body


@dataclass(frozen=True)
class Rebody(Fault):
    """Another body with the right length; the status stays."""

    change: Callable[[bytes], bytes] = field(default=lambda body: body)

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        return answer and answer.with_body(self.change(answer.body))


def short(keep: int | None = None, *, whole_rows: bool = True) -> Rebody:
    """Only the first `keep` bytes (by default half), up to the end of a row: a valid, shorter file."""

    def change(body: bytes) -> bytes:
        part = body[: len(body) // 2 if keep is None else keep]
        return part[: part.rfind(b"\n") + 1] if whole_rows else part

    return Rebody(change)


def long(extra: bytes = b'"more"\n') -> Rebody:
    """The body with `extra` at its end."""
    return Rebody(lambda body: body + extra)


def garbled(at: int = 0) -> Rebody:
    """The body with one bit wrong."""
    return Rebody(lambda body: body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])


def malformed_json() -> Rebody:
    """The JSON without its last character."""
    return Rebody(lambda body: body.rstrip()[:-1])


@dataclass(frozen=True)
class EditJson(Fault):
    """The answer's JSON, changed in place by `edit`."""

    edit: Callable[[Json], object] = field(default=lambda value: value)

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        if answer is None:
            return None
        try:
            value = answer.json()
        except ValueError:
            return answer  # not JSON, because of an earlier fault
        self.edit(value)
        return answer.with_body(json.dumps(value, indent=2).encode())


@dataclass(frozen=True)
class EditReply(Fault):
    """Any other change of an answer."""

    edit: Callable[[Call, Reply], Reply] = field(default=lambda _, reply: reply)

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        return answer and self.edit(call, answer)


@dataclass(frozen=True)
class Compressed(Fault):
    """The body is gzipped, whether or not the caller accepts it."""

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        packed = answer and answer.with_body(gzip.compress(answer.body, mtime=0))
        return packed and packed.with_headers(Content_Encoding="gzip")


@dataclass(frozen=True)
class IgnoreRange(Fault):
    """The whole file is sent, whatever range was requested."""

    stage: Stage = field(default=Stage.BEFORE, kw_only=True)

    def change_request(self, call: Call) -> Call:
        headers = httpx.Headers([item for item in call.headers.multi_items() if item[0].lower() != "range"])
        return replace(call, headers=headers)

    def reply(self, call: Call, answer: Reply | None) -> Reply | None:
        return None
