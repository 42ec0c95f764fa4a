"""Lines and JSON for the terminal."""

import json
import math
import os
import sys
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import click

from connector.text import hide_secrets, visible


class Colored(NamedTuple):
    """A word in a colour, where the terminal has colours."""

    text: str
    color: str


def echo(*parts: str | Colored, err: bool = False, nl: bool = True) -> None:
    """Print the parts, one after the other, and a line end.

    What the stream's encoding lacks is printed as its escape.
    """
    stream = sys.stderr if err else sys.stdout
    text = "".join(
        click.style(visible(each.text), fg=each.color)
        if isinstance(each, Colored)
        else visible(each, lines=True)
        for each in parts
    )
    click.echo(encodable(text, stream.encoding), err=err, nl=nl)


def echo_json(value: Mapping[str, Any]) -> None:
    """Print an object on one line, as `json_line` writes it."""
    click.echo(json_line(value, encoding=sys.stdout.encoding))


def json_line(value: Mapping[str, Any], *, encoding: str | None = "utf-8") -> str:
    """An object as JSON: money as text, so that nobody makes a float of it, and times in ISO 8601.

    JSON has no `NaN` and no `Infinity`: these are text too. What cannot be printed is escaped as JSON does.

    Args:
        encoding: of where it goes; what that lacks is escaped as well.
    """
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)
    if text.isprintable() and encodable(text, encoding) == text:
        return text
    return "".join(each if _fits(each, encoding) else json.dumps(each)[1:-1] for each in text)


def json_value(value: Any) -> str:
    """A list or an object within a cell, as `json_line` writes it."""
    return json_line({"": value})[len('{"": ') : -1]


def _fits(character: str, encoding: str | None) -> bool:
    if character.isascii():
        return character.isprintable()
    return visible(character) == character and encodable(character, encoding) == character


def discard_unwritten() -> None:
    """Keep what can no longer be written from changing the exit code: Python flushes once more at exit.

    Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def encodable(text: str, encoding: str | None) -> str:
    """The text with escapes in the place of what the encoding lacks."""
    name = encoding or "utf-8"
    return text.encode(name, "backslashreplace").decode(name)


def _plain(value: Any) -> Any:
    """As JSON has it, with the secrets of every text hidden."""
    match value:
        case Mapping():
            return {_text(key): _plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(each) for each in value]
        case None | bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
    return _text(value)


def _text(value: Any) -> str:
    match value:
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
    return hide_secrets(str(value))
