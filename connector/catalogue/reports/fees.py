"""What Stripe charged: fees by balance date or by the date they arose, and transactions by their parts.

None of them is on the pages of Stripe's that were read: they are known from those who use them. Fee rows
can be equal in every column and all be real, so there is no row key. Nothing is said about days either: rows
are reported to arrive up to four days late, and which time decides is not documented.

In the summary amounts are without tax; in itemized files, people who process them take them with it. So the
two are never compared, and neither with the balance, without the column `tax`.

Sources: https://github.com/wikimedia/wikimedia-fundraising-SmashPig,
https://github.com/NorfairKing/centjes, https://github.com/fivetran/dbt_stripe
"""

from collections.abc import Iterable
from dataclasses import replace

from connector.catalogue.reports.column_groups import (
    ADDRESSES,
    BY_CATEGORY,
    CUSTOMER,
    INVOICE_NUMBER,
    PARTNER,
    PAYMENT,
    PAYOUT,
    SHIPPING,
    alphabetical,
)
from connector.catalogue.reports.family import Family, by_category
from connector.catalogue.spec import Granularity, ReportSpec, RowKind, RowKindRules, Status

_ALL_FEES = Family(
    id="all_fees.balance_transaction_created.itemized",
    title="All fees by balance date, itemized",
    about="Every fee of Stripe's, by the day it was taken from the balance. One row for each fee.",
    source="https://github.com/wikimedia/wikimedia-fundraising-SmashPig",
    optional=("timezone", "currency", "columns"),
    defaults=(
        "balance_transaction_id", "balance_transaction_created", "fee_transaction_id",
        "fee_transaction_created", "incurred_at", "incurred_by", "incurred_by_type", "fee_category",
        "fee_description", "currency", "amount", "tax", "suite", "product", "feature_name", "pricing_tier",
        "settled_at", "settled_via",
    ),
    amount="amount",
    texts={"amount": "The fee; people who process these files take it with its `tax`."},
    live_only=True,
)  # fmt: skip

_FEE_SUMMARY = replace(
    _ALL_FEES,
    id="all_fees.balance_transaction_created.summary",
    title="All fees by balance date, summary",
    about="Stripe's fees by the day they were taken from the balance, added up by product and feature.",
    source="https://github.com/NorfairKing/centjes",
    granularity=Granularity.SUMMARY,
    defaults=("suite", "product", "feature_name", "feature_description", "currency", "amount", "tax"),
    texts={"amount": "Fees without tax: with `tax` they are what the balance was charged."},
    row_kinds=RowKindRules(column="product", kinds={}, otherwise=RowKind.MOVEMENT),
)

_INCURRED = replace(
    _ALL_FEES,
    id="all_fees.incurred_at.itemized",
    title="All fees by incurred date, itemized",
    about="Every fee of Stripe's, by the day it arose. One row for each fee.",
)

#: Seen by its name alone.
_CONNECTED_FEES = replace(
    _INCURRED.connected(),
    id="connected_account_stripe_fees.incurred_at.itemized",
    title="Stripe's fees of connected accounts by incurred date, itemized",
)

_COMPONENTS = Family(
    id="activity.itemized",
    title="Activity by component, itemized",
    about=(
        "What moved the balance, split into amount, fees and taxes: several rows for a balance transaction. "
        "For accounts that pay interchange and Stripe's part apart."
    ),
    source="https://github.com/fivetran/dbt_stripe",
    optional=("columns",),
    defaults=(
        "balance_transaction_id", "balance_transaction_component", "balance_transaction_created_at",
        "balance_transaction_reporting_category", "activity_at", "event_type", "fee_id", "currency", "amount",
        "charge_id", "refund_id", "dispute_id", "transfer_id", "automatic_payout_id",
        "automatic_payout_effective_at", "balance_transaction_description",
    ),
    row_key=("balance_transaction_id", "balance_transaction_component", "fee_id", "activity_at"),
    amount="amount",
)  # fmt: skip

_BY_CATEGORY = replace(
    by_category(
        "activity.summary",
        "Activity by component, summary",
        "What moved the balance, added up by reporting category and currency.",
        "https://github.com/fivetran/dbt_stripe",
    ),
    optional=("columns",),
)

_COMPONENT_COLUMNS = alphabetical(
    _COMPONENTS.defaults, CUSTOMER, PAYMENT, PAYOUT, SHIPPING, ADDRESSES, PARTNER, INVOICE_NUMBER,
    (
        "balance_transaction_regulatory_tag", "invoice_id", "subscription_id", "destination_id", "is_link",
        "card_brand", "card_funding", "card_country", "customer_facing_currency", "customer_facing_amount",
        "activity_interval_type", "activity_start_date", "activity_end_date",
    ),
)  # fmt: skip


def _seen(
    family: Family, number: int, columns: Iterable[str] = (), *, defaults_known: bool = False
) -> ReportSpec:
    """A version others use; there may be more columns than they name."""
    return family.version(
        number, columns, status=Status.OBSERVED, complete=False, defaults_known=defaults_known
    )


REPORTS = (
    _seen(_ALL_FEES, 1),
    _seen(_ALL_FEES, 2, alphabetical(_ALL_FEES.defaults)),
    _seen(_FEE_SUMMARY, 2, alphabetical(_FEE_SUMMARY.defaults)),
    _seen(_INCURRED, 2),
    _seen(_CONNECTED_FEES, 1),
    _seen(_COMPONENTS, 2, _COMPONENT_COLUMNS),
    _seen(_COMPONENTS, 3, _COMPONENT_COLUMNS),
    _seen(_BY_CATEGORY, 1, BY_CATEGORY, defaults_known=True),
)
