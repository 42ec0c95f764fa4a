"""What a month's sheet is made of: plain rows, as they are read of the files.

Amounts are exact decimals in major units. Whatever a report prints, here money that comes into the balance is
positive in all rows but those of payouts, where what the bank gets is; a fee that is charged is positive.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from connector.dataset.identity import OWN_ACCOUNT

#: The owner of what is added up over all connected accounts.
ALL = "*"


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """Whose books: a connected account, one that is acted for, or the key's own.

    Attributes:
        account: the account acted for; `default` for the key's own.
        connected_account: seen from the platform; empty for the account's own reports, `*` where the files
            add all connected accounts up.
    """

    account: str
    connected_account: str = ""

    def __str__(self) -> str:
        own = "own account" if self.account == OWN_ACCOUNT else self.account
        if self.connected_account == ALL:
            return f"{own}, all connected accounts"
        return self.connected_account or own


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """A line of a balance summary.

    Attributes:
        period: the key of its window; keys sort by time.
        kind: `balance`, `movement`, `subtotal`; None for a line that is not known.
        whole: the line it is a part of: `activity` of `activity_fee`.
    """

    owner: Owner
    currency: str
    period: str
    category: str
    kind: str | None
    whole: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """What one reporting category amounts to in some file. `count` is None where nobody counted."""

    owner: Owner
    currency: str
    category: str
    count: int | None
    gross: Decimal
    fee: Decimal
    net: Decimal


@dataclass(frozen=True, slots=True)
class PayoutRow:
    """A payout, or one that came back.

    Attributes:
        category: `payout`, or `payout_reversal` and the like for what came back.
        net: what the bank gets; negative for what came back.
        arrival: the day on which the bank is to have it, by UTC; None where nothing says.
    """

    owner: Owner
    currency: str
    payout: str
    category: str
    gross: Decimal
    fee: Decimal
    net: Decimal
    arrival: date | None


@dataclass(frozen=True, slots=True)
class ContentRow:
    """What a payout is made of: how many transactions, and their net."""

    owner: Owner
    currency: str
    payout: str
    count: int
    net: Decimal


@dataclass(frozen=True, slots=True)
class FeeRow:
    """What a report of fees lists: amounts, and the tax beside them or within them."""

    owner: Owner
    currency: str
    amount: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Rows:
    """All that is read for a month. What no table has is None, which is not the same as no rows."""

    balance: tuple[BalanceLine, ...] = ()
    next_opening: Mapping[Owner, Mapping[str, Decimal]] | None = None
    activity: tuple[CategoryRow, ...] | None = None
    payouts: tuple[PayoutRow, ...] | None = None
    contents: tuple[ContentRow, ...] | None = None
    fees: tuple[FeeRow, ...] | None = None
    arrivals: bool = True
