"""A shop and its days: what it sells, gives back, argues about and is charged for.

A forward story: a sale decides at once whether it will be refunded or disputed, and when. Days must be told
in order, because yesterday's sales are today's refunds. Payouts are not told here; the ledger makes them.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from connector.simulator.books.currencies import major
from connector.simulator.books.entries import DAY, Entry, Owner, Sale
from connector.simulator.books.seeded_random import base62, draws


@dataclass(frozen=True, slots=True)
class Tariff:
    """How one settlement currency trades. Amounts in minor units, the rate in thousandths.

    `delay` is the days until a payment becomes available; `payout_days` the weekdays (Monday 0) of payouts.
    """

    currency: str
    share: float
    smallest: int
    usual: int
    rate: int
    fixed: int
    dispute_fee: int
    delay: int
    payout_days: frozenset[int]


WORKDAYS = frozenset(range(5))
TARIFFS = (
    Tariff("usd", 0.58, 50, 4_200, 29, 30, 1_500, 2, WORKDAYS),
    Tariff("eur", 0.25, 50, 3_900, 15, 25, 2_000, 3, WORKDAYS),
    Tariff("jpy", 0.11, 50, 5_400, 36, 0, 1_300, 4, frozenset({4})),
    Tariff("kwd", 0.06, 150, 12_500, 39, 100, 5_000, 5, frozenset({0})),
)

_DESCRIPTIONS: tuple[str | None, ...] = (
    "Payment for order {n}",
    "Payment for order {n}",
    "Invoice {n}",
    "Subscription update",
    "Order {n}, gift wrapped, with card",
    'Poster "Harbour at night", {n}',
    "Café Zoë – 2 × crème brûlée",
    "注文番号 {n}",
    "Заказ № {n}",
    "Engraving:\nfor Ada,\nwith love",
    "Copied from a form\r\nunder Windows, {n}",
    "O'Brien & Søn; ticket {n} 🎟️",
    "NA",
    "",
    None,
)
_SOURCES = {
    "refund": "re_3",
    "refund_failure": "re_3",
    "dispute": "du_1",
    "dispute_reversal": "du_1",
    "charge_failure": "py_3",
}
_DISPUTE_REASONS = ("fraudulent", "product_not_received", "subscription_canceled", "duplicate")


class Business:
    """The days of one account, told in order."""

    def __init__(self, seed: int, owner: Owner, *, volume: int) -> None:
        """`volume` is the usual number of sales a day; weekends see fewer."""
        self._path = (seed, "business", owner.account, int(owner.livemode))
        self._volume = volume
        self._coming: defaultdict[int, list[Entry]] = defaultdict(list)

    def day(self, day: int) -> list[Entry]:
        """All activity created on the UTC day number `day` (days since 1970), in order of time."""
        teller = _Teller(day, draws(*self._path, day), self._coming)
        today = self._coming.pop(day, [])
        today += teller.sales(self._volume)
        today += teller.housekeeping()
        today.sort(key=lambda entry: (entry.created, entry.id))
        return today


class _Teller:
    """One day being told."""

    def __init__(self, day: int, rng: random.Random, coming: defaultdict[int, list[Entry]]) -> None:
        self._day = day
        self._start = day * DAY
        self._rng = rng
        self._coming = coming
        self._stem = base62(rng.getrandbits(120), 19)
        self._used = 0

    def sales(self, volume: int) -> list[Entry]:
        weekend = datetime.fromtimestamp(self._start, UTC).weekday() >= 5
        count = round(volume * (0.7 if weekend else 1.0) * (0.7 + 0.6 * self._rng.random()))
        charges = []
        for number in range(count):
            charge = self._charge(self._second(number), self._tariff())
            charges.append(charge)
            self._fate(charge)
        return charges

    def housekeeping(self) -> list[Entry]:
        """Rows without a sale: Stripe's own fees, network costs, adjustments and the like."""
        when = datetime.fromtimestamp(self._start, UTC)
        rows: list[Entry] = []
        if when.weekday() == 0:
            rows += self._network_costs()
        if when.day == 1:
            rows += self._monthly_fees(when)
        if when.day == 3:
            rows.append(
                self._plain("contribution", "usd", -1_250, "Climate contribution, 1 % of May’s sales")
            )
        if when.day == 15:
            rows.append(self._plain("risk_reserved_funds", "eur", -2_500, "Reserve, held for 60 days"))
            release = self._plain("risk_reserved_funds", "eur", 2_500, "Reserve released", days=60)
            self._coming[self._day + 60].append(release)
        if when.month % 3 == 0 and when.day == 20:
            rows.append(self._plain("topup", "usd", 100_000, "Top-up from bank account •••• 6789"))
        if self._rng.random() < 0.08:
            amount = self._rng.randrange(-900, 900) or 1
            rows.append(self._plain("other_adjustment", "usd", amount, "Correction, agreed by phone"))
        return rows

    def _next(self) -> str:
        """23 characters, new each time: the day's stem and a counter."""
        self._used += 1
        return self._stem + base62(self._used, 4)

    def _second(self, number: int) -> int:
        """A second of the day; now and then its first or last, where intervals meet."""
        if number == 0 and self._rng.random() < 0.2:
            return self._start
        if number == 1 and self._rng.random() < 0.2:
            return self._start + DAY - 1
        return self._start + int(self._rng.random() * DAY)

    def _tariff(self) -> Tariff:
        left = self._rng.random()
        for tariff in TARIFFS:
            left -= tariff.share
            if left < 0:
                return tariff
        return TARIFFS[0]

    def _charge(self, created: int, tariff: Tariff) -> Entry:
        rng, currency = self._rng, tariff.currency
        amount = tariff.smallest + int(rng.expovariate(1 / tariff.usual))
        fee = (amount * tariff.rate + 500) // 1000 + tariff.fixed
        text = _DESCRIPTIONS[int(rng.random() * len(_DESCRIPTIONS))]
        token = self._next()
        return Entry(
            id=f"txn_3{token}",
            category="charge",
            created=created,
            available_on=(self._day + tariff.delay) * DAY,
            currency=currency,
            gross=major(amount, currency),
            fee=major(fee, currency),
            source_id=f"ch_3{token}",
            description=text and text.format(n=rng.randrange(10_000, 99_999)),
            sale=Sale(token, created),
        )

    def _fate(self, charge: Entry) -> None:
        """Most sales stay sold."""
        chance = self._rng.random()
        if chance < 0.06:
            self._refund(charge)
        elif chance < 0.075:
            self._dispute(charge)
        elif chance < 0.08:
            self._follow(charge, "charge_failure", -charge.gross, self._after(4), "Debit returned")

    def _after(self, most: int, least: int = 1) -> int:
        """A second between `least` and `most` days from this day."""
        return self._start + self._rng.randrange(least, most + 1) * DAY + self._rng.randrange(DAY)

    def _refund(self, charge: Entry) -> None:
        amount = charge.gross
        if self._rng.random() < 0.4:
            amount = _portion(charge.gross, self._rng.randrange(1, 100))
        refund = self._follow(charge, "refund", -amount, self._after(20), "REFUND FOR CHARGE")
        if self._rng.random() < 0.05:
            at = refund.created + 3 * DAY
            self._follow(charge, "refund_failure", amount, at, "REFUND FAILURE, card closed")

    def _dispute(self, charge: Entry) -> None:
        """A dispute takes the sale and costs a fee; one that is won gives both back."""
        tariff = next(tariff for tariff in TARIFFS if tariff.currency == charge.currency)
        fee, reason = major(tariff.dispute_fee, charge.currency), self._rng.choice(_DISPUTE_REASONS)
        lost = self._follow(
            charge, "dispute", -charge.gross, self._after(40, 5), "Chargeback", fee=fee, reason=reason
        )
        if self._rng.random() < 0.4:
            at = lost.created + self._rng.randrange(10, 40) * DAY
            self._follow(
                charge, "dispute_reversal", charge.gross, at, "Chargeback reversal", fee=-fee, reason=reason
            )

    def _follow(
        self,
        charge: Entry,
        category: str,
        gross: Decimal,
        at: int,
        text: str,
        *,
        fee: Decimal = Decimal(0),
        reason: str | None = None,
    ) -> Entry:
        """A later consequence of `charge`, on the day it falls on; money moves at once."""
        token = self._next()
        entry = Entry(
            id=f"txn_3{token}",
            category=category,
            created=at,
            available_on=at,
            currency=charge.currency,
            gross=gross,
            fee=fee,
            source_id=_SOURCES[category] + token,
            description=f"{text} ({charge.description})" if charge.description else text,
            sale=charge.sale,
            dispute_reason=reason,
        )
        self._coming[at // DAY].append(entry)
        return entry

    def _plain(self, category: str, currency: str, minor: int, text: str, days: int = 0) -> Entry:
        """A row of Stripe's own, without a fee of its own."""
        at = self._start + days * DAY + self._rng.randrange(DAY)
        return self._stripe_row(category, currency, major(minor, currency), text, at)

    def _stripe_row(self, category: str, currency: str, gross: Decimal, text: str, at: int) -> Entry:
        return Entry(
            f"txn_1{self._next()}",
            category,
            at,
            at,
            currency,
            gross,
            Decimal(0),
            f"adj_1{self._next()}",
            text,
        )

    def _monthly_fees(self, when: datetime) -> list[Entry]:
        text = f"Billing - usage fee ({when:%Y-%m-%d}): metered, “Starter”"
        twin = self._plain("fee", "usd", -199, "Radar, per screened payment")
        # Fee rows that differ in nothing but their id are real, and each one counts.
        same = replace(twin, id=f"txn_1{self._next()}")
        return [self._plain("fee", tariff.currency, -tariff.usual // 20, text) for tariff in TARIFFS] + [
            twin,
            same,
        ]

    def _network_costs(self) -> list[Entry]:
        """Costs in millionths that add up to whole cents, so that a payout can be paid."""
        cents = Decimal(-self._rng.randrange(40, 400)).scaleb(-2)
        first, second = (-Decimal(self._rng.randrange(1, 120_000)).scaleb(-6) for _ in range(2))
        parts = (("scheme", first), ("interchange", second), ("other", cents - first - second))
        at = self._start + self._rng.randrange(DAY)
        return [
            self._stripe_row("network_cost", "usd", amount, f"Network costs, {name}", at)
            for name, amount in parts
        ]


def _portion(amount: Decimal, hundredths: int) -> Decimal:
    """A part of `amount` in whole minor units, at least one of them."""
    unit = Decimal((0, (1,), int(amount.as_tuple().exponent)))
    return max(unit, (amount * hundredths / 100).quantize(unit))
