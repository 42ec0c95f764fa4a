"""Money: exact arithmetic, and the currencies with how many decimals each shows.

Files hold money with six decimals or more, since fees of a thousandth of a cent are real. On a screen an
amount has its currency's own digits, and more only where they are not zero: what is there is never hidden.

Source: ISO 4217; https://docs.stripe.com/currencies for the currencies Stripe counts without decimals
"""

from collections.abc import Iterable, Mapping
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation
from types import MappingProxyType

#: How the files of a table hold money, one way in all of them, as Arrow names the type. Twelve digits before
#: the point and six behind it hold all amounts that have been seen, in 64 bits.
NARROW = "decimal128(18, 6)"
#: Where a cell does not fit into that, and in tables of earlier versions: eighteen digits each.
WIDE = "decimal128(36, 18)"

#: The one context for arithmetic with money. The interpreter's own rounds to 28 digits.
EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, InvalidOperation])

USUAL_DIGITS = 2

_BY_DIGITS = {
    0: "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf",
    USUAL_DIGITS: """
        aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd btn bwp byn bzd cad cdf
        chf clf cny cop crc cuc cup cve czk dkk dop dzd egp ern etb eur fjd fkp gbp gel ghs gip gmd gtq gyd
        hkd hnl hrk htg huf idr ils inr irr isk jmd kes kgs khr kpw kyd kzt lak lbp lkr lrd lsl mad mdl mkd
        mmk mnt mop mru mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd
        rub sar sbd scr sdg sek sgd shp sle sll sos srd ssp stn svc syp szl thb tjs tmt top try ttd twd tzs
        uah usd uyu uzs ved ves wst xcd xcg yer zar zmw zwg zwl
    """,
    3: "bhd iqd jod kwd lyd omr tnd",
}

#: Active codes of ISO 4217, lower case, and the decimals each shows. Stripe may settle in fewer; it never
#: settles in others.
CURRENCIES: Mapping[str, int] = MappingProxyType(
    {code: count for count, codes in _BY_DIGITS.items() for code in codes.split()}
)


def digits(currency: str | None) -> int:
    """The decimals of a currency, whatever its case; two where it is unknown or none."""
    return CURRENCIES.get((currency or "").lower(), USUAL_DIGITS)


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


def decimals(amount: Decimal) -> int:
    """How many decimals it needs: those at the end that are zero are left out.

    >>> decimals(Decimal("0.005991000"))
    6
    """
    return len(f"{amount:f}".partition(".")[2].rstrip("0"))


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The sum, every decimal of it."""
    found = Decimal(0)
    for amount in amounts:
        found = EXACT.add(found, amount)
    return found


def differences(old: Mapping[str, Decimal], new: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """By currency, how much more `new` is than `old`, exact; what did not change is left out."""
    zero = Decimal(0)
    moved = {name: EXACT.subtract(new.get(name, zero), old.get(name, zero)) for name in sorted({*old, *new})}
    return {name: amount for name, amount in moved.items() if amount}
