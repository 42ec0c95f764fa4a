"""Which way the amounts of a report count: whether a payout is positive, and whether a fee is.

Stripe prints the same payout as 450.00 in one report and as -450.00 in another, and a fee of 1.00 as 1.00 in
itemized files and as -1.00 in sums by category. Which it is follows from the report type alone; descriptions
of columns, checks, queries and views use what stands here, and nothing else decides a sign.

Sources: raw exports of 182 payouts, of which 180 equal the sum of their transactions;
https://github.com/NorfairKing/centjes (sums by category, two months)
"""

from dataclasses import dataclass
from enum import Enum


class Strength(Enum):
    """How a sign was learnt."""

    SEEN = "seen in raw exports"
    USED = "seen in programs and examples of people who process real files"
    UNSEEN = "not seen in any file so far"


@dataclass(frozen=True, slots=True)
class Sign:
    """How an amount is printed.

    Attributes:
        factor: 1 where it is positive, -1 where it is negative; None where no file was seen: then each file
            decides, by the one sign with which all its rows add up.
        strength: how that was learnt.
    """

    factor: int | None
    strength: Strength

    @property
    def factors(self) -> tuple[int, ...]:
        """The factors a file may have: one, or both where no file was seen."""
        return (1, -1) if self.factor is None else (self.factor,)

    def positive(self, amount: str) -> str:
        """SQL for an amount printed with this sign, as a positive one."""
        return f"-{amount}" if self.factor == -1 else amount


UNSETTLED = Sign(None, Strength.UNSEEN)

#: Money that leaves the balance, in reports of what the balance changed by.
LEAVES_NEGATIVE = Sign(-1, Strength.SEEN)
#: Money that leaves the balance, in the report of payouts themselves: what reaches the bank.
PAID_OUT_POSITIVE = Sign(1, Strength.SEEN)

#: A fee that is charged, in itemized reports: net is gross less fee.
FEE_POSITIVE = Sign(1, Strength.SEEN)
#: A fee that is charged, in sums by category: net is gross plus fee.
FEE_NEGATIVE = Sign(-1, Strength.USED)

#: Categories whose rows are fees themselves: what is charged is their gross.
#: Source: https://docs.stripe.com/reports/all-fees
OWN_FEES = ("fee", "network_cost")


def name_sign(factor: int) -> str:
    """`positive` or `negative`."""
    return "positive" if factor > 0 else "negative"


def describe_net(fee_factor: int) -> str:
    """How net follows from gross and a fee of that sign: `gross less fee`, `gross plus fee`."""
    return f"gross {'less' if fee_factor > 0 else 'plus'} fee"


def describe_amounts(paid_out: Sign, fee: Sign) -> dict[str, str]:
    """What the columns of money mean in a report with these signs, a sentence for each name."""
    net = (
        "gross and fee, and the file shows the fee's sign" if fee.factor is None else describe_net(fee.factor)
    )
    if fee.factor is None:
        charged = f"whether that is positive was {fee.strength.value}"
    else:
        charged = f"{name_sign(fee.factor)} when charged, as {fee.strength.value}"
    if paid_out.factor is None:
        moved = f"whether what is paid out is positive was {paid_out.strength.value}"
    elif paid_out.factor > 0:
        moved = "positive when paid out, negative when debited to the bank"
    else:
        moved = "negative when money leaves the balance"
    what = "What the balance changed by" if paid_out.factor == LEAVES_NEGATIVE.factor else "What was paid out"
    return {
        "gross": f"Amount before fees; {moved}.",
        "fee": f"Fees of Stripe and the platform; {charged}.",
        "net": f"{what}, made of {net}." if fee.factor is None else f"{what}: {net}; {moved}.",
        "net_amount": f"Amount of the summary's line; {moved}.",
    }
