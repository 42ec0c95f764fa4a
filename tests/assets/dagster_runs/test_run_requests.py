"""Dagster runs as sensors request them: not too many at once, and ahead of a backfill."""

import pytest

from assets import ConfiguredReport
from assets.dagster_runs.run_requests import MOST_REQUESTS, RangeRunRequest, first_requests

KEYS = [f"2026-06-{day:02}" for day in range(1, 31)]


def test_a_tick_requests_the_first_few_runs_and_the_next_one_the_others(
    summary_report: ConfiguredReport,
) -> None:
    asks = [RangeRunRequest(summary_report, (key,), "why") for key in KEYS]

    requests = first_requests(asks)

    assert [request.partition_key for request in requests] == KEYS[:MOST_REQUESTS]


@pytest.mark.parametrize("keys", [("2026-06-01",), ("2026-06-01", "2026-06-02")], ids=["one", "a-range"])
def test_what_a_sensor_requests_goes_ahead_of_a_backfill(
    summary_report: ConfiguredReport, keys: tuple[str, ...]
) -> None:
    request = RangeRunRequest(summary_report, keys, "why", {"stripe/intent": "ensure"}).request()

    assert request.tags["dagster/priority"] == "1"
    assert request.tags["stripe/intent"] == "ensure"
