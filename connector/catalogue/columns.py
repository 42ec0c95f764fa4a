"""The dictionary of columns: every column name once, with the one meaning it has in every report.

Stripe prints all values as text; what a column holds follows from its name alone. So the types, units,
zones and the mark for personal data stand here, and reports refer to columns by name.

Source: https://docs.stripe.com/reports/report-types
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from connector.catalogue.spec import Column, ColumnType, ReportSpec
from connector.catalogue.spelling import hint
from connector.errors import ConfigurationError

_MAJOR = "major units of `{}`: ten dollars are 10.00"


def _text(name: str, about: str) -> Column:
    return Column(name, ColumnType.TEXT, about)


def _personal(name: str, about: str) -> Column:
    return Column(name, ColumnType.TEXT, about, personal=True)


def _money(name: str, about: str, currency: str = "currency") -> Column:
    return Column(name, ColumnType.MONEY, about, unit=_MAJOR.format(currency))


def _boolean(name: str, about: str) -> Column:
    return Column(name, ColumnType.BOOLEAN, about)


def _times(name: str, about: str) -> tuple[Column, Column]:
    """A time in the zone of the report run and its twin in UTC."""
    return (
        Column(name, ColumnType.TIMESTAMP, f"{about}, in the time zone of the report run.", local=True),
        Column(f"{name}_utc", ColumnType.TIMESTAMP, f"{about}, in UTC."),
    )


def _address(prefix: str, whose: str) -> tuple[Column, ...]:
    """The six columns of an address. A country alone identifies nobody; the rest is personal."""
    return (
        _personal(f"{prefix}_line1", f"First line of {whose}."),
        _personal(f"{prefix}_line2", f"Second line of {whose}."),
        _personal(f"{prefix}_city", f"City of {whose}."),
        _personal(f"{prefix}_state", f"State, county or province of {whose}."),
        _personal(f"{prefix}_postal_code", f"Postal code of {whose}."),
        _text(f"{prefix}_country", f"Two-letter country of {whose}."),
    )


_TRANSACTION = (
    _text("balance_transaction_id", "The balance transaction (`txn_…`) the row is about."),
    _text("reporting_category", "What kind of movement it is, in Stripe's words for accountants."),
    _text("category", "Which line of the summary the row is."),
    _text("currency", "Settlement currency of the amounts, ISO 4217 in lower case."),
    _text("description", "Free text that says what the row is; may hold commas, quotes and newlines."),
    _text("source_id", "The object that caused the movement: a charge, refund, transfer, dispute…"),
    _text("regulatory_tag", "How Brazilian regulation classifies the row; empty for other accounts."),
    _text("trace_id", "The bank's own reference for the money moved."),
    _text("trace_id_status", "Whether the bank gave a reference: pending, unsupported or supported."),
    *_times("created", "When the balance transaction came into being"),
    *_times("available_on", "When the money becomes available for payout"),
    _money("gross", "Amount before fees; negative when money leaves the balance."),
    _money("fee", "What Stripe and the platform kept; positive when charged."),
    _money("net", "What the balance changed by: gross less fee."),
    _money("net_amount", "Amount of the summary's line."),
)

_PAYMENT = (
    _text("charge_id", "The charge behind the row, if one is."),
    *_times("charge_created", "When that charge was made"),
    _text("payment_intent_id", "The payment intent behind the row, if one is."),
    _text("payment_method_type", "How the customer paid: card, sepa_debit, link…"),
    _boolean("is_link", "Whether the customer paid with Link."),
    _text("card_brand", "Brand of the card."),
    _text("card_country", "Two-letter country of the bank that issued the card."),
    _text("card_funding", "Whether the card is credit, debit or prepaid."),
    _text("statement_descriptor", "What the customer reads on the bank statement."),
    _text("dispute_reason", "Why the customer disputes the payment; empty where no dispute is."),
    _text("invoice_id", "The invoice paid, if one was."),
    _text("invoice_number", "That invoice's number, as printed on it."),
    _text("subscription_id", "The subscription the invoice belongs to."),
    _money(
        "customer_facing_amount",
        "What the customer paid, in the customer's currency.",
        "customer_facing_currency",
    ),
    _text("customer_facing_currency", "The currency the customer paid in, ISO 4217 in lower case."),
    *_address("card_address", "the card holder's billing address"),
    *_address("shipping_address", "the address the payment was shipped to"),
)

_PARTIES = (
    _text("customer_id", "The customer (`cus_…`) who paid."),
    _personal("customer_name", "The customer's name."),
    _personal("customer_email", "The customer's e-mail address."),
    _personal("customer_description", "What the merchant noted about the customer."),
    *_address("customer_address", "the customer's address"),
    *_address("customer_shipping_address", "the customer's shipping address"),
    _text("connected_account_id", "The connected account (`acct_…`) the row belongs to."),
    _personal("connected_account_name", "Name of that connected account."),
    _text("connected_account_country", "Two-letter country of that connected account."),
    _text("connected_account_direct_charge_id", "The charge made directly on that connected account."),
)

_PAYOUT = (
    _text("automatic_payout_id", "The automatic payout that paid the row out; empty until there is one."),
    *_times("automatic_payout_effective_at", "When that payout is expected at the bank"),
)


def _by_name(columns: Iterable[Column]) -> Mapping[str, Column]:
    dictionary: dict[str, Column] = {}
    for entry in columns:
        if entry.name in dictionary:
            raise ValueError(f"column {entry.name} stands twice in the dictionary")
        dictionary[entry.name] = entry
    return MappingProxyType(dictionary)


#: Every column with a fixed name, by that name.
COLUMNS: Mapping[str, Column] = _by_name((*_TRANSACTION, *_PAYMENT, *_PARTIES, *_PAYOUT))

#: Columns made by pattern, `prefix[key]`: what the key is looked up in.
#: Source: https://docs.stripe.com/reports/report-types/balance
METADATA: Mapping[str, str] = MappingProxyType({
    "payment_metadata": "the payment's metadata, or the charge's where the payment has none",
    "refund_metadata": "the refund's metadata",
    "transfer_metadata": "the transfer's metadata",
})  # fmt: skip

#: Stripe allows metadata keys of 40 characters without square brackets.
#: Source: https://docs.stripe.com/api/metadata
_METADATA = re.compile(r"(?P<prefix>[a-z_]+)\[(?P<key>[^\[\]]*)\]", re.DOTALL)
_LONGEST_KEY = 40


def column(name: str) -> Column:
    """The column of that name; `payment_metadata[order_id]` and its kin are made on the spot.

    Raises:
        ConfigurationError: no report has such a column, or the metadata key cannot be one; the message
            names the nearest columns.
    """
    if name in COLUMNS:
        return COLUMNS[name]
    found = _METADATA.fullmatch(name)
    if found and found["prefix"] in METADATA:
        return _metadata_column(name, found["prefix"], found["key"])
    patterns = [f"{prefix}[key]" for prefix in METADATA]
    raise ConfigurationError(f"there is no column {name!r}{hint(name, [*COLUMNS, *patterns])}")


def columns_of(spec: ReportSpec, names: Sequence[str] | None = None) -> tuple[Column, ...]:
    """The columns a file of this report shall have, in file order.

    Args:
        spec: the report type.
        names: what was asked for; None (or nothing) means the default columns.

    Raises:
        ConfigurationError: a name the report type does not have, or one that stands twice.
    """
    if isinstance(names, str):
        raise ConfigurationError(f"columns of {spec.id} are a list of names, not the text {names!r}")
    chosen = tuple(str(name) for name in names) if names else spec.default_columns
    for position, name in enumerate(chosen):
        if not has(spec, name):
            patterns = [f"{prefix}[key]" for prefix in spec.metadata_prefixes]
            raise ConfigurationError(
                f"{spec.id} has no column {name!r}{hint(name, [*spec.columns, *patterns])}"
            )
        if name in chosen[:position]:
            raise ConfigurationError(f"column {name!r} of {spec.id} is asked for twice")
    return _distinctly_stored(spec, tuple(column(name) for name in chosen))


def has(spec: ReportSpec, name: str) -> bool:
    """Whether the report type has that column, by name or by its metadata pattern."""
    if name in spec.columns:
        return True
    found = _METADATA.fullmatch(name)
    return found is not None and found["prefix"] in spec.metadata_prefixes


def _metadata_column(name: str, prefix: str, key: str) -> Column:
    if not key or len(key) > _LONGEST_KEY:
        raise ConfigurationError(
            f"column {name[:80]!r}: a metadata key has 1 to {_LONGEST_KEY} characters, this one {len(key)}"
        )
    return Column(name, ColumnType.TEXT, f"`{key}` in {METADATA[prefix]}.", personal=True)


def _distinctly_stored(spec: ReportSpec, chosen: tuple[Column, ...]) -> tuple[Column, ...]:
    """DuckDB and Hive see no case in names: `Order` and `order` would be one column there."""
    seen: dict[str, str] = {}
    for entry in chosen:
        other = seen.setdefault(entry.stored_name.lower(), entry.name)
        if other != entry.name:
            raise ConfigurationError(
                f"columns {other!r} and {entry.name!r} of {spec.id} differ only in case, "
                "and many engines could not tell them apart; ask for one of them"
            )
    return chosen
