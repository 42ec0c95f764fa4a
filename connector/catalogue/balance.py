"""The balance reports, as data.

Source: https://docs.stripe.com/reports/report-types/balance
"""

from connector.catalogue.spec import Granularity, ReportSpec, RowKind, RowKinds

_SOURCE = "https://docs.stripe.com/reports/report-types/balance"

#: The documented lines are start, activity, payouts and end. Exports of 2026 also split activity and
#: payouts into gross and fee; then the line itself is the sum of what stands above it.
_SUMMARY_LINES = RowKinds(
    column="category",
    kinds={
        "starting_balance": RowKind.BALANCE,
        "starting_balance_available": RowKind.BALANCE,
        "activity_gross": RowKind.MOVEMENT,
        "activity_fee": RowKind.MOVEMENT,
        "activity": RowKind.MOVEMENT,
        "payouts_gross": RowKind.MOVEMENT,
        "payouts_fee": RowKind.MOVEMENT,
        "payouts": RowKind.MOVEMENT,
        "ending_balance": RowKind.BALANCE,
    },
    parts={
        "activity": ("activity_gross", "activity_fee"),
        "payouts": ("payouts_gross", "payouts_fee"),
    },
)

SUMMARY = ReportSpec(
    id="balance.summary.1",
    title="Balance summary",
    about=(
        "Opening balance, what moved it and closing balance, per currency: a bank statement's summary. "
        "A few rows for each interval."
    ),
    granularity=Granularity.SUMMARY,
    required=("interval_start", "interval_end"),
    optional=("timezone", "currency", "columns"),
    columns=("category", "currency", "description", "net_amount"),
    default_columns=("category", "description", "net_amount", "currency"),
    row_key=("currency", "category"),
    amount_column="net_amount",
    row_kinds=_SUMMARY_LINES,
    source=_SOURCE,
)

ACTIVITY = ReportSpec(
    id="balance_change_from_activity.itemized.3",
    title="Balance change from activity, itemized",
    about=(
        "Everything that moved the balance except payouts: charges, refunds, disputes, fees, transfers. "
        "One row for each balance transaction."
    ),
    granularity=Granularity.ITEMIZED,
    required=("interval_start", "interval_end"),
    optional=("timezone", "currency", "reporting_category", "decimal_separator", "columns"),
    columns=(
        "automatic_payout_effective_at",
        "automatic_payout_effective_at_utc",
        "automatic_payout_id",
        "available_on",
        "available_on_utc",
        "balance_transaction_id",
        "card_address_city",
        "card_address_country",
        "card_address_line1",
        "card_address_line2",
        "card_address_postal_code",
        "card_address_state",
        "card_brand",
        "card_country",
        "card_funding",
        "charge_created",
        "charge_created_utc",
        "charge_id",
        "connected_account_country",
        "connected_account_direct_charge_id",
        "connected_account_id",
        "connected_account_name",
        "created",
        "created_utc",
        "currency",
        "customer_address_city",
        "customer_address_country",
        "customer_address_line1",
        "customer_address_line2",
        "customer_address_postal_code",
        "customer_address_state",
        "customer_description",
        "customer_email",
        "customer_facing_amount",
        "customer_facing_currency",
        "customer_id",
        "customer_name",
        "customer_shipping_address_city",
        "customer_shipping_address_country",
        "customer_shipping_address_line1",
        "customer_shipping_address_line2",
        "customer_shipping_address_postal_code",
        "customer_shipping_address_state",
        "description",
        "dispute_reason",
        "fee",
        "gross",
        "invoice_id",
        "invoice_number",
        "is_link",
        "net",
        "payment_intent_id",
        "payment_method_type",
        "regulatory_tag",
        "reporting_category",
        "shipping_address_city",
        "shipping_address_country",
        "shipping_address_line1",
        "shipping_address_line2",
        "shipping_address_postal_code",
        "shipping_address_state",
        "source_id",
        "statement_descriptor",
        "subscription_id",
        "trace_id",
        "trace_id_status",
    ),
    default_columns=(
        "balance_transaction_id",
        "created",
        "created_utc",
        "available_on",
        "available_on_utc",
        "currency",
        "gross",
        "fee",
        "net",
        "reporting_category",
        "description",
    ),
    metadata_prefixes=("payment_metadata", "refund_metadata", "transfer_metadata"),
    row_key=("balance_transaction_id",),
    day_column="created_utc",
    amount_column="net",
    source=_SOURCE,
)
