"""A backfill of two daily reports through Dagster's own servers: the assets of this project with all their
checks, or assets that only sleep as long as Stripe takes, which is the floor.

The `dagster.yaml` is the shipped one, with Postgres in place of SQLite where its URL is given.
"""

import json
import resource
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.peers import ROOT
from tests.e2e.census import days_from
from tests.e2e.deployment import ACTIVITY, SUMMARY, Deployment, Setup

#: The assets of each contender, and the project they are in.
PROJECTS = {"connector": ROOT / "tests" / "e2e" / "books", "floor": ROOT / "tests" / "bench" / "sleeper"}


def backfill(contender: str, stripe: str, days: int, postgres: str) -> dict[str, float]:
    """Seconds from launching the backfill to its end as Dagster sees it; and all CPU seconds of Dagster's
    servers and runs, from the start of the servers on."""
    first = (datetime.now(UTC) - timedelta(days=days + 3)).date()
    # SQLAlchemy 2.1 takes another driver by default than the one that `dagster-postgres` brings.
    url = postgres.replace("postgresql:", "postgresql+psycopg2:")
    storage = {"storage": {"postgres": {"postgres_url": url}}} if url else {}
    # At an interval as it is in use: that of the deployments of tests is shorter.
    setup = Setup(first, instance=storage, automation={"pick_up_every_seconds": 60})
    before = _cpu_of_children()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with Deployment(place, stripe, setup, project=PROJECTS[contender]) as dagster:
            began = time.monotonic()
            launched = dagster.console.backfill((SUMMARY, ACTIVITY), days_from(first, days))
            ended = dagster.console.backfill_finished(launched, within=600 + 10 * days)
            wall = time.monotonic() - began
            if (ended.status, ended.materialized) != ("COMPLETED_SUCCESS", 2 * days):
                raise RuntimeError(f"the backfill of {2 * days} partitions has ended as {ended}")
            runs = len(dagster.console.runs())
        size = sum(path.stat().st_size for path in place.rglob("*.parquet"))
    return {"wall": wall, "cpu": _cpu_of_children() - before, "runs": runs, "size": size}


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _end(number: int, _: object) -> None:
    """End Dagster's servers, then this; once, however often it is asked for."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, _end)
    _contender, _stripe, _days, _postgres = sys.argv[1:]
    print(json.dumps(backfill(_contender, _stripe, int(_days), _postgres)))
