"""Columns of the reports on what Stripe charges.

Source: https://github.com/wikimedia/wikimedia-fundraising-SmashPig (the fees report, as others use it)
"""

from connector.catalogue.dictionary.entries import local_time, money, text

FEES = (
    local_time("balance_transaction_created", "When the balance transaction came into being"),
    local_time("fee_transaction_created", "When the fee itself was recorded (1970-01-01: there is none)"),
    text("fee_transaction_id", "The record of the fee; several rows may share one. An empty text: none."),
    local_time("incurred_at", "When what the fee is for happened"),
    text("incurred_by", "The object the fee is for."),
    text("incurred_by_type", "What kind of object the fee is for."),
    text("fee_description", "What the fee is for, in words."),
    text("fee_category", "What kind of fee it is."),
    money("tax", "Tax on the fee."),
    text("suite", "The group of Stripe's products the fee belongs to."),
    text("product", "The Stripe product the fee is for."),
    text("feature_name", "What of that product the fee is for."),
    text("feature_description", "That feature, in words."),
    text("pricing_tier", "Which step of a graduated price applied."),
    local_time("settled_at", "When the fee was paid"),
    text("settled_via", "How the fee was paid: out of the balance, or by invoice."),
)
