"""The buyers: names, addresses and cards, made up from a sale's token when a report needs them; and sellers.

The texts are hard to read on purpose: commas, quotes, line breaks, other scripts, empty texts next to nulls,
and Namibia, whose country code looks like "not available".
"""

import random
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from connector.simulator.books.currencies import digits
from connector.simulator.books.entries import Sale
from connector.simulator.books.seeded_random import generator


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; any part may be missing."""

    line1: str | None
    line2: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    country: str | None


@dataclass(frozen=True, slots=True)
class Buyer:
    """Everything that reports print about a sale apart from its money."""

    customer_id: str | None
    name: str | None
    email: str | None
    description: str | None
    address: Address
    shipping: Address
    card_address: Address
    card_brand: str | None
    card_country: str | None
    card_funding: str | None
    payment_method_type: str
    invoice_id: str | None
    invoice_number: str | None
    subscription_id: str | None
    statement_descriptor: str | None
    is_link: bool
    order_id: str | None
    note: str | None
    #: Currency and rate, for a buyer who paid in another currency than the settlement's.
    foreign: tuple[str, Decimal] | None

    def facing(self, gross: Decimal, currency: str) -> tuple[Decimal, str]:
        """The amount and the currency that the buyer saw, which is a foreign one for some."""
        if self.foreign is None:
            return gross, currency
        shown, rate = self.foreign
        return (gross * rate).quantize(Decimal(1).scaleb(-digits(shown))), shown


NO_ADDRESS = Address(None, None, None, None, None, None)
_ADDRESSES = (
    Address("12 Harbour St", None, "Windhoek", None, "10005", "NA"),
    Address("1 Market St, Suite 400", "Attn: \"Ada\"", "San Francisco", "CA", "94105", "US"),
    Address("Straße des 17. Juni 135", None, "Berlin", None, "10623", "DE"),
    Address("東京都千代田区丸の内1-1", "", "東京", "東京都", "100-0005", "JP"),
    Address("Block 4\nStreet 7", None, "Kuwait City", None, "00000", "KW"),
    Address("8 rue de l’Église", "bât. C", "Besançon", None, "25000", "FR"),
)  # fmt: skip
_NAMES = (
    "Ada Lovelace",
    "Zoë Müller",
    "O'Neil, Pat",
    "山田 太郎",
    'Jan "Kees" Smit',
    "Nangula Shilongo",
    None,
)
_MERCHANTS = ("Ada’s Harbour Shop", "Müller & Søn", 'Prints "at Night", Ltd', "花屋", "NA")
_MERCHANT_COUNTRIES = ("US", "DE", "FR", "JP", "NA")
_NOTES = (None, None, "", "leave at door", "=1+1", "two\nlines", "naïve, “quoted”")
_BRANDS = ("Visa", "MasterCard", "American Express", "JCB")
_FOREIGN = (("gbp", Decimal("0.7901234567891234")), ("bhd", Decimal("0.3770000000000001")))


@lru_cache(maxsize=256)  # a row needs it once for each of its columns
def buyer(seed: int, sale: Sale) -> Buyer:
    """The buyer of `sale`; the same one every time."""
    rng = generator(seed, "buyer", sale.token)
    known, by_card = rng.random() < 0.8, rng.random() < 0.85
    name = rng.choice(_NAMES) if known else None
    address = rng.choice(_ADDRESSES) if known else NO_ADDRESS
    subscribed = rng.random() < 0.3
    number = rng.randrange(10_000)
    return Buyer(
        customer_id=f"cus_{sale.token[:14]}" if known else None,
        name=name,
        email=f"buyer+{number}@example.com" if known else None,
        description=rng.choice(_NOTES) if known else None,
        address=address,
        shipping=rng.choice(_ADDRESSES) if rng.random() < 0.4 else NO_ADDRESS,
        card_address=address if by_card else NO_ADDRESS,
        card_brand=rng.choice(_BRANDS) if by_card else None,
        card_country=address.country or "US" if by_card else None,
        card_funding=rng.choice(("credit", "debit", "prepaid")) if by_card else None,
        payment_method_type="card" if by_card else rng.choice(("sepa_debit", "us_bank_account", "ideal")),
        invoice_id=f"in_1{sale.token}" if subscribed else None,
        invoice_number=f"{sale.token[:8].upper()}-{number:04}" if subscribed else None,
        subscription_id=f"sub_1{sale.token}" if subscribed else None,
        statement_descriptor=_descriptor(rng),
        is_link=by_card and rng.random() < 0.1,
        order_id=str(60_000 + number) if rng.random() < 0.7 else None,
        note=rng.choice(_NOTES),
        foreign=rng.choice(_FOREIGN) if rng.random() < 0.15 else None,
    )


def _descriptor(rng: random.Random) -> str | None:
    return rng.choice(("ADAS SHOP", "ADAS SHOP* ORDER", None))


def merchant(seed: int, account: str) -> tuple[str, str]:
    """The name and the country of a connected account."""
    rng = generator(seed, "merchant", account)
    return rng.choice(_MERCHANTS), rng.choice(_MERCHANT_COUNTRIES)
