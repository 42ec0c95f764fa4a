"""How late Stripe's data come, by family of reports: when a closed window can be had, and when it is whole.

The families differ by days, and what Stripe says of itself (`data_available_end`) is not known to contain all
of it. Readiness texts, adoption, restatement and freshness go by what stands here, and nothing else does.

Sources: https://docs.stripe.com/reports/options (balance: within 12 hours, prepared twice a day),
https://docs.stripe.com/tax/reports (up to 24 hours), https://docs.stripe.com/reports/all-fees (96 hours after
a fee affects the balance)
"""

import re
from dataclasses import dataclass
from datetime import timedelta

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Latency:
    """What is known of one family, each counted from the end of a window.

    Attributes:
        family: which reports, in a word.
        prepared: within this time Stripe has prepared the data.
        settled: a file made so long after is complete, whatever Stripe has prepared since.
        refresh_after: the ages at which a window is requested again, because Stripe restates closed ones.
    """

    family: str
    prepared: timedelta
    settled: timedelta
    refresh_after: tuple[timedelta, ...]


#: Balance, payouts and whatever is not named below. Windows are refreshed at the same ages for sums and for
#: what they are sums of: refreshed at different times they would not agree. The last is after the month's
#: closing, whichever day of the month it is.
USUAL = Latency("balance", prepared=12 * _HOUR, settled=48 * _HOUR, refresh_after=(3 * _DAY, 35 * _DAY))

TAX = Latency("tax", prepared=24 * _HOUR, settled=48 * _HOUR, refresh_after=(3 * _DAY, 35 * _DAY))

#: Some are corrected within 35 days.
FEES = Latency("fees", prepared=96 * _HOUR, settled=5 * _DAY, refresh_after=(5 * _DAY, 35 * _DAY))

#: The highest age at which a window of any report type is refreshed.
LAST_REFRESH = max(age for each in (USUAL, TAX, FEES) for age in each.refresh_after)

_ABOUT_TAX = re.compile(r"(^|_)tax[._]")


def latency_of(report_type: str) -> Latency:
    """The latency of a report type, by its id, in the catalogue or not."""
    if "fees" in report_type:
        return FEES
    return TAX if _ABOUT_TAX.search(report_type) else USUAL
