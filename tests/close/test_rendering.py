"""What strangers write is text in every format: no formula, no tag, no control of the terminal."""

import csv
import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.close.layout import Document, Page, Section
from connector.close.rendering import FORMATS, as_csv, as_html, as_text, cell_text
from connector.close.rows import Owner
from connector.close.sheet import CurrencySheet, Fees

#: A formula, a control, a tag, the edge of a table's cell, a heading, and a key.
FORGED = "=A(1)\x1b[2J<script>alert(1)</script>|a|\n# b & 'c' \"d\" \u202e rk_live_51Recognisable000000"


def document(text: str = FORGED, amount: Decimal = Decimal("-1.5"), currency: str = "usd") -> Document:
    sheet = CurrencySheet(
        owner=Owner(text, text), currency=currency, opening=Decimal(0), movements=(), closing=Decimal(0),
        next_opening=None, categories=None, payouts=None, in_transit=None, fees=Fees(None, None, None),
        tied=None,
    )  # fmt: skip
    section = Section("activity", text, ("Name", "Amount"), ((text, amount),), (0,), (text,))
    return Document(
        month="2026-06", title=text, is_red=True, status=text, problems=(text,), remarks=(text,),
        facts=(text,), pages=(Page(text, sheet, (section,)),),
    )  # fmt: skip


class Tags(HTMLParser):
    """The tags and the attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(name for name, _ in attrs)}


@pytest.mark.parametrize("form", FORMATS)
def test_neither_controls_nor_keys_get_through(form: str) -> None:
    shown = FORMATS[form](document())

    assert "Recognisable" not in shown
    assert [each for each in shown if not each.isprintable() and each != "\n"] == []


@given(st.text())
def test_a_page_has_the_tags_of_ours_alone(text: str) -> None:
    tags = Tags()
    tags.feed(as_html(document(text)))

    assert tags.seen == {
        *("html", "meta", "title", "style", "h1", "h2", "h3", "p", "ul", "li", "table", "tr", "th", "td"),
        *("lang", "charset", "http-equiv", "content", "class"),
    }


@given(st.text())
def test_no_text_in_a_csv_is_a_formula(text: str) -> None:
    rows = list(csv.reader(as_csv(document(text)).splitlines()))

    assert {(len(row), row[0]) for row in rows[1:]} == {(len(rows[0]), "2026-06")}
    texts = [cell for row in rows for cell in row[1:6]]
    assert [cell for cell in texts if re.match(r"\s*[=+\-@](?!\d+(\.\d+)?$)", cell)] == []
    assert rows[-1][-1] == "-1.50"


@pytest.mark.parametrize(
    ("currency", "shown"), [("jpy", "-2"), ("usd", "-2.00"), ("kwd", "-2.000"), ("", "-2.00")]
)
def test_amounts_have_the_digits_of_their_currency(currency: str, shown: str) -> None:
    for form in FORMATS.values():
        assert shown in re.split(r"[\s,|<>*]+", form(document("a", Decimal("-2.000000"), currency)))


@given(st.decimals(-(10**13), 10**13, places=6), st.sampled_from(["jpy", "usd", "kwd", ""]))
def test_people_read_thousands_apart_and_spreadsheets_plain_numbers(amount: Decimal, currency: str) -> None:
    shown = cell_text(amount, currency)
    *_, row = csv.reader(as_csv(document("a", amount, currency)).splitlines())

    assert re.fullmatch(r"-?\d{1,3}(,\d{3})*(\.\d+)?", shown)
    assert shown.replace(",", "") == row[-1]
    assert Decimal(row[-1]) == amount


def test_a_spreadsheet_says_how_the_month_stands() -> None:
    rows = csv.reader(as_csv(document("a")).splitlines())

    assert [row[4:6] for row in rows][1:3] == [["status", "a"], ["problem", "a"]]


def test_what_is_below_a_cent_is_shown() -> None:
    assert "-0.005991" in as_text(document("a", Decimal("-0.005991")))


def test_a_command_is_a_line_of_its_own() -> None:
    command = f"stripe-reports pull {'x' * 90}"

    assert f"\n  {command}\n" in as_text(document(f"It lacks a day. Run: {command}"))


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("2026-06-01 to 2026-06-30", "2026-06-01 to 2026-06-30"),
        ("risk_reserved_funds", r"risk\_reserved\_funds"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("see https://a.example, www.a.example", r"see https:\/\/a.example, www\.a.example"),
        ("[a](b) <b> @c", r"\[a\](b) \<b\> \@c"),
        ("+3 jpy", r"\+3 jpy"),
    ],
    ids=["dates", "a-category", "an-item", "a-numbered-item", "addresses", "a-link-and-a-tag", "a-plus"],
)
def test_what_markdown_would_take_for_more_than_text_is_escaped(text: str, marked: str) -> None:
    assert f"# {marked}\n" in FORMATS["md"](document(text))


def test_markdown_tables_keep_their_columns() -> None:
    rows = [line for line in FORMATS["md"](document()).splitlines() if line.startswith("|")]

    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {3}
