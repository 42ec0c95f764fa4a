"""Texts for people: what a misspelt name may have meant, names in a sentence, text that is safe to print.

Every refusal of a name says what it could have been, so that the next attempt is right.
"""

import difflib
from collections.abc import Iterable
from datetime import datetime


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


def printable(value: str) -> str:
    """The text on one line: line ends, escapes for terminals and halves of characters become blanks."""
    if value.isprintable():
        return value
    return "".join(character if character.isprintable() else " " for character in value)


def iso(at: datetime) -> str:
    """`2026-06-01T00:00:00Z`, of a time in UTC."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def join_names(names: Iterable[str], limit: int = 10) -> str:
    """`a`, `a and b`, `a, b and c`; beyond `limit` of them, how many more there are: `a, b and 12 more`."""
    found = list(names)
    if len(found) > limit:
        found = [*found[:limit], f"{len(found) - limit:,} more"]
    return " and ".join(filter(None, (", ".join(found[:-1]), *found[-1:])))
