"""A whole Dagster on this machine: code server, daemon and webserver, each a process of its own.

Each deployment has a home, a project and a root for its Parquet in one directory, and speaks to a Stripe
that the test owns. It is configured the way a user would do it: with the `dagster.yaml` of the project and
a `defs.yaml`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import dagster as dg
import yaml

from assets.dev import DAGSTER_YAML
from connector.simulator import SIMULATED_KEY
from tests.e2e.conditions import until
from tests.e2e.console import LOCATION, Asset, Console
from tests.e2e.processes import Service, free_port

HERE = Path(__file__).parent

SUMMARY: Asset = ("stripe", "balance_summary")
ACTIVITY: Asset = ("stripe", "balance_change_from_activity_itemized")

LATE_SENSOR = "stripe_late_reports"

#: Nobody asks but the test; late runs are picked up all the same.
_BY_HAND = {"ask_by": "hand", "check_newest": False, "pick_up_every_seconds": 5}

_STARTED = 90.0

_PROJECT = f"""
[tool.dg]
directory_type = "project"
[tool.dg.project]
root_module = "{LOCATION}"
code_location_name = "{LOCATION}"
"""


@dataclass(frozen=True)
class Setup:
    """What a deployment is configured with.

    Attributes:
        start: the first day there is a partition for.
        reports: as `defs.yaml` lists them; those with nothing else to say by their name alone.
        wait: how long a report run is waited for.
        automation: what happens by itself, beyond the pick-up of late runs.
        defaults: further defaults of the reports.
        analytics: whether there are the assets that are made of reports.
        component: that of this project unless given, which has assets of a user's own besides.
        instance: what differs from the example `dagster.yaml`, section by section.
    """

    start: date
    reports: Sequence[str | Mapping[str, Any]] = (
        "balance.summary.1",
        "balance_change_from_activity.itemized.3",
    )
    wait: timedelta = timedelta(minutes=30)
    automation: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    analytics: bool = False
    component: str = f"{LOCATION}.component.Reports"
    instance: Mapping[str, Any] = field(default_factory=dict)

    def defs_yaml(self) -> str:
        defaults = {"start": self.start, "wait_minutes": self.wait.total_seconds() / 60, **self.defaults}
        reports = [{"report": each} if isinstance(each, str) else dict(each) for each in self.reports]
        attributes = {
            "defaults": defaults,
            "reports": reports,
            "automation": {**_BY_HAND, **self.automation},
            "analytics": self.analytics,
        }
        return yaml.safe_dump({"type": self.component, "attributes": attributes})

    def dagster_yaml(self) -> str:
        example = yaml.safe_load(DAGSTER_YAML.read_text())
        return yaml.safe_dump(_merged(example, self.instance))


class Deployment:
    """Dagster's three servers over one home, from `with` to its end.

    >>> with serve(Simulator()) as stripe, Deployment(tmp_path, stripe, Setup(date(2026, 6, 1))) as dagster:
    ...     run = dagster.console.launch(SUMMARY, "2026-06-01")

    Args:
        place: an empty directory of its own.
        stripe: the base URL of the Stripe it speaks to.
        root: where its Parquet is; in `place` unless given.
        project: the package that is the code location.
        environment: what its servers know beside what this process does.
    """

    def __init__(
        self,
        place: Path,
        stripe: str,
        setup: Setup,
        *,
        root: Path | None = None,
        project: Path = HERE / "books",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.place = place
        self._project = project
        self.root = root or place / "reports"
        self._setup = setup
        self._ports = {"code": free_port(), "web": free_port()}
        self._environment = {
            **os.environ,
            "DAGSTER_HOME": str(place / "home"),
            "STRIPE_API_KEY": SIMULATED_KEY,
            "STRIPE_API_BASE": stripe,
            "STRIPE_REPORTS_ROOT": str(self.root),
            # Runs find the code here, wherever they are started.
            "PYTHONPATH": os.pathsep.join([str(place / "project"), *_paths()]),
            # Lines reach the log when they are printed, also those of a process that is killed.
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
        }
        self.code_server = self._service(
            "code-server", "dagster", "api", "grpc", "--module-name", f"{LOCATION}.definitions",
            "--location-name", LOCATION, "--port", str(self._ports["code"]), "--host", "127.0.0.1",
            "--empty-working-directory",
        )  # fmt: skip
        workspace = str(place / "home" / "workspace.yaml")
        self.daemon = self._service("daemon", "dagster-daemon", "run", "--workspace", workspace)
        self.webserver = self._service(
            "webserver", "dagster-webserver", "--workspace", workspace, "--port", str(self._ports["web"])
        )
        self.console = Console(f"http://127.0.0.1:{self._ports['web']}")
        self.left_behind: list[str] = []
        self._stack = ExitStack()
        self._write()

    @property
    def services(self) -> tuple[Service, ...]:
        return (self.code_server, self.daemon, self.webserver)

    def prepare(self, module: str, *arguments: str) -> None:
        """Run a module under its environment and over its project, before the servers run."""
        subprocess.run([sys.executable, "-m", module, *arguments], env=self._environment, check=True)

    def __enter__(self) -> Self:
        self._stack.enter_context(self.console)
        self._stack.callback(self._end)
        try:
            for service in self.services:
                service.start()
            self.wait_until_ready()
        except BaseException:
            self._print_logs()
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._print_logs()
        self._stack.close()

    def wait_until_ready(self) -> None:
        """Until the webserver answers, the code is loaded and every daemon has a heartbeat."""
        until(self._webserver_answers, within=_STARTED, what="the webserver answers")
        until(self._code_is_loaded, within=_STARTED, what="the code location is loaded")
        until(lambda: not self.console.unhealthy_daemons(), within=_STARTED, what="the daemons are healthy")

    def restart(self, service: Service) -> None:
        """Start a server that was killed or stopped, and wait until all is well again."""
        service.start()
        if service is self.code_server:
            until(self._code_is_loaded_anew, within=_STARTED, what="the code location is loaded again")
        self.wait_until_ready()

    def _webserver_answers(self) -> bool:
        dead = [service.name for service in self.services if not service.running]
        if dead:
            raise RuntimeError(f"{', '.join(dead)} ended while starting")
        return self.console.answers()

    def _code_is_loaded(self) -> bool:
        # A webserver that came up before the code server does not look again by itself.
        return self.console.location_problem() is None or self._code_is_loaded_anew()

    def _code_is_loaded_anew(self) -> bool:
        self.console.reload_location()
        return self.console.location_problem() is None

    def _write(self) -> None:
        home, project = self.place / "home", self.place / "project"
        home.mkdir(parents=True)
        (home / "dagster.yaml").write_text(self._setup.dagster_yaml())
        server = {"host": "127.0.0.1", "port": self._ports["code"], "location_name": LOCATION}
        # Made by one process before there are many: servers that find no database make it all at once, and
        # trip over each other.
        dg.DagsterInstance.from_config(str(home)).dispose()
        (home / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}))
        shutil.copytree(self._project, project / LOCATION, ignore=shutil.ignore_patterns("__pycache__"))
        (project / "pyproject.toml").write_text(_PROJECT)
        defs = project / LOCATION / "defs" / "stripe_reports"
        defs.mkdir(parents=True)
        (defs / "defs.yaml").write_text(self._setup.defs_yaml())

    def _service(self, name: str, script: str, *arguments: str) -> Service:
        command = [str(Path(sys.executable).with_name(script)), *arguments]
        log = self.place / f"{name}.log"
        return Service(name, command, environment=self._environment, directory=self.place, log=log)

    def _end(self) -> None:
        # The daemon first, so that nothing new begins while the others go.
        for service in (self.daemon, self.webserver, self.code_server):
            service.stop()
        with suppress(TimeoutError):
            # A process that only tracks others ends a moment after them.
            until(lambda: not self._members(), within=10, what="the servers' processes to end")
        self.left_behind = self._members()
        for service in self.services:
            service.kill_all()

    def _members(self) -> list[str]:
        return [line for service in self.services for line in service.members()]

    def _print_logs(self) -> None:
        for service in self.services:
            print(f"\n----- {service.name} in {self.place}\n{service.tail()}")


def _paths() -> list[str]:
    """What this process was given as `PYTHONPATH`."""
    return list(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in changes.items():
        inner = merged.get(name)
        if isinstance(inner, Mapping) and isinstance(value, Mapping):
            merged[name] = _merged(inner, value)
        else:
            merged[name] = value
    return merged
