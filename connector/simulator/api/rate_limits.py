"""Stripe's rate limits, over one second of the simulator's clock.

Off by default: while a test's clock stands still, all its requests fall into one second.

Source: https://docs.stripe.com/rate-limits
"""

import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime

from connector.simulator.owner import Owner
from connector.simulator.protocol.errors import too_many_requests
from connector.simulator.protocol.messages import Call


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests per second in one mode; `files` for the reads and for the writes of the Files API."""

    reads: int
    writes: int
    files: int


#: By livemode.
_LIMITS = {True: Limits(reads=100, writes=100, files=20), False: Limits(reads=25, writes=25, files=20)}


class Limiter:
    """Counts the requests of each account and mode."""

    def __init__(self) -> None:
        self._recent: defaultdict[tuple[Owner, str], deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()

    def admit(self, owner: Owner, call: Call) -> None:
        """Count the call, or raise a 429. A call with a 429 does not count."""
        limits = _LIMITS[owner.livemode]
        writing = call.method == "POST"
        if call.path.startswith("/v1/files"):
            name, most = f"files {writing}", limits.files
        else:
            name, most = ("writes", limits.writes) if writing else ("reads", limits.reads)
        with self._lock:
            recent = self._recent[owner, name]
            while recent and (call.at - recent[0]).total_seconds() >= 1:
                recent.popleft()
            if len(recent) >= most:
                raise too_many_requests(
                    "Too many requests hit the API too quickly. Send fewer, and back off."
                )
            recent.append(call.at)
