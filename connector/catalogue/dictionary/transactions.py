"""Columns of the balance and payout reports: movements of a balance and what stands behind them.

Sources: https://docs.stripe.com/reports/report-types/balance,
https://docs.stripe.com/reports/report-types/payout-reconciliation
"""

from connector.catalogue.dictionary.entries import (
    address,
    boolean,
    date,
    free_text,
    integer,
    local_time,
    money,
    personal,
    text,
    times,
)

_MOVEMENT = (
    text("balance_transaction_id", "The balance transaction (`txn_…`) the row is about."),
    text("reporting_category", "What kind of movement it is, in Stripe's words for accountants."),
    text("category", "Which line of the summary the row is."),
    text("currency", "Settlement currency of the amounts, ISO 4217 in lower case."),
    free_text("description", "Free text that says what the row is; may hold commas, quotes and newlines."),
    text("source_id", "The object that caused the movement: a charge, refund, transfer, dispute…"),
    text("source_transaction_id", "On a connected account, the platform's charge a transfer was made from."),
    text("destination_payment_id", "For a transfer, the payment it became on the connected account."),
    text("regulatory_tag", "How Brazilian regulation classifies the row; empty for other accounts."),
    text("trace_id", "The bank's own reference for the money moved."),
    text("trace_id_status", "Whether the bank gave a reference: pending, unsupported or supported."),
    *times("created", "When the balance transaction came into being"),
    *times("available_on", "When the money becomes available for payout"),
    # Which way these count differs from report to report: see `signs`.
    money("gross", "Amount before fees."),
    money("fee", "Fees of Stripe and the platform."),
    money("net", "Amount after fees."),
    money("withheld_tax", "The part of the fee that is tax withheld."),
    money("fee_net_of_withheld_tax", "The fee without the tax withheld in it."),
    money("net_amount", "Amount of the summary's line."),
    integer("count", "How many transactions the row sums up."),
)

_PAYMENT = (
    text("charge_id", "The charge behind the row, if one is."),
    *times("charge_created", "When that charge was made"),
    text("payment_intent_id", "The payment intent behind the row, if one is."),
    text("payment_method_type", "How the customer paid: card, sepa_debit, link…"),
    boolean("is_link", "Whether the customer paid with Link."),
    text("card_brand", "Brand of the card, as Stripe prints it: Visa, MasterCard, American Express…"),
    text("card_country", "Two-letter country of the bank that issued the card."),
    text("card_funding", "Whether the card is credit, debit or prepaid."),
    free_text("statement_descriptor", "What the customer reads on the bank statement."),
    text("refund_id", "The refund behind the row, if one is."),
    text("dispute_id", "The dispute behind the row, if one is."),
    text("dispute_reason", "Why the customer disputes the payment; empty where no dispute is."),
    text("transfer_id", "The transfer between platform and connected account behind the row, if one is."),
    text("order_id", "The order the payment belongs to, if one does."),
    text("invoice_id", "The invoice paid, if one was."),
    text("invoice_number", "That invoice's number, as printed on it."),
    text("subscription_id", "The subscription the invoice belongs to."),
    money(
        "customer_facing_amount",
        "What the customer paid, in the customer's currency.",
        "customer_facing_currency",
    ),
    text("customer_facing_currency", "The currency the customer paid in, ISO 4217 in lower case."),
    *address("card_address", "the card holder's billing address"),
    *address("shipping_address", "the address the payment was shipped to"),
)

_PARTIES = (
    text("customer_id", "The customer (`cus_…`) who paid."),
    personal("customer_name", "The customer's name."),
    personal("customer_email", "The customer's e-mail address."),
    personal("customer_description", "What the merchant noted about the customer."),
    *address("customer_address", "the customer's address"),
    *address("customer_shipping_address", "the customer's shipping address"),
    text("connected_account", "The connected account (`acct_…`) whose balance the row is about."),
    text("connected_account_id", "The connected account (`acct_…`) the row belongs to."),
    personal("connected_account_name", "Name of that connected account."),
    text("connected_account_country", "Two-letter country of that connected account."),
    text("connected_account_direct_charge_id", "The charge made directly on that connected account."),
)

_PAYOUT = (
    text("automatic_payout_id", "The automatic payout that paid the row out; empty until there is one."),
    *times("automatic_payout_effective_at", "When that payout is expected at the bank"),
    text("payout_id", "The payout (`po_…`) the row is about."),
    *times("effective_at", "When the payout leaves the balance"),
    date("payout_expected_arrival_date", "The day the payout should reach the bank, by UTC in every file."),
    text("payout_status", "How far the payout is: pending, in_transit, paid, failed or canceled."),
    *times("payout_reversed_at", "When the payout came back; empty unless it failed or was canceled"),
    text("application_fee", "Seen as the last column of live exports, empty there: its form is not known."),
    text("payout_type", "Where the payout goes: bank_account or card."),
    free_text("payout_description", "What was noted about the payout."),
    text("payout_destination_id", "The bank account or card the payout goes to."),
    text("payout_reference_token", "A reference by which the payout can be found at the bank."),
    free_text("payout_statement_descriptor", "The text on the bank statement of the payout."),
)

#: The report by components says about the balance transaction what others say without the prefix.
#: Source: https://github.com/fivetran/dbt_stripe
_COMPONENT = (
    local_time("balance_transaction_created_at", "When the balance transaction came into being"),
    text("balance_transaction_reporting_category", "What kind of movement the whole transaction is."),
    text("balance_transaction_component", "Which part of the balance transaction the row is."),
    text("balance_transaction_regulatory_tag", "How Brazilian regulation classifies the transaction."),
    free_text("balance_transaction_description", "Free text that says what the transaction is."),
    local_time("activity_at", "When the activity behind the part happened"),
    text("activity_interval_type", "How long the stretch of time is that the part covers."),
    date("activity_start_date", "First day the part covers, where it covers several."),
    date("activity_end_date", "Last day the part covers, where it covers several."),
    money("amount", "Amount of the row."),
    text("fee_id", "The fee the part belongs to, if it is one."),
    text("destination_id", "The account a transfer goes to."),
    text("event_type", "What happened: the activity behind the part, in Stripe's words."),
)

TRANSACTIONS = (*_MOVEMENT, *_PAYMENT, *_PARTIES, *_PAYOUT, *_COMPONENT)
