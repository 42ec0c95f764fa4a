"""Dagster runs as sensors request them: ahead of a backfill."""

import pytest

from assets import ConfiguredReport
from assets.dagster_runs.run_requests import RangeRunRequest


@pytest.mark.parametrize("keys", [("2026-06-01",), ("2026-06-01", "2026-06-02")], ids=["one", "a-range"])
def test_what_a_sensor_requests_goes_ahead_of_a_backfill(
    summary_report: ConfiguredReport, keys: tuple[str, ...]
) -> None:
    request = RangeRunRequest(summary_report, keys, "why", {"stripe/intent": "ensure"}).request()

    assert request.tags["dagster/priority"] == "1"
    assert request.tags["stripe/intent"] == "ensure"
