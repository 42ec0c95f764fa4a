"""Columns that reports share, by subject, and the sets that reports are made of.

Versions of a report, and its variants for connected accounts, are sums and differences of these groups, so
that what one has and another lacks can be read. `name[key]` stands for metadata columns.

Sources: https://docs.stripe.com/reports/report-types/balance,
https://docs.stripe.com/reports/report-types/payout-reconciliation,
https://docs.stripe.com/reports/report-types/connect
"""

from collections.abc import Iterable

Names = tuple[str, ...]


def alphabetical(*groups: Iterable[str], without: Iterable[str] = ()) -> Names:
    """All names of the groups but those in `without`, in the order of Stripe's tables."""
    return tuple(sorted({name for group in groups for name in group} - set(without)))


_SIX = ("line1", "line2", "city", "state", "postal_code", "country")

#: What moved, by how much.
MOVEMENT = (
    "balance_transaction_id", "created_utc", "available_on_utc", "currency", "gross", "fee", "net",
    "reporting_category", "source_id", "description", "customer_facing_amount", "customer_facing_currency",
)  # fmt: skip

#: The payout that paid it out.
PAYOUT = ("automatic_payout_id", "automatic_payout_effective_at")

#: The bank's reference.
TRACE = ("trace_id", "trace_id_status")

#: The charge behind it.
CHARGE = (
    "charge_id", "charge_created_utc", "card_brand", "card_country", "card_funding", "is_link", "invoice_id",
    "subscription_id",
)  # fmt: skip

CUSTOMER = ("customer_id", "customer_email", "customer_description")

#: What else there is to say of a payment.
PAYMENT = ("customer_name", "payment_intent_id", "payment_method_type", "statement_descriptor")

SHIPPING = tuple(f"shipping_address_{part}" for part in _SIX)

ADDRESSES = tuple(
    f"{whose}_address_{part}" for whose in ("card", "customer", "customer_shipping") for part in _SIX
)

#: The other side of a payment on a platform. Reports on connected accounts have `CONNECTED` instead.
PARTNER = (
    "connected_account_id", "connected_account_name", "connected_account_country",
    "connected_account_direct_charge_id",
)  # fmt: skip

#: Whose balance it is, in reports on connected accounts.
CONNECTED = ("connected_account",)

DISPUTE = ("dispute_reason", "regulatory_tag")

INVOICE_NUMBER = ("invoice_number",)

METADATA = ("payment_metadata[key]", "refund_metadata[key]", "transfer_metadata[key]")

#: What a report gains that takes a `timezone`: the columns without `_utc` are in that zone then.
LOCAL_TIMES = ("created", "available_on", "charge_created", "automatic_payout_effective_at_utc")

#: A movement, without what stands behind the payment.
LEAN = alphabetical(MOVEMENT, PAYOUT, TRACE, CHARGE, CUSTOMER)

#: With the payment, as the oldest reports on activity have it.
PLAIN = alphabetical(LEAN, PAYMENT, SHIPPING)

#: With everything, times in UTC.
WHOLE = alphabetical(PLAIN, ADDRESSES, PARTNER, DISPUTE, INVOICE_NUMBER, METADATA)

#: With everything, times in both.
WHOLE_LOCAL = alphabetical(WHOLE, LOCAL_TIMES)

#: The plain one with times in both.
PLAIN_LOCAL = alphabetical(PLAIN, LOCAL_TIMES)

#: The plain one with times in both, as platforms have it.
PARTNER_LOCAL = alphabetical(PLAIN_LOCAL, PARTNER, without=("connected_account_direct_charge_id",))

#: Sums by reporting category.
BY_CATEGORY = ("count", "currency", "fee", "gross", "net", "reporting_category")


def connected(*groups: Iterable[str]) -> Names:
    """The same for connected accounts: whose balance it is, in place of who the other side was."""
    return alphabetical(*groups, CONNECTED, without=PARTNER)
