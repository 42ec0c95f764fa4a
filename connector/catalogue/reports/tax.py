"""The tax reports: each taxed line, and the sums by jurisdiction.

A line item has a row for each jurisdiction that taxes it, which repeats the line's own amounts: what can be
added up is the tax. The exports are those of the Dashboard; which values their filters take, nobody has
published.

Sources: https://docs.stripe.com/reports/report-types/tax, https://docs.stripe.com/tax/reports
"""

from connector.catalogue.reports.column_groups import alphabetical, connected
from connector.catalogue.reports.family import Family
from connector.catalogue.spec import Granularity, RowKindRules, Status

_SOURCE = "https://docs.stripe.com/reports/report-types/tax"

_COLUMNS = (
    "id", "line_item_id", "type", "transaction_date", "tax_date", "currency", "subtotal", "total",
    "tax_amount", "taxable_amount", "non_taxable_amount", "tax_rate", "tax_name", "tax_code", "taxability",
    "taxability_reason", "country_code", "state_code", "jurisdiction_name", "jurisdiction_level", "quantity",
    "destination_resolved_address_country", "destination_resolved_address_state", "customer_tax_id",
    "filing_currency", "filing_exchange_rate", "filing_total", "filing_taxable_amount",
    "filing_non_taxable_amount", "filing_tax_amount", "quantity_decimal", "origin_resolved_address_country",
)  # fmt: skip

_LINES = Family(
    id="tax.transactions.itemized",
    title="Tax transactions, itemized",
    about="What was sold and taxed, line by line: one row for each line item and jurisdiction.",
    source=_SOURCE,
    optional=("timezone", "decimal_separator", "columns"),
    defaults=_COLUMNS,
    day="transaction_date",
    amount="tax_amount",
)

#: What people who process the export name of it; the page has more.
_EXPORTED = (
    "id", "tax_transaction_id", "reversal_original_tax_transaction_id", "type", "transaction_type",
    "transaction_date", "provider", "applied_tax_calculation_type", "payment_intent_id", "line_item_id",
    "currency", "total", "tax_amount", "country_code", "state_code", "jurisdiction_level",
    "jurisdiction_name", "tax_type", "tax_rate",
)  # fmt: skip

_EXPORT = Family(
    id="tax.itemized_export",
    title="Tax, itemized",
    about="What was sold and taxed, and what was taken back: one row for each line item and jurisdiction.",
    source=_SOURCE,
    optional=(
        "timezone", "decimal_separator", "country", "states", "taxable", "is_eu_vat_moss", "tax_type",
        "jurisdiction_key", "type", "columns",
    ),
    defaults=_EXPORTED,
    day="transaction_date",
    amount="tax_amount",
    texts={
        "id": "What was sold or taken back: a checkout session, an invoice, a refund.",
        "type": "What kind of object `id` is: checkout, refund…",
        "total": "The line with its tax, repeated in the row of each jurisdiction that taxes it.",
    },
)  # fmt: skip

#: Sums by jurisdiction, each amount in two currencies.
_SUMS = (
    "country_code", "state_code", "jurisdiction_name", "jurisdiction_level", "tax_rate",
    "transaction_currency", "transaction_date_start", "transaction_date_start_utc", "transaction_date_end",
    "transaction_date_end_utc", "total", "total_sales", "total_sales_refunded", "total_taxable_sales",
    "total_nontaxable_sales", "total_tax_collected", "total_tax_refunded", "filing_currency",
    "filing_total_sales", "filing_total_sales_refunded", "filing_total_taxable_sales",
    "filing_total_taxable_refunded", "filing_total_nontaxable_sales", "filing_total_tax_collected",
    "filing_total_tax_refunded", "filing_tax_payable",
)  # fmt: skip

_JURISDICTIONS = Family(
    id="tax.summarized_export",
    title="Tax by jurisdiction",
    about="Sales and tax of the interval, added up for each jurisdiction, rate and currency.",
    source=_SOURCE,
    granularity=Granularity.SUMMARY,
    optional=("currency", "timezone", "decimal_separator", "type", "country", "states", "columns"),
    defaults=_SUMS,
    amount="total_tax_collected",
    currency="transaction_currency",
    # Whether a state's row has its counties in it is not documented, so no kind is better than a wrong one.
    row_kinds=RowKindRules(column="jurisdiction_level", kinds={}, currency="transaction_currency"),
)

_SECOND = alphabetical(
    _COLUMNS,
    ("origin_resolved_address_state",),
    (f"{what}_metadata[key]" for what in ("credit_note", "invoice", "refund", "tax_transaction")),
)

REPORTS = (
    _LINES.version(2, _SECOND, defaults_known=False),
    _LINES.version(3, status=Status.OBSERVED, complete=False),
    _LINES.version(5, status=Status.OBSERVED, complete=False),
    _LINES.connected().version(2, connected(_SECOND), defaults_known=False),
    _EXPORT.version(
        1,
        alphabetical(_EXPORTED),
        note="There are more columns than those listed; any that the catalogue has may be asked for.",
        complete=False,
        defaults_known=False,
    ),
    _JURISDICTIONS.version(1, alphabetical(_SUMS), defaults_known=False),
)
