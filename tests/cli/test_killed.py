"""A pull that is killed at any moment and started again: nothing is asked twice, nothing is lost.

The suite kills a few times over a few partitions. For more: `python tests/test_cli_killed.py 20 30 [seed]`.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.server import serve

FIRST = date(2025, 6, 1)


def stripe(run_seconds: tuple[float, float]) -> Simulator:
    return Simulator(seed=11, volume=4, run_seconds=run_seconds)


def pulling(url: str, root: Path, days: int) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "STRIPE_API_BASE": url, "STRIPE_API_KEY": SIMULATED_KEY}
    command = [sys.executable, "-m", "connector", "pull", "balance_change_from_activity_itemized"]
    span = ["--from", str(FIRST), "--to", str(FIRST + timedelta(days=days))]
    return subprocess.Popen(
        [*command, *span, "--root", str(root)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def tables(root: Path) -> Mapping[str, pa.Table]:
    """What the dataset holds, by its path; without the report run's id, which differs between Stripes."""
    files = sorted((root / "simulated").rglob("*.parquet"))
    names = [str(file.relative_to(root)) for file in files]
    whole = [pq.ParquetFile(file).read() for file in files]
    return {name: table.drop_columns("_report_run_id") for name, table in zip(names, whole, strict=True)}


def killed_at(process: "subprocess.Popen[bytes]", simulator: Simulator, requests: int, more: float) -> bool:
    """Kill it a little after its n-th request; False where it had ended by itself."""
    before = len(simulator.requests)
    while len(simulator.requests) - before < requests:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.005)
            return False
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=more)
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return True


@dataclass
class Ordeal:
    """What a pull went through. `stages` are the report runs and the files there were at each kill."""

    stages: list[tuple[int, int]] = field(default_factory=list)
    attempts: int = 0
    exit_code: int | None = None
    errors: str = ""


def pull_through(simulator: Simulator, root: Path, *, days: int, kills: int, seed: int) -> Ordeal:
    """Pull until it ends by itself, killing the first attempts at moments drawn from `seed`."""
    draw, ordeal, stage = random.Random(seed), Ordeal(), (0, 0)
    with serve(simulator) as url:
        while ordeal.exit_code is None:
            ordeal.attempts += 1
            left, kills_left = 2 * days - sum(stage), kills - len(ordeal.stages)
            # Each attempt may do its fair share of what is left and half as much again.
            most = 2 + 3 * left // (2 * (kills_left + 1))
            with pulling(url, root, days) as process:
                if kills_left and killed_at(process, simulator, draw.randint(0, most), draw.uniform(0, 0.1)):
                    stage = len(simulator.runs), len(list(root.rglob("report.parquet")))
                    ordeal.stages.append(stage)
                else:
                    ordeal.errors = process.communicate()[1].decode()
                    ordeal.exit_code = process.returncode
    return ordeal


def undisturbed(root: Path, days: int) -> Path:
    """What a pull that nobody kills makes of the same books."""
    with serve(stripe(run_seconds=(0.0, 0.0))) as url, pulling(url, root, days) as process:
        assert process.wait() == 0
    return root


@pytest.mark.long
@pytest.mark.parametrize(("days", "kills"), [(6, 2)])
def test_a_killed_pull_ends_as_if_it_had_never_been_killed(tmp_path: Path, days: int, kills: int) -> None:
    simulator = stripe(run_seconds=(0.1, 0.6))

    ordeal = pull_through(simulator, tmp_path / "killed", days=days, kills=kills, seed=3)

    assert (ordeal.exit_code, ordeal.errors) == (0, "")
    assert ordeal.stages, "every attempt ended before it was killed"
    assert len(simulator.runs) == days
    assert tables(tmp_path / "killed") == tables(undisturbed(tmp_path / "whole", days))


def on_demand(kills: int, days: int, seed: int) -> None:
    """Many kills, with figures."""
    simulator, began = stripe(run_seconds=(0.1, 0.6)), time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        ordeal = pull_through(simulator, Path(place, "killed"), days=days, kills=kills, seed=seed)
        equal = tables(Path(place, "killed")) == tables(undisturbed(Path(place, "whole"), days))
    print(f"seed {seed}: {len(ordeal.stages)} kills in {ordeal.attempts} attempts")
    print(f"report runs, files at each kill: {ordeal.stages}")
    print(f"exit code {ordeal.exit_code}, {len(simulator.runs)} report runs for {days} partitions")
    print(f"{len(simulator.requests)} requests, {time.monotonic() - began:.0f} s")
    print(f"equal to an undisturbed pull: {equal}")
    print(ordeal.errors, end="")


if __name__ == "__main__":
    on_demand(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)
