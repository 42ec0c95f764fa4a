"""Reports only platforms have: the state of their connected accounts, and network costs passed on to them.

They take no `columns`: a file has all there are.

Sources: https://docs.stripe.com/reports/report-types/connect,
https://docs.stripe.com/connect/network-cost-passthrough-platforms
"""

from connector.catalogue.family import AS_OF, Family
from connector.catalogue.groups import alphabetical
from connector.catalogue.spec import Granularity, RowKind, RowKinds, Scope, Status

_NETWORK_COSTS = "https://docs.stripe.com/connect/network-cost-passthrough-platforms"

_OVERVIEW = Family(
    id="connect.negative_balance_refunds_disputes_overview",
    title="Connected accounts at risk",
    about=(
        "Balance, refunds and disputes of each connected account as they stand at the end, and which of them "
        "Stripe finds unusual."
    ),
    source="https://docs.stripe.com/reports/report-types/connect",
    granularity=Granularity.OTHER,
    required=AS_OF,
    defaults=(
        "account_id",
        "country",
        "currency",
        "balance",
        "pending_debits",
        "balance_excluding_pending_debits",
        "balance_24hr_net_change",
        "has_24hr_negative_balance_change",
        "refunded_amount_7d",
        "refunded_amount_7d_prev",
        "refund_pct_change",
        "has_high_refunds",
        "disputed_amount_7d",
        "disputed_amount_7d_prev",
        "dispute_pct_change",
        "has_high_disputes",
    ),
    amount="balance",
    scope=Scope.CONNECTED_ACCOUNTS,
)

_BY_PLAN = Family(
    id="connect_card_payments_fees.plan_level",
    title="Card network costs by plan",
    about="What card networks charged for a connected account's payments, added up by the networks' plans.",
    source=_NETWORK_COSTS,
    granularity=Granularity.SUMMARY,
    defaults=(
        "platform_id",
        "connected_account_id",
        "connected_account_name",
        "plan_name",
        "network_cost_category",
        "total_amount",
        "fee_currency",
        "livemode",
    ),
    amount="total_amount",
    currency="fee_currency",
    row_kinds=RowKinds(
        column="network_cost_category", kinds={}, otherwise=RowKind.MOVEMENT, currency="fee_currency"
    ),
    scope=Scope.CONNECTED_ACCOUNTS,
)

_BY_TRANSACTION = Family(
    id="connect_card_payments_fees.transaction_level",
    title="Card network costs by transaction",
    about=(
        "What card networks charged for each payment of a connected account. "
        "A payment has several rows when refunds or disputes add to it."
    ),
    source=_NETWORK_COSTS,
    defaults=(
        "platform_id",
        "connected_account_id",
        "connected_account_name",
        "transfer_id",
        "transfer_created",
        "balance_transaction_id",
        "balance_transaction_created",
        "automatic_payout_id",
        "fee_incurred_at",
        "charge_id",
        "captured_amount",
        "captured_currency",
        "refund_id",
        "dispute_id",
        "card_brand",
        "bin",
        "issuing_bank",
        "card_funding",
        "card_country",
        "card_present",
        "fee_category",
        "card_scheme_fee",
        "interchange_fee",
        "non_transactional_card_scheme_fee",
        "discount_fee",
        "platform_application_fee",
        "total_amount",
        "fee_currency",
        "livemode",
    ),
    amount="total_amount",
    currency="fee_currency",
    scope=Scope.CONNECTED_ACCOUNTS,
)

REPORTS = (
    _OVERVIEW.version(1, alphabetical(_OVERVIEW.defaults, ("business_name",)), defaults_known=False),
    _BY_PLAN.version(
        1,
        _BY_PLAN.defaults,
        status=Status.PREVIEW,
        note="It is run on the connected account, not on the platform.",
    ),
    _BY_TRANSACTION.version(1, _BY_TRANSACTION.defaults, status=Status.PREVIEW),
)
