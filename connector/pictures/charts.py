"""The charts: one small panel for each currency, since amounts of two currencies have no common axis.

Amounts are exact in every text. Only the lengths of bars and the heights of lines are floats.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar, cast

from connector.money import digits, money_text, total
from connector.pictures.drawing import Picture
from connector.pictures.rows import Activity, Balance, Fees, Step
from connector.text import visible

if TYPE_CHECKING:
    from altair import Chart

Content = TypeVar("Content")
Key = TypeVar("Key", bound=Hashable)

#: Of a panel, in units of the SVG. Two stand beside each other, as wide as Dagster's dialogs.
_WIDTH, _HEIGHT = 310, 130

#: The height of a bar that lies, and the most of its name that is seen, in the same units.
_BAR, _LABEL = 20, 130

#: Panels beyond would make a picture that nobody looks at; it says how many there are.
_MOST_CURRENCIES = 12

#: Colours that can be told apart, also by those who do not see red or green.
_COLOURS = ("#635bff", "#f59e0b", "#0ea5a4", "#d6336c", "#4dabf7", "#845ef7", "#82c91e", "#a16207", "#868e96")

_REST = "all others"
_REST_COLOUR = "#ced4da"

_UP, _DOWN, _STANDING = "#0ea5a4", "#d6336c", "#52606d"

#: Longer names are cut: they are strangers' text.
_LONGEST = 120


def draw_balance_over_time(
    rows: Iterable[Balance], *, title: str = "Balance at the end of each day"
) -> Picture:
    """A line for each currency."""
    found = _sums((_currency(row.currency), row.day.isoformat(), row.amount) for row in rows)
    return _panels(title, found, _line)


def draw_daily_activity(rows: Iterable[Activity], *, title: str = "Activity of each day") -> Picture:
    """Bars of each day, stacked by category: what came in above zero, what went out below."""
    known = [(_currency(row.currency), _name(row.category, "no category"), row) for row in rows]
    names = _most_common(name for _, name, _ in known)
    found = _sums(
        (currency, (row.day.isoformat(), name if name in names else _REST), row.amount)
        for currency, name, row in known
    )
    # One legend for all panels, so each has all colours.
    shown = [*names, _REST] if any(name not in names for _, name, _ in known) else names
    return _panels(title, found, lambda currency, amounts: _stack(currency, amounts, shown))


def draw_fees_by_category(rows: Iterable[Fees], *, title: str = "Fees by category") -> Picture:
    """A bar for each category with fees, the largest first."""
    found = _sums(
        (_currency(row.currency), _name(row.category, "no category"), row.amount)
        for row in rows
        if row.amount
    )
    return _panels(title, found, _bars)


def draw_waterfall(steps: Iterable[Step], *, title: str = "From opening to closing balance") -> Picture:
    """The steps from one balance to the next, in their order in each currency."""
    found: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        found[_currency(step.currency)].append(step._replace(name=_name(step.name, "")))
    return _panels(title, found, _waterfall)


def _panels(
    title: str, by_currency: Mapping[str, Content], draw: "Callable[[str, Content], Chart]"
) -> Picture:
    import altair as alt  # noqa: PLC0415 - slow to import

    title = visible(title)
    if not by_currency:
        chart = (
            alt.Chart(alt.InlineData(values=[{"text": "no rows"}]))
            .mark_text(fontSize=13)
            .encode(text="text:N")
        )
        return Picture(title, chart.properties(title=title, width=_WIDTH, height=_HEIGHT / 2).to_dict())
    shown = sorted(by_currency)[:_MOST_CURRENCIES]
    more = len(by_currency) - len(shown)
    subtitle = [f"and {more} more currencies"] if more else alt.Undefined
    panels = [draw(currency, by_currency[currency]) for currency in shown]
    heading = alt.Title(title, subtitle=subtitle, fontSize=15)
    return Picture(title, alt.concat(*panels, columns=2, title=heading).to_dict())


def _line(currency: str, amounts: Mapping[str, Decimal]) -> "Chart":
    import altair as alt  # noqa: PLC0415 - slow to import

    days = sorted(amounts)
    values = [{"day": day, "amount": float(amounts[day])} for day in days]
    base = alt.Chart(alt.InlineData(values=values)).encode(x=_days(), y=_amounts(currency))
    area = base.mark_area(color=_COLOURS[0], opacity=0.12)
    line = base.mark_line(
        color=_COLOURS[0], strokeWidth=2, point=alt.OverlayMarkDef(color=_COLOURS[0], size=18)
    )
    latest = f"{money_text(amounts[days[-1]], currency)} on {days[-1]}"
    return _panel(alt.layer(area, line), currency, latest)


def _stack(currency: str, amounts: Mapping[tuple[str, str], Decimal], names: Sequence[str]) -> "Chart":
    import altair as alt  # noqa: PLC0415 - slow to import

    values = [
        {"day": day, "name": name, "amount": float(amount), "order": names.index(name)}
        for (day, name), amount in sorted(amounts.items())
    ]
    colours = [*_COLOURS[: len(names)], *([_REST_COLOUR] if len(names) > len(_COLOURS) else [])]
    bars = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar()
        .encode(
            x=_days(),
            y=_amounts(currency),
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=list(names), range=colours),
                legend=alt.Legend(columns=4, labelLimit=150),
            ),
            order=alt.Order("order:Q"),
        )
    )
    return _panel(bars, currency, f"{money_text(total(amounts.values()), currency)} in all")


def _bars(currency: str, amounts: Mapping[str, Decimal]) -> "Chart":
    import altair as alt  # noqa: PLC0415 - slow to import

    largest = sorted(amounts, key=lambda name: (-amounts[name], name))
    if len(largest) > len(_COLOURS):
        few, rest = largest[: len(_COLOURS)], largest[len(_COLOURS) :]
        amounts = {**{name: amounts[name] for name in few}, _REST: total(amounts[name] for name in rest)}
        largest = [*few, _REST]
    values = [
        {
            "name": name,
            "amount": float(amounts[name]),
            "end": max(float(amounts[name]), 0.0),
            "text": money_text(amounts[name], currency),
        }
        for name in largest
    ]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        y=alt.Y("name:N", sort=largest, axis=alt.Axis(labelLimit=_LABEL, ticks=False, grid=False))
    )
    bars = base.mark_bar(color=_COLOURS[0], height=_BAR * 0.7).encode(x=_amounts(currency, alt.X))
    texts = base.mark_text(align="left", dx=4).encode(x=_amounts(currency, alt.X, "end"), text="text:N")
    whole = f"{money_text(total(amounts.values()), currency)} in all"
    return _panel(
        alt.layer(bars, texts), currency, whole, width=_WIDTH - _LABEL / 2, height=_BAR * len(largest)
    )


def _waterfall(currency: str, steps: Sequence[Step]) -> "Chart":
    import altair as alt  # noqa: PLC0415 - slow to import

    values, stood = [], Decimal(0)
    for number, step in enumerate(steps):
        begins = Decimal(0) if step.is_balance else stood
        stood = total([begins, step.amount])
        values.append(
            {
                "step": number,
                "from": float(begins),
                "to": float(stood),
                "top": float(max(begins, stood)),
                "text": money_text(step.amount, currency),
                "colour": _STANDING if step.is_balance else _DOWN if step.amount < 0 else _UP,
            }
        )
    names = {str(number): step.name for number, step in enumerate(steps)}
    # Two steps may have one name, and are two bars all the same.
    label = f"({json.dumps(names)})[datum.label]"
    axis = alt.Axis(
        labelExpr=label, labelAngle=0, labelLimit=_WIDTH / max(len(steps), 1), ticks=False, grid=False
    )
    base = alt.Chart(alt.InlineData(values=values)).encode(x=alt.X("step:O", axis=axis))
    bars = base.mark_bar().encode(
        y=_amounts(currency, alt.Y, "from"), y2="to:Q", color=alt.Color("colour:N", scale=None)
    )
    texts = base.mark_text(dy=-7).encode(y=_amounts(currency, alt.Y, "top"), text="text:N")
    return _panel(alt.layer(bars, texts), currency, "", height=_HEIGHT * 1.3)


def _panel(
    chart: Any, currency: str, about: str, *, width: float = _WIDTH, height: float = _HEIGHT
) -> "Chart":
    import altair as alt  # noqa: PLC0415 - slow to import

    title = alt.Title(currency.upper(), subtitle=about)
    return cast("Chart", chart.properties(title=title, width=width, height=height))


def _days() -> Any:
    """Days as they are, on a machine in whatever zone."""
    import altair as alt  # noqa: PLC0415 - slow to import

    axis = alt.Axis(format="%b %d", grid=False, labelOverlap=True, tickCount=6)
    return alt.X("day:T", timeUnit="utcyearmonthdate", scale=alt.Scale(type="utc"), axis=axis)


def _amounts(currency: str, channel: Any = None, field: str = "amount") -> Any:
    """An axis in the digits of the currency, with no finer steps."""
    import altair as alt  # noqa: PLC0415 - slow to import

    places = digits(currency)
    axis = alt.Axis(format=f",.{places}f", tickCount=4, tickMinStep=10**-places)
    return (channel or alt.Y)(f"{field}:Q", axis=axis)


def _sums(rows: Iterable[tuple[str, Key, Decimal]]) -> dict[str, dict[Key, Decimal]]:
    """By currency and by what the rows are about, exact."""
    found: dict[str, dict[Key, list[Decimal]]] = defaultdict(lambda: defaultdict(list))
    for currency, key, amount in rows:
        found[currency][key].append(amount)
    return {
        currency: {key: total(amounts) for key, amounts in by_key.items()}
        for currency, by_key in found.items()
    }


def _most_common(names: Iterable[str]) -> list[str]:
    """As many as there are colours, in the order of the alphabet."""
    counted = Counter(names)
    return sorted(sorted(counted, key=lambda name: (-counted[name], name))[: len(_COLOURS)])


def _currency(name: str | None) -> str:
    return _name(name, "no currency")


def _name(name: str | None, otherwise: str) -> str:
    return visible(name)[:_LONGEST] if name else otherwise
