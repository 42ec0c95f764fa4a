"""Put the figures of a run into the README: `python -m tests.bench.quote [build/bench/bench.json]`.

Only of a machine that does nothing else.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.peers import OURS
from tests.readme import ROOT, section, text

README, MARK = "connector/README.md", "bench"


def quoted(measured: Mapping[str, Any]) -> str:
    """What a `bench.json` amounts to, in Markdown: the ratios of each case, ours first, with its spread."""
    rows = ["| measured | ours | others |", "|---|---|---|"]
    figures: Sequence[Mapping[str, Any]] = measured["figures"]
    for case in dict.fromkeys(each["case"] for each in figures):
        ratios: dict[str, list[float]] = {}
        for each in figures:
            if each["case"] == case:
                ratios.setdefault(each["contender"], []).append(each["ratio"])
        ours = ratios.pop(OURS, [])
        others = sorted(ratios.items(), key=lambda each: median(each[1]))
        named = ", ".join(f"{name} {_ratio(found)}" for name, found in others)
        rows.append(f"| {case.replace('; ratio to', ', times')} | {_ratio(ours)} | {named} |")
    about = measured["about"]
    versions = ", ".join(each for name, each in measured["versions"].items() if each)
    left_out = [f"Left out: {name}, {why}." for name, why in measured["skipped"].items()]
    measured_when = f"{about['date']}, {about['machine']}, Python {about['python']}; {versions}."
    return "\n".join([*rows, "", " ".join([measured_when, *left_out]), ""])


def _ratio(found: Sequence[float]) -> str:
    if not found:
        return "failed"
    least, most = f"{min(found):.2f}", f"{max(found):.2f}"
    return f"{median(found):.2f}" + (f" ({least} to {most})" if least != most else "")


def main() -> None:
    measured = Path(sys.argv[1] if len(sys.argv) > 1 else "build/bench/bench.json")
    marked = f"<!-- {MARK}: begin -->\n{{}}<!-- {MARK}: end -->"
    figures = quoted(json.loads(measured.read_text(encoding="utf-8")))
    written = text(README).replace(marked.format(section(README, MARK)), marked.format(figures))
    (ROOT / README).write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
