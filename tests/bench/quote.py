"""Put the figures of a run into the README: `python -m tests.bench.quote [build/bench/bench.json …]`.

Of several runs, such as one with the backfills, all of one day. Only of a machine that does nothing else.
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


def quoted(runs: Sequence[Mapping[str, Any]]) -> str:
    """What the `bench.json` of these runs amount to, in Markdown: the ratios of each case, ours first, with
    their spread. Who takes part in another case of the kind failed in this one, or did not end in time."""
    rows = ["| measured | ours | others |", "|---|---|---|"]
    figures: Sequence[Mapping[str, Any]] = [each for measured in runs for each in measured["figures"]]
    for case in dict.fromkeys(each["case"] for each in figures):
        ratios: dict[str, list[float]] = {}
        for each in figures:
            if each["case"] == case:
                ratios.setdefault(each["contender"], []).append(each["ratio"])
        ours = ratios.pop(OURS, [])
        others = sorted(ratios.items(), key=lambda each: median(each[1]))
        beside = {each["contender"] for each in figures if each["case"].split()[0] == case.split()[0]}
        others += [(name, []) for name in sorted(beside - {OURS, *ratios})]
        named = ", ".join(f"{name} {_ratio(found)}" for name, found in others)
        rows.append(f"| {case.replace('; ratio to', ', times')} | {_ratio(ours)} | {named} |")
    about = runs[0]["about"]
    versions = ", ".join(dict.fromkeys(each for run in runs for each in run["versions"].values() if each))
    skipped = {name: why for run in runs for name, why in run["skipped"].items()}
    left_out = [f"Left out: {name}, {why}." for name, why in skipped.items()]
    measured_when = f"{about['date']}, {about['machine']}, Python {about['python']}; {versions}."
    return "\n".join([*rows, "", " ".join([measured_when, *left_out]), ""])


def _ratio(found: Sequence[float]) -> str:
    if not found:
        return "no result"
    least, most = f"{min(found):.2f}", f"{max(found):.2f}"
    return f"{median(found):.2f}" + (f" ({least} to {most})" if least != most else "")


def main() -> None:
    measured = [Path(each) for each in sys.argv[1:] or ["build/bench/bench.json"]]
    marked = f"<!-- {MARK}: begin -->\n{{}}<!-- {MARK}: end -->"
    figures = quoted([json.loads(each.read_text(encoding="utf-8")) for each in measured])
    written = text(README).replace(marked.format(section(README, MARK)), marked.format(figures))
    (ROOT / README).write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
