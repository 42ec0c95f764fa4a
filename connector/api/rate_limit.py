"""Keep below Stripe's rates, rather than be refused for exceeding them.

Stripe publishes limits per second: one for all requests of a key's kind, reads and writes together, and one
for each endpoint. Staying below them finishes sooner than running into 429 and backing off. A `RateLimit`
spaces calls evenly over all threads that share it, slows down when Stripe says 429 all the same (another
process may share the key), and recovers with every call that goes well.

Whose limit counts where one acts for a connected account (`Stripe-Account`) is not documented. It is taken to
be the platform's, so that keys and accounts of one platform share it.

Source: https://docs.stripe.com/rate-limits
"""

import math
import threading
from collections import defaultdict
from collections.abc import Callable

from connector.clock import Clock

#: Requests per second Stripe allows: by a live key, by all others, at one endpoint, and for files.
LIVE_RATE, TEST_RATE, ENDPOINT_RATE, FILES_RATE = 100.0, 25.0, 25.0, 20.0

#: Calls per second however often Stripe refuses, or this part of the limit where that is less.
_SLOWEST, _LEAST = 0.5, 1 / 8
#: Of the limit, for each call that goes well: added, not multiplied, so that many processes come to share
#: evenly, and a refusal now and then costs little.
_RECOVERY = 0.02
#: The same after a refusal that names this limit, which others share then: who comes back half as fast is
#: refused half as often, and takes hardly longer. Any other 429 says nothing of others.
_RECOVERY_BESIDE_OTHERS = 0.01
#: Seconds for which nothing is sent after two refusals in a row: the second that Stripe counts is full.
_FULL = 0.25
#: Reasons of a 429 that are not about requests a second.
_NOT_RATES = frozenset({"global-concurrency", "endpoint-concurrency", "resource-specific"})
#: Limits count seconds; refusals within one are one refusal, not a reason to stand still.
_TOGETHER = 1.0
#: A clock adds up what it slept; a place this near has come.
_AT_ONCE = 1e-9
#: What is sent within a second may arrive within less, so that a second of ours is a little longer; and so
#: much of it a call that was late may be made up for, which would otherwise slow down all that follow.
_SECOND, _LATE = 1.03, 0.015


class RateLimit:
    """At most `per_second` calls a second, evenly spaced, however unevenly they come to be counted, within
    15 ms. `Pace` guards it between threads."""

    def __init__(self, per_second: float) -> None:
        self._limit = per_second
        self._slowed_at = float("-inf")
        self._recovery = _RECOVERY
        self._refused_in_a_row = 0
        #: Calls per second allowed now; `per_second` unless Stripe asked for less.
        self.rate = per_second
        #: When the next call may be sent, on the monotonic clock.
        self.free_at = float("-inf")

    def taken(self, now: float) -> None:
        """A call is sent at `now`."""
        self.free_at = max(now - _LATE, self.free_at) + _SECOND / self.rate

    def refused(self, now: float, *, named: bool = False) -> None:
        """Stripe said 429: halve the rate, once for all that was under way together.

        Args:
            named: Stripe said that it is this limit.
        """
        self._refused_in_a_row += 1
        if named:
            self._recovery = _RECOVERY_BESIDE_OTHERS
        if self._refused_in_a_row > 1:
            self.free_at = max(self.free_at, now + _FULL)
        if now - self._slowed_at >= _TOGETHER:
            slowest = min(_SLOWEST, self._limit * _LEAST)
            self.rate, self._slowed_at = max(slowest, self.rate / 2), now

    def accepted(self) -> None:
        """A call went through: recover a little, up to the limit."""
        self._refused_in_a_row = 0
        self.rate = min(self._limit, self.rate + self._limit * self._recovery)
        if self.rate == self._limit:
            self._recovery = _RECOVERY


class Pace:
    """The limits that one endpoint's calls keep to: its own, and the one of all. Safe to share."""

    def __init__(self, clock: Clock, lock: threading.Lock, *, everything: RateLimit, own: RateLimit) -> None:
        self._clock = clock
        self._lock = lock
        self._limits = {"global-rate": everything, "endpoint-rate": own}

    def take(self) -> None:
        """Wait until all limits have a free place, and take it."""
        while True:
            with self._lock:
                now = self._clock.monotonic()
                # Nothing is reserved ahead: whoever waits for its endpoint leaves the others their turn.
                wait = max(limit.free_at for limit in self._limits.values()) - now
                if wait <= _AT_ONCE:
                    for limit in self._limits.values():
                        limit.taken(now)
                    return
            self._clock.sleep(wait)

    def refused(self, reason: str | None) -> None:
        """Stripe said 429, for this `Stripe-Rate-Limited-Reason`; without one, or with one that is not known,
        either limit may be meant."""
        if reason in _NOT_RATES:
            return
        with self._lock:
            now = self._clock.monotonic()
            for limit in [self._limits[reason]] if reason in self._limits else self._limits.values():
                limit.refused(now, named=reason in self._limits)

    def accepted(self) -> None:
        """A call went through."""
        with self._lock:
            for limit in self._limits.values():
                limit.accepted()


def divided(limit: float, *, processes: float, share: float) -> float:
    """How many calls a second one of several processes may send, so that all together keep to a limit.

    Processes know nothing of each other, and their calls come together by chance: what they send in a second
    differs from one second to the next by about the square root of what it is on average. So much is left
    free, and they finish sooner than if they ran into 429.

    Args:
        limit: calls per second that Stripe allows.
        processes: how many share what we take of it.
        share: how much of it we take; the rest is for others.
    """
    ours = limit * share
    spare = math.sqrt(min(processes, ours)) if processes > 1 else 0.0
    return max(ours / 2, ours - spare) / processes


class RateLimits:
    """All limits of one key.

    Args:
        live: whether the key is a live one.
        processes: how many processes share the key.
        share: how much of every limit they may take together, above 0 and up to 1.
        draw: a uniform random number from [0, 1): when each of several processes sends its first call, so
            that those that start together do not call together.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        live: bool,
        processes: float = 1,
        share: float = 1.0,
        draw: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()

        def limited(per_second: float) -> RateLimit:
            return RateLimit(divided(per_second, processes=processes, share=share))

        def begun(per_second: float) -> RateLimit:
            """The same, with its first call somewhere within the time from one call to the next."""
            limit = limited(per_second)
            if processes > 1:
                limit.free_at = clock.monotonic() + draw() / limit.rate
            return limit

        self._everything = limited(LIVE_RATE if live else TEST_RATE)
        self._files = begun(FILES_RATE)
        self._endpoints: defaultdict[str, RateLimit] = defaultdict(lambda: begun(ENDPOINT_RATE))

    def of(self, endpoint: str) -> Pace:
        """The pace of an endpoint, by method and path template, e.g. `GET /v1/reporting/report_runs/{id}`."""
        with self._lock:
            own = self._files if "/v1/files" in endpoint else self._endpoints[endpoint]
        return Pace(self._clock, self._lock, everything=self._everything, own=own)
