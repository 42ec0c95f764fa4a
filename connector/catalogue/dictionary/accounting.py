"""Columns of the revenue recognition reports, and of the overview over connected accounts.

Sources: https://docs.stripe.com/revenue-recognition/api,
https://docs.stripe.com/reports/report-types/connect
"""

from connector.catalogue.dictionary.entries import boolean, date, money, number, personal, text

_JOURNAL = (
    text("accounting_period", "The month the entry is booked in."),
    text("open_accounting_period", "The open month an entry for a closed one was moved to."),
    date("booked_date", "The day the entry is booked on."),
    text("debit", "The account debited."),
    text("credit", "The account credited."),
    text("debit_gl_code", "Code of the debited account in the merchant's own ledger."),
    text("credit_gl_code", "Code of the credited account in the merchant's own ledger."),
    text("transaction_model_id", "The object the revenue is recognized for: an invoice line, a charge…"),
    text("invoice_line_item_id", "The line of the invoice the entry is about."),
    text("invoice_item_id", "The invoice item that line was made from."),
    text("subscription_item_id", "The subscription item that line was made from."),
    text("price_id", "The price (`price_…`) sold at."),
    text("product_id", "The product (`prod_…`) sold."),
    text("presentment_currency", "The currency the customer was asked to pay in, ISO 4217 in lower case."),
    money("presentment_amount", "The entry in the customer's currency.", "presentment_currency"),
)

_OVERVIEW = (
    text("account_id", "The connected account (`acct_…`) the row is about."),
    personal("business_name", "Name of the connected account's business."),
    text("country", "Two-letter country of the account."),
    money("balance", "Balance of the account."),
    money("pending_debits", "What is about to be debited to the account."),
    money("balance_excluding_pending_debits", "Balance as it is before the pending debits."),
    money("balance_24hr_net_change", "What the balance changed by in 24 hours."),
    boolean("has_24hr_negative_balance_change", "Whether the balance fell in 24 hours."),
    money("refunded_amount_7d", "Refunds of the last seven days."),
    money("refunded_amount_7d_prev", "Refunds of the seven days before those."),
    number("refund_pct_change", "How refunds changed from one week to the next.", "percent"),
    boolean("has_high_refunds", "Whether Stripe finds the refunds unusually high."),
    money("disputed_amount_7d", "Disputed payments of the last seven days."),
    money("disputed_amount_7d_prev", "Disputed payments of the seven days before those."),
    number("dispute_pct_change", "How disputes changed from one week to the next.", "percent"),
    boolean("has_high_disputes", "Whether Stripe finds the disputes unusually high."),
)

ACCOUNTING = (*_JOURNAL, *_OVERVIEW)
