"""Two reports that others have built on: their bytes stay what they were, whatever else is added here.

A partition that was fetched from one version of the simulator must not read as restated with the next.
"""

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from connector.simulator import Simulator
from tests.support.clock import ManualClock

SAMPLES = Path(__file__).parent / "samples"
MAY_20 = int(datetime(2026, 5, 20, tzinfo=UTC).timestamp())
JUNE_9 = int(datetime(2026, 6, 9, tzinfo=UTC).timestamp())
HARD_COLUMNS = [
    "balance_transaction_id", "created", "created_utc", "charge_created", "automatic_payout_id",
    "automatic_payout_effective_at_utc", "net", "customer_name", "customer_facing_amount",
    "customer_shipping_address_line1", "card_address_country", "is_link", "description",
    "payment_metadata[note]", "refund_metadata[order_id]", "transfer_metadata[x]", "trace_id",
    "connected_account_id", "regulatory_tag", "dispute_reason", "statement_descriptor",
]  # fmt: skip


@pytest.fixture
def sim() -> Simulator:
    return Simulator(ManualClock(), seed=11, opening=date(2026, 3, 1), account="acct_1pinned")


def test_a_summary_is_what_it_was(sim: Simulator) -> None:
    body = sim.csv("balance.summary.1", interval_start=MAY_20, interval_end=JUNE_9)

    assert body == (SAMPLES / "balance.summary.1.csv").read_bytes()


def test_so_are_the_rows_of_a_category(sim: Simulator) -> None:
    body = sim.csv(
        "balance_change_from_activity.itemized.3",
        interval_start=MAY_20,
        interval_end=JUNE_9,
        reporting_category="dispute",
    )

    assert body == (SAMPLES / "balance_change_from_activity.itemized.3-disputes.csv").read_bytes()


def test_so_are_columns_of_every_kind_in_another_zone(sim: Simulator) -> None:
    """Thousands of cells, so a digest of them."""
    body = sim.csv(
        "balance_change_from_activity.itemized.3",
        interval_start=MAY_20,
        interval_end=JUNE_9,
        columns=HARD_COLUMNS,
        timezone="Asia/Kolkata",
    )

    assert hashlib.sha256(body).hexdigest()[:32] == "243b35828ba3ab145a5cd5d6c3685ead"
