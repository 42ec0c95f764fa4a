"""What a balance consists of: entries (Stripe's balance transactions), sales, payouts, and sums of them.

All times are whole unix seconds in UTC; all money is `Decimal` in major units of the settlement currency.

Source: https://docs.stripe.com/reports/report-types/balance
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from decimal import Decimal

from connector.simulator.books.currencies import EXACT

DAY = 86_400
PAYOUT_CATEGORIES = frozenset({"payout", "payout_reversal"})
TOPUP_CATEGORIES = frozenset({"topup", "topup_reversal"})


@dataclass(frozen=True, slots=True)
class Sale:
    """The payment behind an entry; its buyer, card and address follow from `token` (see `people`)."""

    token: str
    created: int

    @property
    def charge_id(self) -> str:
        return f"ch_3{self.token}"

    @property
    def payment_intent_id(self) -> str:
        return f"pi_3{self.token}"


@dataclass(frozen=True, slots=True)
class Dealing:
    """What an entry is between a platform and an account connected to it: the same on the books of both.

    Attributes:
        account: the connected account.
        category, source_id, amount: what the platform books, `amount` being its gross.
        payment: the account's own charge that it is about: a direct one that a fee was taken from, or what a
            transfer became there.
    """

    account: str
    category: str
    source_id: str
    amount: Decimal
    payment: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One balance transaction.

    `gross` is positive when money comes in, `fee` is positive when charged; `net` is the change of the
    balance. `tax` is the part of a fee's own entry that is tax, where the tax is an entry of its own: nothing
    of the one, all of the other. Reports show the entry from `known_from` on, which is later than `created`
    for a row added to a closed day. `dealing` is set where a platform and an account connected to it have to
    do with each other.
    """

    id: str
    category: str
    created: int
    available_on: int
    currency: str
    gross: Decimal
    fee: Decimal
    source_id: str
    description: str | None
    sale: Sale | None = None
    dispute_reason: str | None = None
    known_from: int = 0
    tax: Decimal | None = None
    dealing: Dealing | None = None

    @property
    def net(self) -> Decimal:
        return EXACT.subtract(self.gross, self.fee)

    @property
    def is_payout(self) -> bool:
        """Payouts and failed payouts are not activity."""
        return self.category in PAYOUT_CATEGORIES

    @property
    def at_the_bank(self) -> "Entry":
        """The same money as the bank sees it, which gets what leaves the balance."""
        return replace(self, gross=EXACT.minus(self.gross), fee=EXACT.minus(self.fee))

    @property
    def effective(self) -> int:
        """The second that decides the interval: arrival for payouts, creation for all else.

        Source: https://docs.stripe.com/reports/select-a-report
        """
        return self.available_on if self.category == "payout" else self.created


@dataclass(frozen=True, slots=True)
class Payout:
    """An automatic payout: `amount` leaves the balance at `arrival`, and returns at `failed_at`, if set."""

    id: str
    currency: str
    amount: Decimal
    created: int
    arrival: int
    failed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over entries of one currency. Payouts are negative, as they lower the balance; top-ups are no part
    of the activity here."""

    activity_gross: Decimal = Decimal(0)
    activity_fee: Decimal = Decimal(0)
    topups_gross: Decimal = Decimal(0)
    topups_fee: Decimal = Decimal(0)
    payouts_gross: Decimal = Decimal(0)
    payouts_fee: Decimal = Decimal(0)

    @property
    def activity(self) -> Decimal:
        return EXACT.subtract(self.activity_gross, self.activity_fee)

    @property
    def topups(self) -> Decimal:
        return EXACT.subtract(self.topups_gross, self.topups_fee)

    @property
    def payouts(self) -> Decimal:
        return EXACT.subtract(self.payouts_gross, self.payouts_fee)

    @property
    def balance(self) -> Decimal:
        return EXACT.add(EXACT.add(self.activity, self.topups), self.payouts)

    def plus(self, entry: Entry) -> "Totals":
        gross, fee = entry.gross, entry.fee
        if entry.is_payout:
            return replace(
                self,
                payouts_gross=EXACT.add(self.payouts_gross, gross),
                payouts_fee=EXACT.add(self.payouts_fee, fee),
            )
        if entry.category in TOPUP_CATEGORIES:
            return replace(
                self,
                topups_gross=EXACT.add(self.topups_gross, gross),
                topups_fee=EXACT.add(self.topups_fee, fee),
            )
        if entry.category == "fee":
            # A fee of its own counts as a fee, its tax included, and not as activity before fees.
            gross, fee = Decimal(0), EXACT.minus(entry.net)
        return replace(
            self,
            activity_gross=EXACT.add(self.activity_gross, gross),
            activity_fee=EXACT.add(self.activity_fee, fee),
        )

    def joined(self, other: "Totals") -> "Totals":
        """The sums of both."""
        return Totals(*map(EXACT.add, astuple(self), astuple(other)))

    def minus(self, other: "Totals") -> "Totals":
        return Totals(*map(EXACT.subtract, astuple(self), astuple(other)))


def add_up(entries: Iterable[Entry], onto: dict[str, Totals]) -> dict[str, Totals]:
    """`onto` with `entries` added, per currency; `onto` itself does not change."""
    sums = dict(onto)
    for entry in entries:
        sums[entry.currency] = sums.get(entry.currency, Totals()).plus(entry)
    return sums
