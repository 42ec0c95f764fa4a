"""Waiting for something to become true, and saying what it was when it did not."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T | None], *, within: float, what: str, every: float = 0.25) -> T:
    """The first value of `condition` that is true.

    Args:
        within: seconds after which it is given up.
        what: what was waited for, for the message.

    Raises TimeoutError with the last value seen.
    """
    pause = threading.Event()
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what}: not within {within:.0f} s; last seen: {value!r}")
        pause.wait(every)
