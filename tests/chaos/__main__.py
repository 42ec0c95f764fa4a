"""Ordeals in bulk, as a table: `python -m tests.chaos SEEDS [DAYS] [FIRST_SEED]`.

For each seed a mixture of faults, with kills; then every fault alone, as often as it takes for each to have
been tried SEEDS / 200 times. Every seed that breaks the law is printed with what it broke.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.chaos.mixtures import mixture
from tests.chaos.ordeal import LawBrokenError, Ordeal
from tests.chaos.weather import FAULTS


def main(seeds: int, partitions: int, first: int) -> int:
    """Print the table; how many ordeals broke the law."""
    began, trials, hits, losses = time.monotonic(), Counter[str](), Counter[str](), Counter[str]()
    runs = planned = deaths = 0
    broken: list[str] = []
    names = sorted(FAULTS)
    for number in range(seeds + max(1, seeds // 200) * len(names)):
        with tempfile.TemporaryDirectory() as place:
            if number < seeds:
                ordeal = mixture(first + number, Path(place), partitions=partitions)
            else:
                alone = names[(number - seeds) % len(names)]
                ordeal = Ordeal(first + number, Path(place), [alone], partitions=partitions)
            try:
                ordeal.undergo()
            except Exception as error:
                broken.append(
                    f"{'' if isinstance(error, LawBrokenError) else f'seed {ordeal.seed}: '}{error!r}"
                )
                losses.update(ordeal.faults)
                print(broken[-1], flush=True)
        trials.update(ordeal.faults)
        hits.update(ordeal.hits)
        runs, planned = runs + len(ordeal.simulator.runs), planned + 2 * partitions
        deaths += ordeal.deaths
    print(f"{'fault':34} {'trials':>7} {'struck':>9} {'losses':>7}")
    for name in FAULTS:
        print(f"{name:34} {trials[name]:7} {hits[name]:9} {losses[name]:7}")
    print(
        f"{number + 1} ordeals, {deaths} kills, {planned} partitions, {runs} report runs, "
        f"{len(broken)} broke the law; {time.monotonic() - began:.0f} s"
    )
    return len(broken)


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    sys.exit(bool(main(*(given + [20, 4, 1][len(given) :]))))
