"""Nested values in forms and query strings, as Stripe encodes them.

`parameters[columns][]=created` and `parameters[columns][0]=created` mean the same list; all else in brackets
names a member. Values are text.

Source: https://docs.stripe.com/reports/api
"""

import re
from typing import TypeAlias, Union
from urllib.parse import parse_qsl

from connector.simulator.protocol.errors import StripeError, invalid_integer

# Union, because a quoted name and `|` do not go together at run time.
Value: TypeAlias = Union[str, list["Value"], dict[str, "Value"]]  # noqa: UP007
Form = dict[str, Value]

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_MEMBER = re.compile(r"\[([^\[\]]*)\]")


def parse(text: str) -> Form:
    """A form body or a raw query string as nested values, in the order given."""
    tree: dict[str, object] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        match = _NAME.fullmatch(name)
        path = [match[1], *_MEMBER.findall(match[2])] if match else [name]
        _put(tree, path, value, name)
    return {key: _nested(value) for key, value in tree.items()}


def _put(node: dict[str, object], path: list[str], value: str, name: str) -> None:
    for key, following in zip(path, [*path[1:], None], strict=True):
        member = key or str(len(node))
        if following is None:
            node[member] = value
            return
        child = node.setdefault(member, {})
        if not isinstance(child, dict):
            raise StripeError(f"Invalid parameters: {name} is both a value and a group", param=name)
        node = child


def _nested(value: object) -> Value:
    """Groups whose members are all numbers are lists, in the order of those numbers."""
    if not isinstance(value, dict):
        return str(value)
    if value and all(key.isdecimal() for key in value):
        return [_nested(value[key]) for key in sorted(value, key=int)]
    return {key: _nested(member) for key, member in value.items()}


def whole_number(name: str, value: Value) -> int:
    """`value` as an integer, or Stripe's error."""
    if not isinstance(value, str) or not re.fullmatch(r"[+-]?[0-9]{1,18}", value):
        raise invalid_integer(name, value)
    return int(value)
