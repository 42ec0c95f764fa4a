"""What a query gives to people, programs and spreadsheets."""

import csv
import io
import json
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.money import money_text
from connector.sql.output import render, rows_of
from connector.terminal.console import Shown
from connector.terminal.lines import json_line
from connector.terminal.spreadsheets import csv_line

MONEY = [(36, 18), (38, 18), (18, 6), (38, 6), (38, 12)]


def asked(query: str, **options: Any) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return list(rows_of(connection.sql(query), **options))


@given(
    amount=st.decimals(-(10**9), 10**9, places=6),
    currency=st.sampled_from(["usd", "jpy", "kwd", "xxx", None]),
    kind=st.sampled_from(MONEY),
)
def test_an_amount_has_the_digits_of_its_currency_and_no_digit_is_lost(
    amount: Decimal, currency: str | None, kind: tuple[int, int]
) -> None:
    code = "NULL" if currency is None else f"'{currency}'"
    ((shown, _),) = asked(f"SELECT {amount}::DECIMAL{kind} AS net, {code} AS currency")

    assert json_line({"net": shown}) == json.dumps({"net": money_text(amount, currency)})
    assert csv_line([shown]) == money_text(amount, currency)
    assert shown == amount


@pytest.mark.parametrize("kind", MONEY)
@pytest.mark.parametrize("query", ["0::DECIMAL{}", "[0::DECIMAL{}]", "{{'net': 0::DECIMAL{}}}"])
def test_zero_is_never_many_zeros(kind: tuple[int, int], query: str) -> None:
    ((shown,),) = asked(f"SELECT {query.format(kind)}")

    assert "0.000" not in json_line({"": shown}) + csv_line([shown])
    assert "E" not in json_line({"": shown}) + csv_line([shown])


def test_exact_leaves_every_decimal() -> None:
    (row,) = asked("SELECT 0.1::DECIMAL(36,18), 0::DECIMAL(36,18)", exact=True)

    assert csv_line(row) == "0.100000000000000000,0.000000000000000000"


def test_an_amount_that_was_cast_stays_as_it_is() -> None:
    assert asked("SELECT 1.5::DECIMAL(10,4), 7, 0.5::DOUBLE") == [(Decimal("1.5000"), 7, 0.5)]


def test_amounts_inside_others_are_in_their_currency() -> None:
    ((shown,),) = asked("SELECT [{'currency': 'jpy', 'net': 5::DECIMAL(36,18)}]")

    assert json_line({"": shown}) == '{"": [{"currency": "jpy", "net": "5"}]}'


# CSV

#: What a spreadsheet takes for the beginning of a formula.
SIGNS = "=+-@＝＋－＠"
SKIPPED = ["", " ", "\u00a0", "\ufeff", "\u200b", "\t"]
STARTS = [f"{skipped}{sign}" for sign in SIGNS for skipped in SKIPPED] + ["\t", "\r", "\n"]


def read(line: str) -> list[str]:
    """The cells, as a program reads them."""
    (found,) = csv.reader(io.StringIO(line, newline=""))
    return found


@given(start=st.sampled_from(STARTS), rest=st.text(alphabet=st.characters(exclude_categories=["Cc"])))
def test_no_text_becomes_a_formula(start: str, rest: str) -> None:
    (cell,) = read(csv_line([f"{start}x{rest}"]))

    assert cell.startswith("'")


@given(texts=st.lists(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"])), min_size=2))
def test_other_texts_are_read_back_as_they_are(texts: list[str]) -> None:
    found = read(csv_line(texts))

    assert [cell.removeprefix("'") for cell in found] == [text.removeprefix("'") for text in texts]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (Decimal("-12.50"), "-12.50"),
        (Decimal("0E-18"), "0.000000000000000000"),
        ("-12.50", "-12.50"),
        (-7, "-7"),
        ("-7x", "'-7x"),
        ("-1+1", "'-1+1"),
        ("+49", "'+49"),
        ("-12.50\n=1", '"\'-12.50\n=1"'),
        (None, ""),
        ("", '""'),
        ('say "a, b"', '"say ""a, b"""'),
        (True, "true"),
        ({"a": ["=1", None]}, '"{""a"": [""=1"", null]}"'),
    ],
)
def test_a_cell(value: Any, cell: str) -> None:
    assert csv_line([value]) == cell


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("NULL", ""),
        ("''", '""'),
        ("[NULL, 1.50::DECIMAL(9,2)]", '[null, "1.50"]'),
        ("{'day': DATE '2026-06-01', 'net': NULL}", '{"day": "2026-06-01", "net": null}'),
        ("TRUE", "true"),
        ("0.000000::DECIMAL(18,6)", "0.00"),
    ],
)
def test_people_see_what_csv_has_and_no_word_of_python(value: str, cell: str) -> None:
    console = Shown()
    with console.capture() as capture:
        console.print(render(duckdb.connect().sql(f"SELECT {value} AS a")))

    assert [line.strip("│ ") for line in capture.get().splitlines()][-2] == cell


def test_names_of_columns_are_no_formulas_either() -> None:
    relation = duckdb.connect().sql('SELECT 1 AS "=1+1"')

    assert csv_line(relation.columns) == "'=1+1"
