"""A few threads that work while the main one waits, and never keep a process alive.

The standard pool joins its threads when the interpreter ends. A thread that reads from a silent socket
would then hold up a cancelled Dagster run for as long as the socket's timeout.
"""

import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Workers(Protocol):
    """Where work goes that the main thread does not wait for."""

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """Begin `work` when a thread is free; its result or exception is the future's."""


class DaemonWorkers:
    """`count` daemon threads, first come, first served."""

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._queue: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        future: Future[T] = Future()
        self._queue.put((future, work))
        if len(self._threads) < self._count:
            thread = threading.Thread(
                target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True
            )
            self._threads.append(thread)
            thread.start()
        return future

    def close(self) -> None:
        """Cancel what has not begun. What runs is left to end by itself."""
        with contextlib.suppress(queue.Empty):
            while True:
                item = self._queue.get_nowait()
                if item is not None:
                    item[0].cancel()
        for _ in self._threads:
            self._queue.put(None)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            future, work = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except BaseException as error:
                # Whatever it is, the caller gets it with the future.
                future.set_exception(error)
