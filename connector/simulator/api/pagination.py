"""Lists: newest first, a page at a time, by cursor.

Cursors are ids and exclusive. A page is cut from the list as it is now, and objects created between two pages
do not shift the older ones.

Source: https://docs.stripe.com/api/pagination
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from connector.simulator.protocol.errors import StripeError, empty_parameter, no_such, unknown_parameter
from connector.simulator.protocol.forms import Form, Value, whole_number
from connector.simulator.protocol.messages import Json

COMMON = frozenset({"created", "limit", "starting_after", "ending_before", "expand"})
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda created, bound: created > bound,
    "gte": lambda created, bound: created >= bound,
    "lt": lambda created, bound: created < bound,
    "lte": lambda created, bound: created <= bound,
}


class Item(Protocol):
    """An object in a list: `created` in unix seconds."""

    @property
    def id(self) -> str: ...

    @property
    def created(self) -> int: ...


T = TypeVar("T", bound=Item)


def page(newest_first: Sequence[T], query: Form, *, thing: str) -> tuple[list[T], bool]:
    """The page that `query` requests, newest first, and whether there is more in that direction.

    Raises:
        StripeError: a limit outside 1 to 100, a cursor that is not in the list, or both cursors.
    """
    limit = _limit(query)
    after, before = query.get("starting_after"), query.get("ending_before")
    if after is not None and before is not None:
        raise StripeError("Give starting_after or ending_before, not both.", param="ending_before")
    wanted = _created_filter(query.get("created"))
    if before is not None:
        newer = newest_first[: _position(newest_first, before, "ending_before", thing)]
        matching = [item for item in newer if wanted(item.created)]
        return matching[-limit:], len(matching) > limit
    first = 0 if after is None else _position(newest_first, after, "starting_after", thing) + 1
    matching = [item for item in newest_first[first:] if wanted(item.created)]
    return matching[:limit], len(matching) > limit


def only_known(query: Form, known: Iterable[str]) -> None:
    """Raise for parameters that the endpoint does not have."""
    for name in query:
        if name not in known:
            raise unknown_parameter(name)


def list_object(data: list[Json], *, has_more: bool, url: str) -> Json:
    """The list object."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def _limit(query: Form) -> int:
    limit = whole_number("limit", query.get("limit", "10"))
    if not 1 <= limit <= 100:
        raise StripeError(
            f"Invalid limit: {limit}. It must lie between 1 and 100.",
            code="parameter_invalid_integer",
            param="limit",
        )
    return limit


def _position(items: Sequence[T], cursor: Value, param: str, thing: str) -> int:
    if cursor == "":
        raise empty_parameter(param)
    for index, item in enumerate(items):
        if item.id == cursor:
            return index
    raise no_such(thing, str(cursor), param=param, status=400)


def _created_filter(value: Value | None) -> Callable[[int], bool]:
    if value is None:
        return lambda _: True
    if isinstance(value, dict):
        for name in value:
            if name not in _COMPARE:
                raise unknown_parameter(f"created[{name}]")
        bounds = [(_COMPARE[name], whole_number(f"created[{name}]", bound)) for name, bound in value.items()]
        return lambda created: all(holds(created, bound) for holds, bound in bounds)
    exact = whole_number("created", value)
    return lambda created: created == exact
