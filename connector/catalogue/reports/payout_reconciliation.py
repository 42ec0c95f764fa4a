"""What a payout was made of: by the interval it takes effect in, or one payout at a time.

Only automatic payouts can be tied to transactions. A higher version is not a superset: 4 has local times and
loses addresses, order and regulatory tag; 5 has both.

Sources: https://docs.stripe.com/reports/report-types/payout-reconciliation,
https://docs.stripe.com/reports/report-types/connect
"""

from dataclasses import replace

from connector.catalogue.reports.column_groups import (
    BY_CATEGORY,
    DISPUTE,
    INVOICE_NUMBER,
    LEAN,
    METADATA,
    PARTNER,
    PARTNER_LOCAL,
    PLAIN,
    PLAIN_LOCAL,
    TRACE,
    WHOLE,
    WHOLE_LOCAL,
    alphabetical,
    connected,
)
from connector.catalogue.reports.family import (
    FIRST_OF_CONNECTED,
    FIRST_TRANSACTION,
    GROSS_FEE_NET,
    OF_ROWS,
    PAID_OF_CONNECTED,
    PAID_TRANSACTION,
    TRANSACTION,
    Family,
    added_up,
    by_category,
)
from connector.catalogue.spec import Status

_SOURCE = "https://docs.stripe.com/reports/report-types/payout-reconciliation"

_BY_INTERVAL = Family(
    id="payout_reconciliation.itemized",
    title="Payout reconciliation, itemized",
    about=(
        "What the automatic payouts that take effect in the interval were made of. One row for each balance "
        "transaction, with the payout that paid it out."
    ),
    source=_SOURCE,
    optional=OF_ROWS,
    defaults=TRANSACTION,
    also=("automatic_payout_id", "automatic_payout_effective_at"),
    row_key=("balance_transaction_id",),
    day="automatic_payout_effective_at",
    amount="net",
    net=GROSS_FEE_NET,
)

_BY_PAYOUT = replace(
    _BY_INTERVAL,
    id="payout_reconciliation.by_id.itemized",
    title="Reconciliation of one payout, itemized",
    about="What one payout was made of. One row for each balance transaction.",
    required=("payout",),
    optional=("timezone", "reporting_category", "decimal_separator", "columns"),
    also=(),
    day=None,
)

_BY_CATEGORY = by_category(
    "payout_reconciliation.summary",
    "Payout reconciliation, summary",
    "What the automatic payouts of the interval were made of, added up by reporting category and currency.",
    _SOURCE,
)

_ONE_BY_CATEGORY = replace(
    _BY_CATEGORY,
    id="payout_reconciliation.by_id.summary",
    title="Reconciliation of one payout, summary",
    about="What one payout was made of, added up by reporting category.",
    required=("payout",),
    optional=("columns",),
)

_CONNECTED = _BY_INTERVAL.connected()
_CONNECTED_PAYOUT = _BY_PAYOUT.connected()

_NO_ZONE = ("timezone",)

#: The payment that a transfer became on the connected account; and, seen from there, what it came from.
_THERE = ("destination_payment_id",)
_HERE = ("source_transaction_id",)

_ORDER = ("order_id",)

_FIRST = alphabetical(LEAN, _THERE)
_SECOND = alphabetical(_FIRST, METADATA)
_FOURTH = alphabetical(PARTNER_LOCAL, _THERE, METADATA)

_CONNECTED_FIRST = connected(LEAN, _HERE)
_CONNECTED_FOURTH = connected(PLAIN_LOCAL, _HERE)

#: What others name of version 7, which is said to have eighty columns.
_SEEN_IN_7 = alphabetical(
    PAID_TRANSACTION,
    (
        "automatic_payout_effective_at_utc", "created_utc", "available_on_utc", "fee_net_of_withheld_tax",
        "withheld_tax", "charge_id", "payment_intent_id", "source_id", "customer_facing_amount",
        "customer_facing_currency", "payment_method_type", "card_brand", "card_country", "card_funding",
        "connected_account_id", "connected_account_name", "connected_account_direct_charge_id",
        "payout_reference_token", "payout_statement_descriptor", "dispute_reason", "invoice_id",
    ),
    TRACE, INVOICE_NUMBER, METADATA, _ORDER,
)  # fmt: skip


REPORTS = (
    _BY_INTERVAL.version(1, _FIRST, lacks=_NO_ZONE, defaults=FIRST_TRANSACTION),
    _BY_INTERVAL.version(2, _SECOND, lacks=_NO_ZONE),
    _BY_INTERVAL.version(3, alphabetical(WHOLE, _THERE, _ORDER), lacks=_NO_ZONE),
    _BY_INTERVAL.version(4, _FOURTH),
    _BY_INTERVAL.version(5, alphabetical(WHOLE_LOCAL, _THERE, _ORDER), defaults=PAID_TRANSACTION),
    _BY_INTERVAL.version(7, _SEEN_IN_7, defaults=PAID_TRANSACTION, status=Status.OBSERVED, complete=False),
    _CONNECTED.version(1, _CONNECTED_FIRST, lacks=_NO_ZONE, defaults=FIRST_OF_CONNECTED),
    _CONNECTED.version(2, _CONNECTED_FIRST, lacks=_NO_ZONE),
    _CONNECTED.version(3, connected(WHOLE, _HERE), lacks=_NO_ZONE),
    _CONNECTED.version(4, _CONNECTED_FOURTH),
    _CONNECTED.version(5, connected(WHOLE_LOCAL, _HERE), defaults=PAID_OF_CONNECTED),
    _BY_PAYOUT.version(1, _FIRST, lacks=_NO_ZONE, defaults=FIRST_TRANSACTION),
    _BY_PAYOUT.version(2, _SECOND, lacks=_NO_ZONE),
    _BY_PAYOUT.version(3, alphabetical(PLAIN, PARTNER, _THERE, DISPUTE), lacks=_NO_ZONE),
    _BY_PAYOUT.version(4, alphabetical(_FOURTH, PARTNER, DISPUTE)),
    _CONNECTED_PAYOUT.version(1, _CONNECTED_FIRST, lacks=_NO_ZONE, defaults=FIRST_OF_CONNECTED),
    _CONNECTED_PAYOUT.version(2, _CONNECTED_FIRST, lacks=_NO_ZONE),
    _CONNECTED_PAYOUT.version(3, connected(PLAIN, _HERE, DISPUTE), lacks=_NO_ZONE),
    _CONNECTED_PAYOUT.version(4, connected(_CONNECTED_FOURTH, DISPUTE, METADATA)),
    _BY_CATEGORY.version(1, BY_CATEGORY),
    _BY_CATEGORY.version(2, BY_CATEGORY, status=Status.OBSERVED),
    added_up(_BY_CATEGORY.connected()).version(1, BY_CATEGORY),
    _ONE_BY_CATEGORY.version(1, BY_CATEGORY),
    _ONE_BY_CATEGORY.connected().version(1, BY_CATEGORY),
)
