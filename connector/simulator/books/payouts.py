"""Automatic payouts: what is available goes to the bank, on the weekdays of its currency.

A payout is the sum of its entries, to the last decimal. It leaves the balance when it arrives at the bank,
as balance reports count it. A few payouts fail; their money is paid again with the next one.

Source: https://docs.stripe.com/reports/payout-reconciliation
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from connector.simulator.books.business import SETTLEMENT_CURRENCIES, WORKDAYS, SettlementCurrency
from connector.simulator.books.currencies import EXACT
from connector.simulator.books.entries import DAY, Entry, Payout
from connector.simulator.books.seeded_random import base62, generator


class AutomaticPayouts:
    """The payouts of one account, made in order of days."""

    def __init__(self, seed: int, account: str) -> None:
        # The 0 was the mode, when each mode had books of its own; it keeps the samples' bytes as they are.
        self._path = (seed, "payouts", account, 0)
        self._unpaid: defaultdict[str, list[Entry]] = defaultdict(list)
        self._upcoming: defaultdict[int, list[Entry]] = defaultdict(list)
        self._made: list[Payout] = []
        self._by_entry: dict[str, Payout] = {}
        self._contents: dict[str, tuple[Entry, ...]] = {}
        self._by_id: dict[str, Payout] = {}

    @property
    def made(self) -> list[Payout]:
        """All payouts so far, oldest first."""
        return list(self._made)

    def payout_of(self, entry: Entry) -> Payout | None:
        """The payout that `entry` is part of."""
        return self._by_entry.get(entry.id)

    def find(self, id: str) -> Payout | None:
        return self._by_id.get(id)

    def contents(self, payout: Payout) -> tuple[Entry, ...]:
        """What `payout` is the sum of."""
        return self._contents[payout.id]

    def day(self, day: int, activity: Iterable[Entry]) -> list[Entry]:
        """Take in a day's activity, pay out, and return the payout entries effective on this day."""
        today = self._upcoming.pop(day, [])
        for entry in [*activity, *(each for each in today if each.category == "payout_reversal")]:
            self._unpaid[entry.currency].append(entry)
        weekday = datetime.fromtimestamp(day * DAY, UTC).weekday()
        for settlement in SETTLEMENT_CURRENCIES:
            if weekday in settlement.payout_days:
                self._pay(day, settlement)
        return today

    def _pay(self, day: int, settlement: SettlementCurrency) -> None:
        unpaid = self._unpaid[settlement.currency]
        available = [entry for entry in unpaid if entry.available_on <= day * DAY]
        amount = Decimal(0)
        for entry in available:
            amount = EXACT.add(amount, entry.net)
        if amount <= 0:
            return  # a debt stays in the balance until sales have covered it
        self._unpaid[settlement.currency] = [entry for entry in unpaid if entry.available_on > day * DAY]
        payout = self._payout(day, settlement.currency, amount)
        self._made.append(payout)
        self._by_id[payout.id] = payout
        self._by_entry.update((entry.id, payout) for entry in available)
        self._contents[payout.id] = tuple(available)

    def _payout(self, day: int, currency: str, amount: Decimal) -> Payout:
        rng = generator(*self._path, day, currency)
        token = base62(rng.getrandbits(140), 23)
        created = day * DAY + rng.randrange(3_600, 3 * 3_600)
        arrival = _next_workday(day) * DAY
        fails = rng.random() < 0.015
        failed_at = arrival + rng.randrange(DAY, 3 * DAY) if fails else None
        out = Entry(
            f"txn_1{token}", "payout", created, arrival, currency, -amount, Decimal(0), f"po_1{token}",
            "STRIPE PAYOUT",
        )  # fmt: skip
        self._upcoming[arrival // DAY].append(out)
        if failed_at is not None:
            back = Entry(
                f"txn_2{token}", "payout_reversal", failed_at, failed_at, currency, amount, Decimal(0),
                f"po_1{token}", "PAYOUT FAILURE, account closed",
            )  # fmt: skip
            self._upcoming[failed_at // DAY].append(back)
        return Payout(f"po_1{token}", currency, amount, created, arrival, failed_at)


def _next_workday(day: int) -> int:
    day += 1
    while datetime.fromtimestamp(day * DAY, UTC).weekday() not in WORKDAYS:
        day += 1
    return day
