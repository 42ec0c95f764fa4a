"""What was measured, and how it is shown: a table, JSON, and a picture."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.peers import OURS, ROOT, python_of, versions_of


@dataclass(frozen=True, slots=True)
class Figure:
    """One contender in one repetition of a case.

    Attributes:
        case: what was done, such as `convert 1.0 GB`.
        ratio: what the case is about, the less the better: wall seconds by the floor, or by the fastest
            peer's in the same repetition.
        wall, cpu: seconds of the contender, its imports apart.
        peak: MiB of memory.
        size: bytes of the files that it wrote.
        notes: what else is known of it, such as how many requests it sent.
    """

    case: str
    contender: str
    repetition: int
    ratio: float
    wall: float
    cpu: float
    peak: float
    size: int
    notes: Mapping[str, Any]


def machine() -> dict[str, str]:
    """Where and when this is measured."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{os.cpu_count()} × {model or platform.machine()}, {platform.system()}",
        "load": f"{os.getloadavg()[0]:.1f} before it began",
        "python": platform.python_version(),
        "connector": version("dagster-stripe-reports"),
    }


def show(figures: Sequence[Figure], skipped: Mapping[str, str], about: Mapping[str, str]) -> None:
    """Print a table: the median and the spread of each figure."""
    console = Console(width=140)
    for case in dict.fromkeys(each.case for each in figures):
        of_case = [each for each in figures if each.case == case]
        table = Table(title=case, title_justify="left", title_style="bold")
        for name in ("", "ratio", "wall s", "CPU s", "peak MiB", "written MB", "notes"):
            table.add_column(name, justify="left" if name in {"", "notes"} else "right")
        for contender in sorted({each.contender for each in of_case}, key=lambda name: _ratio(of_case, name)):
            found = [each for each in of_case if each.contender == contender]
            table.add_row(
                contender,
                _spread([each.ratio for each in found], 2),
                _spread([each.wall for each in found], 1),
                _spread([each.cpu for each in found], 1),
                f"{max(each.peak for each in found):.0f}",
                f"{median(each.size for each in found) / 1e6:.1f}",
                ", ".join(f"{name} {value}" for name, value in found[-1].notes.items()),
                style="bold" if contender == OURS else "",
            )
        console.print(table)
    for contender, why in skipped.items():
        console.print(f"{contender} is left out: {why}", markup=False)
    console.print(" · ".join(f"{name} {value}" for name, value in about.items()), markup=False)


def write(
    folder: Path,
    figures: Sequence[Figure],
    skipped: Mapping[str, str],
    about: Mapping[str, str],
    profiles: Mapping[str, Mapping[str, float]],
) -> Path:
    """Write everything as JSON. Returns where."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "bench.json"
    contenders = {name: versions_of(name) for name in dict.fromkeys(each.contender for each in figures)}
    content = {
        "about": about,
        "versions": contenders,
        "skipped": skipped,
        "figures": [asdict(each) for each in figures],
        "profiles": profiles,
    }
    target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return target


def draw(measured: Path) -> Path | None:
    """Draw what stands in the JSON beside it; None where altair is not installed."""
    target = measured.with_suffix(".png")
    command = [python_of("picture"), "-m", "tests.bench.picture", str(measured), str(target)]
    try:
        subprocess.run(command, check=True, cwd=ROOT)
    except (OSError, subprocess.CalledProcessError):
        return None
    return target


def _ratio(figures: Iterable[Figure], contender: str) -> float:
    return median(each.ratio for each in figures if each.contender == contender)


def _spread(values: Sequence[float], digits: int) -> str:
    """The median; and the least and the greatest, where they are not the same."""
    middle, least, most = (f"{value:.{digits}f}" for value in (median(values), min(values), max(values)))
    return middle if least == most else f"{middle} ({least}–{most})"
