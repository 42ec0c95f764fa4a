"""The columns of the documented reports, by version.

Versions differ by groups of columns, so a version is written as its groups. A higher number is not a superset
of a lower one. The order here has no meaning: the report types sort them.

Source: https://docs.stripe.com/reports/report-types/balance,
https://docs.stripe.com/reports/report-types/payouts,
https://docs.stripe.com/reports/report-types/payout-reconciliation,
https://docs.stripe.com/reports/report-types/connect, https://docs.stripe.com/reports/report-types/tax
"""

Versions = dict[int, tuple[str, ...]]

AMOUNTS = ("currency", "gross", "fee", "net")
_TRACE = ("trace_id", "trace_id_status")
_BASE = (
    "balance_transaction_id", "created_utc", "available_on_utc", *AMOUNTS, "reporting_category",
    "source_id", "description", "charge_id", "charge_created_utc", "automatic_payout_id",
    "automatic_payout_effective_at", "card_brand", "card_country", "card_funding", "customer_id",
    "customer_email", "customer_description", "customer_facing_amount", "customer_facing_currency",
    "invoice_id", "is_link", "subscription_id", *_TRACE,
)  # fmt: skip
#: In the zone of the run. Versions without them do not take a `timezone`, and all their times are UTC.
_LOCAL_TIMES = ("created", "available_on", "charge_created", "automatic_payout_effective_at_utc")

_PLACE = ("line1", "line2", "city", "state", "postal_code", "country")
_SHIPPING = tuple(f"shipping_address_{part}" for part in _PLACE)
_ADDRESSES = tuple(
    f"{whose}_{part}" for whose in ("card_address", "customer_address", "customer_shipping_address")
    for part in _PLACE
)  # fmt: skip
_PAYER = ("customer_name", "payment_intent_id", "payment_method_type", "statement_descriptor")
_METADATA = ("payment_metadata[key]", "refund_metadata[key]", "transfer_metadata[key]")
_PLATFORM = ("connected_account_id", "connected_account_name", "connected_account_country")
_DIRECT = ("connected_account_direct_charge_id",)
_TAGS = ("dispute_reason", "regulatory_tag")
_NUMBER = ("invoice_number",)

# All balance transactions, or those that make up a balance.

ACTIVITY: Versions = {
    1: (*_BASE, *_SHIPPING, *_PAYER),
    2: (*_BASE, *_SHIPPING, *_PAYER, *_ADDRESSES, *_METADATA, *_PLATFORM, *_DIRECT, *_TAGS, *_NUMBER),
}
ACTIVITY[3] = (*ACTIVITY[2], *_LOCAL_TIMES)

CONNECTED_ACTIVITY: Versions = {
    1: (*ACTIVITY[1], "connected_account"),
    2: (*ACTIVITY[1], *_ADDRESSES, *_METADATA, *_TAGS, *_NUMBER, "connected_account"),
}
CONNECTED_ACTIVITY[3] = (*CONNECTED_ACTIVITY[2], *_LOCAL_TIMES)

ENDING: Versions = {
    1: (*_BASE, *_SHIPPING),
    2: ACTIVITY[2],
    3: (*_BASE, *_SHIPPING, *_PAYER, *_PLATFORM, *_LOCAL_TIMES),
    4: ACTIVITY[3],
}
CONNECTED_ENDING: Versions = {
    1: CONNECTED_ACTIVITY[1],
    2: CONNECTED_ACTIVITY[2],
    3: (*CONNECTED_ACTIVITY[1], *_LOCAL_TIMES),
    4: CONNECTED_ACTIVITY[3],
}

# The contents of payouts.

RECONCILIATION: Versions = {1: (*_BASE, "destination_payment_id")}
RECONCILIATION[2] = (*RECONCILIATION[1], *_METADATA)
RECONCILIATION[3] = (*ACTIVITY[2], "destination_payment_id", "order_id")
RECONCILIATION[4] = (*RECONCILIATION[2], *_SHIPPING, *_PAYER, *_PLATFORM, *_LOCAL_TIMES)
RECONCILIATION[5] = (*RECONCILIATION[3], *_LOCAL_TIMES)

BY_ID: Versions = {
    1: RECONCILIATION[1],
    2: RECONCILIATION[2],
    3: (*RECONCILIATION[1], *_SHIPPING, *_PAYER, *_PLATFORM, *_DIRECT, *_TAGS),
}
BY_ID[4] = (*BY_ID[3], *_METADATA, *_LOCAL_TIMES)

_OF_CONNECTED = ("source_transaction_id", "connected_account")
CONNECTED_RECONCILIATION: Versions = {
    1: (*_BASE, *_OF_CONNECTED),
    2: (*_BASE, *_OF_CONNECTED),
    3: (*CONNECTED_ACTIVITY[2], "source_transaction_id"),
    4: (*ACTIVITY[1], *_OF_CONNECTED, *_LOCAL_TIMES),
    5: (*CONNECTED_ACTIVITY[3], "source_transaction_id"),
}
CONNECTED_BY_ID: Versions = {
    1: (*_BASE, *_OF_CONNECTED),
    2: (*_BASE, *_OF_CONNECTED),
    3: (*ACTIVITY[1], *_TAGS, *_OF_CONNECTED),
}
CONNECTED_BY_ID[4] = (*CONNECTED_BY_ID[3], *_METADATA, *_LOCAL_TIMES)

