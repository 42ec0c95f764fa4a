"""Workers without threads."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class InlineWorkers:
    """Does the work in the caller's thread, one thing after another."""

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        future: Future[T] = Future()
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)
        return future
