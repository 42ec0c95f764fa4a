"""One account's balance: every entry since the opening day, the payouts made of them, and sums at any second.

Computed one UTC day after the other, as far as a report needs it, and remembered. All reports are views of
this ledger, which is why they agree with each other to the last decimal.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

from connector.simulator.books.business import SETTLEMENT_CURRENCIES, Business
from connector.simulator.books.currencies import EXACT
from connector.simulator.books.entries import DAY, Entry, Payout, Totals, add_up
from connector.simulator.books.payouts import AutomaticPayouts
from connector.simulator.books.platform import (
    ConnectedBusiness,
    Debts,
    entries_of_platform,
    fees_of_platform,
    find_leaver,
    reserves,
)


class _Journal:
    """The entries and payouts of an account, which follow from the seed. Days are added, never changed."""

    def __init__(
        self,
        account: str,
        *,
        seed: int,
        opening: date,
        volume: int,
        vat_on_fees: bool,
        platform: Sequence[str] = (),
        accounts: Sequence["_Journal"] = (),
    ) -> None:
        """`platform` are the accounts of the platform that this one belongs to; `accounts` are the journals
        of those connected to this one."""
        midnight = datetime(opening.year, opening.month, opening.day, tzinfo=UTC)
        self.account, self.first = account, int(midnight.timestamp()) // DAY
        business = Business(seed, account, volume=volume, vat_on_fees=vat_on_fees)
        self._business: Business | ConnectedBusiness = business
        self._debts: Debts | None = None
        if platform:
            leaves = account == find_leaver(platform)
            self._business = ConnectedBusiness(business, seed, account, first=self.first, leaves=leaves)
            self._debts = Debts(account)
        self._accounts = accounts
        self._payouts = AutomaticPayouts(seed, account)
        self._days: list[list[Entry]] = []
        self._closings: list[dict[str, Totals]] = []
        self._outstanding: list[list[Entry]] = [[]]
        self._lock = threading.RLock()

    def day(self, day: int) -> list[Entry]:
        """What took effect on the UTC day number `day`, in order of time."""
        with self._lock:
            self._compute(day)
            return self._days[day - self.first] if day >= self.first else []

    def closing(self, day: int) -> dict[str, Totals]:
        """The sums at the end of `day`; none before the first."""
        with self._lock:
            self._compute(day)
            return self._closings[day - self.first] if day >= self.first else {}

    def payout_of(self, entry: Entry, *, as_of: int) -> Payout | None:
        with self._lock:
            self._compute(as_of // DAY)
            return self._payouts.payout_of(entry)

    def payouts(self, *, as_of: int) -> list[Payout]:
        with self._lock:
            self._compute(as_of // DAY)
            return self._payouts.made

    def payout(self, id: str, *, as_of: int) -> Payout | None:
        with self._lock:
            self._compute(as_of // DAY)
            return self._payouts.find(id)

    def contents(self, payout: Payout) -> tuple[Entry, ...]:
        with self._lock:
            return self._payouts.contents(payout)

    def outstanding(self, day: int) -> list[Entry]:
        """What took effect before the UTC day number `day` and had not left with a payout by its midnight.

        Computed from one midnight to the next and remembered, since entries may wait weeks for a payout.
        """
        with self._lock:
            self._compute(day - 1)
            for number in range(len(self._outstanding), day - self.first + 1):
                midnight = (self.first + number) * DAY
                candidates = [*self._outstanding[-1], *self._days[number - 1]]
                self._outstanding.append([e for e in candidates if self._in_balance(e, midnight)])
            return self._outstanding[day - self.first] if day >= self.first else []

    def in_balance(self, entry: Entry, at: int) -> bool:
        """Whether `entry` is part of the balance just before `at`, not yet paid out."""
        with self._lock:
            return self._in_balance(entry, at)

    def _in_balance(self, entry: Entry, at: int) -> bool:
        if entry.category == "payout":
            return False
        payout = self._payouts.payout_of(entry)
        return payout is None or payout.arrival >= at

    def _compute(self, until: int) -> None:
        for day in range(self.first + len(self._days), until + 1):
            activity = sorted(self._activity(day), key=_moment)
            effective = sorted([*activity, *self._payouts.day(day, activity)], key=_moment)
            self._closings.append(add_up(effective, self._closings[-1] if self._closings else {}))
            self._days.append(effective)

    def _activity(self, day: int) -> Iterator[Entry]:
        """What is created on a day, payouts apart: its own, and what others bring about."""
        yield from self._business.day(day)
        if self._debts:
            yield from self._debts.day(day, self._closings[-1] if self._closings else {})
        for each in self._accounts:
            yield from entries_of_platform(each.day(day))
            yield from reserves(each.account, day, each.closing(day - 1), each.closing(day))
        yield from fees_of_platform(day, (each.costs(day) for each in self._accounts))

    def costs(self, day: int) -> Mapping[str, Decimal]:
        """What Stripe charged for the account on a day, by currency, and its platform pays."""
        with self._lock:
            self._compute(day)
            return self._business.costs(day) if isinstance(self._business, ConnectedBusiness) else {}

    @property
    def platform_pays(self) -> bool:
        """Whether its platform pays Stripe's fees for it."""
        return isinstance(self._business, ConnectedBusiness)


