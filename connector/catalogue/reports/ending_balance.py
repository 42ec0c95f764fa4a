"""What the closing balance consists of: settled and not yet paid out at one instant.

These runs have an end and no start.

Sources: https://docs.stripe.com/reports/report-types/payout-reconciliation,
https://docs.stripe.com/reports/report-types/connect
"""

from dataclasses import replace

from connector.catalogue.reports.column_groups import (
    BY_CATEGORY,
    PARTNER_LOCAL,
    PAYMENT,
    PLAIN,
    PLAIN_LOCAL,
    WHOLE,
    WHOLE_LOCAL,
    alphabetical,
    connected,
)
from connector.catalogue.reports.family import (
    AS_OF,
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

_SOURCE = "https://docs.stripe.com/reports/report-types/payout-reconciliation"

_ENDING = Family(
    id="ending_balance_reconciliation.itemized",
    title="Ending balance reconciliation, itemized",
    about=(
        "What the balance at the end consists of: settled by then and not paid out. "
        "One row for each balance transaction."
    ),
    source=_SOURCE,
    required=AS_OF,
    optional=OF_ROWS,
    defaults=TRANSACTION,
    row_key=("balance_transaction_id",),
    amount="net",
    net=GROSS_FEE_NET,
)

_BY_CATEGORY = replace(
    by_category(
        "ending_balance_reconciliation.summary",
        "Ending balance reconciliation, summary",
        "What the balance at the end consists of, added up by reporting category and currency.",
        _SOURCE,
    ),
    required=AS_OF,
)

_CONNECTED = _ENDING.connected()

_NO_ZONE = ("timezone",)
_NO_SEPARATOR = ("decimal_separator",)

_FIRST = alphabetical(PLAIN, without=PAYMENT)

REPORTS = (
    _ENDING.version(1, _FIRST, lacks=_NO_ZONE + _NO_SEPARATOR, defaults=FIRST_TRANSACTION),
    _ENDING.version(2, WHOLE, lacks=_NO_ZONE + _NO_SEPARATOR),
    _ENDING.version(3, PARTNER_LOCAL, lacks=_NO_SEPARATOR),
    _ENDING.version(4, WHOLE_LOCAL, defaults=PAID_TRANSACTION),
    _CONNECTED.version(1, connected(PLAIN), lacks=_NO_ZONE, defaults=FIRST_OF_CONNECTED),
    _CONNECTED.version(2, connected(WHOLE), lacks=_NO_ZONE),
    _CONNECTED.version(3, connected(PLAIN_LOCAL)),
    _CONNECTED.version(4, connected(WHOLE_LOCAL), defaults=PAID_OF_CONNECTED),
    _BY_CATEGORY.version(1, BY_CATEGORY),
    added_up(_BY_CATEGORY.connected()).version(1, BY_CATEGORY),
)
