"""What `--help` shows, and that it costs next to nothing."""

import re
import shlex
import subprocess
import sys

import click
import pytest

from connector.catalogue import REPORTS
from connector.cli import cli
from tests.cli.conftest import Run

#: What takes long to load, and what only some commands need.
SLOW = ("dagster", "duckdb", "httpx", "numpy", "pandas", "pyarrow", "rich", "yaml")


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_help_loads_nothing_slow() -> None:
    program = (
        "import sys\n"
        "from connector.cli import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "except SystemExit:\n"
        f"    print('loaded:', *(name for name in {SLOW} if name in sys.modules))\n"
    )

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[-1].split() == ["loaded:"]


def test_commands_are_listed_in_the_order_of_work_with_whole_summaries(run: Run) -> None:
    shown = run("-h").out.partition("Commands:\n")[2].partition("\n\n")[0]

    names = [
        "init",
        "types",
        "accounts",
        "pull",
        "status",
        "sql",
        "check",
        "close",
        "doctor",
        "simulate",
        "upgrade",
        "forget",
    ]
    assert [line.split()[0] for line in shown.splitlines()] == names
    assert "..." not in shown


@pytest.mark.parametrize("name", list(cli.commands))
def test_every_command_explains_itself_in_80_columns(run: Run, name: str) -> None:
    shown = run(name, "-h")

    example = re.compile(r" +stripe-reports ")
    assert shown.code == 0
    assert [line for line in shown.lines if len(line) > 80 and not example.match(line)] == []
    assert "Environment:" in shown.out


@pytest.mark.parametrize("name", list(cli.commands))
def test_every_command_has_two_examples(run: Run, name: str) -> None:
    examples = [line for line in run(name, "-h").lines if line.startswith("  stripe-reports ")]

    assert len(examples) >= 2
    assert all(line.split()[1] == name for line in examples)


def test_every_example_is_a_command_line_that_its_command_takes_about_reports_there_are(run: Run) -> None:
    reports = {spec.name for spec in REPORTS.values()}
    taken, named = [], set[str]()
    for name, command in cli.commands.items():
        for line in run(name, "-h").lines:
            if line.startswith("  stripe-reports "):
                typed = shlex.split(line.partition(" > ")[0])[2:]
                command.make_context(name, [*typed], parent=click.Context(cli))
                taken.append(name)
                named |= {word for word in typed if re.fullmatch(r"[a-z]+(_[a-z]+)+", word)}

    assert {*taken} == {*cli.commands}
    assert named
    assert named <= reports


def test_completion_is_explained(run: Run) -> None:
    assert "_STRIPE_REPORTS_COMPLETE=bash_source" in run("-h").out
