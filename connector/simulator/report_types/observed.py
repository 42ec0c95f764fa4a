"""Report types that public programs request and Stripe's pages, as far as read, do not name; as data.

They have the columns that those programs name. Live-only types are a 404 for a key
of test mode.

Source: https://github.com/wikimedia/wikimedia-fundraising-SmashPig (PaymentProviders/Stripe),
https://github.com/NorfairKing/centjes, https://github.com/fivetran/dbt_stripe
"""

from connector.simulator.report_types import column_sets
from connector.simulator.report_types.documented import DOCUMENTED_TYPES
from connector.simulator.report_types.report_type import ReportType
from connector.simulator.reports import components, fees, financial_accounts, rows, selections

_FEE_LINE = (
    "balance_transaction_created", "balance_transaction_id", "fee_transaction_created",
    "fee_transaction_id", "incurred_at", "incurred_by", "incurred_by_type", "fee_description", "amount",
    "tax", "currency", "product", "feature_name", "pricing_tier", "settled_at", "settled_via", "suite",
    "fee_category",
)  # fmt: skip
_FEE_SUM = ("suite", "product", "feature_name", "feature_description", "amount", "tax", "currency")

OBSERVED_TYPES = (
    *(
        ReportType(
            id=f"activity.itemized.{version}",
            name="Itemized activity by component",
            columns=column_sets.COMPONENTS,
            default_columns=column_sets.COMPONENTS,
            rows=components.itemized,
            optional=("columns",),
        )
        for version in (2, 3)
    ),
    ReportType(
        id="balance_change_from_activity.summary.2",
        name="Balance change from activity",
        columns=column_sets.SUMMARY,
        default_columns=column_sets.SUMMARY,
        rows=rows.summary(selections.activity),
        optional=("currency", "timezone", "columns"),
    ),
    *(
        ReportType(
            id=f"all_fees.balance_transaction_created.itemized.{version}",
            name="Itemized fees by the day they hit the balance",
            columns=_FEE_LINE,
            default_columns=_FEE_LINE,
            rows=fees.itemized,
            optional=("timezone", "currency", "columns"),
            live_only=True,
        )
        for version in (1, 2)
    ),
    ReportType(
        id="all_fees.balance_transaction_created.summary.2",
        name="Fees by the day they hit the balance",
        columns=_FEE_SUM,
        default_columns=_FEE_SUM,
        rows=fees.summary,
        optional=("timezone", "currency", "columns"),
        live_only=True,
    ),
    ReportType(
        id="financial_account_balance_change_from_activity.itemized.2",
        name="Itemized activity of the financial account",
        columns=column_sets.FINANCIAL_ITEMS,
        default_columns=column_sets.FINANCIAL_ITEMS,
        rows=financial_accounts.itemized,
        optional=("timezone", "decimal_separator", "columns"),
    ),
    ReportType(
        id="financial_account_balance.summary.1",
        name="Balance of the financial account",
        columns=column_sets.FINANCIAL_BALANCE,
        default_columns=column_sets.FINANCIAL_BALANCE,
        rows=financial_accounts.balance,
        optional=("timezone", "decimal_separator", "columns"),
    ),
)

#: The default report types, in the order of the list call.
REPORT_TYPES = (*DOCUMENTED_TYPES, *OBSERVED_TYPES)
