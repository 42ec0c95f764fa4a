"""Report types that public programs request and Stripe's pages, as far as read, do not name; as data.

They have the columns that those programs, or a page without the id, name. Live-only types are a 404 for a key
of test mode.

Source: https://github.com/wikimedia/wikimedia-fundraising-SmashPig (PaymentProviders/Stripe),
https://github.com/NorfairKing/centjes, https://docs.stripe.com/tax/reports (the columns of the tax summary)
"""

from connector.simulator.report_types.documented import DOCUMENTED_TYPES
from connector.simulator.report_types.report_type import ReportType
from connector.simulator.reports import fees, tax

_FEE_LINE = (
    "balance_transaction_created", "balance_transaction_id", "fee_transaction_created",
    "fee_transaction_id", "incurred_at", "incurred_by", "incurred_by_type", "fee_description", "amount",
    "tax", "currency", "product", "feature_name", "pricing_tier", "settled_at", "settled_via", "suite",
    "fee_category",
)  # fmt: skip
_FEE_SUM = ("suite", "product", "feature_name", "feature_description", "amount", "tax", "currency")
_TAX_SUM = (
    "country_code", "state_code", "jurisdiction_level", "jurisdiction_name", "tax_rate",
    "transaction_currency", "total", "total_sales", "total_taxable_sales", "total_nontaxable_sales",
    "total_tax_collected", "total_sales_refunded", "total_tax_refunded", "filing_currency",
    "filing_tax_payable", "filing_total_sales", "filing_total_taxable_sales",
    "filing_total_nontaxable_sales", "filing_total_tax_collected", "filing_total_sales_refunded",
    "filing_total_taxable_refunded", "filing_total_tax_refunded", "transaction_date_start",
    "transaction_date_start_utc", "transaction_date_end", "transaction_date_end_utc",
)  # fmt: skip

OBSERVED_TYPES = (
    ReportType(
        id="all_fees.balance_transaction_created.itemized.2",
        name="Itemized fees by the day they hit the balance",
        columns=_FEE_LINE,
        default_columns=_FEE_LINE,
        rows=fees.itemized,
        optional=("timezone", "currency", "columns"),
        live_only=True,
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
        id="tax.summarized_export.1",
        name="Tax by jurisdiction",
        columns=_TAX_SUM,
        default_columns=_TAX_SUM,
        rows=tax.summarized,
        optional=("timezone", "columns"),
    ),
)

#: The default report types, in the order of the list call.
REPORT_TYPES = (*DOCUMENTED_TYPES, *OBSERVED_TYPES)
