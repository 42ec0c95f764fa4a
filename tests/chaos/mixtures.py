"""Mixtures of faults, each from its seed."""

import random
from pathlib import Path

from tests.chaos.faults import FAULTS
from tests.chaos.ordeal import Ordeal


def mixture(seed: int, root: Path, *, partitions: int, kind: type[Ordeal] = Ordeal) -> Ordeal:
    """A few faults at once, some rare and some frequent, and up to three kills."""
    draw = random.Random(seed)
    faults = draw.sample(sorted(FAULTS), draw.randint(1, 6))
    probability = draw.choice([0.02, 0.05, 0.1, 0.2])
    return kind(seed, root, faults, probability=probability, kills=draw.randint(0, 3), partitions=partitions)
