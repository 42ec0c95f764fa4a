"""How late Stripe's data come, for each family of reports."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.catalogue import REPORTS, Latency, latency_of
from connector.catalogue.latency import FEES, LAST_REFRESH, TAX, USUAL
from connector.runs.readiness import ready_by

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

#: Where an id begins, and the hours within which Stripe has the data, as its pages say.
FACTS = {
    "all_fees.": 96,
    "connected_account_stripe_fees.": 96,
    "tax.": 24,
    "connected_account_tax.": 24,
}
KNOWN = [
    "treasury_fees.administrative_facilitation_fee.1",
    "connect_card_payments_fees.plan_level.1",
    "all_fees.incurred_at.itemized.3",
    "tax_product.filing.itemized.1",
    "tax_reports.tax_id_associated_balance_change.itemized.1",
    "balance.summary.9",
    "taxi_rides.itemized.1",
    "moon_rent.1",
]
BEYOND = dict(zip(KNOWN, (96, 96, 96, 24, 24, 12, 12, 12), strict=True))

every_type = pytest.mark.parametrize("report_type", [*REPORTS, *KNOWN])


@every_type
def test_data_are_prepared_within_the_hours_of_their_family(report_type: str) -> None:
    hours = next((found for start, found in FACTS.items() if report_type.startswith(start)), 12)

    assert latency_of(report_type).prepared == BEYOND.get(report_type, hours) * HOUR


@every_type
def test_nothing_settles_or_is_refreshed_before_it_is_prepared(report_type: str) -> None:
    latency = latency_of(report_type)

    assert latency.prepared < latency.settled <= min(latency.refresh_after[0], 5 * DAY)
    assert latency.refresh_after[-1] == LAST_REFRESH == 35 * DAY


@pytest.mark.parametrize(
    ("latency", "settled", "first"),
    [(USUAL, 48, 3), (TAX, 48, 3), (FEES, 120, 5)],
    ids=["usual", "tax", "fees"],
)
def test_fees_settle_and_are_refreshed_later(latency: Latency, settled: int, first: int) -> None:
    assert (latency.settled, latency.refresh_after[0]) == (settled * HOUR, first * DAY)


@given(
    report_type=st.sampled_from([*REPORTS, *KNOWN]),
    minutes=st.integers(0, 3_000 * 24 * 60),
    late=st.integers(0, 9 * 24 * 3600),
)
def test_data_are_expected_at_a_noon_or_midnight_to_come(report_type: str, minutes: int, late: int) -> None:
    end = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    now = end + timedelta(seconds=late)

    expected = ready_by(report_type, end, now)

    earliest = max(now, end + latency_of(report_type).prepared)
    assert expected.hour in {0, 12}
    assert timedelta(0) <= expected - earliest < 12 * HOUR
