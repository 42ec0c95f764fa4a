"""A shop's activity, day by day: its sales, refunds, disputes and fees.

Each sale decides at once whether and when it will be refunded or disputed, so days are made in order. Payouts
are made elsewhere, of what this module books.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from connector.simulator.books.currencies import EXACT, major
from connector.simulator.books.entries import DAY, Entry, Sale
from connector.simulator.books.seeded_random import base62, generator


@dataclass(frozen=True, slots=True)
class SettlementCurrency:
    """Sales, pricing and payouts in one currency. Amounts in minor units, `rate` in thousandths.

    `share` is its part of all sales, `delay` the days until a payment becomes available, `payout_days` the
    weekdays (Monday is 0) of payouts.
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
SETTLEMENT_CURRENCIES = (
    SettlementCurrency("usd", 0.58, 50, 4_200, 29, 30, 1_500, 2, WORKDAYS),
    SettlementCurrency("eur", 0.25, 50, 3_900, 15, 25, 2_000, 3, WORKDAYS),
    SettlementCurrency("jpy", 0.11, 50, 5_400, 36, 0, 1_300, 4, frozenset({4})),
    SettlementCurrency("kwd", 0.06, 150, 12_500, 39, 100, 5_000, 5, frozenset({0})),
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
_VAT = Decimal("0.19")
_DISPUTE_REASONS = ("fraudulent", "product_not_received", "subscription_canceled", "duplicate")


class Business:
    """The activity of one account, made in order of days."""

    def __init__(self, seed: int, account: str, *, volume: int, vat_on_fees: bool = False) -> None:
        """`volume` is the usual number of sales a day; weekends see fewer. With `vat_on_fees` the VAT on a
        fee in euros is a transaction of its own, seconds after the fee and with its description."""
        # The 0 was the mode, when each mode had books of its own; it keeps the samples' bytes as they are.
        self._path = (seed, "business", account, 0)
        self._volume = volume
        self._vat_on_fees = vat_on_fees
        self._upcoming: defaultdict[int, list[Entry]] = defaultdict(list)

    def day(self, day: int) -> list[Entry]:
        """All activity created on the UTC day number `day` (days since 1970), in order of time."""
        this_day = _Day(day, generator(*self._path, day), self._upcoming)
        today = self._upcoming.pop(day, [])
        today += this_day.sales(self._volume)
        today += this_day.other_activity()
        if self._vat_on_fees:
            today = [each for entry in today for each in this_day.with_vat(entry)]
        today.sort(key=lambda entry: (entry.created, entry.id))
        return today


class _Day:
    """One day in the making; consequences on later days go to `upcoming`."""

    def __init__(self, day: int, rng: random.Random, upcoming: defaultdict[int, list[Entry]]) -> None:
        self._day = day
        self._start = day * DAY
        self._rng = rng
        self._upcoming = upcoming
        self._prefix = base62(rng.getrandbits(120), 19)
        self._used = 0

    def sales(self, volume: int) -> list[Entry]:
        weekend = datetime.fromtimestamp(self._start, UTC).weekday() >= 5
        count = round(volume * (0.7 if weekend else 1.0) * (0.7 + 0.6 * self._rng.random()))
        charges = []
        for number in range(count):
            charge = self._charge(self._second(number), self._settlement_currency())
            charges.append(charge)
            self._schedule_consequences(charge)
        return charges

    def other_activity(self) -> list[Entry]:
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
            self._upcoming[self._day + 60].append(release)
        if when.month % 3 == 0 and when.day == 20:
            topup = self._plain("topup", "usd", 100_000, "Top-up from bank account •••• 6789")
            rows.append(replace(topup, fee=Decimal("3.00")))
        if self._rng.random() < 0.08:
            amount = self._rng.randrange(-900, 900) or 1
            rows.append(self._plain("other_adjustment", "usd", amount, "Correction, agreed by phone"))
        return rows

    def with_vat(self, entry: Entry) -> Iterator[Entry]:
        """The entry, and the VAT on it if it is a fee that VAT is due on."""
        if entry.category != "fee" or entry.currency != "eur":
            yield entry
            return
        vat = (entry.gross * _VAT).quantize(Decimal("0.01"))
        at = entry.created + 3
        yield replace(entry, tax=Decimal(0))
        yield replace(
            entry, id=f"txn_1{self._next()}", created=at, available_on=at, gross=vat, tax=EXACT.minus(vat)
        )

    def _next(self) -> str:
        """23 characters, new each time: the day's prefix and a counter."""
        self._used += 1
        return self._prefix + base62(self._used, 4)

    def _second(self, number: int) -> int:
        """A second of the day; sometimes its first or last, where intervals meet."""
        if number == 0 and self._rng.random() < 0.2:
            return self._start
        if number == 1 and self._rng.random() < 0.2:
            return self._start + DAY - 1
        return self._start + int(self._rng.random() * DAY)

    def _settlement_currency(self) -> SettlementCurrency:
        left = self._rng.random()
        for settlement in SETTLEMENT_CURRENCIES:
            left -= settlement.share
            if left < 0:
                return settlement
        return SETTLEMENT_CURRENCIES[0]

    def _charge(self, created: int, settlement: SettlementCurrency) -> Entry:
        rng, currency = self._rng, settlement.currency
        amount = settlement.smallest + int(rng.expovariate(1 / settlement.usual))
        fee = (amount * settlement.rate + 500) // 1000 + settlement.fixed
        text = _DESCRIPTIONS[int(rng.random() * len(_DESCRIPTIONS))]
        token = self._next()
        return Entry(
            id=f"txn_3{token}",
            category="charge",
            created=created,
            available_on=(self._day + settlement.delay) * DAY,
            currency=currency,
            gross=major(amount, currency),
            fee=major(fee, currency),
            source_id=f"ch_3{token}",
            description=text and text.format(n=rng.randrange(10_000, 99_999)),
            sale=Sale(token, created),
        )

    def _schedule_consequences(self, charge: Entry) -> None:
        """A refund, a dispute or a failure for a few sales; none for most."""
        chance = self._rng.random()
        if chance < 0.06:
            self._refund(charge)
        elif chance < 0.075:
            self._dispute(charge)
        elif chance < 0.08:
            self._schedule(charge, "charge_failure", -charge.gross, self._after(4), "Debit returned")

    def _after(self, most: int, least: int = 1) -> int:
        """A second between `least` and `most` days from this day."""
        return self._start + self._rng.randrange(least, most + 1) * DAY + self._rng.randrange(DAY)

    def _refund(self, charge: Entry) -> None:
        amount = charge.gross
        if self._rng.random() < 0.4:
            amount = _portion(charge.gross, self._rng.randrange(1, 100))
        refund = self._schedule(charge, "refund", -amount, self._after(20), "REFUND FOR CHARGE")
        if self._rng.random() < 0.05:
            at = refund.created + 3 * DAY
            self._schedule(charge, "refund_failure", amount, at, "REFUND FAILURE, card closed")

    def _dispute(self, charge: Entry) -> None:
        """A dispute takes the sale and costs a fee; one that is won gives both back."""
        settlement = next(each for each in SETTLEMENT_CURRENCIES if each.currency == charge.currency)
        fee, reason = major(settlement.dispute_fee, charge.currency), self._rng.choice(_DISPUTE_REASONS)
        lost = self._schedule(
            charge, "dispute", -charge.gross, self._after(40, 5), "Chargeback", fee=fee, reason=reason
        )
        if self._rng.random() < 0.4:
            at = lost.created + self._rng.randrange(10, 40) * DAY
            self._schedule(
                charge, "dispute_reversal", charge.gross, at, "Chargeback reversal", fee=-fee, reason=reason
            )

    def _schedule(
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
        """A consequence of `charge`, booked on the day of the second `at`; its money is available at once."""
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
        self._upcoming[at // DAY].append(entry)
        return entry

    def _plain(self, category: str, currency: str, minor: int, text: str, days: int = 0) -> Entry:
        """A row of Stripe's own, without a fee, `days` after this one."""
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
        first = self._plain("fee", "usd", -199, "Radar, per screened payment")
        # Fee rows that differ only in their id are real, and each one counts.
        second = replace(first, id=f"txn_1{self._next()}")
        usage = [self._plain("fee", each.currency, -each.usual // 20, text) for each in SETTLEMENT_CURRENCIES]
        return [*usage, first, second]

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
    smallest = Decimal((0, (1,), int(amount.as_tuple().exponent)))
    return max(smallest, (amount * hundredths / 100).quantize(smallest))
