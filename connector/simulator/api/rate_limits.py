"""Stripe's rate limits, as a window of one second of the simulator's clock.

Off unless asked for: a test's clock may stand still, and then every request falls into one second.

Source: https://docs.stripe.com/rate-limits
"""

import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime

from connector.simulator.books.entries import Owner
from connector.simulator.protocol.errors import too_many_requests
from connector.simulator.protocol.messages import Call


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests per second in one mode; reads and writes of the Files API count apart from the rest."""

    reads: int
    writes: int
    files: int


LIVE = Limits(reads=100, writes=100, files=20)
TEST = Limits(reads=25, writes=25, files=20)


class Limiter:
    """Counts what each owner sends."""

    def __init__(self, live: Limits = LIVE, test: Limits = TEST) -> None:
        self._limits = {True: live, False: test}
        self._recent: defaultdict[tuple[Owner, str], deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()

    def admit(self, owner: Owner, call: Call) -> None:
        """Count the call, or refuse it with 429. What is refused does not count."""
        limits = self._limits[owner.livemode]
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
