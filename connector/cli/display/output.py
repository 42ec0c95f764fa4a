"""How a command prints rows and logs, and ends after an interrupt."""

import contextlib
import logging
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

from connector.errors import ConfigurationError
from connector.terminal.lines import discard_unwritten, echo, echo_json
from connector.text import visible


class TerminatedError(KeyboardInterrupt):
    """A signal other than SIGINT that asks the process to end. `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


#: Sent by process managers, and where a terminal closes. Not every system has them.
_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

#: What ends a command that runs until it is ended.
END_SIGNALS = (signal.SIGINT, *_SIGNALS)


@contextlib.contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """While it lasts, SIGTERM and SIGHUP interrupt as Ctrl-C does; not where the parent ignores them."""

    def interrupt(number: int, _: object) -> NoReturn:
        raise TerminatedError(number)

    before = {each: signal.getsignal(each) for each in _SIGNALS}
    taken = [each for each, handler in before.items() if handler is signal.SIG_DFL]
    for each in taken:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each in taken:
            signal.signal(each, before[each])


def interrupted(error: BaseException, state: str = "") -> NoReturn:
    """End with 128 and the signal's number, as shells expect.

    Args:
        error: what the signal was raised as, or what came of it.
        state: what is stored so far.
    """
    number = next(
        (each.number for each in (error, error.__context__) if isinstance(each, TerminatedError)),
        signal.SIGINT,
    )
    for each in END_SIGNALS:
        # A second one would only replace this message by a traceback.
        signal.signal(each, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # the terminal may be gone
        echo(f"Interrupted. {state}".rstrip(), err=True)
    discard_unwritten()
    sys.exit(128 + number)


@contextlib.contextmanager
def logging_to_stderr(form: str | None) -> Iterator[None]:
    """While it lasts, what the connector logs goes to standard error: as `text`, as `json`, or not at all."""
    if form is None:
        yield
        return
    from connector.pipeline.log import JsonLines, listening  # noqa: PLC0415 - it loads pyarrow

    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else _TextLines())
    with listening(handler):
        yield


class _TextLines(logging.Formatter):
    """Time, level and message. A traceback takes several lines."""

    default_msec_format = "%s.%03d"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The lines, as they may be shown."""
        return visible(super().format(record), lines=True)


def show_rows_as_json(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """One object per row."""
    twice = sorted({name for name in columns if list(columns).count(name) > 1})
    if twice:
        raise ConfigurationError(f"two columns are called {', '.join(twice)}: rename one with AS")
    for row in rows:
        echo_json(dict(zip(columns, row, strict=True)))
