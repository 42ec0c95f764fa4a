"""How many decimals a currency shows: for people only, never for what is stored.

Files hold money with eighteen decimals, since fees of a thousandth of a cent are real. On a screen an amount
has its currency's own digits, and more only where they are not zero: what is there is never hidden.

Source: ISO 4217; https://docs.stripe.com/currencies for the currencies Stripe counts without decimals
"""

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal, Inexact
from types import MappingProxyType

#: Currencies with other than two decimals, ISO 4217 in lower case.
DIGITS: Mapping[str, int] = MappingProxyType({
    "bif": 0, "clp": 0, "djf": 0, "gnf": 0, "jpy": 0, "kmf": 0, "krw": 0, "mga": 0, "pyg": 0, "rwf": 0,
    "ugx": 0, "vnd": 0, "vuv": 0, "xaf": 0, "xof": 0, "xpf": 0,
    "bhd": 3, "iqd": 3, "jod": 3, "kwd": 3, "lyd": 3, "omr": 3, "tnd": 3,
})  # fmt: skip

USUAL_DIGITS = 2


def digits(currency: str | None) -> int:
    """The decimals of a currency, whatever its case; two where it is unknown or none."""
    return DIGITS.get((currency or "").lower(), USUAL_DIGITS)


def money_text(amount: Decimal, currency: str | None) -> str:
    """An amount in major units as people write it: `1250` yen, `1.234` dinars, `0.005991` dollars.

    >>> money_text(Decimal("10.000000"), "usd")
    '10.00'
    """
    whole, _, fraction = f"{amount:f}".partition(".")
    shown = fraction.rstrip("0").ljust(digits(currency), "0")
    if whole == "-0" and not shown.strip("0"):
        whole = "0"
    return f"{whole}.{shown}" if shown else whole


EXACT = Context(prec=200, traps=[Inexact])


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The sum, every decimal of it."""
    found = Decimal(0)
    for amount in amounts:
        found = EXACT.add(found, amount)
    return found
