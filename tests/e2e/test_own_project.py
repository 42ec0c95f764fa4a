"""The page about one's own Dagster project: each of its lines is run in a fresh directory, as it stands."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.server import serve
from tests.readme import ROOT, text

PAGE = "assets/OWN_PROJECT.md"

#: The lines of the page, and what each of them prints, up to the first text about something else.
_BLOCK = re.compile(r"```console\n(.*?)```(?:\n```text\n(.*?)```)?", re.DOTALL)


def steps() -> list[tuple[str, str]]:
    """Commands, each with what the page shows of its output."""
    section = text(PAGE).partition("## A code location of its own")[2].partition("\n## ")[0]
    found = []
    for commands, shown in _BLOCK.findall(section):
        *before, last = [line.removeprefix("$ ") for line in commands.splitlines()]
        found += [*((command, "") for command in before), (last, shown)]
    return found


@pytest.fixture
def stripe() -> Iterator[str]:
    """The address of a Stripe on this machine."""
    with serve(Simulator(run_seconds=0.0)) as url:
        yield url


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy, so that what is built does not lie here afterwards."""
    place = tmp_path / "clone"
    for folder in ("connector", "assets"):
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, place)
    return place


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_each_line_of_the_page_prints_what_it_shows(tmp_path: Path, clone: Path, stripe: str) -> None:
    script = ["set -e"]
    for command, _ in steps():
        script += [f"echo '== {len(script)}'", command.replace("/path/to/the/clone", str(clone))]
    names = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("STRIPE_", "DAGSTER_", "PYTHON", "VIRTUAL"))
    }
    environment = {
        **names,
        "STRIPE_API_BASE": stripe,
        "STRIPE_API_KEY": SIMULATED_KEY,
        "COLUMNS": "80",
        # Most of what is installed is never imported; the rest is compiled when it first is.
        "PIP_COMPILE": "0",
    }

    ran = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    printed = ran.stdout + ran.stderr
    assert ran.returncode == 0, printed
    assert [
        line
        for _, shown in steps()
        for line in shown.replace("/…", str(tmp_path)).splitlines()
        if line not in printed
    ] == []
