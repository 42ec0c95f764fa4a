"""Idempotency keys: what Stripe remembers of a POST, to answer it again.

A key remembers the status and the body of its first request, success or error, once the endpoint has begun to
execute, for 24 hours; what fails before that (parameters, limits, permissions) is not remembered. The same
key with other parameters is an `idempotency_error`; a key that is in use is a 409. Keys belong to one account
and mode.

Not on those pages, but seen in answers of 2023: `Original-Request` is sent with every answer to a key, and is
the answer's own `Request-Id` the first time.

Source: https://docs.stripe.com/api/idempotent_requests, https://docs.stripe.com/error-low-level
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.simulator.owner import Owner
from connector.simulator.protocol.errors import StripeError
from connector.simulator.protocol.messages import Call, Reply

LIFE = timedelta(hours=24)
LONGEST = 255


@dataclass(slots=True)
class _FirstRequest:
    """`reply` is None while it is being executed."""

    fingerprint: tuple[str, str, str]
    request_id: str
    at: datetime
    reply: Reply | None = None


class IdempotencyKeys:
    """The keys of all owners. Safe to use from many threads."""

    def __init__(self) -> None:
        self._first: dict[tuple[Owner, str], _FirstRequest] = {}
        self._lock = threading.Lock()

    def replay(self, owner: Owner, call: Call, form: str) -> Reply | None:
        """The remembered answer to this request, if there is one.

        `form` is the request's parameters in a canonical text.

        Raises:
            StripeError: the key is too long, was used with other parameters (400), or is in use (409).
        """
        key = call.headers.get("Idempotency-Key")
        if key is None:
            return None
        if not 1 <= len(key) <= LONGEST:
            raise StripeError(f"Idempotency keys have 1 to {LONGEST} characters; this one has {len(key)}.")
        with self._lock:
            return self._find(owner, key, call, form)

    def _find(self, owner: Owner, key: str, call: Call, form: str) -> Reply | None:
        first = self._first.get((owner, key))
        if first is None or call.at - first.at >= LIFE:
            self._first.pop((owner, key), None)
            return None
        if first.fingerprint != (call.method, call.path, form):
            raise StripeError(
                "An idempotency key goes with the parameters it was first used with. "
                f"Take another key than '{key}' for another request.",
                kind="idempotency_error",
            )
        if first.reply is None:
            raise StripeError(
                f"Another request with the idempotency key '{key}' is still in progress. Try again later.",
                status=409,
                code="idempotency_key_in_use",
            )
        return first.reply.with_headers(Idempotent_Replayed="true")

    def execute(self, owner: Owner, call: Call, form: str, action: Callable[[], Reply]) -> Reply:
        """Run `action` and remember its answer under the call's key, if it has one."""
        key = call.headers.get("Idempotency-Key")
        if key is None:
            return action()
        first = _FirstRequest((call.method, call.path, form), call.request_id, call.at)
        with self._lock:
            replay = self._find(owner, key, call, form)
            if replay is not None:
                return replay
            self._first[owner, key] = first
        try:
            first.reply = action().with_headers(Original_Request=first.request_id)
        except BaseException:
            with self._lock:
                self._first.pop((owner, key), None)
            raise
        return first.reply
