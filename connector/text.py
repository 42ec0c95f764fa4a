"""Texts for people: what a misspelt name may have meant, names in a sentence, text safe to show or to log.

Every refusal of a name says what it could have been, so that the next attempt is right.
"""

import difflib
import logging
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime

#: A key by its form, whatever it is glued to. Source: https://docs.stripe.com/keys
_KEY = re.compile(r"((?:(?:sk|rk|pk)(?:_org)?_(?:live|test)|whsec)_)\w+", re.ASCII)

#: The simulator prints it to be copied: it opens nothing.
_SIMULATED_KEY = "sk_test_simulated0000000000000000"

#: Among the parameters of a URL; those of Azure's and of signed ones are the usual.
_SECRET_OF_URL = re.compile(
    r"([?&][\w.-]*(?:secret|token|password|signature|credential|sig|key)[\w.-]*=)[^\s&#'\"]+", re.IGNORECASE
)

_USER_OF_URL = re.compile(r"(\b[A-Za-z][\w+.-]*://)(?:[^\s/@:]+:[^\s@]+|[^\s/@]+)@")


def nearest(word: str, known: Iterable[str], *, count: int = 3, likeness: float = 0.6) -> list[str]:
    """Up to `count` of `known` that look like `word`, best first; case does not matter.

    `likeness` runs from 0, everything, to 1, only the same letters.
    """
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower()[:200], by_lower, n=count, cutoff=likeness)
    return [by_lower[name] for name in close]


def hint(word: str, known: Iterable[str]) -> str:
    """The end of an error message: what is nearest to `word`, or all there is when that is short."""
    names = sorted(set(known))
    close = nearest(word, names)
    if close:
        return f"; nearest: {', '.join(close)}"
    return f"; there are: {', '.join(names)}" if 0 < len(names) <= 12 else ""


def visible(text: str, *, lines: bool = False) -> str:
    """The text as it may be shown: nothing in it moves a cursor, turns the direction of writing, or is a key.

    Cells, names, paths and other programs' errors are written by strangers. What cannot be printed becomes
    its escape, as Python writes it: `\\x1b`, `\\u202e`. An API key becomes its kind, the user and password of
    a URL three dots.

    Args:
        lines: line ends and tabs stay; else they are escaped too, and the text is one line.
    """
    text = hide_secrets(text)
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or _is_space(each) or (lines and each in "\n\t") else _escape(each)
        for each in text
    )


def get_logger(name: str) -> logging.Logger:
    """The logger of a module: its records, tracebacks included, are visible before any handler has them."""
    logger = logging.getLogger(name)
    logger.addFilter(_make_visible)
    return logger


def _make_visible(record: logging.LogRecord) -> bool:
    record.msg, record.args = visible(record.getMessage(), lines=True), None
    if record.exc_info:
        # Formatters take this where it is there.
        record.exc_text = visible(logging.Formatter().formatException(record.exc_info), lines=True)
    return True


def hide_secrets(text: str) -> str:
    """The text without API keys, and without the users, passwords and secret parameters of URLs."""
    text = _KEY.sub(lambda found: found[0] if found[0] == _SIMULATED_KEY else f"{found[1]}…", text)
    return _USER_OF_URL.sub(r"\1…@", _SECRET_OF_URL.sub(r"\1…", text))


def _is_space(character: str) -> bool:
    return unicodedata.category(character) == "Zs"


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def iso(at: datetime) -> str:
    """`2026-06-01T00:00:00Z`, of a time in UTC."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def join_names(names: Iterable[str], limit: int = 10) -> str:
    """`a`, `a and b`, `a, b and c`; beyond `limit` of them, how many more there are: `a, b and 12 more`."""
    found = list(names)
    if len(found) > limit:
        found = [*found[:limit], f"{len(found) - limit:,} more"]
    return " and ".join(filter(None, (", ".join(found[:-1]), *found[-1:])))
