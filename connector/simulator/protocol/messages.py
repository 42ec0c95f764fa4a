"""A call and its answer, free of any transport.

`Simulator.handle` and the server both turn what they receive into a `Call` and carry out the `Reply`; how an
answer travels (whole, cut, slowly, not at all) is part of the reply, so that a fault behaves alike in both.
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
    """A request as it arrived. `origin` is scheme, host and port; `query` is raw; `at` is in UTC."""

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
    """How a reply travels. Seconds; `cut_at` bytes of the body arrive before the connection is closed."""

    outcome: Outcome = Outcome.DELIVERED
    cut_at: int | None = None
    chunk: int | None = None
    pause: float = 0.0
    hold: float = 0.0


@dataclass(frozen=True)
class Reply:
    """An answer: status, headers in the order sent, the whole body, and the way it travels."""

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
    """A JSON answer, indented by two as Stripe's are."""
    body = json.dumps(value, indent=2, ensure_ascii=False).encode()
    return Reply(
        status,
        {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})},
        body,
    )
