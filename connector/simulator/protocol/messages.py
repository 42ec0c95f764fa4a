"""A request and its answer, without a transport.

`Simulator.handle` and the server both turn a request into a `Call` and send the `Reply`. How the reply is
delivered (whole, cut, slowly, not at all) is part of it, so that a fault acts alike in both.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any

import httpx

Json = dict[str, Any]
Sleep = Callable[[float], None]


@dataclass(frozen=True)
class Call:
    """A request. `origin` is scheme, host and port; `query` is raw; `at` is in UTC."""

    method: str
    origin: str
    host: str
    path: str
    query: str
    headers: httpx.Headers
    body: bytes
    request_id: str
    at: datetime


class Outcome(Enum):
    """How the connection ends."""

    DELIVERED = "delivered"
    RESET = "reset"
    REFUSED = "refused"
    TIMED_OUT = "timed out"


@dataclass(frozen=True)
class Delivery:
    """How a reply is sent. Times in seconds; the connection is closed after `cut_at` bytes of the body."""

    outcome: Outcome = Outcome.DELIVERED
    cut_at: int | None = None
    chunk: int | None = None
    pause: float = 0.0
    hold: float = 0.0


@dataclass(frozen=True)
class Reply:
    """An answer: status, headers in the order sent, the whole body, and how it is delivered."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    delivery: Delivery = field(default_factory=Delivery)

    def with_headers(self, **headers: str) -> "Reply":
        """With more or other headers; underscores in names stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})

    def with_body(self, body: bytes) -> "Reply":
        """With another body and the length that goes with it."""
        return replace(self, body=body, headers={**self.headers, "Content-Length": str(len(body))})

    def json(self) -> Json:
        """The body as a JSON object."""
        value: Json = json.loads(self.body)
        return value


def json_reply(status: int, value: Json, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON answer, indented by two spaces as Stripe's are."""
    body = json.dumps(value, indent=2, ensure_ascii=False).encode()
    return Reply(
        status,
        {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})},
        body,
    )
