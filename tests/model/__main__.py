"""The model in bulk: `python -m tests.model --help`.

Every batch of examples has a seed; `--first` with that seed does the same once more. What breaks a law is
made small and printed as the steps that lead to it.
"""

import argparse
import logging
import sys
import time
import traceback

from tests.model.laws import LawBrokenError
from tests.model.machine import Months
from tests.model.planted import PLANTED, SEEN_WITH
from tests.model.seeded import run_seeded

#: Examples under one seed, and the most steps of each.
_BATCH, STEPS = 50, 30


def live(
    number: int, examples: int, *, steps: int = STEPS, shrink: bool = True, machine: type[Months] = Months
) -> None:
    """So many examples under one seed. Raises what broke."""
    run_seeded(machine, number, examples, steps=steps, shrink=shrink)


def found_within(seconds: float, first: int, planted: str) -> LawBrokenError | None:
    """The law that a planted mistake breaks, with the steps that lead to it as notes; None when none in
    that time on a processor. Few steps come first, so that there is little to make small."""
    until, number = time.process_time() + seconds, first
    machine = type("Planted", (Months,), {"tables": [SEEN_WITH.get(planted, "balances")]})
    with PLANTED[planted]():
        while time.process_time() < until:
            try:
                live(
                    number,
                    15,
                    steps=(5, 10, STEPS)[min(2, (number - first) // 3)],
                    shrink=False,
                    machine=machine,
                )
            except LawBrokenError as broken:
                return broken
            number += 1
    return None


def _law(broken: LawBrokenError) -> str:
    """The function of `laws` that raised it."""
    frames = traceback.extract_tb(broken.__traceback__)
    names = [frame.name for frame in frames if frame.filename.endswith(("laws.py", "machine.py"))]
    return next((name for name in reversed(names) if name != "_expect"), "?").strip("_").replace("_", " ")


def _length(broken: LawBrokenError) -> int:
    """How many steps led to it."""
    return sum(line.startswith("state.") for note in broken.__notes__ for line in note.splitlines()) - 2


def _plant(first: int, named: str) -> int:
    missed = 0
    print("| mistake | law | steps | seconds | on a processor |\n|---|---|---|---|---|")
    for name in PLANTED:
        if named not in name:
            continue
        began, worked = time.monotonic(), time.process_time()
        found = found_within(120, first, name)
        missed += found is None
        law, length = (_law(found), _length(found)) if found else ("NOT FOUND", 0)
        took, worked = time.monotonic() - began, time.process_time() - worked
        print(f"| {name} | {law} | {length} | {took:.1f} | {worked:.1f} |", flush=True)
    return missed


def main() -> int:
    """Zero when no law was broken, or when every planted mistake was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("examples", type=int, nargs="?", default=500, help="how many (500)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (1)")
    parser.add_argument(
        "--planted", nargs="?", const="", metavar="TEXT", help="look for planted mistakes instead; with TEXT"
    )
    asked = parser.parse_args()
    logging.getLogger("connector").setLevel(logging.CRITICAL + 1)
    if asked.planted is not None:
        return int(_plant(asked.first, asked.planted) > 0)
    began, broken = time.monotonic(), 0
    for number in range(asked.first, asked.first + -(-asked.examples // _BATCH)):
        try:
            live(number, min(_BATCH, asked.examples))
        except Exception as error:
            broken += 1
            example = "\n".join(getattr(error, "__notes__", ()))
            print(f"seed {number}: {error!r}\n{example}", flush=True)
    for name, count in Months.steps.most_common():
        print(f"{name:22} {count:7}")
    took = time.monotonic() - began
    print(
        f"{asked.examples} examples, {Months.steps.total()} steps, {broken} seeds broke a law; {took:.0f} s"
    )
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
