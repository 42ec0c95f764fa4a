"""The group `convert`: one large CSV to typed, exact Parquet.

All do the same job: text untouched, money `decimal128(18, 6)`, times as instants of UTC, zstd. The connector
has more to do: four columns more, sums, checksums of pages and of the file, and reading it back.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from connector.convert.arrow_types import MONEY
from tests.bench.figures import Figure
from tests.bench.peers import OURS, ROOT, python_of
from tests.bench.report_file import COLUMNS

CONTENDERS = (OURS, "polars", "duckdb", "pyarrow")


def convert(
    contenders: Sequence[str], folder: Path, *, size: float, repetitions: int
) -> Iterator[list[Figure]]:
    """The figures of each repetition, in which one contender comes after the other.

    Args:
        size: GB of CSV.
    """
    source, case = folder / "report.csv", f"convert {size:g} GB; ratio to the fastest peer"
    subprocess.run([sys.executable, "-m", "tests.bench.report_file", source, f"{size}"], cwd=ROOT, check=True)
    for repetition in range(repetitions):
        found = {}
        for contender in _turned(contenders, repetition):
            found[contender] = _converted(contender, source, folder / f"{contender}.parquet")
        fastest = min(taken["wall"] for name, (taken, _) in found.items() if name != OURS or len(found) == 1)
        truth = found.get(OURS, next(iter(found.values())))[1]
        yield [
            Figure(
                case,
                contender,
                repetition,
                ratio=taken["wall"] / fastest,
                wall=taken["wall"],
                cpu=taken["cpu"],
                peak=taken["peak"],
                size=(folder / f"{contender}.parquet").stat().st_size,
                notes={
                    "MB/s": round(source.stat().st_size / 1e6 / taken["wall"]),
                    "sums": "exact" if sums == truth else "differ",
                },
            )
            for contender, (taken, sums) in found.items()
        ]
    source.unlink()


def arguments(source: Path, target: Path) -> list[str]:
    """What a contender is called with."""
    return [f"{source}", f"{target}", json.dumps(dict(COLUMNS)), f"{MONEY.precision}", f"{MONEY.scale}"]


def _converted(contender: str, source: Path, target: Path) -> tuple[dict[str, float], list[str]]:
    """What it took, and what the file amounts to."""
    module = f"tests.bench.contenders.converting_{contender}"
    target.unlink(missing_ok=True)
    ended = subprocess.run(
        [python_of(contender), "-m", module, *arguments(source, target)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    taken = json.loads(ended.stdout.splitlines()[-1])
    with pq.ParquetFile(target) as file:
        rows = [file.metadata.num_rows]
        amounts = [pc.sum(batch["net"]).as_py() for batch in file.iter_batches(columns=["net"])]
    return taken, [str(each) for each in (*rows, sum(amounts))]


def _turned(contenders: Sequence[str], repetition: int) -> list[str]:
    """Another one begins each time."""
    first = repetition % len(contenders)
    return [*contenders[first:], *contenders[:first]]
