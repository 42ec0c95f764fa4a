"""Dagster on more than one machine, shown: `make scale`, or `python -m tests.scale --help`.

A backfill of 60 days of four reports over two workers, while both sensors run; one worker is killed in the
middle, with all its processes, and does not come back. PostgreSQL is real, the queue is Redis, files and logs
go to an S3 server; Stripe is the simulator under today's limits. README.md beside this file shows how to set
up the same.

In the end it is checked that every partition is there, with the sums of the books, once at Dagster and once
at Stripe, and that the next process finds nothing to do. The exit code is 0 where all of it holds, 1 where it
does not, 2 where a server is not installed.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import NoReturn, TypeVar

import obstore
import yaml

from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.server import serve
from tests.e2e.census import requests_by_kind
from tests.e2e.deployment import Deployment, Setup
from tests.scale.backfilling import ASSETS, REPORTS, TABLES, WAIT, Backfill, stripe_with
from tests.scale.census import partitions_asked_for, requests_by_method, what_is_wrong
from tests.scale.machines import Machine, Worker, redis
from tests.support.buckets import Bucket, new_bucket, seaweed_server
from tests.support.gateway import gateway
from tests.support.postgres import find_programs, postgres

HERE = Path(__file__).parent

#: Partitions of an asset in a Dagster run: enough runs for all places of both workers.
_RANGE = 6

M = TypeVar("M", bound=Machine)

_AUTOMATION = {
    # The sensor is started by hand, once the backfill is launched; else both would ask for the newest days.
    "ask_by": "schedule",
    "look_every_seconds": 30,
    "pick_up_every_seconds": 10,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, default=60, help="partitions of each report (60)")
    parser.add_argument("--longest-run", type=int, help="seconds a run may take, on a busy machine (180)")
    parser.add_argument("--limit", type=int, default=1500, help="seconds after which it is given up (1500)")
    parser.add_argument("--logs", type=Path, default=Path("build/scale"), help="where logs of servers go")
    asked = parser.parse_args()
    programs = find_programs()
    if programs is None or shutil.which("redis-server") is None:
        print("PostgreSQL and Redis are needed: apt install postgresql redis-server", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(asked.limit)
    try:
        with ExitStack() as stack:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scale-")))
            stack.callback(_keep_logs, place, asked.logs)
            wrong = list(_scale(stack, place, programs, asked.days, asked.longest_run))
    except KeyboardInterrupt:
        print("Interrupted; everything that was started is ended.", file=sys.stderr)
        return 130
    except TimeoutError as error:
        wrong = [f"{error}; the logs of all servers are in {asked.logs}"]
    print(*(wrong or ["All is right."]), sep="\n")
    return 1 if wrong else 0


def _scale(
    stack: ExitStack, place: Path, programs: Path, days: int, longest_run: int | None
) -> Iterator[str]:
    """The whole of it; yields what is wrong in the end."""
    for name in ("s3", "redis"):
        (place / name).mkdir()
    simulator, keys = stripe_with(days)
    stripe = stack.enter_context(serve(simulator))
    server = stack.enter_context(seaweed_server(place / "s3"))
    bucket, logs = new_bucket(server), new_bucket(server)
    database = stack.enter_context(postgres(programs))
    shared = {
        "STRIPE_API_KEY": SIMULATED_KEY,
        "STRIPE_API_BASE": stripe,
        "STRIPE_PROCESSES": "8",
        "DAGSTER_POSTGRES_URL": database.replace("postgresql:", "postgresql+psycopg2:"),
        "DAGSTER_LOGS_BUCKET": logs.name,
        "CELERY_BROKER_URL": stack.enter_context(redis(place / "redis")),
    }

    def machine(kind: type[M], name: str) -> M:
        way = stack.enter_context(gateway(server))
        return kind(name, place / name, bucket=bucket, gateway=way, shared=shared)

    control, following = machine(Machine, "control"), machine(Machine, "the next process")
    workers = [machine(Worker, name) for name in ("worker-1", "worker-2")]
    # Dagster's instance is also made here, before its servers are there.
    os.environ.update(control.environment)
    instance = yaml.safe_load((HERE / "dagster.yaml").read_text())
    if longest_run:
        instance["run_monitoring"]["max_runtime_seconds"] = longest_run
    setup = Setup(
        date.fromisoformat(keys[0]),
        reports=REPORTS,
        wait=WAIT,
        automation=_AUTOMATION,
        defaults={"max_partitions_per_run": _RANGE},
        instance=instance,
    )
    home = control.place / "dagster"
    with Deployment(home, stripe, setup, project=HERE / "books", environment=control.environment) as dagster:
        for worker in workers:
            worker.install(home)
            stack.callback(worker.service.kill_all)
            worker.service.start()
        for worker in workers:
            worker.wait_until_ready()
        backfill = Backfill(dagster.console, workers, simulator, keys, _say)
        backfill.run()
        backfill.who_did_what()
        _costs(simulator, [control, *workers], logs)
        yield from backfill.wrong_runs()
        yield from what_is_wrong(simulator, dagster.console, bucket, ASSETS, keys)
        yield from _wrong_for(following, simulator, keys)
    yield from (f"left running: {each}" for each in dagster.left_behind)
    for each in (control, workers[1], following):
        yield from (f"{each.name} has left {path} on its disk" for path in each.left_on_disk())


def _costs(simulator: Simulator, machines: Sequence[Machine], logs: Bucket) -> None:
    """What it took at Stripe and in the buckets; the last checks do not count."""
    partitions = len(partitions_asked_for(simulator))
    requests = simulator.requests
    refused = sum(each.status == 429 for each in requests)
    _say("partitions", f"{partitions}, with those that only the availability sensor asked for")
    _say(
        "Stripe",
        f"{len(requests) / partitions:.2f} requests a partition, {refused} in all refused by a limit; "
        f"{len(simulator.runs)} report runs; {requests_by_kind(simulator)}",
    )
    everything = [f"{each}" for machine in machines for each in machine.gateway.asked]
    of_logs = [each for each in everything if f"/{logs.name}" in each]
    _say(
        "S3",
        f"{(len(everything) - len(of_logs)) / partitions:.2f} requests a partition, and "
        f"{len(of_logs) / partitions:.2f} for Dagster's logs ({requests_by_method(of_logs)})",
    )
    for machine in machines:
        mine = [f"{each}" for each in machine.gateway.asked if f"/{logs.name}" not in f"{each}"]
        _say(f"S3 from {machine.name}", requests_by_method(mine) or "none")


def _wrong_for(machine: Machine, simulator: Simulator, days: Sequence[str]) -> Iterator[str]:
    """What a process that begins now finds to do, or to remove; and what `check` says."""
    before, asked = _versions(machine.bucket), len(simulator.runs)
    to = f"{date.fromisoformat(days[-1]) + timedelta(days=1)}"
    pulls = [["pull", table, "--from", days[0], "--to", to] for table in TABLES]
    for arguments in (*pulls, ["check"]):
        ended = subprocess.run(
            [str(Path(sys.executable).with_name("stripe-reports")), *arguments],
            cwd=machine.place,
            env={**os.environ, **machine.environment},
            capture_output=True,
            check=False,
            text=True,
            timeout=300,
        )
        if ended.returncode:
            said = f"{ended.stdout}{ended.stderr}"[-2000:]
            yield f"stripe-reports {' '.join(arguments)} ended with {ended.returncode}: {said}"
    if len(simulator.runs) != asked:
        yield f"the next process created {len(simulator.runs) - asked} report runs"
    if changed := before ^ _versions(machine.bucket):
        yield f"the next process changed or removed {sorted({path for path, _ in changed})}"


def _versions(bucket: Bucket) -> set[tuple[str, str | None]]:
    return {(each["path"], each["e_tag"]) for batch in obstore.list(bucket.store()) for each in batch}


def _keep_logs(place: Path, to: Path) -> None:
    """What the servers printed, those of this time alone."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    for log in place.rglob("*.log"):
        shutil.copyfile(log, to / "-".join(log.relative_to(place).parts))


def _say(name: str, value: object) -> None:
    print(f"{name}: {value}", flush=True)


def _interrupt(number: int, _: object) -> NoReturn:
    # Once: what was started is being ended, and that has its limits.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _give_up(*_: object) -> NoReturn:
    raise TimeoutError("it has taken longer than --limit allows")


if __name__ == "__main__":
    sys.exit(main())