# Payouts themselves, and the reports of few rows.

PAYOUTS: Versions = {
    1: (
        "balance_transaction_id", "payout_id", "payout_type", "payout_status", "payout_description",
        "payout_destination_id", "payout_expected_arrival_date", "payout_reversed_at", "effective_at_utc",
        *AMOUNTS, "reporting_category", "description", *_TRACE,
    ),
}  # fmt: skip
PAYOUTS[2] = (*PAYOUTS[1], "regulatory_tag")
PAYOUTS[3] = (*PAYOUTS[2], "effective_at", "payout_reversed_at_utc", "application_fee")
CONNECTED_PAYOUTS = {version: (*columns, "connected_account") for version, columns in PAYOUTS.items()}

SUMMARY = ("reporting_category", "currency", "count", "gross", "fee", "net")
BALANCE = ("category", "description", "net_amount", "currency")

TAX = (
    "id", "type", "line_item_id", "transaction_date", "tax_date", "currency", "subtotal", "total",
    "quantity", "quantity_decimal", "tax_code", "tax_name", "tax_rate", "tax_amount", "taxability",
    "taxability_reason", "taxable_amount", "non_taxable_amount", "country_code", "state_code",
    "jurisdiction_level", "jurisdiction_name", "origin_resolved_address_country",
    "origin_resolved_address_state", "destination_resolved_address_country",
    "destination_resolved_address_state", "customer_tax_id", "filing_currency", "filing_exchange_rate",
    "filing_total", "filing_tax_amount", "filing_taxable_amount", "filing_non_taxable_amount",
    "invoice_metadata[key]", "credit_note_metadata[key]", "refund_metadata[key]",
    "tax_transaction_metadata[key]",
)  # fmt: skip
TAX_EXPORT = (
    "id", "tax_transaction_id", "reversal_original_tax_transaction_id", "provider",
    "applied_tax_calculation_type", "type", "transaction_type", "transaction_date", "payment_intent_id",
    "line_item_id", "currency", "total", "tax_amount", "country_code", "state_code", "jurisdiction_level",
    "jurisdiction_name", "tax_type", "tax_rate",
)  # fmt: skip
TAX_SUM = (
    "country_code", "state_code", "jurisdiction_level", "jurisdiction_name", "tax_rate",
    "transaction_currency", "total", "total_sales", "total_taxable_sales", "total_nontaxable_sales",
    "total_tax_collected", "total_sales_refunded", "total_tax_refunded", "filing_currency",
    "filing_tax_payable", "filing_total_sales", "filing_total_taxable_sales",
    "filing_total_nontaxable_sales", "filing_total_tax_collected", "filing_total_sales_refunded",
    "filing_total_taxable_refunded", "filing_total_tax_refunded", "transaction_date_start",
    "transaction_date_start_utc", "transaction_date_end", "transaction_date_end_utc",
)  # fmt: skip
FINANCIAL_ITEMS = (
    "created", "category", "status", "amount", "available_balance_impact", "currency", "description",
)  # fmt: skip
FINANCIAL_SUMS = ("category", "currency", "count", "amount")
FINANCIAL_BALANCE = ("category", "description", "amount", "currency")
#: In the order of a schema seen in public.
COMPONENTS = (
    "balance_transaction_id", "balance_transaction_created_at", "balance_transaction_reporting_category",
    "balance_transaction_component", "balance_transaction_regulatory_tag", "activity_at", "currency",
    "amount", "charge_id", "payment_intent_id", "refund_id", "dispute_id", "invoice_id", "invoice_number",
    "subscription_id", "fee_id", "transfer_id", "destination_id", "customer_id", "customer_email",
    "customer_name", "customer_description", "customer_shipping_address_line1",
    "customer_shipping_address_line2", "customer_shipping_address_city", "customer_shipping_address_state",
    "customer_shipping_address_postal_code", "customer_shipping_address_country", "customer_address_line1",
    "customer_address_line2", "customer_address_city", "customer_address_state",
    "customer_address_postal_code", "customer_address_country", "shipping_address_line1",
    "shipping_address_line2", "shipping_address_city", "shipping_address_state",
    "shipping_address_postal_code", "shipping_address_country", "card_address_line1", "card_address_line2",
    "card_address_city", "card_address_state", "card_address_postal_code", "card_address_country",
    "automatic_payout_id", "automatic_payout_effective_at", "event_type", "payment_method_type", "is_link",
    "card_brand", "card_funding", "card_country", "statement_descriptor", "customer_facing_currency",
    "customer_facing_amount", "activity_interval_type", "activity_start_date", "activity_end_date",
    "balance_transaction_description", "connected_account_id", "connected_account_name",
    "connected_account_country", "connected_account_direct_charge_id",
)  # fmt: skip
OVERVIEW = (
    "account_id", "business_name", "country", "currency", "balance", "balance_24hr_net_change",
    "has_24hr_negative_balance_change", "pending_debits", "balance_excluding_pending_debits",
    "refunded_amount_7d", "refunded_amount_7d_prev", "refund_pct_change", "has_high_refunds",
    "disputed_amount_7d", "disputed_amount_7d_prev", "dispute_pct_change", "has_high_disputes",
)  # fmt: skip
