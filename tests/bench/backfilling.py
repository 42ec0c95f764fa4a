"""The group `dagster`: a backfill of two daily reports with all their checks, through Dagster's own servers.

The floor is the same backfill, in the same ranges, of assets that only sleep as long as Stripe takes; so the
ratio is about what the reports and their checks cost, not about how long Dagster takes to begin and to end.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure
from tests.bench.peers import OURS, ROOT, python_of
from tests.bench.waiting import serving
from tests.support.postgres import postgres

CONTENDERS = ("floor", OURS)


def backfill(days: int, *, programs: Path | None, repetitions: int) -> Iterator[list[Figure]]:
    """The figures of both contenders in each repetition, the floor first.

    Args:
        days: partitions of each of the two reports.
        programs: of Postgres; SQLite where it is None.
    """
    # As Ctrl-C, so that nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    database = "Postgres" if programs else "SQLite"
    case = f"backfill of 2 × {days} days on {database}; ratio to assets that only sleep"
    with postgres(programs) if programs else nullcontext("") as url:
        for repetition in range(repetitions):
            found: list[Mapping[str, Any]] = []
            for contender in CONTENDERS:
                found.append(_backfilled(contender, days, url))
                print(f"{case}: {contender} {found[-1]['wall']:.0f} s", flush=True)
                if programs:
                    _empty(python_of("dagster"), url)
            yield _figures(case, repetition, found, partitions=2 * days)


def _figures(
    case: str, repetition: int, found: Sequence[Mapping[str, Any]], *, partitions: int
) -> list[Figure]:
    floor = found[0]["wall"]
    return [
        Figure(
            case,
            contender,
            repetition,
            ratio=taken["wall"] / floor,
            wall=taken["wall"],
            cpu=taken["cpu"],
            peak=0,
            size=taken["size"],
            notes={
                "CPU ms a partition": round(1000 * taken["cpu"] / partitions),
                "runs": taken["runs"],
                "requests a partition": round(taken["requests"] / partitions, 2),
                "429s": taken["refused"],
            },
        )
        for contender, taken in zip(CONTENDERS, found, strict=True)
    ]


def _backfilled(contender: str, days: int, url: str) -> dict[str, Any]:
    python = python_of("dagster" if url else OURS)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with serving("by-interval") as server:
        command = [python, "-m", "tests.bench.contenders.backfill", contender, server.url, f"{days}", url]
        printed = _printed(command, environment)
    return {
        **json.loads(printed.splitlines()[-1]),
        **{name: server.seen[name] for name in ("requests", "refused")},
    }


def _printed(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """What a contender prints. Whoever ends this waits until the contender has ended Dagster's servers."""
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            printed = process.communicate()[0]
        except BaseException:
            # `Popen` itself waits no longer than a moment after Ctrl-C; and there is more to read.
            process.terminate()
            process.communicate()
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return printed


def _empty(python: str, url: str) -> None:
    """Remove all tables, so that the next one begins with an empty Dagster, too."""
    text = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
    code = f"import psycopg2; c = psycopg2.connect({url!r}); c.cursor().execute({text!r}); c.commit()"
    subprocess.run([python, "-c", code], check=True)
