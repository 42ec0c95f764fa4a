"""What the page on the dataset says of money in each engine: exact, refused, or rounded."""

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from connector.convert.arrow_types import MONEY, NUMBER
from tests.readme import text

A, B, C = Decimal("123456789012.000001"), Decimal("-0.000003"), Decimal(7)
#: A rate of tax, as people write it.
RATE = Decimal("0.19")
EXACT = Context(prec=100)
TOTAL = EXACT.add(EXACT.add(A, B), B)
TWENTY = EXACT.add(A, EXACT.multiply(B, Decimal(20)))


def table(money: pa.DataType) -> pa.Table:
    amounts = {"a": [A, B, B], "b": [B, A, A], "c": [C, C, C]}
    return pa.table({name: pa.array(values, money) for name, values in amounts.items()} | {"k": ["x"] * 3})


TABLE, WIDE = table(MONEY), table(NUMBER)
A_, B_ = TABLE["a"], TABLE["b"]
FRAME = TABLE.to_pandas(types_mapper=pd.ArrowDtype)
POLARS = pl.DataFrame(pl.from_arrow(TABLE))


def polars(expression: pl.Expr) -> Any:
    return POLARS.select(expression).to_series()[0]


def duck(expression: str) -> Any:
    rows = TABLE  # noqa: F841 - DuckDB finds it by its name
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT {expression} FROM rows").fetchall()[0][0]  # noqa: S608 - our own


def twenty_times(combine: Callable[[Any, Any], Any], first: Any, other: Any) -> Any:
    for _ in range(20):
        first = combine(first, other)
    return first[0]


def alike(one: Decimal, other: Decimal) -> Decimal | None:
    return one if one == other else None


Operations = Mapping[str, Callable[[], Any]]

#: By engine: what stays exact, with what it comes to; what is refused; what is rounded, with the exact value.
EXACTLY: Mapping[str, Mapping[str, tuple[Callable[[], Any], Decimal]]] = {
    "pandas": {
        "+ -": (
            lambda: alike(
                twenty_times(operator.add, FRAME.a, FRAME.b), twenty_times(operator.sub, FRAME.a, -FRAME.b)
            ),
            TWENTY,
        ),
        "*": (lambda: (FRAME.a * FRAME.b)[0], EXACT.multiply(A, B)),
        "* 100": (lambda: (FRAME.a * 100)[0], EXACT.multiply(A, Decimal(100))),
        '* Decimal("0.19")': (lambda: (FRAME.a * RATE)[0], EXACT.multiply(A, RATE)),
        "sum": (FRAME.a.sum, TOTAL),
        "min": (FRAME.a.min, B),
        "max": (FRAME.a.max, A),
        "groupby().sum()": (lambda: FRAME.groupby("k").a.sum().iloc[0], TOTAL),
        "abs": (lambda: FRAME.b.abs()[0], -B),
        "diff": (lambda: FRAME.a.diff()[1], EXACT.subtract(B, A)),
        "round": (lambda: FRAME.a.round(2)[0], Decimal("123456789012.00")),
        "concat": (lambda: pd.concat([FRAME.a, FRAME.b]).sum(), EXACT.multiply(EXACT.add(A, B), Decimal(3))),
    },
    "PyArrow": {
        "add": (lambda: twenty_times(pc.add, A_, B_).as_py(), TWENTY),
        "subtract": (lambda: twenty_times(pc.subtract, A_, pc.negate(B_)).as_py(), TWENTY),
        "multiply": (lambda: pc.multiply(A_, B_).to_pylist()[0], EXACT.multiply(A, B)),
        "sum": (lambda: pc.sum(A_).as_py(), TOTAL),
    },
    "Polars": {
        "+ -": (lambda: polars(pl.col("a") + pl.col("b") - pl.col("b") + pl.col("b")), EXACT.add(A, B)),
        "sum": (lambda: polars(pl.col("a").sum()), TOTAL),
        "cum_sum": (lambda: polars(pl.col("a").cum_sum().last()), TOTAL),
        "group_by().agg(sum)": (lambda: POLARS.group_by("k").agg(pl.col("a").sum())["a"][0], TOTAL),
        "* 3": (lambda: polars(pl.col("a") * 3), EXACT.multiply(A, Decimal(3))),
    },
    "DuckDB": {
        "+ -": (lambda: duck("a + b - b + b"), EXACT.add(A, B)),
        "sum": (lambda: duck("sum(a)"), TOTAL),
        "*": (lambda: duck("a * b * c"), EXACT.multiply(EXACT.multiply(A, B), C)),
        "* 3": (lambda: duck("a * 3"), EXACT.multiply(A, Decimal(3))),
        "* 0.19": (lambda: duck("min(a) * 0.19"), EXACT.multiply(B, RATE)),
    },
}
REFUSED: Mapping[str, Operations] = {
    "pandas": {"cumsum": FRAME.a.cumsum, "": lambda: FRAME.a * FRAME.b * FRAME.c},
    "PyArrow": {
        "cumulative_sum": lambda: pc.cumulative_sum(A_),
        "": lambda: pc.multiply(pc.multiply(A_, B_), B_),
    },
    "DuckDB": {
        "": lambda: duck("(a * 1000000000) * (a * 1000000000)"),
        "* 0.19": lambda: duck("a * 0.19"),
    },
}
ROUNDED: Mapping[str, Mapping[str, tuple[Callable[[], Any], Fraction]]] = {
    "pandas": {
        "/": (lambda: (FRAME.a / FRAME.c)[0], Fraction(A) / Fraction(C)),
        "mean": (FRAME.a.mean, Fraction(TOTAL) / 3),
        "* 0.19": (lambda: (FRAME.a * 0.19)[0], Fraction(A) * Fraction(RATE)),
        "median": (FRAME.a.median, Fraction(B)),
    },
    "PyArrow": {
        "divide": (lambda: pc.divide(A_, TABLE["c"]).to_pylist()[0], Fraction(A) / Fraction(C)),
        "mean": (lambda: pc.mean(A_).as_py(), Fraction(TOTAL) / 3),
    },
    "Polars": {
        "mean": (lambda: polars(pl.col("a").mean()), Fraction(TOTAL) / 3),
        "*": (lambda: polars(pl.col("a") * pl.col("b")), Fraction(A) * Fraction(B)),
        "/": (lambda: polars(pl.col("a") / pl.col("c")), Fraction(A) / Fraction(C)),
        '* Decimal("0.19")': (lambda: polars(pl.col("a") * RATE), Fraction(A) * Fraction(RATE)),
    },
    "DuckDB": {
        "avg": (lambda: duck("avg(a)"), Fraction(TOTAL) / 3),
        "/": (lambda: duck("a / c"), Fraction(A) / Fraction(C)),
    },
}

