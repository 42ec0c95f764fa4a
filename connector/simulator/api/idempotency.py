"""Requests that may be sent twice: what Stripe remembers of an idempotency key.

A key remembers status and body of its first request, good or bad, once the endpoint began to execute; what
was refused before that is forgotten. Keys are dropped after 24 hours.

Sources: https://docs.stripe.com/api/idempotent_requests, https://docs.stripe.com/error-low-level
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.simulator.books.entries import Owner
from connector.simulator.protocol.errors import RefusalError
from connector.simulator.protocol.messages import Call, Reply

LIFE = timedelta(hours=24)
LONGEST = 255


@dataclass(slots=True)
class _Kept:
    fingerprint: tuple[str, str, str]
    first_request: str
    at: datetime
    reply: Reply | None = None


class IdempotencyKeys:
    """The keys of all owners; each owner's are its own."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Owner, str], _Kept] = {}
        self._lock = threading.Lock()

    def replay(self, owner: Owner, call: Call, form: str) -> Reply | None:
        """The kept answer to this very request, if there is one.

        `form` is the request's parameters in a canonical text.

        Raises:
            RefusalError: the key is too long, was used for something else (400), or is in use (409).
        """
        key = call.headers.get("Idempotency-Key")
        if key is None:
            return None
        if not 1 <= len(key) <= LONGEST:
            raise RefusalError(
                f"Idempotency keys have 1 to {LONGEST} characters; this one has {len(key)}.",
                kind="idempotency_error",
            )
        with self._lock:
            return self._look(owner, key, call, form)

    def _look(self, owner: Owner, key: str, call: Call, form: str) -> Reply | None:
        kept = self._kept.get((owner, key))
        if kept is None or call.at - kept.at >= LIFE:
            self._kept.pop((owner, key), None)
            return None
        if kept.fingerprint != (call.method, call.path, form):
            raise RefusalError(
                "An idempotency key goes with the parameters it was first used with. "
                f"Take another key than '{key}' for another request.",
                kind="idempotency_error",
            )
        if kept.reply is None:
            raise RefusalError(
                f"Another request with the idempotency key '{key}' is still in progress. Try again later.",
                status=409,
                kind="idempotency_error",
                code="idempotency_key_in_use",
            )
        return kept.reply.with_headers(Idempotent_Replayed="true", Original_Request=kept.first_request)

    def execute(self, owner: Owner, call: Call, form: str, action: Callable[[], Reply]) -> Reply:
        """Run `action` and remember its answer under the call's key, if it has one."""
        key = call.headers.get("Idempotency-Key")
        if key is None:
            return action()
        kept = _Kept((call.method, call.path, form), call.request_id, call.at)
        with self._lock:
            replay = self._look(owner, key, call, form)
            if replay is not None:
                return replay
            self._kept[owner, key] = kept
        try:
            kept.reply = action()
        except BaseException:
            with self._lock:
                self._kept.pop((owner, key), None)
            raise
        return kept.reply
