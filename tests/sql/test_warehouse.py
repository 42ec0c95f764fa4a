"""The warehouse: DuckDB views over what is published, exact, and legible where people look."""

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from connector.dataset.store import Store
from connector.errors import ConfigurationError, DatasetMismatchError
from connector.money import NARROW, money_text
from connector.sql.listing import COVERAGE, TABLES
from connector.sql.output import render
from connector.sql.warehouse import open_warehouse, refuse_statements
from tests.support.datasets import DATASET, lay, provenance, write

MONEY = pa.decimal128(36, 18)


def publish(root: Path, period: str, *, table: str = "sales", mode: str = "test", **columns: Any) -> None:
    """A file of one row as the store would leave it."""
    kinds = {Decimal: MONEY, datetime: pa.timestamp("us", "UTC"), str: pa.string()}
    arrays = {name: pa.array([value], kinds[type(value)]) for name, value in columns.items()}
    window = "hourly" if ":" in period else "daily"
    lay(root, dataclasses.replace(DATASET, table=table, mode=mode, window=window), period, pa.table(arrays))


def shown(relation: duckdb.DuckDBPyRelation) -> str:
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(render(relation))
    return capture.get()


def test_money_is_summed_exactly(tmp_path: Path) -> None:
    for day, amount in [("2026-06-01", "0.1"), ("2026-06-02", "0.2"), ("2026-06-03", "0.000000000000000003")]:
        publish(tmp_path, day, net=Decimal(amount), currency="usd")

    with open_warehouse(tmp_path) as warehouse:
        total = warehouse.sql("SELECT sum(net) FROM sales").fetchall()
        kind = warehouse.sql("SELECT net FROM stripe.sales").types[0]

    assert total == [(Decimal("0.300000000000000003"),)]
    assert str(kind) == "DECIMAL(36,18)"


def test_a_column_that_came_later_is_null_in_earlier_files(tmp_path: Path) -> None:
    publish(tmp_path, "2026-06-01", net=Decimal(1))
    publish(tmp_path, "2026-06-02", net=Decimal(2), note="new")

    with open_warehouse(tmp_path) as warehouse:
        rows = warehouse.sql("SELECT period, note FROM sales ORDER BY period").fetchall()

    assert rows == [("2026-06-01", None), ("2026-06-02", "new")]


def test_periods_are_text_whether_they_look_like_dates_or_not(tmp_path: Path) -> None:
    publish(tmp_path, "2026-06-01", table="days", net=Decimal(1))
    publish(tmp_path, "2026-06-01-00:00", table="hours", net=Decimal(1))

    with open_warehouse(tmp_path) as warehouse:
        rows = warehouse.sql("SELECT period FROM days UNION ALL SELECT period FROM hours").fetchall()

    assert rows == [("2026-06-01",), ("2026-06-01-00:00",)]


def test_a_file_that_is_replaced_later_is_seen_when_the_warehouse_is_opened_again(tmp_path: Path) -> None:
    publish(tmp_path, "2026-06-01", net=Decimal(1))
    with open_warehouse(tmp_path) as warehouse:
        publish(tmp_path, "2026-06-01", net=Decimal(2))

        assert warehouse.sql("SELECT net::INTEGER FROM sales").fetchall() == [(1,)]

    with open_warehouse(tmp_path) as again:
        assert again.sql("SELECT net::INTEGER FROM sales").fetchall() == [(2,)]


@pytest.mark.parametrize(
    "name",
    ["it's [a] root*?", "a\\b", "\\", "100%2F\n"],
    ids=["marks", "backslash-within", "backslash", "line-end"],
)
@pytest.mark.parametrize("confined", [False, True])
def test_a_root_may_have_any_name(tmp_path: Path, name: str, confined: bool) -> None:
    root = tmp_path / name
    publish(root, "2026-06-01", net=Decimal(1))

    with open_warehouse(root, confined=confined) as warehouse:
        assert warehouse.sql("SELECT count(*) FROM sales").fetchall() == [(1,)]


def test_a_root_whose_name_is_a_pattern_is_read_and_no_other(tmp_path: Path) -> None:
    publish(tmp_path / "a\\b*", "2026-06-01", net=Decimal(1))
    publish(tmp_path / "a" / "bc", "2026-06-01", net=Decimal(2))
    publish(tmp_path / "a\\bc", "2026-06-01", net=Decimal(4))

    with open_warehouse(tmp_path / "a\\b*") as warehouse:
        assert warehouse.sql("SELECT sum(net)::INTEGER FROM sales").fetchall() == [(1,)]


