"""The group `wait`: many small reports of a simulator that is a process of its own, under Stripe's limits.

The floor is what a client that knows everything would need: it creates 25 report runs a second, knows when
each has ended, and fetches 20 files a second in that order, with a key in live mode, whose 100 requests a
second for all together allow that. Each of both takes as long as an empty answer of that simulator.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.figures import Figure
from tests.bench.peers import OURS, ROOT, python_of

CONTENDERS = (OURS, "stripe", "dlt", "airbyte")

#: A live key's limits count; the simulator accepts any.
_KEY = "_".join(("rk", "live", "bench" * 5))

_CREATED, _FETCHED = 25, 20

#: Seconds after which a contender is given up on: many times what any of them needs.
_LONGEST = 400

#: The contenders at work.
_running: set["subprocess.Popen[str]"] = set()


@dataclass(frozen=True, slots=True)
class Case:
    """So many reports, whose runs take `seconds`, or longer with a long tail."""

    reports: int
    seconds: float
    tail: float
    repetitions: int = 1

    @property
    def latency(self) -> tuple[str, str]:
        """What the simulator is asked for."""
        return f"{self.seconds}", f"{self.tail}"

    def __str__(self) -> str:
        tail = " and longer" if self.tail else ""
        return f"wait for {self.reports} reports of {self.seconds:g} s{tail}; ratio to the floor"


#: One contender after the other.
SHORT = (Case(90, 2, 0, 3), Case(365, 2, 0))

#: Both with all contenders at once, each with a simulator of its own: they hardly do but wait.
LONG = (Case(90, 60, 0.15), Case(365, 60, 0.15))


def floor(taken: Sequence[float], latency: float) -> float:
    """Seconds that report runs which take so long need at least, in the order created."""
    ready = sorted(number // _CREATED + latency + seconds for number, seconds in enumerate(taken))
    fetched: list[float] = []
    for at in ready:
        earliest = fetched[-_FETCHED] + 1 if len(fetched) >= _FETCHED else 0.0
        fetched.append(max(at, earliest))
    return fetched[-1] + latency


def wait(contenders: Sequence[str], folder: Path, case: Case) -> Iterator[list[Figure]]:
    """The figures of each repetition, in which one contender comes after the other.

    Contenders that fail are left out, and it is printed why.
    """
    for repetition in range(case.repetitions):
        found = (_waited(folder, case, repetition, contender) for contender in contenders)
        yield [each for each in found if each is not None]


def wait_at_once(contenders: Sequence[str], folder: Path, cases: Sequence[Case]) -> Iterator[list[Figure]]:
    """The figures of each case, once; all are begun at the same time, and end with whoever interrupts."""
    with ThreadPoolExecutor(len(contenders) * len(cases)) as pool:
        begun = [[pool.submit(_waited, folder, case, 0, each) for each in contenders] for case in cases]
        try:
            for of_case in begun:
                yield [figure for each in of_case if (figure := each.result()) is not None]
        finally:
            for process in list(_running):
                process.kill()


@dataclass(slots=True)
class Server:
    """A simulator that is a process of its own.

    Attributes:
        seen: what it has seen, once it has ended.
    """

    url: str
    seen: dict[str, Any]


@contextmanager
def serving(*asked: str) -> Iterator[Server]:
    """The simulator as long as it is needed; its report runs take as long as is `asked`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.server", *asked],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with process:
        assert process.stdout is not None
        server = Server(process.stdout.readline().strip(), {})
        yield server
        server.seen = json.loads(process.communicate()[0])


def arguments_for(case: Case, url: str, target: Path) -> list[str]:
    """What a contender of a case is called with."""
    first = datetime.now(UTC).date() - timedelta(days=case.reports + 30)
    return [url, _KEY, f"{first}", f"{case.reports}", f"{target}", f"{case.seconds}"]


def _run(command: Sequence[str]) -> tuple[int, str, str]:
    """A contender's exit code, and what it printed and complained of."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        _running.add(process)
        try:
            said, complained = process.communicate(timeout=_LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return 1, "", f"it has not ended within {_LONGEST} s"
        finally:
            process.kill()
            _running.discard(process)
    return process.returncode, said, complained


def _waited(folder: Path, case: Case, repetition: int, contender: str) -> Figure | None:
    target = folder / f"{contender}-{case.reports}-{case.seconds:g}"
    target.mkdir()
    module = f"tests.bench.contenders.waiting_{contender}"
    with serving(*case.latency) as server:
        status, said, complained = _run(
            [python_of(contender), "-m", module, *arguments_for(case, server.url, target)]
        )
    seen = server.seen
    if status:
        last = (complained.strip().splitlines() or ["it says nothing"])[-1]
        print(f"{case}: {contender} failed: {last}", flush=True)
        return None
    taken = json.loads(said.splitlines()[-1])
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    shutil.rmtree(target)
    least = floor(seen["taken"][: case.reports], seen["latency"])
    lags = seen["lags"]
    notes = {
        "floor": f"{least:.1f} s",
        "runs": len(seen["taken"]),
        "requests": seen["requests"],
        "429s": seen["refused"],
        "seen after": f"{median(lags):.1f}, at most {max(lags):.1f} s",
    }
    return Figure(
        str(case),
        contender,
        repetition,
        taken["wall"] / least,
        taken["wall"],
        taken["cpu"],
        taken["peak"],
        size,
        notes,
    )
