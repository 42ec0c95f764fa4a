"""Automatic payouts: what is available goes to the bank, on the currency's own weekdays.

Each payout is the sum of the entries it holds, to the last decimal. It leaves the balance when it arrives at
the bank, which is how balance reports count it; one in a while comes back and is paid again with the next.

Source: https://docs.stripe.com/reports/payout-reconciliation
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from connector.simulator.books.business import TARIFFS, WORKDAYS, Tariff
from connector.simulator.books.currencies import EXACT
from connector.simulator.books.entries import DAY, Entry, Owner, Payout
from connector.simulator.books.seeded_random import base62, draws


class Treasury:
    """The payouts of one owner, made in order of days."""

    def __init__(self, seed: int, owner: Owner) -> None:
        self._path = (seed, "payouts", owner.account, int(owner.livemode))
        self._waiting: defaultdict[str, list[Entry]] = defaultdict(list)
        self._moving: defaultdict[int, list[Entry]] = defaultdict(list)
        self._payouts: list[Payout] = []
        self._holder: dict[str, Payout] = {}
        self._contents: dict[str, tuple[Entry, ...]] = {}
        self._by_id: dict[str, Payout] = {}

    @property
    def payouts(self) -> list[Payout]:
        """Oldest first."""
        return list(self._payouts)

    def holder(self, entry: Entry) -> Payout | None:
        """The payout that `entry` is part of."""
        return self._holder.get(entry.id)

    def find(self, id: str) -> Payout | None:
        return self._by_id.get(id)

    def contents(self, payout: Payout) -> tuple[Entry, ...]:
        """What `payout` is the sum of."""
        return self._contents[payout.id]

    def day(self, day: int, activity: Iterable[Entry]) -> list[Entry]:
        """Take in a day's activity, pay out, and return the payout entries effective on this very day."""
        today = self._moving.pop(day, [])
        for entry in [*activity, *(moved for moved in today if moved.category == "payout_reversal")]:
            self._waiting[entry.currency].append(entry)
        weekday = datetime.fromtimestamp(day * DAY, UTC).weekday()
        for tariff in TARIFFS:
            if weekday in tariff.payout_days:
                self._pay(day, tariff)
        return today

    def _pay(self, day: int, tariff: Tariff) -> None:
        waiting = self._waiting[tariff.currency]
        ready = [entry for entry in waiting if entry.available_on <= day * DAY]
        amount = Decimal(0)
        for entry in ready:
            amount = EXACT.add(amount, entry.net)
        if amount <= 0:
            return  # a debt stays in the balance until sales have covered it
        self._waiting[tariff.currency] = [entry for entry in waiting if entry.available_on > day * DAY]
        payout = self._payout(day, tariff.currency, amount)
        self._payouts.append(payout)
        self._by_id[payout.id] = payout
        self._holder.update((entry.id, payout) for entry in ready)
        self._contents[payout.id] = tuple(ready)

    def _payout(self, day: int, currency: str, amount: Decimal) -> Payout:
        rng = draws(*self._path, day, currency)
        token = base62(rng.getrandbits(140), 23)
        created = day * DAY + rng.randrange(3_600, 3 * 3_600)
        arrival = _next_workday(day) * DAY
        fails = rng.random() < 0.015
        failed_at = arrival + rng.randrange(DAY, 3 * DAY) if fails else None
        out = Entry(
            f"txn_1{token}", "payout", created, arrival, currency, -amount, Decimal(0), f"po_1{token}",
            "STRIPE PAYOUT",
        )  # fmt: skip
        self._moving[arrival // DAY].append(out)
        if failed_at is not None:
            back = Entry(
                f"txn_2{token}", "payout_reversal", failed_at, failed_at, currency, amount, Decimal(0),
                f"po_1{token}", "PAYOUT FAILURE, account closed",
            )  # fmt: skip
            self._moving[failed_at // DAY].append(back)
        return Payout(f"po_1{token}", currency, amount, created, arrival, failed_at)


def _next_workday(day: int) -> int:
    day += 1
    while datetime.fromtimestamp(day * DAY, UTC).weekday() not in WORKDAYS:
        day += 1
    return day
