"""Two reports that others have built on: their bytes stay what they were, whatever else is added here.

A partition that was fetched from one version of the simulator must not read as restated with the next.
"""

import hashlib
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connector.simulator import ManualClock, Simulator
from connector.simulator.entries import Owner

SUMMARY = "balance.summary.1"
ITEMIZED = "balance_change_from_activity.itemized.3"
MAY_20 = int(datetime(2026, 5, 20, tzinfo=UTC).timestamp())
JUNE_9 = int(datetime(2026, 6, 9, tzinfo=UTC).timestamp())
HARD_COLUMNS = [
    "balance_transaction_id", "created", "created_utc", "charge_created", "automatic_payout_id",
    "automatic_payout_effective_at_utc", "net", "customer_name", "customer_facing_amount",
    "customer_shipping_address_line1", "card_address_country", "is_link", "description",
    "payment_metadata[note]", "refund_metadata[order_id]", "transfer_metadata[x]", "trace_id",
    "connected_account_id", "regulatory_tag", "dispute_reason", "statement_descriptor",
]  # fmt: skip


@pytest.mark.parametrize(
    ("report_type", "parameters", "digest"),
    [
        pytest.param(SUMMARY, {}, "45e223c984e31610ddbbb33654a9f0b7", id="summary"),
        pytest.param(
            SUMMARY, {"currency": "kwd"}, "eb5dcbbcaa9e2b91289c23d1a351b2cf", id="summary-of-dinars"
        ),
        pytest.param(ITEMIZED, {}, "f99f2ac28983d4c361b80af379ab921a", id="itemized"),
        pytest.param(
            ITEMIZED,
            {"columns": HARD_COLUMNS, "timezone": "Asia/Kolkata"},
            "243b35828ba3ab145a5cd5d6c3685ead",
            id="itemized-all-kinds",
        ),
        pytest.param(
            ITEMIZED, {"reporting_category": "refund"}, "21bf741e1914da51424826db686444b4", id="refunds"
        ),
    ],
)
def test_the_bytes_are_what_they_were(report_type: str, parameters: dict[str, Any], digest: str) -> None:
    sim = Simulator(ManualClock(), seed=11, opening=date(2026, 3, 1), account="acct_1pinned")

    body = sim.csv(report_type, interval_start=MAY_20, interval_end=JUNE_9, **parameters)

    assert hashlib.sha256(body).hexdigest()[:32] == digest


def test_so_are_those_of_an_account_acted_for_and_of_a_summary_with_more_rows() -> None:
    sim = Simulator(
        ManualClock(), seed=11, opening=date(2026, 3, 1), extra_categories=True, payouts_without_currency=True
    )
    other = Owner("acct_1other", livemode=True)
    files = [
        sim.csv(report_type, owner=other, interval_start=MAY_20 + 7, interval_end=JUNE_9 - 77)
        for report_type in (SUMMARY, ITEMIZED)
    ]

    assert hashlib.sha256(b"".join(files)).hexdigest()[:32] == "cd65edbfa53b5fc004ffcc72d569fbc0"