@pytest.mark.parametrize("mode", [None, "test"])
def test_where_the_only_table_is_being_rewritten_wide_that_is_said(tmp_path: Path, mode: str | None) -> None:
    publish(tmp_path, "2026-06-01", net=Decimal(1))
    sales = dataclasses.replace(DATASET, table="sales")
    (tmp_path / sales.pin_path).write_text(sales.to_json(money=NARROW, widening=True))

    with pytest.raises(DatasetMismatchError, match=r"sales are being rewritten .* upgrade sales --wide"):
        open_warehouse(tmp_path, mode)
    with pytest.raises(ConfigurationError, match="no live data"):
        open_warehouse(tmp_path, "live")


def test_instants_are_shown_in_utc(tmp_path: Path) -> None:
    publish(tmp_path, "2026-06-01", created=datetime(2026, 6, 1, 23, 30, tzinfo=UTC))

    with open_warehouse(tmp_path) as warehouse:
        assert warehouse.sql("SELECT created::VARCHAR FROM sales").fetchall() == [("2026-06-01 23:30:00+00",)]


AMOUNTS = [
    pytest.param("10", "usd", "10.00", id="cents"),
    pytest.param("1250.00", "jpy", "1250", id="yen-have-no-cents"),
    pytest.param("1.234", "KWD", "1.234", id="a-dinar-has-a-thousand-fils"),
    pytest.param("0.005991", "usd", "0.005991", id="more-where-it-is-not-zero"),
    pytest.param("0.5", "jpy", "0.5", id="half-a-yen-is-not-hidden"),
    pytest.param("-0.30", "eur", "-0.30", id="a-refunded-fee"),
    pytest.param("0", None, "0.00", id="no-currency"),
]


@pytest.mark.parametrize(("amount", "currency", "text"), AMOUNTS)
def test_money_is_shown_in_the_digits_of_its_currency(
    tmp_path: Path, amount: str, currency: str | None, text: str
) -> None:
    publish(tmp_path, "2026-06-01", net=Decimal(amount))
    with open_warehouse(tmp_path) as warehouse:
        by_sql = warehouse.execute("SELECT money_text(net, ?) FROM sales", [currency]).fetchone()

    assert by_sql == (text,)
    assert money_text(Decimal(amount), currency) == text


@given(
    amount=st.decimals(-(10**15), 10**15, places=18),
    currency=st.sampled_from(["usd", "jpy", "bhd", "xxx", None]),
)
def test_no_digit_of_an_amount_is_ever_hidden(amount: Decimal, currency: str | None) -> None:
    assert Decimal(money_text(amount, currency)) == amount


def test_a_table_for_people_shows_each_row_in_its_own_currency(tmp_path: Path) -> None:
    publish(tmp_path, "2026-06-01", net=Decimal(1250), currency="jpy")
    publish(tmp_path, "2026-06-02", net=Decimal("3.5"), currency="eur")

    with open_warehouse(tmp_path) as warehouse:
        text = shown(warehouse.sql("SELECT net, currency FROM sales ORDER BY period"))

    assert "│ 1250 │ jpy " in text
    assert "│ 3.50 │ eur " in text


def test_an_amount_in_another_currency_is_shown_in_that_one(tmp_path: Path) -> None:
    publish(
        tmp_path,
        "2026-06-01",
        customer_facing_amount=Decimal(900),
        customer_facing_currency="jpy",
        net=Decimal(5),
        currency="usd",
    )

    with open_warehouse(tmp_path) as warehouse:
        text = shown(warehouse.sql("SELECT * EXCLUDE (account, period) FROM sales"))

    assert " 900 │" in text
    assert "5.00" in text


def test_a_table_for_people_tells_null_from_nothing_and_does_not_take_text_for_markup(tmp_path: Path) -> None:
    publish(tmp_path, "2026-06-01", note="[bold]")

    with open_warehouse(tmp_path) as warehouse:
        text = shown(warehouse.sql("SELECT note, NULL::VARCHAR AS gone, '' AS empty FROM sales"))

    assert [cell.strip() for cell in text.splitlines()[-2].split("│")[1:-1]] == ["[bold]", "", '""']


