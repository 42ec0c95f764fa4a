"""Keep below a rate, rather than be refused for exceeding it.

Stripe publishes limits per second; staying below them finishes sooner than running into 429 and backing
off. A `RateLimit` spaces calls evenly over all threads that share it, slows down when Stripe says 429 all the
same (another process may share the key), and recovers with every call that goes well.

Source: https://docs.stripe.com/rate-limits
"""

import threading

from connector.clock import Clock

_SLOWEST = 0.5
#: Of the limit, for each call that goes well: added, not multiplied, so that many processes come to share
#: evenly, and a refusal now and then costs little.
_RECOVERY = 0.02
#: Limits count seconds; refusals within one are one refusal, not a reason to stand still.
_TOGETHER = 1.0


class RateLimit:
    """At most `per_second` calls a second, evenly spaced. Safe to share between threads."""

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._limit = per_second
        self._rate = per_second
        self._clock = clock
        self._next = self._slowed_at = float("-inf")
        self._lock = threading.Lock()

    @property
    def rate(self) -> float:
        """Calls per second allowed now; `per_second` unless Stripe asked for less."""
        return self._rate

    def take(self) -> None:
        """Wait for the next free place."""
        with self._lock:
            now = self._clock.monotonic()
            place = max(now, self._next)
            self._next = place + 1 / self._rate
        self._clock.sleep(place - now)

    def refused(self) -> None:
        """Stripe said 429: halve the rate, once for all that was under way together."""
        with self._lock:
            now = self._clock.monotonic()
            if now - self._slowed_at >= _TOGETHER:
                self._rate, self._slowed_at = max(_SLOWEST, self._rate / 2), now

    def accepted(self) -> None:
        """A call went through: recover a little, up to the limit."""
        with self._lock:
            self._rate = min(self._limit, self._rate + self._limit * _RECOVERY)
