"""How many report runs to have at once, when to create another and when to poll. Arithmetic only.

Stripe publishes no limit on report runs in parallel, so it has to be learned while waiting.
"""

import math

from connector.api.rate_limit import FILES_RATE

#: Report runs pending at once before anything is known of what Stripe bears.
FIRST_LIMIT = 32
_HIGHEST_LIMIT = 1000

#: So many new runs refused without a reason, with a pause after each, mean that too many are pending; fewer
#: may be a matter of requests per second, or of the moment.
_IN_A_ROW = 3

#: Of fewer report runs the files are fetched in two seconds; there a poll more costs each of them too much.
_MANY = 2 * FILES_RATE
_SOONEST = 0.2


class PendingLimit:
    """How many runs may be pending at once.

    It begins at 32 and grows with every run Stripe accepts. At the first refusal it falls back to what
    Stripe was carrying just then, which was proved to be fine; from there it grows by one for every two
    rounds that go well, and halves when it is refused below the limit, since then others share it.
    """

    def __init__(self, size: int = FIRST_LIMIT) -> None:
        self.size = size
        self._refused = False
        self._credit = 0

    def accepted(self) -> None:
        """Stripe took another run."""
        if not self._refused:
            self.size = min(_HIGHEST_LIMIT, self.size + 1)

    def finished(self) -> None:
        """A run ended."""
        self._credit += 1
        if self._refused and self._credit >= 2 * self.size:
            self.size, self._credit = min(_HIGHEST_LIMIT, self.size + 1), 0

    def refused(self, pending: int) -> None:
        """Stripe answered 429 while `pending` runs were under way."""
        below = self._refused and pending < self.size
        self.size = max(1, self.size // 2 if below else pending)
        self._refused, self._credit = True, 0


class CreationPace:
    """When Stripe will bear another report run: below the limit, and a while after each refusal.

    Times are seconds of one monotonic clock; `under_way` counts runs that are pending or being created.

    Args:
        most: for how many seconds refusals are borne while nothing else moves.
    """

    def __init__(self, now: float, *, most: float) -> None:
        self._limit = PendingLimit()
        self._most = most
        self._next_at = now
        self._named_by_stripe = now
        self._refusals = 0
        self._moved_at = now

    def allows(self, under_way: int, now: float) -> bool:
        """Whether another run may be created now."""
        return under_way < self._limit.size and now >= self._next_at

    def due(self, under_way: int) -> float:
        """When another may be created, or given up; infinity where that depends on runs that are to end."""
        if under_way >= self._limit.size:
            return math.inf
        return min(self._next_at, self.hopeless_at(under_way))

    def hopeless_at(self, under_way: int) -> float:
        """When it has been refused for so long that nothing will move any more while we wait."""
        return self._moved_at + self._most if self._refusals and not under_way else math.inf

    def accepted(self, now: float) -> None:
        """Stripe took a run."""
        self._refusals, self._next_at, self._moved_at = 0, now, now
        self._limit.accepted()

    def refused(
        self, pending: int, now: float, *, retry_after: float | None, draw: float, too_many: bool = False
    ) -> None:
        """Stripe answered 429 to a new run while `pending` others were under way there.

        `too_many`: it said that those are the reason.
        """
        if now >= self._next_at:  # what was sent together is refused together, and counts once
            self._refusals += 1
            if too_many or self._refusals >= _IN_A_ROW:
                self._limit.refused(pending)
        self._named_by_stripe = now + (retry_after or 0.0)
        self._next_at = max(self._named_by_stripe, now + pause_after_refusal(self._refusals, draw))

    def ended(self, now: float) -> None:
        """A run less at Stripe: there may be room for another at once, unless Stripe named a time."""
        self._limit.finished()
        self._moved_at = now
        self._next_at = max(self._named_by_stripe, min(self._next_at, now))


def pause_before_poll(age: float, *, idle: bool = False) -> float:
    """Seconds from the beginning of one poll to the next.

    The end of a run is noticed within a second, or within a tenth of the age that the run has by then,
    whichever is more; the number of polls grows with the logarithm of its duration. While no file is there to
    be fetched, all that are to come wait for the next one, and it is a fifth of a second: see
    `is_worth_polls`.

    Args:
        age: seconds since the run was created, at the beginning of the first of the two.
    """
    # A tenth of the age at the second poll is a ninth of the age at the first.
    return max(_SOONEST if idle else 1.0, age / 9)


def is_worth_polls(reports: int, accounts: int) -> bool:
    """Whether so many reports, each account with polls of its own, are worth a few polls more while nothing
    else is to be done: they take as long as their files, and those wait for the first one that is seen."""
    return reports >= _MANY * accounts


def pause_after_refusal(refusals: int, draw: float) -> float:
    """Seconds before another run is created when Stripe refused `refusals` in a row."""
    return 2.0 ** min(refusals - 1, 5) * (0.5 + 0.5 * draw)
