"""Dagster's servers as processes that can be stopped, killed and accounted for."""

import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.e2e.conditions import until

_GRACE = 20.0


class Service:
    """One server: a process with a group of its own, in which everything it starts stays.

    Args:
        name: as people say it; also the name of its log.
        command: what to run.
        environment: all of it.
        directory: where it works.
        log: what it prints is appended here.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, environment: Mapping[str, str], directory: Path, log: Path
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._environment = dict(environment)
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._groups: list[int] = []

    def start(self) -> None:
        """Start it, or start it again."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=self._directory,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # all it starts is found by its group
            )
        self._groups.append(self._process.pid)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it as an operator would."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)

    def kill(self) -> None:
        """`kill -9` of the server alone; what it has started lives on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def kill_all(self) -> None:
        """`kill -9` of the server and everything it has started, as when a container goes."""
        for group in self._groups:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        until(lambda: not self.members(), within=_GRACE, what=f"the processes of {self.name} are gone")

    def members(self) -> list[str]:
        """The command lines of all living processes it has left, its own too."""
        listing = subprocess.run(
            ["ps", "-A", "-o", "pgid=,stat=,pid=,args="], capture_output=True, text=True, check=True
        ).stdout
        rows = [line.split(None, 2) for line in listing.splitlines()]
        groups = {str(group) for group in self._groups}
        return [rest for group, state, rest in rows if group in groups and not state.startswith("Z")]

    def tail(self, lines: int = 60) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def free_port() -> int:
    """A port nobody listens on, just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