#: What a table of wide money refuses besides.
WIDE_FRAME = WIDE.to_pandas(types_mapper=pd.ArrowDtype)
REFUSED_WIDE: Operations = {
    "a product in pandas": lambda: WIDE_FRAME.a * WIDE_FRAME.b,
    "a product with a number in pandas": lambda: WIDE_FRAME.a * 100,
    "a quotient in pandas": lambda: WIDE_FRAME.a / 3,
    "a third sum in pandas": lambda: WIDE_FRAME.a + WIDE_FRAME.b + WIDE_FRAME.b + WIDE_FRAME.b,
    "a third difference in pandas": lambda: WIDE_FRAME.a - WIDE_FRAME.b - WIDE_FRAME.b - WIDE_FRAME.b,
    "a product in PyArrow": lambda: pc.multiply(WIDE["a"], WIDE["b"]),
    "a quotient in PyArrow": lambda: pc.divide(WIDE["a"], WIDE["b"]),
}


def cells(engine: str) -> list[str]:
    """What the page says of an engine: exact, refused, rounded."""
    page = text("connector/dataset/README.md").split("## What stays exact")[1]
    (row,) = re.findall(rf"^\| {engine}\b.*?\|(.*)\|$", page, re.MULTILINE)
    return [cell.strip() for cell in str(row).split("|")]


def named(cell: str) -> set[str]:
    return set(re.findall(r"`(.+?)`", cell)) - {"DECIMAL(36, 6)"}


@pytest.mark.parametrize("engine", ["pandas", "PyArrow", "Polars", "DuckDB"])
def test_the_operations_named_are_those_tried(engine: str) -> None:
    exact, refused, rounded = cells(engine)

    assert named(exact) == set(EXACTLY.get(engine, ()))
    assert named(refused) == {each for each in REFUSED.get(engine, ()) if each}
    assert named(rounded) == set(ROUNDED[engine])


@pytest.mark.parametrize(("engine", "operation"), [(e, o) for e, each in EXACTLY.items() for o in each])
def test_what_is_said_to_be_exact_is(engine: str, operation: str) -> None:
    compute, expected = EXACTLY[engine][operation]

    assert compute() == expected


@pytest.mark.parametrize(("engine", "operation"), [(e, o) for e, each in REFUSED.items() for o in each])
def test_what_is_said_to_be_refused_is(engine: str, operation: str) -> None:
    with pytest.raises((pa.ArrowException, TypeError, duckdb.Error)):
        REFUSED[engine][operation]()


@pytest.mark.parametrize(("engine", "operation"), [(e, o) for e, each in ROUNDED.items() for o in each])
def test_what_is_said_to_be_rounded_is(engine: str, operation: str) -> None:
    compute, exact = ROUNDED[engine][operation]
    value = compute()

    assert Fraction(value) != exact
    said = re.search(rf"`{re.escape(operation)}`[^;]*?\((float|decimal)", cells(engine)[2])
    assert said
    assert type(value).__name__.lower() == said[1]


@pytest.mark.parametrize("operation", REFUSED_WIDE)
def test_what_wide_money_is_said_to_refuse_is_refused(operation: str) -> None:
    with pytest.raises(pa.ArrowException):
        REFUSED_WIDE[operation]()


def test_engines_round_over_files_of_both_types_which_is_why_a_table_has_one(tmp_path: Path) -> None:
    """DuckDB does so without a word; where it ever stops, a table may have both."""
    fine = Decimal("1.0000015")
    for name, rows in {"1": pa.table({"a": pa.array([A], MONEY)}), "2": pa.table({"a": [fine]})}.items():
        pq.write_table(rows, tmp_path / f"{name}.parquet")

    found = duckdb.read_parquet(f"{tmp_path}/*.parquet").order("a").fetchall()

    assert found[0] == (Decimal("1.000002"),)
