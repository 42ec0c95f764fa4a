"""The model of a code location in bulk: `python -m tests.model.location --help`."""

import argparse
import logging
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tests.model.laws import LawBrokenError
from tests.model.location.machine import Weeks
from tests.model.location.planted import PLANTED
from tests.model.seeded import run_seeded

#: Examples under one seed, and the most steps of each.
_BATCH, STEPS = 12, 25


def live(number: int, examples: int, *, steps: int = STEPS) -> None:
    """So many examples under one seed. Raises what broke."""
    run_seeded(Weeks, number, examples, steps=steps, shrink=False)


def found_within(
    seconds: float, first: int, planted: Callable[[], AbstractContextManager[Any]]
) -> tuple[str, int]:
    """The law that a planted mistake breaks, and the seed; empty where none is broken in that time on a
    processor."""
    until, number = time.process_time() + seconds, first
    with planted():
        while time.process_time() < until:
            try:
                live(number, _BATCH)
            except LawBrokenError as broken:
                return str(broken), number
            number += 1
    return "", number


def _plant(first: int, named: str) -> int:
    missed = 0
    print("| mistake | seed | seconds | on a processor | what broke |\n|---|---|---|---|---|")
    for name, planted in PLANTED.items():
        if named not in name:
            continue
        began, worked = time.monotonic(), time.process_time()
        law, number = found_within(180, first, planted)
        missed += not law
        took, worked = time.monotonic() - began, time.process_time() - worked
        print(f"| {name} | {number} | {took:.1f} | {worked:.1f} | {law or 'NOT FOUND'} |", flush=True)
    return missed


def main() -> int:
    """Zero when no law was broken, or when every planted mistake was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.model.location", description=__doc__)
    parser.add_argument("examples", type=int, nargs="?", default=120, help="how many (120)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (1)")
    parser.add_argument(
        "--planted", nargs="?", const="", metavar="TEXT", help="look for planted mistakes instead; with TEXT"
    )
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if asked.planted is not None:
        return int(_plant(asked.first, asked.planted) > 0)
    began, broken = time.monotonic(), 0
    for number in range(asked.first, asked.first + -(-asked.examples // _BATCH)):
        try:
            live(number, min(_BATCH, asked.examples))
        except LawBrokenError as error:
            broken += 1
            print(f"seed {number}: {error}\n" + "\n".join(getattr(error, "__notes__", ())), flush=True)
    for name, count in Weeks.steps.most_common():
        print(f"{name:22} {count:7}")
    took = time.monotonic() - began
    print(f"{asked.examples} examples, {Weeks.steps.total()} steps, {broken} seeds broke a law; {took:.0f} s")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
