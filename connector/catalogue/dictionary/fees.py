"""Columns of the reports on what Stripe and the card networks charge.

Sources: https://docs.stripe.com/connect/network-cost-passthrough-platforms,
https://docs.stripe.com/reports/treasury-fees-reporting,
https://github.com/wikimedia/wikimedia-fundraising-SmashPig (the fees report, as others use it)
"""

from connector.catalogue.dictionary.entries import (
    boolean,
    date,
    instant,
    local_time,
    money,
    number,
    text,
)

_ALL_FEES = (
    local_time("balance_transaction_created", "When the balance transaction came into being"),
    local_time("fee_transaction_created", "When the fee itself was recorded"),
    text("fee_transaction_id", "The record of the fee; several rows may share one."),
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

_NETWORK_COSTS = (
    text("platform_id", "The platform (`acct_…`) the costs are passed through by."),
    text("plan_name", "The network's price plan the costs follow."),
    text("network_cost_category", "What kind of network cost it is."),
    money("total_amount", "All costs of the row together.", "fee_currency"),
    text("fee_currency", "Currency of the costs, ISO 4217 in lower case."),
    boolean("livemode", "Whether this is real money, and no test."),
    instant("transfer_created", "When that transfer was made"),
    instant("fee_incurred_at", "When the cost arose"),
    money("captured_amount", "What was captured of the payment.", "captured_currency"),
    text("captured_currency", "Currency of the captured amount, ISO 4217 in lower case."),
    text("bin", "First digits of the card number, which name the issuer's product."),
    text("issuing_bank", "The bank that issued the card."),
    boolean("card_present", "Whether the card was there at the till."),
    money("card_scheme_fee", "What the card scheme charged for the transaction.", "fee_currency"),
    money("interchange_fee", "What the issuing bank charged for the transaction.", "fee_currency"),
    money(
        "non_transactional_card_scheme_fee",
        "What the card scheme charged beyond single transactions.",
        "fee_currency",
    ),
    money("discount_fee", "What some networks charge in place of the other fees.", "fee_currency"),
    money("platform_application_fee", "What the platform charged as application fee.", "fee_currency"),
)

_TREASURY = (
    date("date", "The day the fee was computed for."),
    text("merchant", "The account the fee was computed for."),
    text("financial_account", "The financial account whose balance counted."),
    money("balance_amount", "The balance the fee was computed from.", "balance_currency"),
    text("balance_currency", "Currency of balance and fee, ISO 4217 in lower case."),
    number("effr_value", "The effective federal funds rate of the day.", "percent a year"),
)

FEES = (*_ALL_FEES, *_NETWORK_COSTS, *_TREASURY)
