"""Where the time goes in the big cases, each carried out once more for that alone; and what to try next."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.converting import arguments
from tests.bench.peers import ROOT
from tests.bench.sampling import by_kind
from tests.bench.waiting import SHORT, arguments_for, serving

#: What is known of each case and has not been tried, or not been taken; to be kept up with the figures.
NEXT = {
    "wait": """
Hardly any of it is work: 20 files a second are what reports of 2 s wait for, and the first one is fetched up
to 0.2 s later than it could be, as often as the list is read. The pace is even, 41 ms from one report
run to the next and 51 ms from file to file, where Stripe would take the first 25 and 20 at once: half a
second.
To try: a first burst, once it is known how Stripe counts.
""",
    "convert": """
The parser and the split into columns are 1.4 s of each GB, UTF-8 0.1, money 0.3, times 0.1, sums 0.2: in one
thread. In the other, writing with zstd is 2.1 and SHA-256 0.15, and it is what the first one waits for.
To try: DELTA_BYTE_ARRAY for ids, 0.2 s less of writing, once it is known which warehouses read it; SHA-256 in
a third thread, 0.1 s of wall; money by way of decimal64, 0.04 s.
""",
    "dagster": """
Before a step held Dagster's event log open, each event was written over up to three connections with an
engine each, and as many commits. CPU ms a partition, before and after, measured side by side:
  229  118  in all
  119   34  SQLAlchemy: engines made and statements compiled
   23    7  SQLite: statements and commits and connections
   18   17  events to and from JSON
   21   16  Dagster's own work
    7    7  checks
    1    1  files: footers and seals and publishing
   40   36  other threads, and the rest
What is left of SQLAlchemy is mostly what Dagster plans before a run begins, which is not in the step. A
partition reads the log once, just before its event: a step that outlived the process of its run may have
written it in this moment. Some 1 ms.
In Postgres Dagster alone makes 42 connections and as many commits for each partition; it is 6 and 10.
To try: fewer lines of the log, each of which is a connection to Postgres; fewer evaluations, those of one
file that have the same severity in one, at the price of their names.
""",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """CPU seconds by kind of work and function.

    Attributes:
        what: what was carried out.
        spent: by `kind, module.function`.
    """

    group: str
    what: str
    spent: Mapping[str, float]

    def __str__(self) -> str:
        total = sum(self.spent.values())
        kinds = by_kind(self.spent).items()
        lines = [f"{self.what}: {total:.1f} CPU seconds"]
        lines += [f"  {seconds:7.2f} s {seconds / total:5.0%}  {kind}" for kind, seconds in kinds]
        lines += ["  of which"]
        places = sorted(self.spent.items(), key=lambda each: -each[1])[:15]
        lines += [f"  {seconds:7.2f} s {seconds / total:5.0%}  {place}" for place, seconds in places]
        return "\n".join([*lines, NEXT[self.group].rstrip()])


def profile(groups: Sequence[str], folder: Path, *, size: float) -> list[Profile]:
    """The profiles of these groups.

    Args:
        size: GB of CSV to convert.
    """
    found = []
    if "wait" in groups:
        target = folder / "profile"
        target.mkdir()
        with serving(*SHORT[0].latency) as server:
            module, asked = "waiting_connector", arguments_for(SHORT[0], server.url, target)
            found.append(Profile("wait", f"{SHORT[0].reports} reports of 2 s", _profiled(module, *asked)))
    if "convert" in groups:
        source = folder / "profile.csv"
        command = [sys.executable, "-m", "tests.bench.report_file", f"{source}", f"{size}"]
        subprocess.run(command, cwd=ROOT, check=True)
        asked = arguments(source, folder / "profile.parquet")
        found.append(Profile("convert", f"{size:g} GB of CSV", _profiled("converting_connector", *asked)))
        source.unlink()
    if "dagster" in groups:
        what = "2 × 31 days in Dagster, on SQLite"
        found.append(Profile("dagster", what, _profiled("profiled_backfill")))
    return found


def write(folder: Path, profiles: Sequence[Profile]) -> Path:
    """Write them as text. Returns where."""
    target = folder / "profiles.txt"
    target.write_text("\n\n".join(map(str, profiles)) + "\n", encoding="utf-8")
    return target


def _profiled(contender: str, *asked: str) -> Mapping[str, float]:
    command = [sys.executable, "-m", f"tests.bench.contenders.{contender}", *asked]
    environment = {**os.environ, "BENCH_PROFILE": "1"}
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    spent: Mapping[str, float] = json.loads(ended.stdout.splitlines()[-1])["profile"]
    return spent
