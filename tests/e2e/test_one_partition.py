"""The real Dagster, from the launch of one partition to its file: what a person does first in the UI."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from connector.simulator import RunTakes, Simulator
from connector.simulator.server import serve
from tests.e2e.deployment import ACTIVITY, SUMMARY, Deployment, Setup
from tests.e2e.weather import asking_for

pytestmark = pytest.mark.skipif(not Path("/bin/ps").exists(), reason="counts processes with ps")


def _days_ago(days: int) -> date:
    return (datetime.now(UTC) - timedelta(days=days)).date()


def test_a_partition_is_launched_and_a_late_one_says_so(tmp_path: Path) -> None:
    """One launch ends well at once; one whose report is late fails as late, and its run is not lost."""
    first = _days_ago(10)
    prompt, late = f"{first}", f"{first + timedelta(days=1)}"
    simulator = Simulator(seed=7, volume=3, run_seconds=0)
    simulator.faults.add(RunTakes(20), asking_for([late]), times=None)
    setup = Setup(first, wait=timedelta(seconds=3))
    with serve(simulator) as stripe, Deployment(tmp_path, stripe, setup) as dagster:
        console = dagster.console
        good, bad = console.launch_many([(SUMMARY, prompt), (ACTIVITY, late)])

        assert console.finished(good).status == "SUCCESS"
        (event,) = console.materializations(SUMMARY, [prompt])
        (run,) = [each for each in simulator.runs if each.report_type == "balance.summary.1"]
        assert event.metadata["stripe/report_run_id"] == run.id
        (path,) = dagster.root.glob(f"simulated/balance_summary/account=*/period={prompt}/report.parquet")
        assert event.metadata["dagster/partition_row_count"] == pq.read_metadata(path).num_rows > 0

        failed = console.finished(bad)
        assert (failed.status, failed.tags["stripe/outcome"]) == ("FAILURE", "late")
        assert console.partition_statuses(ACTIVITY, [late]) == {late: "FAILED"}
        (pending,) = [each for each in simulator.runs if each.id != run.id]
        assert console.observed_report_runs(ACTIVITY, late) == [pending.id]
    assert not dagster.left_behind
