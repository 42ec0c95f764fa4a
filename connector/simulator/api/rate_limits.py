"""Stripe's rate limits, over one second of the simulator's clock.

Off by default: while a test's clock stands still, all its requests fall into one second.

Source: https://docs.stripe.com/rate-limits
"""

import threading
from collections import defaultdict, deque
from datetime import datetime

from connector.simulator.owner import Owner
from connector.simulator.protocol.errors import too_many_requests
from connector.simulator.protocol.messages import Call

#: Requests per second, reads and writes together, by livemode.
_GLOBAL = {True: 100, False: 25}
#: At one endpoint; for the reads and for the writes of the Files API.
_ENDPOINT, _FILES = 25, 20


class Limiter:
    """Counts the requests of each account and mode: those in the name of another one are of the key's own."""

    def __init__(self) -> None:
        self._recent: defaultdict[tuple[Owner, str], deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()

    def admit(self, owner: Owner, call: Call) -> None:
        """Count the call, or raise a 429 that names the limit. A call with a 429 does not count."""
        endpoint = _endpoint(call)
        most = {"global-rate": ("all", _GLOBAL[owner.livemode]), "endpoint-rate": (endpoint, _ENDPOINT)}
        if call.path.startswith("/v1/files"):
            most["endpoint-rate"] = (f"{call.method} files", _FILES)
        with self._lock:
            counted = []
            for reason, (name, allowed) in most.items():
                recent = self._recent[owner, name]
                while recent and (call.at - recent[0]).total_seconds() >= 1:
                    recent.popleft()
                if len(recent) >= allowed:
                    message = "Too many requests hit the API too quickly. Send fewer, and back off."
                    raise too_many_requests(message, reason)
                counted.append(recent)
            for recent in counted:
                recent.append(call.at)


def _endpoint(call: Call) -> str:
    """Method and path template."""
    parts = call.path.strip("/").split("/")
    one = "/{id}" if len(parts) > 3 else ""
    return f"{call.method} {'/'.join(parts[:3])}{one}"
