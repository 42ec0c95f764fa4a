"""What the page on the dataset says of money in each engine: exact, refused, or rounded."""

import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from connector.convert.arrow_types import MONEY
from tests.readme import text

A, B, C = Decimal("123456789012.000000000000000001"), Decimal("-0.000000000000000003"), Decimal(7)
EXACT = Context(prec=100)
TOTAL = EXACT.add(EXACT.add(A, B), B)

TABLE = pa.table(
    {
        "a": pa.array([A, B, B], MONEY),
        "b": pa.array([B, A, A], MONEY),
        "c": pa.array([C, C, C], MONEY),
        "k": ["x", "x", "x"],
    }
)
A_, B_ = TABLE["a"], TABLE["b"]
FRAME = TABLE.to_pandas(types_mapper=pd.ArrowDtype)
POLARS = pl.DataFrame(pl.from_arrow(TABLE))


def polars(expression: pl.Expr) -> Any:
    return POLARS.select(expression).to_series()[0]


def duck(expression: str) -> Any:
    rows = TABLE  # noqa: F841 - DuckDB finds it by its name
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT {expression} FROM rows").fetchall()[0][0]  # noqa: S608 - our own


Operations = Mapping[str, Callable[[], Any]]

#: By engine: what stays exact, with what it comes to; what is refused; what is rounded, with the exact value.
EXACTLY: Mapping[str, Mapping[str, tuple[Callable[[], Any], Decimal]]] = {
    "pandas": {
        "+ -": (lambda: (FRAME.a + FRAME.b - FRAME.b)[0], A),
        "sum": (FRAME.a.sum, TOTAL),
        "min": (FRAME.a.min, B),
        "max": (FRAME.a.max, A),
        "groupby().sum()": (lambda: FRAME.groupby("k").a.sum().iloc[0], TOTAL),
        "abs": (lambda: FRAME.b.abs()[0], -B),
        "concat": (lambda: pd.concat([FRAME.a, FRAME.b]).sum(), EXACT.multiply(EXACT.add(A, B), Decimal(3))),
    },
    "Polars": {
        "+ -": (lambda: polars(pl.col("a") + pl.col("b") - pl.col("b") + pl.col("b")), EXACT.add(A, B)),
        "sum": (lambda: polars(pl.col("a").sum()), TOTAL),
        "group_by().agg(sum)": (lambda: POLARS.group_by("k").agg(pl.col("a").sum())["a"][0], TOTAL),
    },
    "DuckDB": {
        "+ -": (lambda: duck("a + b - b + b"), EXACT.add(A, B)),
        "sum": (lambda: duck("sum(a)"), TOTAL),
        "*": (lambda: duck("a * 3"), EXACT.multiply(A, Decimal(3))),
    },
}
REFUSED: Mapping[str, Operations] = {
    "pandas": {
        "*": lambda: FRAME.a * FRAME.b,
        "/": lambda: FRAME.a / FRAME.b,
        "cumsum": FRAME.a.cumsum,
        "+": lambda: FRAME.a + FRAME.b + FRAME.b + FRAME.b,
        "-": lambda: FRAME.a - FRAME.b - FRAME.b - FRAME.b,
    },
    "PyArrow": {
        "multiply": lambda: pc.multiply(A_, B_),
        "divide": lambda: pc.divide(A_, B_),
        "add": lambda: pc.add(pc.add(pc.add(A_, B_), B_), B_),
        "subtract": lambda: pc.subtract(pc.subtract(pc.subtract(A_, B_), B_), B_),
    },
    "DuckDB": {"": lambda: duck("(a * 1000000000) * (a * 1000000000)")},
}
ROUNDED: Mapping[str, Mapping[str, tuple[Callable[[], Any], Fraction]]] = {
    "pandas": {"mean": (FRAME.a.mean, Fraction(TOTAL) / 3)},
    "PyArrow": {"mean": (lambda: pc.mean(A_).as_py(), Fraction(TOTAL) / 3)},
    "Polars": {
        "mean": (lambda: polars(pl.col("a").mean()), Fraction(TOTAL) / 3),
        "*": (lambda: polars(pl.col("a") * pl.col("b")), Fraction(A) * Fraction(B)),
        "/": (lambda: polars(pl.col("a") / pl.col("c")), Fraction(A) / Fraction(C)),
    },
    "DuckDB": {
        "avg": (lambda: duck("avg(a)"), Fraction(TOTAL) / 3),
        "/": (lambda: duck("a / c"), Fraction(A) / Fraction(C)),
    },
}


def cells(engine: str) -> list[str]:
    """What the page says of an engine: exact, refused, rounded."""
    table = text("connector/dataset/README.md").split("## What stays exact")[1]
    (row,) = re.findall(rf"^\| {engine}\b.*?\|(.*)\|$", table, re.MULTILINE)
    return [cell.strip() for cell in str(row).split("|")]


def named(cell: str) -> set[str]:
    return set(re.findall(r"`(.+?)`", cell))


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
