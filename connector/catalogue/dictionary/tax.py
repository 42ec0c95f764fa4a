"""Columns of the tax reports: each sale's lines, and the sums by jurisdiction.

Sources: https://docs.stripe.com/reports/report-types/tax, https://docs.stripe.com/tax/reports
"""

from connector.catalogue.dictionary.entries import (
    integer,
    local_time,
    money,
    number,
    personal,
    region,
    text,
    times,
)

_FILING = "filing_currency"
_SALE = "transaction_currency"

_LINE = (
    text("id", "The tax transaction the line belongs to."),
    text("tax_transaction_id", "The tax transaction (`tax_…`) that the line is part of."),
    text(
        "reversal_original_tax_transaction_id", "Of a line that takes back: the tax transaction of the sale."
    ),
    text("transaction_type", "Whether the tax transaction is of a sale or takes one back."),
    text("provider", "Who calculated the tax: stripe, or another."),
    text("applied_tax_calculation_type", "How the tax came about: automatic, or external where imported."),
    text("line_item_id", "The line item taxed; one row for each jurisdiction that taxes it."),
    text("type", "Whether the line is of a sale or takes one back."),
    local_time("transaction_date", "When the tax transaction was recorded"),
    local_time("tax_date", "The time whose tax rules applied"),
    integer("quantity", "How many were sold."),
    number("quantity_decimal", "How many were sold, where that is not a whole number."),
    text("tax_code", "The product tax code (`txcd_…`) that was applied."),
    personal("customer_tax_id", "The customer's tax ids, several in one cell."),
    *region("origin_resolved_address", "the address the sale was taken to come from"),
    *region("destination_resolved_address", "the address the sale was taken to go to"),
)

_JURISDICTION = (
    text("country_code", "Two-letter country of the jurisdiction."),
    text("state_code", "State or province of the jurisdiction, where it lies in one."),
    text("jurisdiction_name", "Who levies the tax."),
    text("jurisdiction_level", "What kind of authority that is: country, state, county, city, district."),
    text("tax_type", "What kind of tax it is, as a code: vat, gst, sales_tax…"),
    text("tax_name", "What the tax is called there: VAT, GST, sales tax…"),
    number("tax_rate", "The rate that was applied, as Stripe prints it."),
    text("taxability", "Whether the line is taxable there: taxable or non_taxable."),
    text("taxability_reason", "Why it is or is not."),
)

_AMOUNTS = (
    money("subtotal", "The line before tax."),
    money("total", "Sales with their tax; in sums by jurisdiction, in `transaction_currency`."),
    money("taxable_amount", "The part of the line that was taxed."),
    money("non_taxable_amount", "The part of the line that was not taxed."),
    money("tax_amount", "The tax on the line."),
    text("filing_currency", "The currency the tax is declared in, ISO 4217 in lower case."),
    number("filing_exchange_rate", "What one unit of `currency` is in `filing_currency`."),
    money("filing_total", "The line with its tax.", _FILING),
    money("filing_taxable_amount", "The part of the line that was taxed.", _FILING),
    money("filing_non_taxable_amount", "The part of the line that was not taxed.", _FILING),
    money("filing_tax_amount", "The tax on the line.", _FILING),
)

_SUMS = (
    text("transaction_currency", "The currency sold in, ISO 4217 in lower case."),
    *times("transaction_date_start", "Where the time summed up begins"),
    *times("transaction_date_end", "Where the time summed up ends"),
    money("total_sales", "Sales before tax.", _SALE),
    money("total_sales_refunded", "Sales taken back.", _SALE),
    money("total_taxable_sales", "Sales that were taxed.", _SALE),
    money("total_nontaxable_sales", "Sales that were not taxed.", _SALE),
    money("total_tax_collected", "Tax on sales.", _SALE),
    money("total_tax_refunded", "Tax given back.", _SALE),
    money("filing_total_sales", "Sales before tax.", _FILING),
    money("filing_total_sales_refunded", "Sales taken back.", _FILING),
    money("filing_total_taxable_sales", "Sales that were taxed.", _FILING),
    money("filing_total_taxable_refunded", "Taxed sales taken back.", _FILING),
    money("filing_total_nontaxable_sales", "Sales that were not taxed.", _FILING),
    money("filing_total_tax_collected", "Tax on sales.", _FILING),
    money("filing_total_tax_refunded", "Tax given back.", _FILING),
    money("filing_tax_payable", "Tax to be paid to the jurisdiction.", _FILING),
)

TAX = (*_LINE, *_JURISDICTION, *_AMOUNTS, *_SUMS)
