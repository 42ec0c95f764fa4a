"""A calendar as lines of text, at most 80 wide: a letter for each window, a line for each month, day or year.

Letters differ without colours, and are ASCII, so that every terminal and font shows them.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

from connector.status.calendar import Calendar, State

#: The letter of each state.
LETTERS: Mapping[State, str] = {
    State.THERE: "#",
    State.RESTATED: "r",
    State.FAILING: "!",
    State.MISSING: "-",
    State.LATE: "l",
    State.NOT_READY: ".",
}

#: What stands above the letters of a line, by window.
_SCALES: Mapping[str, str] = {
    "hourly": "0     6     12    18   23",
    "daily": "1   5    10   15   20   25   30",
    "weekly": "1   5    10   15   20   25   30   35   40   45   50",
    "monthly": "JFMAMJJASOND",
}


class Line(NamedTuple):
    """What stands before the letters, and for each place a state, or None."""

    name: str
    states: tuple[State | None, ...]


def legend() -> str:
    """What the letters mean, in a line."""
    return "   ".join(f"{letter} {state}" for state, letter in LETTERS.items())


def scale(calendar: Calendar) -> str:
    """What stands above the letters; nothing where partitions are payouts."""
    return _SCALES.get(calendar.facts.window, "")


def lines(calendar: Calendar) -> list[Line]:
    """The letters of a calendar, oldest first; none where partitions are payouts."""
    if not scale(calendar):
        return []
    found: dict[str, dict[int, State]] = {}
    order = list(State)
    for period, state in calendar.periods.items():
        name, place = _place(calendar.facts.window, period)
        row = found.setdefault(name, {})
        # The hour that comes twice in autumn has one place.
        row[place] = min(row.get(place, state), state, key=order.index)
    return [
        Line(name, tuple(row.get(place) for place in range(max(row) + 1)))
        for name, row in sorted(found.items())
    ]


def as_text(calendar: Calendar) -> Iterator[str]:
    """The lines of a calendar, without colours."""
    width = max((len(each.name) for each in lines(calendar)), default=0)
    if width:
        yield f"{'':{width}}  {scale(calendar)}"
    for name, states in lines(calendar):
        yield f"{name}  {''.join(LETTERS[state] if state else ' ' for state in states)}"


def as_markdown(calendar: Calendar) -> str:
    """A calendar for pages that show Markdown: its lines, what they mean, and what is not as it is to be."""
    text = "\n".join(as_text(calendar))
    drawn = f"```\n{text}\n\n{legend()}\n```\n\n" if text else ""
    remarks = "".join(f"\n- {key}: {remark}" for key, remark in calendar.remarks.items())
    return f"{drawn}{calendar.summary}\n{remarks}"


def _place(window: str, period: str) -> tuple[str, int]:
    """The line of a period, and its place there."""
    if window == "hourly":
        return period[:10], int(period[11:13])
    day = date.fromisoformat(period[:10])
    match window:
        case "daily":
            return period[:7], day.day - 1
        case "weekly":
            return period[:4], (day.timetuple().tm_yday - 1) // 7
        case _:
            return period[:4], day.month - 1
