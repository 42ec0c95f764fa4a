"""How a command answers: tables for people, JSON for programs, one message for who interrupts."""

import contextlib
import json
import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NoReturn

import click

from connector.errors import ConfigurationError


def interrupted(what: str = "") -> NoReturn:
    """End as somebody who pressed Ctrl-C expects; `what` tells how things stand."""
    # A second Ctrl-C would only replace this message by a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    click.echo(f"Interrupted. {what}".rstrip(), err=True)
    sys.exit(130)


@contextlib.contextmanager
def logging_to_stderr(form: str | None) -> Iterator[None]:
    """While it lasts, what the connector logs goes to standard error: as `text`, as `json`, or not at all."""
    if form is None:
        yield
        return
    from connector.pipeline.log import JsonLines, listening  # noqa: PLC0415 - it loads pyarrow

    handler = logging.StreamHandler()
    plain = logging.Formatter("%(asctime)s %(levelname)-7s %(message)s")
    plain.default_msec_format = "%s.%03d"
    handler.setFormatter(JsonLines() if form == "json" else plain)
    with listening(handler):
        yield


def show_rows_as_json(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """One object a row: money as text, so that no reader makes a float of it; instants in ISO 8601."""
    twice = sorted({name for name in columns if list(columns).count(name) > 1})
    if twice:
        raise ConfigurationError(f"two columns are called {', '.join(twice)}: give one another name with AS")
    for row in rows:
        click.echo(json.dumps(dict(zip(columns, row, strict=True)), default=_plain, ensure_ascii=False))


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)


def show(*things: Any) -> None:
    """Tables as wide as the terminal; in a file or a pipe as wide as they need to be."""
    from rich.console import Console  # noqa: PLC0415 - not needed for most of what is typed

    console = Console(width=None if sys.stdout.isatty() else 400, highlight=False)
    for thing in things:
        console.print(thing, markup=False)
