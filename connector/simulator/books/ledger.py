"""One account's balance: every entry since the opening day, the payouts made of them, and sums at any second.

Built forward, one UTC day at a time, as far as someone asks, and kept. The reports are views of this, which
is why they agree with each other to the last decimal.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

from connector.simulator.books.business import TARIFFS, Business
from connector.simulator.books.currencies import EXACT
from connector.simulator.books.entries import DAY, Entry, Owner, Payout, Totals, add_up
from connector.simulator.books.payouts import Treasury


class Story:
    """What a seed has in store for one owner, as far as it has been told. Never changes, only grows."""

    def __init__(self, owner: Owner, *, seed: int, opening: date, volume: int) -> None:
        midnight = datetime(opening.year, opening.month, opening.day, tzinfo=UTC)
        self.first = int(midnight.timestamp()) // DAY
        self._business = Business(seed, owner, volume=volume)
        self._treasury = Treasury(seed, owner)
        self._days: list[list[Entry]] = []
        self._closings: list[dict[str, Totals]] = []
        self._outstanding: list[list[Entry]] = [[]]
        self._lock = threading.RLock()

    def day(self, day: int) -> list[Entry]:
        """What took effect on the UTC day number `day`, in order of time."""
        with self._lock:
            self._tell(day)
            return self._days[day - self.first] if day >= self.first else []

    def closing(self, day: int) -> dict[str, Totals]:
        """The sums at the end of `day`; none before the first."""
        with self._lock:
            self._tell(day)
            return self._closings[day - self.first] if day >= self.first else {}

    def holder(self, entry: Entry, *, as_of: int) -> Payout | None:
        with self._lock:
            self._tell(as_of // DAY)
            return self._treasury.holder(entry)

    def payouts(self, *, as_of: int) -> list[Payout]:
        with self._lock:
            self._tell(as_of // DAY)
            return self._treasury.payouts

    def payout(self, id: str, *, as_of: int) -> Payout | None:
        with self._lock:
            self._tell(as_of // DAY)
            return self._treasury.find(id)

    def contents(self, payout: Payout) -> tuple[Entry, ...]:
        with self._lock:
            return self._treasury.contents(payout)

    def outstanding(self, day: int) -> list[Entry]:
        """What took effect before the UTC day number `day` and had not left with a payout by its midnight.

        Found from one midnight to the next and kept, since entries may wait for a payout for weeks.
        """
        with self._lock:
            self._tell(day - 1)
            for number in range(len(self._outstanding), day - self.first + 1):
                midnight = (self.first + number) * DAY
                candidates = [*self._outstanding[-1], *self._days[number - 1]]
                self._outstanding.append([e for e in candidates if self._waits(e, midnight)])
            return self._outstanding[day - self.first] if day >= self.first else []

    def waits(self, entry: Entry, at: int) -> bool:
        """Whether `entry` is part of the balance just before `at`, not yet paid out."""
        with self._lock:
            return self._waits(entry, at)

    def _waits(self, entry: Entry, at: int) -> bool:
        if entry.category == "payout":
            return False
        payout = self._treasury.holder(entry)
        return payout is None or payout.arrival >= at

    def _tell(self, until: int) -> None:
        for day in range(self.first + len(self._days), until + 1):
            activity = self._business.day(day)
            effective = sorted([*activity, *self._treasury.day(day, activity)], key=_moment)
            self._closings.append(add_up(effective, self._closings[-1] if self._closings else {}))
            self._days.append(effective)


@lru_cache(maxsize=16)
def story(owner: Owner, *, seed: int, opening: date, volume: int) -> Story:
    """One story for all ledgers that begin alike: telling three years takes most of a second."""
    return Story(owner, seed=seed, opening=opening, volume=volume)


class Ledger:
    """The books of one owner. Seconds are unix seconds, UTC; intervals are half-open."""

    def __init__(self, owner: Owner, *, seed: int, opening: date, volume: int) -> None:
        """`volume` is the usual number of sales a day."""
        self._story = story(owner, seed=seed, opening=opening, volume=volume)
        self._late: list[Entry] = []

    @property
    def opening(self) -> int:
        """The first second of the first day."""
        return self._story.first * DAY

    def entries(self, start: int, end: int, *, as_of: int) -> Iterator[Entry]:
        """Everything effective in [start, end) that was known at `as_of`, in order of time."""
        late = [e for e in self._late if start <= e.effective < end and e.known_from <= as_of]
        days = range(max(start, self.opening) // DAY, (end - 1) // DAY + 1)
        told = (entry for day in days for entry in self._story.day(day) if start <= entry.effective < end)
        yield from sorted([*told, *late], key=_moment) if late else told

    def totals(self, until: int, *, as_of: int) -> dict[str, Totals]:
        """Sums of everything effective before `until`, per currency that has moved by then."""
        day = until // DAY
        # At midnight there is nothing of the new day to add, and no need to have it told.
        today = self._story.day(day) if until % DAY else []
        late = [e for e in self._late if e.effective < until and e.known_from <= as_of]
        before = today[: bisect_left(today, until, key=_second)]
        return add_up([*before, *late], self._story.closing(day - 1))

    def not_yet_available(self, at: int, *, as_of: int) -> dict[str, Decimal]:
        """Activity before `at` that only becomes available after it, net, per currency."""
        longest = max(tariff.delay for tariff in TARIFFS) + 1
        held: dict[str, Decimal] = {}
        for entry in self.entries(at - longest * DAY, at, as_of=as_of):
            if not entry.is_payout and entry.available_on > at:
                held[entry.currency] = EXACT.add(held.get(entry.currency, Decimal(0)), entry.net)
        return held

    def payout_of(self, entry: Entry, *, as_of: int) -> Payout | None:
        """The automatic payout that holds `entry`, once there is one."""
        payout = self._story.holder(entry, as_of=as_of)
        return payout if payout and payout.created <= as_of else None

    def payouts(self, *, as_of: int) -> list[Payout]:
        """Payouts created until `as_of`, oldest first."""
        return [payout for payout in self._story.payouts(as_of=as_of) if payout.created <= as_of]

    def payout(self, id: str, *, as_of: int) -> Payout | None:
        """The automatic payout with that id, once it was made."""
        payout = self._story.payout(id, as_of=as_of)
        return payout if payout and payout.created <= as_of else None

    def arriving(self, start: int, end: int, *, as_of: int) -> list[Payout]:
        """Payouts that take effect in [start, end), in that order."""
        found = [payout for payout in self.payouts(as_of=as_of) if start <= payout.arrival < end]
        return sorted(found, key=lambda payout: (payout.arrival, payout.id))

    def contents(self, payout: Payout) -> list[Entry]:
        """The entries that `payout` is the sum of, in order of time."""
        return sorted(self._story.contents(payout), key=_moment)

    def outstanding(self, at: int, *, as_of: int) -> list[Entry]:
        """The entries whose sum is the balance at `at`: booked before it, and in no payout that has left.

        Rows added late join no payout, so they stay here for good.
        """
        day = at // DAY
        today = self._story.day(day) if at % DAY else []
        told = [*self._story.outstanding(day), *today[: bisect_left(today, at, key=_second)]]
        late = [e for e in self._late if e.effective < at and e.known_from <= as_of]
        return [*(e for e in told if self._story.waits(e, at)), *late]

    def book_late(self, entries: Iterable[Entry]) -> None:
        """Add rows to days already told; reports show them from `known_from` on. They join no payout."""
        self._late = [*self._late, *entries]


def _second(entry: Entry) -> int:
    return entry.effective


def _moment(entry: Entry) -> tuple[int, str]:
    return entry.effective, entry.id
