"""Currencies: which of them Stripe knows, how many decimals they have, how reports print them.

Reports give money as decimal text in major units: ten dollars are 10.00, where the rest of the API says 1000.
How a report prints currencies without two decimals is not documented; here each has its own digits (1250 yen,
1.250 dinars), and more wherever an amount needs them.

Source: https://docs.stripe.com/currencies, https://docs.stripe.com/reports/api
"""

from decimal import Context, Decimal, Inexact

#: Arithmetic that raises instead of rounding.
EXACT = Context(prec=80, traps=[Inexact])

_NO_DIGITS = frozenset(
    [
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd",
        "vuv", "xaf", "xof", "xpf",
    ]
)  # fmt: skip
_THREE_DIGITS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
_TWO_DIGITS = frozenset(
    [
        "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd",
        "bdt", "bgn", "bmd", "bnd", "bob", "brl", "bsd", "btn", "bwp", "byn", "bzd", "cad",
        "cdf", "chf", "cny", "cop", "crc", "cve", "czk", "dkk", "dop", "dzd", "egp", "etb",
        "eur", "fjd", "fkp", "gbp", "gel", "gip", "gmd", "gtq", "gyd", "hkd", "hnl", "htg",
        "huf", "idr", "ils", "inr", "isk", "jmd", "kes", "kgs", "khr", "kyd", "kzt", "lak",
        "lbp", "lkr", "lrd", "lsl", "mad", "mdl", "mkd", "mmk", "mnt", "mop", "mur", "mvr",
        "mwk", "mxn", "myr", "mzn", "nad", "ngn", "nio", "nok", "npr", "nzd", "pab", "pen",
        "pgk", "php", "pkr", "pln", "qar", "ron", "rsd", "rub", "sar", "sbd", "scr", "sek",
        "sgd", "shp", "sle", "sos", "srd", "std", "szl", "thb", "tjs", "top", "try", "ttd",
        "twd", "tzs", "uah", "usd", "uyu", "uzs", "wst", "xcd", "yer", "zar", "zmw",
    ]
)  # fmt: skip

#: Lower-case ISO 4217 codes accepted as the `currency` of a run.
KNOWN = _NO_DIGITS | _TWO_DIGITS | _THREE_DIGITS


def digits(currency: str) -> int:
    """The decimals of a currency's smallest unit."""
    if currency in _NO_DIGITS:
        return 0
    return 3 if currency in _THREE_DIGITS else 2


def major(minor: int, currency: str) -> Decimal:
    """Whole minor units (cents, fils, yen) as an amount in major units."""
    return Decimal(minor).scaleb(-digits(currency), EXACT)


def printed(amount: Decimal, currency: str) -> str:
    """The text of an amount in a report: without an exponent, without a minus before zero, not rounded."""
    if not amount:
        amount = Decimal(0)
    exponent = amount.normalize(EXACT).as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{amount} is not an amount of money")
    return f"{amount:.{max(digits(currency), -exponent)}f}"
