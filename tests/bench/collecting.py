"""The group `collect`: partitions that are all published; all there is to do is to find that out."""

import json
import subprocess
import sys
from collections.abc import Iterator

from tests.bench.figures import Figure
from tests.bench.peers import OURS, ROOT

#: As long as it is linear, each of both takes the same a partition.
SIZES = (2_500, 10_000)


def collect() -> Iterator[list[Figure]]:
    """The figures of each size. Memory is the whole process's, which holds the simulator's books too."""
    for size in SIZES:
        command = [sys.executable, "-m", "tests.bench.contenders.collecting_connector", f"{size}"]
        ended = subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE)
        taken = json.loads(ended.stdout.splitlines()[-1])
        case = f"collect {size:,} partitions that are there; ratio to 1 ms each"
        each = 1000 * taken["wall"] / size
        yield [Figure(case, OURS, 0, each, taken["wall"], taken["cpu"], taken["peak"], 0, {})]
