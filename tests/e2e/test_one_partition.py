"""The real Dagster, from the launch of one partition to its file: what a person does first in the UI."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.server import serve
from tests.e2e.conditions import until
from tests.e2e.console import Tick
from tests.e2e.deployment import ACTIVITY, LATE_SENSOR, SUMMARY, Deployment, Setup
from tests.faults.runs import RunTakes
from tests.support.leftovers import holding
from tests.support.stripe import asking_for

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("ps") is None, reason="counts processes with ps"),
]


def test_a_launched_partition_is_there_and_a_late_one_comes_by_itself(tmp_path: Path) -> None:
    """One launch ends well at once. The other says that its report is late, and a sensor brings it in."""
    first = (datetime.now(UTC) - timedelta(days=10)).date()
    prompt, late = f"{first}", f"{first + timedelta(days=1)}"
    simulator = Simulator(seed=7, volume=3, run_seconds=0)
    simulator.faults.add(RunTakes(8), asking_for(late), times=None)
    setup = Setup(first, wait=timedelta(seconds=2))
    with serve(simulator) as stripe, Deployment(tmp_path, stripe, setup) as dagster:
        console = dagster.console
        good, bad = console.launch_many([(SUMMARY, prompt), (ACTIVITY, late)])

        assert not [line for line in running(dagster) if SIMULATED_KEY in line]
        assert console.finished(good).status == "SUCCESS"
        (event,) = console.materializations(SUMMARY, [prompt])
        (run,) = [each for each in simulator.runs if each.report_type == "balance.summary.1"]
        assert event.metadata["stripe/report_run_id"] == run.id
        (path,) = dagster.root.glob(f"simulated/balance_summary/account=*/period={prompt}/report.parquet")
        assert event.metadata["dagster/partition_row_count"] == pq.read_metadata(path).num_rows > 0

        failed = console.finished(bad)
        assert (failed.status, failed.tags["stripe/outcome"]) == ("FAILURE", "late")
        (pending,) = [each for each in simulator.runs if each.id != run.id]
        assert console.observed_report_runs(ACTIVITY, late) == [pending.id]

        def picked_up() -> Tick | None:
            return next((tick for tick in console.ticks(LATE_SENSOR) if tick.run_ids), None)

        tick = until(picked_up, within=90, what="the sensor asks for the late partition")
        assert [console.finished(run_id).status for run_id in tick.run_ids] == ["SUCCESS"]
        (event,) = console.materializations(ACTIVITY, [late])
        assert event.metadata["stripe/report_run_id"] == pending.id
        assert console.partition_statuses(ACTIVITY, [late]) == {late: "MATERIALIZED"}
    assert len(simulator.runs) == 2
    assert not dagster.left_behind
    assert holding(tmp_path, SIMULATED_KEY) == []


def running(dagster: Deployment) -> list[str]:
    """The command lines of everything that Dagster has started; anybody on the machine may read them."""
    lines = [line for service in dagster.services for line in service.members()]
    assert lines
    return lines
