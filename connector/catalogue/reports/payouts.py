"""The payout reports: money that left the balance for a bank account or a card.

Sources: https://docs.stripe.com/reports/report-types/balance,
https://docs.stripe.com/reports/report-types/connect
"""

from dataclasses import replace

from connector.catalogue.reports.column_groups import BY_CATEGORY, TRACE, alphabetical, connected
from connector.catalogue.reports.family import (
    GROSS_FEE_NET,
    OF_CONNECTED,
    OF_ROWS,
    Family,
    added_up,
    by_category,
)
from connector.catalogue.signs import PAID_OUT_POSITIVE, UNSETTLED
from connector.catalogue.spec import Status

_SOURCE = "https://docs.stripe.com/reports/report-types/balance"

_PAYOUTS = Family(
    id="payouts.itemized",
    title="Payouts, itemized",
    about="Every payout and every payout that came back. One row for each balance transaction.",
    source=_SOURCE,
    optional=OF_ROWS,
    defaults=(
        "payout_id", "effective_at", "currency", *GROSS_FEE_NET, "reporting_category",
        "balance_transaction_id", "description", "payout_expected_arrival_date", "payout_status",
    ),
    row_key=("balance_transaction_id",),
    day="effective_at",
    amount="net",
    net=GROSS_FEE_NET,
    paid_out=PAID_OUT_POSITIVE,
)  # fmt: skip

_BY_CATEGORY = replace(
    by_category(
        "payouts.summary",
        "Payouts, summary",
        "Payouts and payouts that came back, added up by reporting category and currency.",
        _SOURCE,
    ),
    paid_out=UNSETTLED,
)

_FAILED = Family(
    id="failed_payouts.itemized",
    title="Failed payouts, itemized",
    about="Payouts that the bank did not take.",
    source=_SOURCE,
    optional=OF_ROWS,
    paid_out=UNSETTLED,
)

_CONNECTED = _PAYOUTS.connected()

_FIRST = alphabetical(
    (
        "balance_transaction_id", "payout_id", "effective_at_utc", "payout_reversed_at",
        "payout_expected_arrival_date", "payout_status", "payout_type", "payout_description",
        "payout_destination_id", "reporting_category", "description", "currency", "gross", "fee", "net",
    ),
    TRACE,
)  # fmt: skip
_SECOND = alphabetical(_FIRST, ("regulatory_tag",))
#: `application_fee` ends the header of live exports, where it was empty.
_THIRD = alphabetical(_SECOND, ("effective_at", "payout_reversed_at_utc", "application_fee"))

#: The first version prints more by default.
_MORE = (
    *_PAYOUTS.defaults, "payout_reversed_at", "payout_type", "payout_description", "payout_destination_id",
)  # fmt: skip

#: What others ask version 5 for.
_SEEN_IN_5 = alphabetical(_PAYOUTS.defaults, ("payout_type", "application_fee"))

REPORTS = (
    _PAYOUTS.version(1, _FIRST, lacks=("timezone",), defaults=_MORE),
    _PAYOUTS.version(2, _SECOND, lacks=("timezone",)),
    _PAYOUTS.version(3, _THIRD),
    _PAYOUTS.version(5, _SEEN_IN_5, status=Status.OBSERVED, complete=False),
    _CONNECTED.version(1, connected(_FIRST), lacks=("timezone",), defaults=(*_MORE, *OF_CONNECTED)),
    _CONNECTED.version(2, connected(_SECOND), lacks=("timezone",)),
    _CONNECTED.version(3, connected(_THIRD)),
    _BY_CATEGORY.version(1, BY_CATEGORY),
    _BY_CATEGORY.version(2, BY_CATEGORY, status=Status.OBSERVED, complete=False),
    added_up(_BY_CATEGORY.connected()).version(1, BY_CATEGORY),
    _FAILED.version(2, status=Status.OBSERVED, complete=False),
)
