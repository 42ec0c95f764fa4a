"""The balance reports: what the balance was, and what changed it.

Sources: https://docs.stripe.com/reports/report-types/balance,
https://docs.stripe.com/reports/report-types/connect
"""

from connector.catalogue.reports.column_groups import (
    BY_CATEGORY,
    PLAIN,
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
    TRANSACTION,
    Family,
    added_up,
    by_category,
)
from connector.catalogue.signs import FEE_NEGATIVE
from connector.catalogue.spec import Granularity, RowKind, RowKindRules, Status

_SOURCE = "https://docs.stripe.com/reports/report-types/balance"

#: The lines of a balance summary.
OPENING, CLOSING = "starting_balance", "ending_balance"
ACTIVITY, PAYOUTS, TOPUPS = "activity", "payouts", "topups"

#: The documented lines are start, activity, payouts and end. Real exports split each movement into gross and
#: fee, the line itself being the sum of what stands above it, and have more of them, such as `topups`.
_SUMMARY_LINES = RowKindRules(
    column="category",
    kinds={
        OPENING: RowKind.BALANCE,
        "starting_balance_available": RowKind.BALANCE,
        ACTIVITY: RowKind.MOVEMENT,
        PAYOUTS: RowKind.MOVEMENT,
        CLOSING: RowKind.BALANCE,
    },
    parts=("_gross", "_fee"),
)

_SUMMARY_COLUMNS = ("category", "currency", "description", "net_amount")

_SUMMARY = Family(
    id="balance.summary",
    title="Balance summary",
    about=(
        "Opening balance, what moved it and closing balance, per currency: a bank statement's summary. "
        "A few rows for each interval."
    ),
    source=_SOURCE,
    granularity=Granularity.SUMMARY,
    optional=("timezone", "currency", "columns"),
    defaults=("category", "description", "net_amount", "currency"),
    row_key=("currency", "category"),
    amount="net_amount",
    row_kinds=_SUMMARY_LINES,
)

_ACTIVITY = Family(
    id="balance_change_from_activity.itemized",
    title="Balance change from activity, itemized",
    about=(
        "Everything that moved the balance except payouts: charges, refunds, disputes, fees, transfers. "
        "One row for each balance transaction."
    ),
    source=_SOURCE,
    optional=OF_ROWS,
    defaults=TRANSACTION,
    row_key=("balance_transaction_id",),
    day="created",
    amount="net",
    net=GROSS_FEE_NET,
)

_BY_CATEGORY = by_category(
    "balance_change_from_activity.summary",
    "Balance change from activity, summary",
    "What moved the balance except payouts, added up by reporting category and currency.",
    _SOURCE,
    fee=FEE_NEGATIVE,
)

_CONNECTED_ACTIVITY = _ACTIVITY.connected()
_CONNECTED_ACTIVITY_OF_SEVERAL = _ACTIVITY.connected(several=True)

#: What others ask version 7 for; it is said to have more than a hundred columns.
_SEEN_IN_7 = alphabetical(
    _ACTIVITY.defaults,
    (
        "automatic_payout_effective_at", "automatic_payout_id", "charge_id", "payment_intent_id",
        "payment_metadata[key]", "payment_method_type", "card_brand", "card_country", "card_funding",
        "source_id", "trace_id_status", "customer_id", "customer_email", "customer_name", "invoice_id",
        "invoice_number", "statement_descriptor",
    ),
)  # fmt: skip

REPORTS = (
    _SUMMARY.version(1, _SUMMARY_COLUMNS),
    _SUMMARY.version(
        2,
        _SUMMARY_COLUMNS,
        status=Status.OBSERVED,
    ),
    added_up(_SUMMARY.connected()).version(1, _SUMMARY_COLUMNS),
    _ACTIVITY.version(1, PLAIN, lacks=("timezone",), defaults=FIRST_TRANSACTION),
    _ACTIVITY.version(2, WHOLE, lacks=("timezone",)),
    _ACTIVITY.version(3, WHOLE_LOCAL),
    _ACTIVITY.version(6, WHOLE, status=Status.OBSERVED, complete=False, defaults_known=False),
    _ACTIVITY.version(7, _SEEN_IN_7, status=Status.OBSERVED, complete=False),
    _CONNECTED_ACTIVITY.version(1, connected(PLAIN), lacks=("timezone",), defaults=FIRST_OF_CONNECTED),
    _CONNECTED_ACTIVITY_OF_SEVERAL.version(2, connected(WHOLE), lacks=("timezone",)),
    _CONNECTED_ACTIVITY_OF_SEVERAL.version(3, connected(WHOLE_LOCAL)),
    _BY_CATEGORY.version(1, BY_CATEGORY),
    _BY_CATEGORY.version(2, BY_CATEGORY, status=Status.OBSERVED, complete=False),
    added_up(_BY_CATEGORY.connected(several=True)).version(1, BY_CATEGORY),
)
