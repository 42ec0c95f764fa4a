"""One field of Stripe's JSON: of the kind the API promises, or an error that names it.

JSON promises nothing of kinds. What is taken on trust at the door turns up later as an exception of some
other module, about something else; so whatever decides anything is checked here. Fields that only inform
are taken as they are, or as None.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connector.text import visible

#: Ids come from Stripe's answers and go into paths, queries and messages.
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,254}")

_LONGEST_TEXT = 2_000

#: Numbers are counted and divided later, where larger ones overflow.
_LARGEST = 2**63 - 1

_DEEPEST = 32


def identifier(payload: Mapping[str, Any], name: str) -> str:
    """An id, as one harmless path segment."""
    value = payload[name]
    if not isinstance(value, str) or not is_identifier(value):
        raise ValueError(f"{name} is not an id")
    return value


def is_identifier(text: str) -> bool:
    """Whether this could be an id of Stripe's: nothing that leaves its place in a path or a line."""
    return _ID.fullmatch(text) is not None


def text(payload: Mapping[str, Any], name: str) -> str:
    """Text that must be there."""
    value = payload[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} is not text")
    return value


def optional_text(payload: Mapping[str, Any], name: str) -> str | None:
    """Text that decides something where it is there; null and absent are the same."""
    return None if payload.get(name) is None else text(payload, name)


def shown_text(payload: Mapping[str, Any], name: str) -> str | None:
    """Text that only informs people: its beginning, whatever kind it is."""
    value = payload.get(name)
    return None if value is None else visible(str(value))[:_LONGEST_TEXT]


def number(payload: Mapping[str, Any], name: str) -> int:
    """A whole number, which old answers print as text. To JSON `1.0` is the same number as `1`."""
    value = payload[name]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"{name} is not a whole number")
    found = int(value)
    if abs(found) > _LARGEST:
        raise ValueError(f"{name} is larger than any number of Stripe's")
    return found


def size(payload: Mapping[str, Any], name: str) -> int:
    """A number of bytes."""
    value = number(payload, name)
    if value < 0:
        raise ValueError(f"{name} is negative")
    return value


def moment(payload: Mapping[str, Any], name: str) -> datetime:
    """Unix seconds, as an aware UTC datetime."""
    seconds = number(payload, name)
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{name} is not in the calendar") from None


def optional_moment(payload: Mapping[str, Any], name: str) -> datetime | None:
    """Unix seconds, as an aware UTC datetime; null and absent are the same."""
    return None if payload.get(name) is None else moment(payload, name)


def flag(payload: Mapping[str, Any], name: str) -> bool:
    """True or false, and nothing that could be taken for either."""
    value = payload[name]
    if not isinstance(value, bool):
        raise ValueError(f"{name} is neither true nor false")
    return value


def optional_object(payload: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """An object within the object; null and absent are the same."""
    value = payload.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise ValueError(f"{name} is not an object")
    return value


def optional_texts(payload: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """A list of texts; null and absent are the same."""
    value = payload.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} is not a list of texts")
    return tuple(value)


def within_reason(value: Any, depth: int = 0) -> Any:
    """The same JSON value, which is not nested deeper than anything of Stripe's: it will be written again."""
    if depth > _DEEPEST:
        raise ValueError("it is nested without end")
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        if isinstance(item, dict | list):
            within_reason(item, depth + 1)
    return value


def whole_characters(value: Any) -> Any:
    """The same JSON value with `?` for halves of characters, which JSON can spell and nothing can write."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {whole_characters(name): whole_characters(item) for name, item in value.items()}
    return [whole_characters(item) for item in value] if isinstance(value, list) else value
