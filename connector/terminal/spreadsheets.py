"""CSV for spreadsheets: amounts are plain numbers, and no text is taken for a formula.

Spreadsheets take a cell that begins with = + - @ for a formula, whatever its quotes, and customers write such
cells. Such a text gets an apostrophe in front; one that is a plain number, as `money_text` gives it, is none.

Source: https://owasp.org/www-community/attacks/CSV_Injection
"""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from connector.terminal.lines import echo, json_value

#: What begins a formula, in either width, also behind what spreadsheets skip.
_FORMULA = re.compile(r"[\s\0-\x20\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠]|[\t\r\n]")
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)

#: What a cell cannot hold without quotes.
_QUOTED = re.compile(r'[",\s]')


def echo_csv(cells: Iterable[Any]) -> None:
    """Print a line of CSV, as `csv_line` writes it."""
    echo(csv_line(cells))


def csv_line(cells: Iterable[Any]) -> str:
    """A line of CSV without its end: nothing for null, `""` for an empty text, numbers plain, times in
    ISO 8601; lists and objects as JSON."""
    return ",".join(map(_cell, cells))


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int() | float() | Decimal():
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        case date():
            return value.isoformat()
        case dict() | list() | tuple():
            return _quoted(json_value(value))
    return _text(str(value))


def _text(text: str) -> str:
    is_formula = _FORMULA.match(text) and not _NUMBER.fullmatch(text)
    return _quoted(f"'{text}" if is_formula else text)


def _quoted(text: str) -> str:
    if text and not _QUOTED.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'
