"""Machines, as far as one can be several: each has directories, processes and a way to the bucket."""

import os
import re
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.conditions import until
from tests.e2e.processes import Service, free_port
from tests.support.buckets import Bucket
from tests.support.gateway import Gateway

HERE = Path(__file__).parent

#: Runs at once on each worker.
PLACES = 4

_BIN = Path(sys.executable).parent
_UP_WITHIN = 180.0
_TAKEN = re.compile(r"Task execute_job\[([0-9a-f-]+)\] received")


@contextmanager
def redis(directory: Path) -> Iterator[str]:
    """An empty Redis, which stores nothing on the disk; yields its URL."""
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", f"{port}", "--save", "", "--appendonly", "no"]
    server = Service(
        "redis",
        [shutil.which("redis-server") or "redis-server", *options],
        environment=os.environ,
        directory=directory,
        log=directory / "redis.log",
    )
    server.start()
    try:
        until(lambda: _listens(port), within=_UP_WITHIN, what="Redis listens")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.kill_all()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Machine:
    """A place of its own, with temporary files of its own and its own way to the bucket.

    Args:
        name: as people say it.
        place: its directory; made here.
        bucket: the dataset's.
        gateway: its way there, which counts.
        shared: the environment that all machines have.
    """

    def __init__(
        self, name: str, place: Path, *, bucket: Bucket, gateway: Gateway, shared: Mapping[str, str]
    ) -> None:
        self.name, self.place, self.gateway = name, place, gateway
        self.bucket = bucket.at(gateway.endpoint)
        self.temporary = place / "tmp"
        self.temporary.mkdir(parents=True)
        self.environment = {
            **shared,
            **self.bucket.environment(),
            # What Dagster's own libraries read.
            "AWS_DEFAULT_REGION": self.bucket.environment()["AWS_REGION"],
            "STRIPE_REPORTS_ROOT": bucket.url,
            "TMPDIR": str(self.temporary),
            "PATH": os.pathsep.join([str(_BIN), os.environ.get("PATH", "")]),
            "PYTHONUNBUFFERED": "1",
        }

    def left_on_disk(self) -> list[str]:
        """Files with data of reports that nobody has removed."""
        found = [path for kind in ("*.csv", "*.parquet") for path in self.place.rglob(kind)]
        return [str(path.relative_to(self.place)) for path in found]


class Worker(Machine):
    """A machine that takes runs from the queue.

    What is installed on it is a copy of what the code server has: its project and its `dagster.yaml`.
    """

    def install(self, control: Path) -> None:
        """Copy the project and the configuration from the machine with Dagster's servers."""
        shutil.copytree(control / "project", self.place / "project")
        (self.place / "home").mkdir()
        shutil.copyfile(control / "home" / "dagster.yaml", self.place / "home" / "dagster.yaml")
        paths = [str(self.place / "project"), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            **self.environment,
            "DAGSTER_HOME": str(self.place / "home"),
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }
        self.service = Service(
            self.name,
            [
                *(
                    str(_BIN / "dagster-celery"),
                    "worker",
                    "start",
                    "-A",
                    "dagster_celery.app",
                    "-i",
                    "assets",
                ),
                *("-n", self.name, "-y", str(HERE / "celery.yaml"), "--"),
                *("--concurrency", f"{PLACES}", "--disable-prefetch", "--max-tasks-per-child", "1"),
            ],
            environment=environment,
            directory=self.place,
            log=self.place / "worker.log",
        )

    def wait_until_ready(self) -> None:
        """Until it takes tasks."""
        until(self._is_ready, within=_UP_WITHIN, what=f"{self.name} takes runs")

    def _is_ready(self) -> bool:
        if not self.service.running:
            raise RuntimeError(f"{self.name} ended while starting:\n{self.service.tail()}")
        return f"{self.name}@" in self.service.tail(400) and " ready." in self.service.tail(400)

    def taken(self) -> set[str]:
        """The ids of the tasks it has taken, each one run."""
        return set(_TAKEN.findall(self.service.log.read_text(errors="replace")))
