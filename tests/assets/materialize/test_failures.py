"""The failure that ends a run which is not complete."""

import dagster as dg
import pytest

from assets.materialize.failures import incomplete_failure
from connector.errors import RunFailedError
from connector.pipeline.collect import Missed
from tests.support.dagster import configured
from tests.support.partitions import days


@pytest.mark.parametrize(
    ("count", "last"),
    [(10, "  2026-06-10  failed: "), (12, "  and 2 more, all in this failure's metadata")],
)
def test_of_many_partitions_the_first_ten_are_described_and_the_others_counted(count: int, last: str) -> None:
    error = RunFailedError("Stripe failed it", run_id="frr_1", attempts=3)
    missed = [Missed(day, error, "frr_1") for day in days("2026-06-01", count)]

    failure = incomplete_failure(configured("balance_summary"), [], missed)

    lines = (failure.description or "").splitlines()
    assert lines[-1].startswith(last)
    assert sum(line.startswith("  2026-06-") for line in lines) == 10
    table = failure.metadata["stripe/not_materialized"]
    assert isinstance(table, dg.TableMetadataValue)
    assert len(table.records) == count