def test_without_data_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no data under .*stripe-reports pull"):
        open_warehouse(tmp_path / "nowhere")


def test_live_and_test_data_are_never_read_together(tmp_path: Path) -> None:
    publish(tmp_path, "2026-06-01", mode="live", net=Decimal(1))
    publish(tmp_path, "2026-06-01", mode="simulated", net=Decimal(2))

    with pytest.raises(ConfigurationError, match="live and simulated; choose one"):
        open_warehouse(tmp_path)
    with open_warehouse(tmp_path, "live") as warehouse:
        assert warehouse.sql("SELECT sum(net)::INTEGER FROM sales").fetchall() == [(1,)]
    with pytest.raises(ConfigurationError, match=r"no test data .* there are: live, simulated"):
        open_warehouse(tmp_path, "test")
    with pytest.raises(ConfigurationError, match="no mode 'prod'"):
        open_warehouse(tmp_path, "prod")


def test_the_list_of_tables_says_what_each_holds_and_lacks(tmp_path: Path) -> None:
    store, staged = Store(tmp_path), tmp_path / "staged.parquet"
    for day in (1, 4):
        source = provenance(period=f"2026-06-{day:02}")
        write(staged, source)
        store.publish(staged, DATASET, source)
    publish(tmp_path, "2026-06-01", net=Decimal(1))

    with open_warehouse(tmp_path, query=TABLES) as warehouse:
        rows = warehouse.sql(TABLES).select(*COVERAGE).fetchall()

    assert rows == [
        (DATASET.table, 4, "2026-06-01", "2026-06-04", 2, "2026-06-02"),
        ("sales", 3, "2026-06-01", "2026-06-01", 0, None),
    ]


WRITES = [
    "COPY (SELECT 1) TO '{file}'",
    "COPY (SELECT 1) TO '{file}' (FORMAT parquet, USE_TMP_FILE false)",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)",
    "SELECT 1; COPY (SELECT 1) TO '{file}'",
    "ATTACH '{file}.db'",
    "INSTALL httpfs",
    "SET threads = 1",
]


@pytest.mark.parametrize("statement", WRITES)
def test_a_query_that_does_more_than_read_is_refused(tmp_path: Path, statement: str) -> None:
    publish(tmp_path, "2026-06-01", net=Decimal(1))
    file = next(tmp_path.rglob("report.parquet"))

    with (
        open_warehouse(tmp_path, confined=True) as warehouse,
        pytest.raises(ConfigurationError, match="--files"),
    ):
        refuse_statements(warehouse, statement.format(file=file))


@pytest.mark.parametrize(
    "statement", ["FROM sales", "DESCRIBE sales", "EXPLAIN FROM sales", "PIVOT sales ON net IN (1)"]
)
def test_a_query_that_reads_is_not(tmp_path: Path, statement: str) -> None:
    publish(tmp_path, "2026-06-01", net=Decimal(1))

    with open_warehouse(tmp_path, confined=True) as warehouse:
        refuse_statements(warehouse, statement)

        assert warehouse.execute(statement).fetchall()


def test_a_confined_warehouse_reads_nothing_but_its_tables(tmp_path: Path) -> None:
    root = tmp_path / "it's [a] root*?"
    publish(root, "2026-06-01", net=Decimal(1))
    (tmp_path / "other.csv").write_text("a\n1\n")

    with open_warehouse(root, confined=True) as warehouse:
        assert warehouse.sql("SELECT count(*) FROM sales").fetchall() == [(1,)]
        with pytest.raises(duckdb.PermissionException):
            warehouse.execute(f"FROM read_csv('{tmp_path}/other.csv')")


@pytest.mark.parametrize(
    "changes", [{"zone": "Europe/Berlin"}, {"window": "weekly"}, {"filters": {"currency": "eur"}}]
)
def test_a_table_of_another_configuration_than_expected_is_refused(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    publish(tmp_path, "2026-06-01", net=Decimal(1))
    expected = dataclasses.replace(DATASET, table="sales", **changes)

    with pytest.raises(DatasetMismatchError, match=f"{next(iter(changes))} is .* there and .* here"):
        open_warehouse(tmp_path, expected=[expected])
