"""How fast the connector is beside its peers: `make bench`, or `python -m tests.bench --help`.

Groups: **wait**: 90 and 365 small reports whose runs take 2 seconds, or 60 and more, from a simulator
under Stripe's limits, beside the official SDK with pandas, dlt, and Airbyte's CDK; the ratio is to the floor
that latency and limits dictate, and it is noted how long after its end a run is first seen to have ended.
**convert**: 1 GB of CSV (10 GB with `--large`) to typed, exact Parquet, beside Polars, DuckDB and PyArrow;
the ratio is to the fastest of them in the same repetition.
**collect**: 10,000 partitions that are there already. **dagster**, on request: a year of two reports with all
their checks, on SQLite and on Postgres, beside assets that only sleep as long as Stripe takes.

Peers come from PyPI, each into a virtual environment of its own, `.venv-bench-<peer>`, which `make clean`
removes; what cannot be installed is left out, and said. How each is used best stands in its module in
`contenders`. Contenders take turns, so that a busy machine is busy for all; still, only a quiet one gives
figures worth quoting. Nothing is asserted about time: what is counted is asserted by the tests.

The table is printed; `bench.json`, `bench.png` and `profiles.txt`, which says where the time goes, are put
into `build/bench`. 14 minutes without `--large` and `--dagster`, which takes as long for each 100 days.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from tests.bench import backfilling, collecting, converting, profiles, waiting
from tests.bench.figures import Figure, draw, machine, show, write
from tests.bench.peers import OURS, PACKAGES, install
from tests.support.postgres import find_programs

#: What is installed for each group.
NEEDED = {
    "wait": waiting.CONTENDERS[1:],
    "convert": converting.CONTENDERS[1:],
    "collect": (),
    "dagster": ("dagster",),
}

GROUPS = tuple(NEEDED)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=GROUPS, help="one group alone")
    parser.add_argument(
        "--peers", nargs="*", choices=sorted({*NEEDED["wait"], *NEEDED["convert"]}), help="these alone"
    )
    parser.add_argument("--size", type=float, default=1.0, help="GB of CSV to convert (1)")
    parser.add_argument("--large", action="store_true", help="convert 10 GB, too")
    parser.add_argument(
        "--repetitions", type=int, help="how often the CSV is converted (5), and Dagster backfills (1)"
    )
    parser.add_argument("--dagster", action="store_true", help="also a year of two reports through Dagster")
    parser.add_argument("--days", type=int, default=365, help="through Dagster so many days (365)")
    parser.add_argument("--short", action="store_true", help="of the waiting, 90 reports of 2 seconds alone")
    parser.add_argument("--to", type=Path, default=Path("build/bench"), help="the folder to write to")
    asked = parser.parse_args()

    about = machine()
    groups = [asked.only] if asked.only else [*GROUPS[:3], *(["dagster"] if asked.dagster else [])]
    wanted = {*chain.from_iterable(NEEDED[group] for group in groups), "picture"}
    if asked.peers is not None:
        wanted &= {*asked.peers, "picture", "dagster"}
    peers = [peer for peer in PACKAGES if peer in wanted]
    skipped = {peer: why for peer in peers if (why := install(peer))}
    if "dagster" in peers and find_programs() is None:
        skipped["Dagster on Postgres"] = "no `initdb` is found; Debian's package is `postgresql`"
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-", dir=_scratch(asked.to)) as folder:
        for found in _measured(asked, groups, [peer for peer in peers if peer not in skipped], Path(folder)):
            figures += found
            for each in found:
                print(f"{each.case}: {each.contender} {each.wall:.1f} s, ratio {each.ratio:.2f}", flush=True)
        profiled = profiles.profile(groups, Path(folder), size=asked.size)
    show(figures, skipped, about)
    print(*profiled, sep="\n\n")
    written = write(asked.to, figures, skipped, about, {each.what: each.spent for each in profiled})
    print(*filter(None, (written, draw(written), profiles.write(asked.to, profiled))))


def _measured(
    asked: argparse.Namespace, groups: Sequence[str], peers: Sequence[str], folder: Path
) -> Iterator[list[Figure]]:
    """The figures of one repetition after the other, of the groups asked for."""
    if "wait" in groups:
        contenders = [name for name in waiting.CONTENDERS if name in {OURS, *peers}]
        for case in waiting.SHORT[:1] if asked.short else waiting.SHORT:
            yield from waiting.wait(contenders, folder, case)
        if not asked.short:
            yield from waiting.wait_at_once(contenders, folder, waiting.LONG)
    if "convert" in groups:
        contenders = [name for name in converting.CONTENDERS if name in {OURS, *peers}]
        for size in [asked.size, *([10.0] if asked.large else [])]:
            repetitions = (asked.repetitions or 5) if size < 10 else 1
            yield from converting.convert(contenders, folder, size=size, repetitions=repetitions)

    if "collect" in groups:
        yield from collecting.collect()
    if "dagster" in groups:
        found = [None, *([find_programs()] if "dagster" in peers else [])]
        for programs in dict.fromkeys(found):
            yield from backfilling.backfill(asked.days, programs=programs, repetitions=asked.repetitions or 1)


def _scratch(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; nothing was written.")
