"""Columns of the overview over connected accounts.

Source: https://docs.stripe.com/reports/report-types/connect
"""

from connector.catalogue.dictionary.entries import boolean, money, number, personal, text

CONNECT = (
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
