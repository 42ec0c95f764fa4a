"""One account's balance: every entry since the opening day, the payouts made of them, and sums at any second.

Built forward, one UTC day at a time, as far as someone asks, and kept. The reports are views of this, which
is why they agree with each other to the last decimal.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

from connector.simulator.business import TARIFFS, Business
from connector.simulator.currencies import EXACT
from connector.simulator.entries import DAY, Entry, Owner, Payout, Totals, add_up
from connector.simulator.payouts import Treasury


class Ledger:
    """The books of one owner. Seconds are unix seconds, UTC; intervals are half-open."""

    def __init__(self, owner: Owner, *, seed: int, opening: date, volume: int) -> None:
        """`volume` is the usual number of sales a day."""
        self._business = Business(seed, owner, volume=volume)
        self._treasury = Treasury(seed, owner)
        self._first = int(datetime(opening.year, opening.month, opening.day, tzinfo=UTC).timestamp()) // DAY
        self._days: list[list[Entry]] = []
        self._closings: list[dict[str, Totals]] = []
        self._late: list[Entry] = []
        self._lock = threading.RLock()

    @property
    def opening(self) -> int:
        """The first second of the first day."""
        return self._first * DAY

    def entries(self, start: int, end: int, *, as_of: int) -> Iterator[Entry]:
        """Everything effective in [start, end) that was known at `as_of`, in order of time."""
        with self._lock:
            self._tell_until(end)
            late = [e for e in self._late if start <= e.effective < end and e.known_from <= as_of]
            first, last = max(start // DAY, self._first), (end - 1) // DAY
            days = [self._days[day - self._first] for day in range(first, last + 1)]
        told = (entry for day in days for entry in day if start <= entry.effective < end)
        yield from sorted([*told, *late], key=_moment) if late else told

    def totals(self, until: int, *, as_of: int) -> dict[str, Totals]:
        """Sums of everything effective before `until`, per currency that has moved by then."""
        with self._lock:
            self._tell_until(until)
            index = until // DAY - self._first
            if index < 0:
                return {}
            closed = self._closings[index - 1] if index else {}
            today = self._days[index] if index < len(self._days) else []
            late = [e for e in self._late if e.effective < until and e.known_from <= as_of]
            return add_up([*today[: bisect_left(today, until, key=_second)], *late], closed)

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
        with self._lock:
            self._tell_until(as_of)
            payout = self._treasury.holder(entry)
        return payout if payout and payout.created <= as_of else None

    def payouts(self, *, as_of: int) -> list[Payout]:
        """Payouts created until `as_of`, oldest first."""
        with self._lock:
            self._tell_until(as_of)
            return [payout for payout in self._treasury.payouts if payout.created <= as_of]

    def book_late(self, entries: Iterable[Entry]) -> None:
        """Add rows to days already told; reports show them from `known_from` on. They join no payout."""
        with self._lock:
            self._late.extend(entries)

    def _tell_until(self, second: int) -> None:
        """Have every day told that holds a second before `second`."""
        for day in range(self._first + len(self._days), (second - 1) // DAY + 1):
            activity = self._business.day(day)
            effective = sorted([*activity, *self._treasury.day(day, activity)], key=_moment)
            self._closings.append(add_up(effective, self._closings[-1] if self._closings else {}))
            self._days.append(effective)


def _second(entry: Entry) -> int:
    return entry.effective


def _moment(entry: Entry) -> tuple[int, str]:
    return entry.effective, entry.id
