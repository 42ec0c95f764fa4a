"""The command in an empty directory, and a Stripe on this machine for it to speak to."""

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connector.cli import main
from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.server import serve


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


DEFS = """\
type: assets.StripeReportsComponent

attributes:
  reports:
    - report: {report}
      name: {name}
      start: {start}
      {field}: [{accounts}]
"""


def configure(
    directory: Path, report: str, start: str, field: str, *accounts: str, name: str | None = None
) -> None:
    """Configure one report with these accounts, each as YAML has it, in a folder of its own by its name."""
    place = directory / "defs" / (name or "stripe")
    place.mkdir(parents=True)
    text = DEFS.format(
        report=report, name=name or "null", start=start, field=field, accounts=", ".join(accounts)
    )
    (place / "defs.yaml").write_text(text)


#: The command as a process of its own.
COMMAND = (sys.executable, "-m", "connector")

Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command in an empty directory, with no settings but those a test makes."""
    for name in [name for name in os.environ if name.startswith("STRIPE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Ran(code, captured.out, captured.err)

    return command


@pytest.fixture
def stripe(clock: Any, monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[Simulator]:
    """A Stripe on this machine whose time stands still on 7 June 2026, and the settings that lead there."""
    simulator = Simulator(clock, seed=7, volume=3, opening=date(2026, 5, 1), run_seconds=0)
    yield from _serving(simulator, monkeypatch)


@pytest.fixture
def platform(clock: Any, monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[Simulator]:
    """The same of a platform."""
    simulator = Simulator(clock, seed=7, volume=9, opening=date(2026, 4, 25), run_seconds=0, platform=True)
    yield from _serving(simulator, monkeypatch)


def _serving(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with serve(simulator) as url:
        monkeypatch.setenv("STRIPE_API_BASE", url)
        monkeypatch.setenv("STRIPE_API_KEY", SIMULATED_KEY)
        yield simulator


@contextlib.contextmanager
def on_a_terminal(*command: str, **environment: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """A process that has a terminal, and our end of it."""
    ours, theirs = pty.openpty()
    settings = {**os.environ, "TERM": "xterm", "COLUMNS": "100", **environment}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=settings, start_new_session=True
    ) as process:
        os.close(theirs)
        try:
            yield process, ours
        finally:
            os.close(ours)
            process.kill()


def read_until(source: int, text: str, *, within: float = 60) -> str:
    """What a terminal or a pipe shows up to `text`, or up to the end.

    Fails where neither comes within so many seconds.
    """
    shown, deadline = "", time.monotonic() + within
    while text not in shown:
        ready, _, _ = select.select([source], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"no {text!r} within {within:.0f} s, but {shown!r}"
        piece = b""
        with contextlib.suppress(OSError):  # the other side has gone
            piece = os.read(source, 65536)
        if not piece:
            break
        shown += piece.decode(errors="replace")
    return shown