@lru_cache(maxsize=16)
def _journal(
    account: str,
    *,
    seed: int,
    opening: date,
    volume: int,
    vat_on_fees: bool,
    platform: tuple[str, ...],
) -> _Journal:
    """One journal for all ledgers that begin alike: computing three years takes most of a second."""

    def made(account: str, of: Sequence[str], accounts: Sequence[_Journal]) -> _Journal:
        return _Journal(
            account,
            seed=seed,
            opening=opening,
            volume=volume,
            vat_on_fees=vat_on_fees,
            platform=of,
            accounts=accounts,
        )

    if account in platform:
        return made(account, platform, ())
    own = [
        _journal(each, seed=seed, opening=opening, volume=volume, vat_on_fees=vat_on_fees, platform=platform)
        for each in platform
    ]
    return made(account, (), own)


class Ledger:
    """The books of one account, the same in live and test mode. Unix seconds; half-open intervals."""

    def __init__(
        self,
        account: str,
        *,
        seed: int,
        opening: date,
        volume: int,
        vat_on_fees: bool = False,
        platform: tuple[str, ...] = (),
    ) -> None:
        """`volume` is the usual number of sales a day; `vat_on_fees` as in `Business`. `platform` are the
        accounts connected to a platform, where the account is one of them, or the platform itself."""
        self._journal = _journal(
            account,
            seed=seed,
            opening=opening,
            volume=volume,
            vat_on_fees=vat_on_fees,
            platform=platform,
        )
        self._late: list[Entry] = []

    @property
    def opening(self) -> int:
        """The first second of the first day."""
        return self._journal.first * DAY

    @property
    def platform_pays(self) -> bool:
        """Whether the account is connected to a platform that pays Stripe's fees for it."""
        return self._journal.platform_pays

    def entries(self, start: int, end: int, *, as_of: int) -> Iterator[Entry]:
        """Everything effective in [start, end) that was known at `as_of`, in order of time."""
        late = [e for e in self._late if start <= e.effective < end and e.known_from <= as_of]
        days = range(max(start, self.opening) // DAY, (end - 1) // DAY + 1)
        booked = (entry for day in days for entry in self._journal.day(day) if start <= entry.effective < end)
        yield from sorted([*booked, *late], key=_moment) if late else booked

    def totals(self, until: int, *, as_of: int) -> dict[str, Totals]:
        """Sums of everything effective before `until`, per currency that has moved by then."""
        day = until // DAY
        # At midnight nothing of the new day counts, so it need not be computed.
        today = self._journal.day(day) if until % DAY else []
        late = [e for e in self._late if e.effective < until and e.known_from <= as_of]
        before = today[: bisect_left(today, until, key=_second)]
        return add_up([*before, *late], self._journal.closing(day - 1))

    def not_yet_available(self, at: int, *, as_of: int) -> dict[str, Decimal]:
        """Activity before `at` that only becomes available after it, net, per currency."""
        longest = max(settlement.delay for settlement in SETTLEMENT_CURRENCIES) + 1
        pending: dict[str, Decimal] = {}
        for entry in self.entries(at - longest * DAY, at, as_of=as_of):
            if not entry.is_payout and entry.available_on > at:
                pending[entry.currency] = EXACT.add(pending.get(entry.currency, Decimal(0)), entry.net)
        return pending

    def payout_of(self, entry: Entry, *, as_of: int) -> Payout | None:
        """The automatic payout that holds `entry`, once there is one."""
        payout = self._journal.payout_of(entry, as_of=as_of)
        return payout if payout and payout.created <= as_of else None

    def payouts(self, *, as_of: int) -> list[Payout]:
        """Payouts created until `as_of`, oldest first."""
        return [payout for payout in self._journal.payouts(as_of=as_of) if payout.created <= as_of]

    def payout(self, id: str, *, as_of: int) -> Payout | None:
        """The automatic payout with that id, once it was made."""
        payout = self._journal.payout(id, as_of=as_of)
        return payout if payout and payout.created <= as_of else None

    def arriving(self, start: int, end: int, *, as_of: int) -> list[Payout]:
        """Payouts that take effect in [start, end), in that order."""
        found = [payout for payout in self.payouts(as_of=as_of) if start <= payout.arrival < end]
        return sorted(found, key=lambda payout: (payout.arrival, payout.id))

    def contents(self, payout: Payout) -> list[Entry]:
        """The entries that `payout` is the sum of, in order of time."""
        return sorted(self._journal.contents(payout), key=_moment)

    def outstanding(self, at: int, *, as_of: int) -> list[Entry]:
        """The entries whose sum is the balance at `at`: booked before it, and not in a payout that has left.

        Rows added late join no payout, so they stay here.
        """
        day = at // DAY
        today = self._journal.day(day) if at % DAY else []
        booked = [*self._journal.outstanding(day), *today[: bisect_left(today, at, key=_second)]]
        late = [e for e in self._late if e.effective < at and e.known_from <= as_of]
        return [*(e for e in booked if self._journal.in_balance(e, at)), *late]

    def book_late(self, entry: Entry) -> None:
        """Add a row to a closed day; reports show it from its `known_from` on. It joins no payout."""
        self._late = [*self._late, entry]


def _second(entry: Entry) -> int:
    return entry.effective


def _moment(entry: Entry) -> tuple[int, str]:
    return entry.effective, entry.id
