"""A platform and its connected accounts: what happens on an account, and what the platform books for it.

Buyers pay the accounts directly, and the platform takes an application fee from each sale. The platform pays
Stripe's own fees for its accounts (`controller.fees.payer` is `application`), so that whatever an account
paid in fees is what the platform earned. Once a week the platform transfers money to each account, and takes
some transfers back. One account stops selling after a month; what its buyers then want back leaves it with a
debt, which the platform covers after 180 days.

Each movement is an entry of the account with a `Dealing`; the platform's entry is made from that, so that the
two always agree.

Source: https://docs.stripe.com/connect/direct-charges-fee-payer-behavior,
https://docs.stripe.com/reports/reporting-categories, https://docs.stripe.com/connect/account-balances
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from connector.simulator.books.business import SETTLEMENT_CURRENCIES, Business
from connector.simulator.books.currencies import EXACT, digits, major
from connector.simulator.books.entries import DAY, Dealing, Entry, Totals
from connector.simulator.books.seeded_random import generator, token, uniform

#: How much of a sale the platform takes.
_RATE = Decimal("0.1")

#: The weekday of transfers (Monday is 0), and after how many days one is taken back.
_TRANSFER_DAY, _REVERSED_AFTER = 2, 5

#: For so many days the last account to be connected sells; its last buyers complain so many days later.
_SELLS_FOR, _COMPLAINTS_AFTER = 30, 20

#: After so many days below zero the platform pays an account's debt.
_COLLECTED_AFTER = 180

#: What its buyers claim then, in its first currency.
_CLAIMED = Decimal("-1000.00")

#: So long Stripe holds a reserve back.
_RESERVED_FOR = 60

_FROM_BUYERS, _FROM_STRIPE = "charge", frozenset({"fee", "network_cost"})


def find_leaver(connected: Sequence[str]) -> str | None:
    """The account that stops selling; none where there is only one."""
    return connected[-1] if len(connected) > 1 else None


class ConnectedBusiness:
    """The activity of an account that is connected to a platform, made in order of days."""

    def __init__(self, business: Business, seed: int, account: str, *, first: int, leaves: bool) -> None:
        """`first` is the number of the first day; with `leaves` the account stops selling."""
        self._business, self._seed, self._account = business, seed, account
        self._last = first + _SELLS_FOR if leaves else None
        self._fees: dict[str, tuple[Decimal, Decimal]] = {}
        self._upcoming: defaultdict[int, list[Entry]] = defaultdict(list)
        self._costs: dict[int, dict[str, Decimal]] = {}

    def day(self, day: int) -> list[Entry]:
        """All activity created on the UTC day number `day`, in order of time."""
        costs: dict[str, Decimal] = defaultdict(Decimal)
        today = self._upcoming.pop(day, [])
        for entry in self._business.day(day):
            if self._happens(entry, day):
                own = entry.category in _FROM_STRIPE
                cost = EXACT.minus(entry.net) if own else entry.fee
                costs[entry.currency] = EXACT.add(costs[entry.currency], cost)
                today += () if own else self._with_fee(replace(entry, fee=Decimal(0)))
        if self._last is None or day <= self._last:
            today += self._transfers(day)
        elif day == self._last + _COMPLAINTS_AFTER:
            today.append(self._complaints(day))
        self._costs[day] = {currency: amount for currency, amount in costs.items() if amount}
        return sorted(today, key=lambda entry: (entry.created, entry.id))

    def costs(self, day: int) -> Mapping[str, Decimal]:
        """What Stripe charged for the account on a day that was made, by currency: the platform pays it."""
        return self._costs.get(day, {})

    def _happens(self, entry: Entry, day: int) -> bool:
        """Whether an entry comes about: once the account sells no more, only what follows from before."""
        if self._last is None or day <= self._last:
            return True
        if entry.category == "risk_reserved_funds":
            return entry.gross > 0 and day - _RESERVED_FOR <= self._last
        return entry.sale is not None and entry.sale.created < (self._last + 1) * DAY

    def _with_fee(self, entry: Entry) -> Iterator[Entry]:
        """The entry, of a sale with the platform's fee; after a refund, the fee given back, if it is."""
        sale, smallest = entry.sale, Decimal(1).scaleb(-digits(entry.currency))
        own = token(23, self._seed, "application fee", entry.id)
        if sale and entry.category == _FROM_BUYERS:
            fee = (entry.gross * _RATE).quantize(smallest, ROUND_HALF_UP)
            self._fees[sale.token] = entry.gross, fee
            dealing = Dealing(self._account, "platform_earning", f"fee_1{own}", fee, sale.charge_id)
            yield replace(entry, fee=fee, dealing=dealing)
            return
        yield entry
        if sale and entry.category == "refund" and uniform(self._seed, "fee refund", entry.id) < 0.5:
            paid, fee = self._fees[sale.token]
            back = (EXACT.minus(entry.gross) * fee / paid).quantize(smallest, ROUND_DOWN)
            if back:
                dealing = Dealing(
                    self._account,
                    "platform_earning_refund",
                    f"fr_1{own}",
                    EXACT.minus(back),
                    sale.charge_id,
                )
                yield _entry(
                    "fee",
                    dealing.source_id,
                    "Application fee refund",
                    at=entry.created,
                    currency=entry.currency,
                    gross=back,
                    dealing=dealing,
                )

    def _transfers(self, day: int) -> Iterator[Entry]:
        """Transfers from the platform, each a payment here; some are taken back, which refunds it."""
        if datetime.fromtimestamp(day * DAY, UTC).weekday() != _TRANSFER_DAY:
            return
        rng = generator(self._seed, "transfers", self._account, day)
        for settlement in SETTLEMENT_CURRENCIES:
            currency = settlement.currency
            own = token(23, self._seed, "transfer", self._account, day, currency)
            amount = major(settlement.smallest + rng.randrange(settlement.usual // 2), currency)
            at, payment, less = day * DAY + rng.randrange(DAY), f"py_1{own}", EXACT.minus(amount)
            sent = Dealing(self._account, "transfer", f"tr_1{own}", less, payment)
            text = "Share of the platform's sales"
            yield _entry("charge", payment, text, at=at, currency=currency, gross=amount, dealing=sent)
            if rng.random() < 0.1:
                at += _REVERSED_AFTER * DAY
                back = Dealing(self._account, "transfer_reversal", f"trr_1{own}", amount, payment)
                source, text = f"pyr_1{own}", "Transfer reversed"
                self._upcoming[at // DAY].append(
                    _entry("refund", source, text, at=at, currency=currency, gross=less, dealing=back)
                )

    def _complaints(self, day: int) -> Entry:
        return _entry(
            "other_adjustment",
            f"adj_1{token(23, self._seed, 'complaints', self._account)}",
            "Claims of buyers after the account was closed",
            at=day * DAY + DAY // 2,
            currency=SETTLEMENT_CURRENCIES[0].currency,
            gross=_CLAIMED,
        )


class Debts:
    """How long an account has owed money, and what the platform pays of it."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._since: dict[str, int] = {}

    def day(self, day: int, before: Mapping[str, Totals]) -> Iterator[Entry]:
        """What the platform pays on a day, given the sums at the end of the one before."""
        for currency, totals in sorted(before.items()):
            if totals.balance >= 0:
                self._since.pop(currency, None)
            elif day - self._since.setdefault(currency, day) >= _COLLECTED_AFTER:
                del self._since[currency]
                own, category = token(23, "debt", self._account, day, currency), "connect_collection_transfer"
                dealing = Dealing(self._account, category, f"cct_1{own}", totals.balance, payment=None)
                text, gross = "Negative balance for 180 days", EXACT.minus(totals.balance)
                yield _entry(
                    category,
                    dealing.source_id,
                    text,
                    at=day * DAY + 3_600,
                    currency=currency,
                    gross=gross,
                    dealing=dealing,
                )


def entries_of_platform(entries: Iterable[Entry]) -> Iterator[Entry]:
    """What the platform books for the entries of an account."""
    for entry in entries:
        if dealing := entry.dealing:
            booked = _entry(
                dealing.category,
                dealing.source_id,
                entry.description,
                at=entry.created,
                currency=entry.currency,
                gross=dealing.amount,
                dealing=dealing,
            )
            yield replace(
                booked, id=f"txn_1{token(23, 'platform', entry.id)}", available_on=entry.available_on
            )


def reserves(
    account: str, day: int, before: Mapping[str, Totals], after: Mapping[str, Totals]
) -> Iterator[Entry]:
    """What the platform has to reserve for an account's debt, or gets back, as the day made it change."""
    for currency in sorted({*before, *after}):
        owed, owes = (min(each.get(currency, Totals()).balance, Decimal(0)) for each in (before, after))
        if change := EXACT.subtract(owes, owed):
            source, category = f"rsv_1{token(23, account, day, currency)}", "connect_reserved_funds"
            yield _entry(
                category,
                source,
                "Reserve for a negative balance",
                at=(day + 1) * DAY - 1,
                currency=currency,
                gross=change,
                dealing=Dealing(account, category, source, change, payment=None),
            )


def fees_of_platform(day: int, costs: Iterable[Mapping[str, Decimal]]) -> Iterator[Entry]:
    """What Stripe charges the platform for its accounts on a day: one entry for each currency."""
    sums: dict[str, Decimal] = {}
    for each in costs:
        for currency, amount in each.items():
            sums[currency] = EXACT.add(sums.get(currency, Decimal(0)), amount)
    at = (day + 1) * DAY - 1
    text = f"Payment fees of connected accounts ({datetime.fromtimestamp(at, UTC):%Y-%m-%d})"
    for currency, amount in sorted(sums.items()):
        if amount:
            source = f"adj_1{token(23, 'costs', day, currency)}"
            yield _entry("fee", source, text, at=at, currency=currency, gross=EXACT.minus(amount))


def _entry(
    category: str,
    source_id: str,
    text: str | None,
    *,
    at: int,
    currency: str,
    gross: Decimal,
    dealing: Dealing | None = None,
) -> Entry:
    """An entry without a fee, whose money is available at once."""
    id_ = f"txn_1{token(23, category, source_id)}"
    return Entry(id_, category, at, at, currency, gross, Decimal(0), source_id, text, dealing=dealing)
