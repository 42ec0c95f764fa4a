"""Pictures of amounts: what they say, and that they are the same for the same rows."""

import os
import random
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest

from connector.pictures import (
    Activity,
    Balance,
    Fees,
    Picture,
    Step,
    draw_balance_over_time,
    draw_daily_activity,
    draw_fees_by_category,
    draw_waterfall,
)

_DAYS = [date(2026, 5, 1) + timedelta(days) for days in range(31)]

BALANCES = [Balance(day, name, Decimal(day.day * 100)) for day in _DAYS for name in ("eur", "jpy")]
ACTIVITY = [
    Activity(day, "usd", category, Decimal(day.day * sign))
    for day in _DAYS
    for category, sign in (("charge", 3), ("refund", -1))
]
FEES = [Fees("kwd", "charge", Decimal("1.234")), Fees("kwd", "refund", Decimal("-0.100"))]
STEPS = [
    Step("eur", "opening", Decimal("10"), is_balance=True),
    Step("eur", "activity", Decimal("5.50")),
    Step("eur", "payouts", Decimal("-12")),
    Step("eur", "closing", Decimal("3.50"), is_balance=True),
]

EACH: Sequence[tuple[Callable[..., Picture], Sequence[tuple[object, ...]]]] = [
    (draw_balance_over_time, BALANCES),
    (draw_daily_activity, ACTIVITY),
    (draw_fees_by_category, FEES),
    (draw_waterfall, STEPS),
]
each = pytest.mark.parametrize(("draw", "rows"), EACH, ids=lambda given: getattr(given, "__name__", ""))

#: A category is a stranger's text; these would be markup, an expression, a control, or the end of the XML.
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x>&amp;",
    "datum.amount",
    "\x00\x1b[31m",
    "\ud800",
    "]]>",
    "__proto__",
    "a\nb",
]


def parsed(picture: Picture) -> ET.Element:
    return ET.fromstring(picture.svg())  # noqa: S314 - our own


def texts(picture: Picture) -> list[str]:
    """Every text in the picture, as a browser would read it."""
    return [found.text or "" for found in parsed(picture).iter("{http://www.w3.org/2000/svg}text")]


def size(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", png, 16)
    return width, height


@each
def test_the_same_rows_in_any_order_are_the_same_bytes(
    draw: Callable[..., Picture], rows: Sequence[tuple[object, ...]]
) -> None:
    shuffled = list(rows)
    if draw is not draw_waterfall:  # whose steps have an order
        random.Random(1).shuffle(shuffled)

    one, other = draw(rows), draw(shuffled)

    assert one.svg() == other.svg()
    assert one.png() == other.png()


def test_a_process_in_another_zone_draws_the_same_bytes() -> None:
    program = (
        "import sys, hashlib\n"
        "from tests.pictures.test_pictures import BALANCES, draw_balance_over_time\n"
        "sys.stdout.write(draw_balance_over_time(BALANCES).svg())"
    )
    drawn = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for zone in ("Pacific/Auckland", "America/Los_Angeles")
    ]

    assert drawn == [draw_balance_over_time(BALANCES).svg()] * 2


@each
def test_without_rows_a_picture_says_so(
    draw: Callable[..., Picture], rows: Sequence[tuple[object, ...]]
) -> None:
    assert "no rows" in texts(draw([]))
    assert "no rows" not in texts(draw(rows))


@each
def test_a_png_is_as_large_as_the_svg_and_larger_where_asked(
    draw: Callable[..., Picture], rows: Sequence[tuple[object, ...]]
) -> None:
    picture = draw(rows)
    svg = parsed(picture)
    width, height = size(picture.png())

    assert (width, height) == (int(svg.attrib["width"]), int(svg.attrib["height"]))
    assert size(picture.png(scale=2)) == (2 * width, 2 * height)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_strangers_wrote_is_text_and_nothing_else(name: str) -> None:
    pictures = [
        draw_daily_activity([Activity(date(2026, 5, 1), name, name, Decimal(1))], title=name),
        draw_fees_by_category([Fees(name, name, Decimal(1))], title=name),
        draw_waterfall([Step(name, name, Decimal(1))], title=name),
        draw_balance_over_time([Balance(date(2026, 5, 1), name, Decimal(1))], title=name),
    ]

    tags = {found.tag.rpartition("}")[2] for picture in pictures for found in parsed(picture).iter()}

    assert tags <= {"svg", "rect", "g", "path", "text", "defs", "clipPath", "line"}
    assert all(size(picture.png()) > (0, 0) for picture in pictures)


def test_a_category_is_shown_by_its_name() -> None:
    shown = texts(draw_fees_by_category([Fees("eur", "<b>", Decimal(1)), Fees("eur", None, Decimal(2))]))

    assert {"<b>", "no category", "EUR"} <= set(shown)


@pytest.mark.parametrize(
    ("currency", "amount", "shown"), [("jpy", 1250, "1250"), ("usd", 10, "10.00"), ("kwd", 1, "1.000")]
)
def test_amounts_and_axes_have_the_digits_of_their_currency(currency: str, amount: int, shown: str) -> None:
    found = texts(draw_fees_by_category([Fees(currency, "charge", Decimal(amount))]))
    places = len(shown.partition(".")[2])

    ticks = [text for text in found if text.replace(",", "").replace(".", "").isdigit()]

    assert shown in found
    assert {len(tick.partition(".")[2]) for tick in ticks} == {places}


def test_amounts_in_texts_are_exact_whatever_their_size() -> None:
    large = Decimal("123456789012345678.91")

    found = texts(
        draw_fees_by_category([Fees("eur", "charge", large), Fees("eur", "charge", Decimal("0.001"))])
    )

    assert "123456789012345678.911" in found


def test_the_days_are_the_days_of_the_rows() -> None:
    found = texts(draw_balance_over_time(BALANCES[:6]))

    assert "300.00 on 2026-05-03" in found
    assert "May 01" in found
    assert not any("Apr" in text for text in found)


def test_what_has_no_colour_of_its_own_is_summed() -> None:
    rows = [Fees("eur", f"category {number:03}", Decimal(number)) for number in range(1, 41)]

    found = texts(draw_fees_by_category(rows))

    assert "all others" in found
    assert "820.00 in all" in found


def test_many_currencies_are_counted_and_not_drawn() -> None:
    rows = [Fees(f"x{number:02}", "charge", Decimal(1)) for number in range(40)]

    assert "and 28 more currencies" in texts(draw_fees_by_category(rows))


def test_importing_loads_nothing_that_draws() -> None:
    program = (
        "import sys, connector.pictures\nprint(*{'altair', 'vl_convert', 'pandas'} & sys.modules.keys())"
    )

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == []
