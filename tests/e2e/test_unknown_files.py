"""The real Dagster and files that a command made before it: recorded by the sensor, without any run."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.server import serve
from tests.e2e.conditions import until
from tests.e2e.deployment import SUMMARY, Deployment, Setup

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("ps") is None, reason="counts processes with ps"),
]


def test_files_of_a_command_are_shown_as_there_without_a_run(tmp_path: Path) -> None:
    simulator = Simulator(seed=7, volume=3, run_seconds=0)
    today = datetime.now(UTC).date()
    days = [f"{today - timedelta(days=back)}" for back in range(6, 2, -1)]
    setup = Setup(
        today - timedelta(days=6),
        reports=["balance.summary.1"],
        automation={"ask_by": "sensor", "look_every_seconds": 5, "refresh_after_days": []},
    )
    # What is newer than the files is not ready, so there is nothing else to ask for.
    end = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(days=2)
    simulator.set_available_until("balance.summary.1", end)
    with serve(simulator) as stripe:
        pull(stripe, tmp_path / "reports", days)
        report_runs = len(simulator.runs)
        with Deployment(tmp_path / "dagster", stripe, setup, root=tmp_path / "reports") as dagster:
            console = dagster.console
            there = dict.fromkeys(days, "MATERIALIZED")
            until(
                lambda: console.partition_statuses(SUMMARY, days) == there, within=90, what="all are recorded"
            )

            assert console.runs() == []
            events = console.materializations(SUMMARY, days)
            assert sorted(event.partition for event in events) == days
            assert {event.metadata["stripe/report_run_id"] for event in events} == {
                run.id for run in simulator.runs
            }
            assert len(simulator.runs) == report_runs == len(days)
            ticks = [tick.skip_reason or "" for tick in console.ticks("stripe_availability")]
            assert any("4 files unknown to this Dagster, 4 recorded now" in each for each in ticks)
    assert not dagster.left_behind


def pull(stripe: str, root: Path, days: list[str]) -> None:
    """As a person does, before there is a Dagster."""
    command = [str(Path(sys.executable).with_name("stripe-reports")), "pull", "balance_summary"]
    environment = {
        **os.environ,
        "STRIPE_API_KEY": SIMULATED_KEY,
        "STRIPE_API_BASE": stripe,
        "STRIPE_REPORTS_ROOT": str(root),
    }
    command += ["--from", days[0], "--to", f"{date.fromisoformat(days[-1]) + timedelta(days=1)}"]
    subprocess.run(command, env=environment, cwd=root.parent, check=True, capture_output=True)
