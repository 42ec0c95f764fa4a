"""Where a process spends its CPU seconds, by kind of work: samples of all its threads, so that it is hardly
slower for it. What a library does in threads of its own, as Arrow does, is the rest.
"""

import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

_EVERY = 0.002

_OURS = {"connector", "assets"}


@contextmanager
def sampled() -> Iterator[dict[str, float]]:
    """CPU seconds by `kind, module.function` of what is done in the block, once it has ended."""
    spent: defaultdict[str, float] = defaultdict(float)
    found: dict[str, float] = {}
    ended = threading.Event()
    thread = threading.Thread(target=_sample, args=(spent, ended), daemon=True)
    before = sum(os.times()[:2])
    thread.start()
    yield found
    ended.set()
    thread.join()
    total = sum(os.times()[:2]) - before
    found |= {place: round(seconds, 3) for place, seconds in _most_first(spent) if seconds > 0.002 * total}
    found["threads of libraries, and the rest"] = round(max(0.0, total - sum(found.values())), 3)


def _sample(spent: defaultdict[str, float], ended: threading.Event) -> None:
    before: dict[int, float] = {}
    while not ended.wait(_EVERY):
        for thread, frame in sys._current_frames().items():
            # It cannot end meanwhile, since this one holds the interpreter's lock.
            now = time.clock_gettime(time.pthread_getcpuclockid(thread))
            spent[_place(frame)] += max(0.0, now - before.get(thread, now))
            before[thread] = now


def _place(frame: FrameType | None) -> str:
    """The innermost function that is ours or Dagster's."""
    while frame is not None:
        parts = str(frame.f_globals.get("__name__", "")).split(".")
        where = f"{parts[-1]}.{frame.f_code.co_name}"
        if parts[0] in _OURS:
            return f"{'.'.join(parts[:2])}, {where}"
        if parts[0] == "dagster":
            return f"Dagster's {'storage' if 'storage' in parts else 'own work'}, {where}"
        frame = frame.f_back
    return "other"


def by_kind(spent: Mapping[str, float]) -> dict[str, float]:
    """The same by kind alone, the most first."""
    kinds: defaultdict[str, float] = defaultdict(float)
    for place, seconds in spent.items():
        kinds[place.partition(", ")[0]] += seconds
    return dict(_most_first(kinds))


def _most_first(spent: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(spent.items(), key=lambda each: -each[1])
