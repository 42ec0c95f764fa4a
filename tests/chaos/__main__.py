"""Ordeals in bulk, as a table: `python -m tests.chaos --help`.

For each seed a mixture of faults, with kills; then every fault alone, as often as was asked. Every seed that
breaks the law is printed with what it broke. Ordeals that killed nobody prove nothing: that is a failure too.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.chaos.faults import FAULTS
from tests.chaos.in_dagster import OrdealInDagster
from tests.chaos.mixtures import mixture
from tests.chaos.ordeal import LawBrokenError, Ordeal


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("seeds", type=int, nargs="?", default=20, help="how many mixtures (20)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--alone", type=int, default=1, help="how often each fault comes alone (1)")
    parser.add_argument("--days", type=int, default=2, help="partitions of each of the two reports (2)")
    parser.add_argument("--dagster", action="store_true", help="through Dagster, rather than the library")
    return parser.parse_args()


def _ordeals(asked: argparse.Namespace) -> Iterator[Callable[[Path], Ordeal]]:
    kind = OrdealInDagster if asked.dagster else Ordeal
    for seed in range(asked.first, asked.first + asked.seeds):
        yield partial(mixture, seed, partitions=asked.days, kind=kind)
    for seed in range(asked.first, asked.first + asked.alone):
        for name in FAULTS:
            yield partial(kind, seed, faults=[name], partitions=asked.days)


def main(asked: argparse.Namespace) -> int:
    """Print the table; zero when no ordeal broke the law and somebody was killed."""
    began, trials, hits, losses = time.monotonic(), Counter[str](), Counter[str](), Counter[str]()
    deaths = Counter[str]()
    ordeals = runs = broken = 0
    for make in _ordeals(asked):
        with tempfile.TemporaryDirectory() as place:
            ordeal = make(Path(place))
            try:
                ordeal.undergo()
            except Exception as error:
                broken += 1
                losses.update(ordeal.faults)
                which = "" if isinstance(error, LawBrokenError) else f"seed {ordeal.seed} {ordeal.faults}: "
                print(f"{which}{error!r}", flush=True)
        trials.update(ordeal.faults)
        hits.update(ordeal.hits)
        ordeals, runs = ordeals + 1, runs + len(ordeal.simulator.runs)
        deaths.update(place.rpartition("/")[0] or f"({place})" for place in ordeal.died_at)
    print(f"{'fault':34} {'trials':>7} {'struck':>9} {'losses':>7}")
    for name in FAULTS:
        print(f"{name:34} {trials[name]:7} {hits[name]:9} {losses[name]:7}")
    print(f"died: {', '.join(f'{place} {count}' for place, count in deaths.most_common()) or 'nobody'}")
    print(
        f"{ordeals} ordeals, {deaths.total()} deaths, {2 * asked.days * ordeals} partitions, "
        f"{runs} report runs, {broken} broke the law; {time.monotonic() - began:.0f} s"
    )
    return int(broken > 0 or not deaths)


if __name__ == "__main__":
    sys.exit(main(_asked()))
