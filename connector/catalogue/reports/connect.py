"""The report only platforms have: the state of their connected accounts.

It takes no `columns`: a file has all there are.

Source: https://docs.stripe.com/reports/report-types/connect
"""

from connector.catalogue.reports.column_groups import alphabetical
from connector.catalogue.reports.family import AS_OF, Family
from connector.catalogue.spec import Granularity, Scope

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
        "account_id", "country", "currency", "balance", "pending_debits", "balance_excluding_pending_debits",
        "balance_24hr_net_change", "has_24hr_negative_balance_change", "refunded_amount_7d",
        "refunded_amount_7d_prev", "refund_pct_change", "has_high_refunds", "disputed_amount_7d",
        "disputed_amount_7d_prev", "dispute_pct_change", "has_high_disputes",
    ),
    amount="balance",
    scope=Scope.CONNECTED_ACCOUNTS,
)  # fmt: skip

REPORTS = (_OVERVIEW.version(1, alphabetical(_OVERVIEW.defaults, ("business_name",)), defaults_known=False),)
