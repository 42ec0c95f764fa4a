"""Jobs that go on in turns, one request at a time, in an order that is drawn: machines beside each other,
without their speed."""

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

#: A job is given what it calls before each request: it returns when it is the job's turn.
Job = Callable[[Callable[[str, str], None]], Any]

#: Far longer than any step takes.
_STUCK = 60.0


class Stuck(Exception):  # noqa: N818 - it is about the test, not about what it tests
    """A job neither ended nor came to a request."""


def by_fits(seed: int) -> Callable[[Sequence[int]], int]:
    """One job goes on for a while, then another one."""
    draw, order = random.Random(seed), list[int]()

    def choose(waiting: Sequence[int]) -> int:
        while not order or order[-1] not in waiting or draw.random() < 0.2:
            order.append(draw.choice(waiting))
        return order[-1]

    return choose


def in_turns(jobs: Sequence[Job], choose: Callable[[Sequence[int]], int]) -> list[Any]:
    """What each job returns, or the error that it raised.

    Args:
        choose: which of the jobs that wait, by their numbers, goes on.
    """
    state = threading.Condition()
    waiting: set[int] = set()
    turn: list[int] = []
    ended: dict[int, Any] = {}

    def run(number: int) -> None:
        def pause(_name: str, _key: str) -> None:
            with state:
                waiting.add(number)
                state.notify_all()
                if not state.wait_for(lambda: turn == [number], _STUCK):
                    raise Stuck
                turn.clear()
                waiting.discard(number)

        pause("", "")
        found: Any
        try:
            found = jobs[number](pause)
        except Exception as error:
            found = error
        with state:
            ended[number] = found
            state.notify_all()

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    while True:
        with state:
            if not state.wait_for(lambda: not turn and len(waiting) + len(ended) == len(jobs), _STUCK):
                raise Stuck
            if len(ended) == len(jobs):
                return [ended[number] for number in range(len(jobs))]
            turn.append(choose(sorted(waiting)))
            state.notify_all()
