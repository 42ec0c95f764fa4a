"""The columns of the reports that list balance transactions, payouts among them.

Read from Stripe's documentation for the simulator alone: it shares nothing with the connector's catalogue, so
that each can find the other's mistakes.

Source: https://docs.stripe.com/reports/report-types/balance,
https://docs.stripe.com/reports/report-types/payouts,
https://docs.stripe.com/reports/report-types/payout-reconciliation,
https://docs.stripe.com/reports/report-types/connect
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from zoneinfo import ZoneInfo

from connector.simulator.books.currencies import printed
from connector.simulator.books.entries import Dealing, Entry, Payout
from connector.simulator.books.ledger import Ledger
from connector.simulator.books.people import Address, Buyer, buyer, merchant
from connector.simulator.books.seeded_random import token

#: Columns of metadata, requested by key.
METADATA = re.compile(
    r"(payment|refund|transfer|invoice|credit_note|tax_transaction)_metadata\[([^\[\]]{1,40})\]"
)


@dataclass(frozen=True)
class Books:
    """One account's books as a report reads them: as of a second, with times in a zone.

    `extra_categories` adds the lines seen in exports of balance summaries; `payouts_without_currency` leaves
    the currency of their payout rows empty, as one importer found it.
    """

    account: str
    ledger: Ledger
    as_of: int
    zone: ZoneInfo
    seed: int
    extra_categories: bool = False
    payouts_without_currency: bool = False


Reader = Callable[[Entry, Books], str | None]


def stamp(second: int, zone: ZoneInfo | None = None) -> str:
    """A time as reports print it: to the second, without an offset, in UTC unless a zone is given."""
    return f"{datetime.fromtimestamp(second, zone or UTC):%Y-%m-%d %H:%M:%S}"


def reader(column: str) -> Reader:
    """How `column` is read from an entry.

    Raises:
        KeyError: no report has this column.
    """
    if match := METADATA.fullmatch(column):
        return _metadata(match[1], match[2])
    return _READERS[column]


def _bought(pick: Callable[[Buyer], str | None]) -> Reader:
    def read(entry: Entry, books: Books) -> str | None:
        return pick(buyer(books.seed, entry.sale)) if entry.sale else None

    return read


def _metadata(kind: str, key: str) -> Reader:
    def read(entry: Entry, books: Books) -> str | None:
        refunded = kind == "refund" and entry.category in {"refund", "refund_failure"}
        wanted = refunded or kind in {"payment", "invoice", "tax_transaction"}
        if not entry.sale or not wanted:
            return None
        sold_to = buyer(books.seed, entry.sale)
        return {"order_id": sold_to.order_id, "note": sold_to.note}.get(key)

    return read


def _effective_at(entry: Entry, books: Books) -> int | None:
    payout = books.ledger.payout_of(entry, as_of=books.as_of)
    return payout.arrival if payout else None


def _payout_id(entry: Entry, books: Books) -> str | None:
    payout = books.ledger.payout_of(entry, as_of=books.as_of)
    return payout.id if payout else None


def times(name: str, second: Callable[[Entry, Books], int | None]) -> dict[str, Reader]:
    """A column in the zone of the run, and the same in UTC."""

    def local(entry: Entry, books: Books) -> str | None:
        at = second(entry, books)
        return None if at is None else stamp(at, books.zone)

    def utc(entry: Entry, books: Books) -> str | None:
        at = second(entry, books)
        return None if at is None else stamp(at)

    return {name: local, f"{name}_utc": utc}


def _payout(pick: Callable[[Payout, Books], str | None]) -> Reader:
    """Read from the payout that the entry is, or whose failure it is."""

    def read(entry: Entry, books: Books) -> str | None:
        payout = books.ledger.payout(entry.source_id, as_of=books.as_of) if entry.is_payout else None
        return pick(payout, books) if payout else None

    return read


def _payout_status(payout: Payout, books: Books) -> str:
    if payout.failed_at is not None and payout.failed_at <= books.as_of:
        return "failed"
    return "paid" if payout.arrival <= books.as_of else "in_transit"


def _reversed_at(entry: Entry, books: Books) -> int | None:
    payout = books.ledger.payout(entry.source_id, as_of=books.as_of) if entry.is_payout else None
    failed_at = payout.failed_at if payout else None
    return failed_at if failed_at is not None and failed_at <= books.as_of else None


def _traced(entry: Entry) -> bool:
    """Whether the bank gives a trace id; it does for some currencies only."""
    return entry.category == "payout" and entry.currency in {"usd", "eur"}


def _trace_status(entry: Entry, _sheet: Books) -> str | None:
    if entry.category != "payout":
        return None
    return "supported" if _traced(entry) else "unsupported"


def _destination(payout: Payout, books: Books) -> str:
    """The bank account: one for each currency of an account."""
    return f"ba_1{token(23, books.seed, 'bank', books.account, payout.currency)}"


def _address(prefix: str, pick: Callable[[Buyer], Address]) -> dict[str, Reader]:
    def part(name: str) -> Reader:
        choose = attrgetter(name)
        return _bought(lambda sold_to: choose(pick(sold_to)))

    return {f"{prefix}_{field.name}": part(field.name) for field in fields(Address)}


def _facing(pick: Callable[[Decimal, str], str]) -> Reader:
    def read(entry: Entry, books: Books) -> str | None:
        if entry.sale is None:
            return None
        return pick(*buyer(books.seed, entry.sale).facing(entry.gross, entry.currency))

    return read


#: Printed as the buyer has them.
_OF_BUYER = (
    "card_brand", "card_country", "card_funding", "customer_id", "invoice_id", "invoice_number",
    "subscription_id", "payment_method_type", "statement_descriptor", "order_id",
)  # fmt: skip

#: Null for every account of the simulator.
_NULLS = ("regulatory_tag", "application_fee")


def _charge_id(entry: Entry, books: Books) -> str | None:
    """The charge on the account itself: none on a platform, for what happened on an account of its own."""
    if entry.sale:
        return entry.sale.charge_id
    return entry.dealing.payment if entry.dealing and entry.dealing.account == books.account else None


def _partner(pick: Callable[[Dealing, Books], str | None], *categories: str) -> Reader:
    """Read from what a platform has to do with an account; all categories of that unless some are named."""

    def read(entry: Entry, books: Books) -> str | None:
        dealing = entry.dealing
        if dealing is None or dealing.account == books.account:
            return None
        return pick(dealing, books) if not categories or dealing.category in categories else None

    return read


_READERS: dict[str, Reader] = {
    "balance_transaction_id": lambda entry, _: entry.id,
    "currency": lambda entry, _: entry.currency,
    "gross": lambda entry, _: printed(entry.gross, entry.currency),
    "fee": lambda entry, _: printed(entry.fee, entry.currency),
    "net": lambda entry, _: printed(entry.net, entry.currency),
    "reporting_category": lambda entry, _: entry.category,
    "source_id": lambda entry, _: entry.source_id,
    "description": lambda entry, _: entry.description,
    "dispute_reason": lambda entry, _: entry.dispute_reason,
    "charge_id": _charge_id,
    "connected_account_id": _partner(lambda dealing, _: dealing.account),
    "connected_account_name": _partner(lambda dealing, books: merchant(books.seed, dealing.account)[0]),
    "connected_account_country": _partner(lambda dealing, books: merchant(books.seed, dealing.account)[1]),
    "connected_account_direct_charge_id": _partner(
        lambda dealing, _: dealing.payment, "platform_earning", "platform_earning_refund"
    ),
    "destination_payment_id": _partner(lambda dealing, _: dealing.payment, "transfer", "transfer_reversal"),
    "payment_intent_id": lambda entry, _: entry.sale.payment_intent_id if entry.sale else None,
    "automatic_payout_id": _payout_id,
    **times("created", lambda entry, _: entry.created),
    **times("available_on", lambda entry, _: entry.available_on),
    **times("charge_created", lambda entry, _: entry.sale.created if entry.sale else None),
    **times("automatic_payout_effective_at", _effective_at),
    **_address("card_address", lambda sold_to: sold_to.card_address),
    **_address("customer_address", lambda sold_to: sold_to.address),
    **_address("customer_shipping_address", lambda sold_to: sold_to.shipping),
    **_address("shipping_address", lambda sold_to: sold_to.shipping),
    **{name: _bought(attrgetter(name)) for name in _OF_BUYER},
    **dict.fromkeys(_NULLS, lambda _, __: None),
    "customer_name": _bought(lambda sold_to: sold_to.name),
    "customer_email": _bought(lambda sold_to: sold_to.email),
    "customer_description": _bought(lambda sold_to: sold_to.description),
    "customer_facing_amount": _facing(printed),
    "customer_facing_currency": _facing(lambda _, currency: currency),
    "is_link": _bought(lambda sold_to: "true" if sold_to.is_link else "false"),
    "source_transaction_id": lambda entry, _: entry.sale.charge_id if entry.sale else None,
    "connected_account": lambda _, books: books.account,
    "trace_id": lambda entry, _: f"trace_{entry.source_id[4:]}" if _traced(entry) else None,
    "trace_id_status": _trace_status,
    "payout_id": lambda entry, _: entry.source_id if entry.is_payout else None,
    "payout_status": _payout(_payout_status),
    "payout_type": _payout(lambda _, __: "bank_account"),
    "payout_description": _payout(lambda _, __: "STRIPE PAYOUT"),
    "payout_destination_id": _payout(_destination),
    # A midnight in UTC with its time, whatever the zone of the run: so it is in exports.
    "payout_expected_arrival_date": _payout(lambda payout, _: f"{stamp(payout.arrival)[:10]} 00:00:00"),
    **times("effective_at", lambda entry, _: entry.effective),
    **times("payout_reversed_at", _reversed_at),
}
