"""`make demo` as people run it: a process that leaves nothing behind but the data."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.readme import section

pytestmark = pytest.mark.long

Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the demo with a place of its own for data and temporary files, and without a key."""
    started: list[subprocess.Popen[str]] = []
    (tmp_path / "tmp").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STRIPE_", "DAGSTER_"))}
    environment = kept | {"STRIPE_REPORTS_ROOT": str(tmp_path / "data"), "TMPDIR": str(tmp_path / "tmp")}

    def run() -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "assets.demo"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def left_behind(process: "subprocess.Popen[str]", tmp_path: Path) -> list[str]:
    """Temporary files, and whether any process of its group lives on."""
    files = [path.name for path in (tmp_path / "tmp").iterdir()]
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return files
    return [*files, "a process"]


def test_the_demo_pulls_a_month_and_shows_that_the_books_agree(start: Start, tmp_path: Path) -> None:
    process = start()

    output, _ = process.communicate(timeout=180)

    assert process.returncode == 0, output
    found = re.search(r"^(\d+) partitions materialized through Dagster", output, re.MULTILINE)
    partitions = int(found[1]) if found else 0
    assert 4 * 28 <= partitions <= 4 * 31
    assert f"next day's opening balance: all {partitions - 4}." in output
    assert re.search(r"Month close \d{4}-\d\d: Can be closed", output)
    (picture,) = (tmp_path / "data").glob("month-close-*.png")
    assert f"Its picture: {picture}" in output
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "sum of their transactions, to the last decimal: all" in output
    assert "make dev" in output
    files = sorted((tmp_path / "data" / "simulated").glob("*/account=default/period=*/report.parquet"))
    assert len(files) == partitions
    assert sum(pq.read_metadata(file).num_rows for file in files) > 0
    assert left_behind(process, tmp_path) == []
    assert set(forms(section("README.md", "demo"))) - {"```text", "```"} <= set(forms(output))


def forms(printed: str) -> list[str]:
    """The lines of a text without their numbers and widths."""
    blank = (re.sub(r"-?[0-9][0-9.-]*", "#", line) for line in printed.splitlines())
    return [re.sub(r"[ ━─┳┻╇┴]+", " ", line) for line in blank]


def test_an_interrupted_demo_leaves_no_process_and_no_temporary_files(start: Start, tmp_path: Path) -> None:
    process = start()
    assert process.stdout is not None
    while "10 of" not in process.stdout.readline():
        assert process.poll() is None

    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 130, output
    assert "Stopped" in output
    assert "Traceback" not in output
    assert left_behind(process, tmp_path) == []
