"""Threads that work while the main one waits."""

import threading

import pytest

from connector.runs.threads import DaemonWorkers


def test_what_was_cancelled_is_passed_over_and_what_fails_is_the_callers() -> None:
    workers, go = DaemonWorkers(1, "work"), threading.Event()

    def fail() -> None:
        raise KeyError("odd")

    workers.submit(lambda: go.wait(10))
    cancelled, failing, last = workers.submit(lambda: 1), workers.submit(fail), workers.submit(lambda: 3)
    assert cancelled.cancel()
    go.set()

    assert last.result(timeout=10) == 3
    with pytest.raises(KeyError, match="odd"):
        failing.result(timeout=10)
    workers.close()


def test_closing_cancels_what_has_not_begun_and_ends_the_threads() -> None:
    workers, go, begun = DaemonWorkers(1, "closing"), threading.Event(), threading.Event()

    def work() -> int:
        begun.set()
        go.wait(10)
        return 1

    under_way, waiting = workers.submit(work), workers.submit(lambda: 2)
    assert begun.wait(10)
    workers.close()
    go.set()

    assert under_way.result(timeout=10) == 1
    assert waiting.cancelled()
    for thread in [each for each in threading.enumerate() if each.name == "closing-0"]:
        assert thread.daemon
        thread.join(10)
        assert not thread.is_alive()
