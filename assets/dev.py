"""`make dev`: the Dagster UI on the configured reports, with a simulated Stripe where there is no key.

    python -m assets.dev

Ctrl-C ends everything it started.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from filelock import FileLock, Timeout

from connector.settings import API_BASE, API_KEY, DAGSTER_HOME, Connection, child_environment, dagster_home
from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.server import serve
from connector.terminal.lines import echo

_WORKSPACE = "workspace.yaml"

#: The same ports each time: runs find the simulator after a restart, and people the UI.
SIMULATOR_PORT = 4242
UI_PORT = 3000

#: Seconds a simulated report takes.
RUN_SECONDS = (2.0, 12.0)

#: Seconds Dagster has to end.
_SECONDS_TO_END = 15.0

#: A warning about the name of Dagster's command, which users of `make dev` did not type.
_SUPERSEDED = "ignore:Function `dev_command`"

#: A configuration for one machine: no telemetry, no dialogs, few runs at once, no slot that outlives a run.
DAGSTER_YAML = Path(__file__).with_name("dagster.yaml")


def main() -> int:
    """The exit code of Dagster; 0 when interrupted."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # Also where the shell ignores Ctrl-C, as it does for what runs in the background.
        signal.signal(number, _interrupt)
    if importlib.util.find_spec("dagster_webserver") is None:
        echo("The UI is not installed: pip install 'dagster-stripe-reports[ui]'", err=True)
        return 1
    has_key = bool(Connection.from_environment().api_key)
    try:
        with contextlib.ExitStack() as stack:
            project = find_project()
            home = Path(dagster_home() or _home(project, simulated=not has_key))
            prepare_home(home)
            try:
                stack.enter_context(lock_home(home))
            except Timeout:
                echo(
                    f"Another `make dev` uses {home}. Stop it, or set {DAGSTER_HOME} to another directory.",
                    err=True,
                )
                return 1
            added = {} if has_key else stack.enter_context(_simulated())
            return _dagster(project, {**added, DAGSTER_HOME: str(home)})
    except KeyboardInterrupt:
        _say("Stopped; nothing is left running.")
        return 0


def find_project() -> Path:
    """The clone; where the package is installed from a wheel, the directory this was started in."""
    clone = Path(__file__).resolve().parent.parent
    return clone if (clone / _WORKSPACE).exists() else Path.cwd()


def code_location(project: Path) -> list[str]:
    """Dagster's options for what to load: the project's workspace, else the definitions in the package."""
    if (project / _WORKSPACE).exists():
        return ["-w", str(project / _WORKSPACE)]
    return ["-m", "assets.definitions", "-d", str(project)]


def prepare_home(home: Path) -> None:
    """Make Dagster's directory, with a configuration for one machine where it has none."""
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        shutil.copyfile(DAGSTER_YAML, home / "dagster.yaml")


@contextlib.contextmanager
def lock_home(home: Path) -> Iterator[None]:
    """Hold Dagster's directory: two daemons would both start the runs queued there.

    Raises filelock.Timeout where another process holds it. The lock ends with the process.
    """
    with FileLock(home / "dev.lock", timeout=0):
        yield


@contextlib.contextmanager
def _simulated() -> Iterator[dict[str, str]]:
    """A simulated Stripe; gives the environment in which Dagster uses it."""
    with serve(Simulator(run_seconds=RUN_SECONDS), port=_port(SIMULATOR_PORT, "the simulator")) as url:
        _say(
            f"{API_KEY} is not set: the reports come from a simulated Stripe on {url}, with made-up data.\n"
            f"Set {API_KEY} to a restricted key to pull your own reports."
        )
        yield {API_KEY: SIMULATED_KEY, API_BASE: url}


def _home(project: Path, *, simulated: bool) -> Path:
    """Simulated runs have a history of their own: they must not count as pulled from Stripe."""
    return project / ".dagster" / ("simulated" if simulated else "stripe")


def _dagster(project: Path, environment: Mapping[str, str]) -> int:
    """Run `dagster dev` until it ends or is interrupted; then end all its processes."""
    port = _port(UI_PORT, "the UI")
    command = [sys.executable, "-W", _SUPERSEDED, "-m", "dagster", "dev"]
    command += [*code_location(project), "-h", "127.0.0.1", "-p", str(port), "--live-data-poll-rate", "1000"]
    _say(f"Dagster's UI: http://127.0.0.1:{port}   (its history: {environment[DAGSTER_HOME]})")
    # A session of its own: Ctrl-C reaches this process alone, and a signal to the group all of Dagster.
    child = subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=project, env=child_environment(environment), start_new_session=True
    )
    try:
        return child.wait()
    finally:
        _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Terminate Dagster, and kill what is left of it; its code servers are in the same group."""
    if child.poll() is None:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_SECONDS_TO_END)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _port(preferred: int, user: str) -> int:
    port = free_port(preferred)
    if port != preferred:
        _say(f"Port {preferred} is taken by another program; {user} uses {port}.")
    return port


def free_port(preferred: int) -> int:
    """`preferred` where it is free, else any free port."""
    for port in (preferred, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise RuntimeError("no port is free on this machine")


def _interrupt(*_: object) -> NoReturn:
    """Ctrl-C and SIGTERM end everything."""
    raise KeyboardInterrupt


def _say(text: str) -> None:
    echo(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
