"""Files of one table whose columns changed over time read as one table, to the last value."""

import dataclasses
import itertools
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.io_manager import view
from connector.convert.arrow_types import INSTANT, MONEY, NUMBER, WALL_CLOCK
from connector.dataset.filesystem.clouds import open_root
from connector.dataset.identity import Dataset
from connector.dataset.schema_evolution import one_dataset, one_schema, read_footers
from connector.dataset.store import Store
from connector.errors import NoDataError, StoreError
from connector.query import ReportQuery
from connector.sql.warehouse import open_warehouse
from tests.conftest import Pull
from tests.readme import text
from tests.support.datasets import NOON, counted, lay
from tests.support.partitions import days, done

SALES = Dataset("sales", "test", None, "sales.itemized.1", "daily", "UTC")
TEXT = pa.string()

Values = list[Any]


def put(
    root: Path,
    period: str,
    columns: dict[str, tuple[pa.DataType, Values]],
    *,
    fetched: int = 0,
    table: str = "sales",
) -> Path:
    """A file as the store leaves it, fetched at `fetched`."""
    fields = [pa.field(name, kind) for name, (kind, _) in columns.items()]
    arrays = [pa.array(values, kind) for kind, values in columns.values()]
    rows = pa.table(arrays, schema=pa.schema(fields))
    dataset = dataclasses.replace(SALES, table=table)
    return lay(root, dataset, period, rows, fetched_at=NOON + timedelta(seconds=fetched))


def rows(root: Path, **options: Any) -> list[dict[str, Any]]:
    table = Store(root).arrow_dataset(SALES, **options).to_table()
    return [{n: v for n, v in row.items() if n != "account"} for row in table.to_pylist()]


# Whatever the history, every value is found again.

KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "money": (MONEY, st.decimals(-(10**11), 10**11, places=6)),
    "count": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "at": (INSTANT, st.datetimes(timezones=st.just(UTC))),
    "day": (pa.date32(), st.dates()),
    "flag": (pa.bool_(), st.booleans()),
    "note": (TEXT, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))),
}


@dataclass(frozen=True)
class Part:
    """One file of a history: when it was fetched, and its columns."""

    fetched: int
    values: dict[str, Values]


@st.composite
def parts(draw: st.DrawFn, fetched: int) -> Part:
    held = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, unique=True))
    count = draw(st.integers(0, 3))
    return Part(
        fetched,
        {name: draw(st.lists(st.none() | KINDS[name][1], min_size=count, max_size=count)) for name in held},
    )


HISTORIES = st.permutations(range(4)).flatmap(lambda order: st.tuples(*(parts(at) for at in order)))


def written(root: Path, history: tuple[Part, ...]) -> None:
    for number, part in enumerate(history):
        columns = {name: (KINDS[name][0], values) for name, values in part.values.items()}
        put(root, f"2026-06-0{number + 1}", columns, fetched=part.fetched)


def expected(history: tuple[Part, ...]) -> tuple[list[str], list[dict[str, Any]]]:
    """The columns, in the order of the newest file, and every row with every column."""
    newest_first = sorted(history, key=lambda each: each.fetched, reverse=True)
    names = list(dict.fromkeys(name for part in newest_first for name in part.values))
    found = [
        {"period": f"2026-06-0{number + 1}"}
        | {name: part.values[name][row] if name in part.values else None for name in names}
        for number, part in enumerate(history)
        for row in range(len(next(iter(part.values.values()))))
    ]
    return names, found


@given(history=HISTORIES)
def test_every_value_of_every_file_is_found_again(history: tuple[Part, ...]) -> None:
    names, values = expected(history)
    with tempfile.TemporaryDirectory() as root:
        written(Path(root), history)

        table = Store(root).arrow_dataset(SALES).to_table()

    assert table.schema.names == [*names, "account", "period"]
    assert table.schema.types == [*(KINDS[name][0] for name in names), TEXT, TEXT]
    assert table.drop_columns(["account"]).to_pylist() == values


@settings(max_examples=15)
@given(history=HISTORIES)
def test_the_view_says_the_same(history: tuple[Part, ...]) -> None:
    with tempfile.TemporaryDirectory() as root:
        written(Path(root), history)
        read = Store(root).arrow_dataset(SALES).to_table()
        with open_warehouse(root) as warehouse:
            order = ", ".join(f'"{name}"' for name in read.schema.names)
            seen = warehouse.sql(f"SELECT {order} FROM sales ORDER BY period").to_arrow_table()  # noqa: S608

    assert seen.schema.types == read.schema.types
    assert seen.to_pylist() == read.sort_by("period").to_pylist()


@pytest.mark.parametrize(
    "kind", [pa.Table, ds.Dataset, pl.LazyFrame, pl.DataFrame, duckdb.DuckDBPyRelation, None]
)
def test_whatever_a_reader_asks_for_is_the_same_table(tmp_path: Path, kind: Any) -> None:
    put(tmp_path, "2026-06-01", {"net": (MONEY, [Decimal("1.10"), None])}, fetched=1)
    put(tmp_path, "2026-06-02", {"net": (MONEY, [Decimal("2.2")]), "new": (TEXT, ["x"])}, fetched=2)

    read = view(Store(tmp_path).arrow_dataset(SALES), kind)

    if kind in {pl.LazyFrame, pl.DataFrame}:
        total = read.lazy().select(pl.col("net").sum()).collect().item()
    elif kind is duckdb.DuckDBPyRelation:
        total = read.filter("period >= '2026-06-01'").sum("net").fetchall()[0][0]
    else:
        frame = read.to_table() if kind is ds.Dataset else read
        total = sum(each for each in frame["net"].to_pylist() if each) if kind else frame["net"].sum()
    assert total == Decimal("3.3")


# What stands in the way


def refusals(root: Path) -> list[str]:
    """What each way of reading the table answers: rows, a view, the names and types of its columns."""
    ways: list[Callable[[], object]] = [
        lambda: Store(root).arrow_dataset(SALES),
        lambda: open_warehouse(root),
        lambda: Store(root).columns(SALES),
    ]
    found = []
    for way in ways:
        with pytest.raises(StoreError) as refused:
            way()
        found.append(str(refused.value))
    return found


def test_a_column_of_two_types_is_refused_everywhere_with_the_files_and_the_way_out(tmp_path: Path) -> None:
    newest = put(tmp_path, "2026-06-01", {"net": (MONEY, [Decimal(1)])}, fetched=9)
    older = [put(tmp_path, f"2026-06-0{day}", {"net": (TEXT, ["1"])}, fetched=1) for day in range(2, 7)]
    put(tmp_path, "2026-06-07", {"net": (MONEY, [Decimal(1)])}, fetched=2)

    (said,) = set(refusals(tmp_path))

    assert said == (
        f"column 'net' is {MONEY} in the newest file, {newest}, but string in 5 files: "
        f"{older[0]}, {older[1]}, {older[2]} and 2 more. Pull those partitions again, or "
        "materialize them again in Dagster."
    )


def test_a_column_of_three_types_names_each(tmp_path: Path) -> None:
    noon = datetime(2026, 6, 1, 12)  # noqa: DTZ001 - as on a wall
    text = put(tmp_path, "2026-06-01", {"at": (TEXT, ["12:00"])}, fetched=1)
    wall = put(tmp_path, "2026-06-02", {"at": (WALL_CLOCK, [noon])}, fetched=2)
    put(tmp_path, "2026-06-03", {"at": (INSTANT, [noon.replace(tzinfo=UTC)])}, fetched=3)

    with pytest.raises(StoreError) as refused:
        rows(tmp_path)

    assert f"string in 1 file: {text}; timestamp[us] in 1 file: {wall}." in str(refused.value)


def test_partitions_of_one_type_are_read_although_others_have_another(tmp_path: Path) -> None:
    put(tmp_path, "2026-06-01", {"net": (TEXT, ["1"])}, fetched=1)
    put(tmp_path, "2026-06-02", {"net": (MONEY, [Decimal(2)])}, fetched=2)

    assert [row["net"] for row in rows(tmp_path, periods=["2026-06-02"])] == [2]


def test_a_column_of_another_type_than_configured_is_refused(tmp_path: Path) -> None:
    old = put(tmp_path, "2026-06-01", {"net": (TEXT, ["1.5"])}, fetched=1)

    with pytest.raises(StoreError) as refused:
        rows(tmp_path, columns=pa.schema([("net", MONEY)]))

    assert f"'net' is {MONEY} as configured, but string in 1 file: {old}." in str(refused.value)


def test_configured_money_has_the_type_that_the_files_hold_it_in(tmp_path: Path) -> None:
    """What Dagster's assets name is the type of new tables, and those of earlier versions are read too."""
    put(tmp_path, "2026-06-01", {"net": (NUMBER, [Decimal("0.0000015")])})

    (row,) = rows(tmp_path, columns=pa.schema([("net", MONEY)]))

    assert row["net"] == Decimal("0.0000015")


def test_the_way_out_is_one(pull: Pull, store: Store) -> None:
    """Pulled again, a file has the type of today, whatever it had."""
    query = ReportQuery.of("payouts.itemized.3")
    dataset, two = query.dataset(mode="test", account=None), days("2026-06-01", 2)
    done(pull(query, two))
    path = Path(store.uri(dataset, two[0].key))
    held = pq.read_table(path, partitioning=None).replace_schema_metadata(pq.read_metadata(path).metadata)
    at = held.schema.get_field_index("net")
    pq.write_table(held.set_column(at, "net", held["net"].cast(TEXT)), path)
    with pytest.raises(StoreError, match="column 'net'"):
        store.arrow_dataset(dataset)

    pull(query, two[:1], refresh=[two[0].key])

    assert store.arrow_dataset(dataset).schema.field("net").type == MONEY


def test_a_torn_file_is_named(tmp_path: Path) -> None:
    put(tmp_path, "2026-06-01", {"net": (TEXT, ["1"])}).write_bytes(b"PAR1")

    with pytest.raises(StoreError, match="period=2026-06-01"):
        rows(tmp_path)
    with pytest.raises(StoreError, match="period=2026-06-01"):
        open_warehouse(tmp_path)


# Which columns there are


def test_columns_stand_as_in_the_newest_file_then_those_of_older_ones_then_ours(tmp_path: Path) -> None:
    run = (TEXT, ["frr"])
    put(tmp_path, "2026-06-02", {"a": run, "gone": run, "_report_run_id": run}, fetched=1)
    put(tmp_path, "2026-06-01", {"b": run, "a": run, "_report_run_id": run}, fetched=2)

    names = Store(tmp_path).arrow_dataset(SALES).schema.names

    assert names == ["b", "a", "gone", "_report_run_id", "account", "period"]


def test_configured_columns_are_there_with_their_types_also_in_old_partitions_alone(tmp_path: Path) -> None:
    put(tmp_path, "2026-06-01", {"net": (MONEY, [Decimal("1.5")])}, fetched=1)
    now = pa.schema([("net", MONEY), ("since", INSTANT)])

    assert rows(tmp_path, periods=["2026-06-01"], columns=now) == [
        {"net": Decimal("1.5"), "since": None, "period": "2026-06-01"}
    ]
    assert Store(tmp_path).arrow_dataset(SALES, [], columns=now).to_table().schema.names == [
        "net",
        "since",
        "account",
        "period",
    ]


def test_a_partition_without_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoDataError, match="2026-06-01"):
        rows(tmp_path, periods=["2026-06-01"])


def test_of_many_partitions_without_a_file_the_first_are_named_and_the_others_counted(tmp_path: Path) -> None:
    with pytest.raises(NoDataError, match="2026-09-10 and 20 more"):
        rows(tmp_path, periods=[f"2026-09-{day:02}" for day in range(1, 31)])


# What the README says to those who read the files themselves


README = text("connector/dataset/README.md")
CALLS = dict(
    re.findall(
        r"^\| (.+?) \| `(.+?)` \|", README.split("| with | all columns |")[1].split("\n\n")[0], re.MULTILINE
    )
)


def rows_by(engine: str, root: Path) -> list[dict[str, Any]]:
    """The rows that a call named in the README reads, without what the path says."""
    table, call = root / SALES.path, CALLS[engine]
    files = sorted(map(str, table.glob("**/*.parquet")))
    names: dict[str, Any] = {"root": root, "table": str(table), "dataset": SALES, "files": files}
    modules = {"pandas": pd, "polars": pl, "pyarrow": pa, "Store": Store, "open_warehouse": open_warehouse}
    if call.startswith("SELECT"):
        relation = duckdb.sql(call.replace("…", str(table)))
        assert relation is not None
        read = relation.to_arrow_table().to_pylist()
    else:
        read = eval(call, names | modules)  # noqa: S307 - it is ours
        if isinstance(read, duckdb.DuckDBPyConnection):
            with read:
                read = read.sql("SELECT * FROM sales ORDER BY period").to_arrow_table().to_pylist()
        elif isinstance(read, pl.LazyFrame):
            read = read.collect().to_dicts()
        elif isinstance(read, pd.DataFrame):
            read = pa.Table.from_pandas(read, preserve_index=False).to_pylist()
    return [{n: v for n, v in row.items() if n not in {"account", "period"}} for row in read]


@pytest.mark.parametrize("engine", CALLS)
def test_a_call_the_readme_names_brings_all_columns(tmp_path: Path, engine: str) -> None:
    put(tmp_path, "2026-06-01", {"net": (MONEY, [Decimal("1.5")]), "gone": (TEXT, ["g"])}, fetched=1)
    put(tmp_path, "2026-06-02", {"net": (MONEY, [Decimal("2.5")]), "new": (TEXT, ["n"])}, fetched=2)

    assert rows_by(engine, tmp_path) == [
        {"net": Decimal("1.5"), "gone": "g", "new": None},
        {"net": Decimal("2.5"), "gone": None, "new": "n"},
    ]


@pytest.mark.parametrize("engine", CALLS)
def test_what_the_readme_says_of_text_that_became_a_number_is_so(tmp_path: Path, engine: str) -> None:
    said = re.search(rf"^\| {engine} \|.*\| (.*?) \|$", README, re.MULTILINE)
    put(tmp_path, "2026-06-01", {"net": (TEXT, ["1.5"])}, fetched=1)
    put(tmp_path, "2026-06-02", {"net": (MONEY, [Decimal("2.5")])}, fetched=2)

    try:
        kinds = {type(row["net"]) for row in rows_by(engine, tmp_path)}
    except (pa.ArrowException, TypeError, pl.exceptions.PolarsError, StoreError):
        kinds = set()

    assert said
    assert kinds == {"all": {str}, "refused": set()}[re.split(r"[ ;]", said[1])[0]]


def test_six_calls_are_named() -> None:
    assert len(CALLS) == 6


# What it costs


def test_opening_reads_each_footer_once_and_a_query_only_the_files_it_needs(tmp_path: Path) -> None:
    paths = [
        str(put(tmp_path, f"2026-06-{day:02}", {"net": (MONEY, [Decimal(day)])})) for day in range(1, 31)
    ]
    opened: list[str] = []
    files = counted(opened)
    root = open_root(tmp_path)
    root.filesystem = files

    footers = [each for each in read_footers(dict.fromkeys(paths), root).values() if each]
    table = one_dataset(footers, one_schema(footers), SALES.path_columns, files, str(tmp_path / SALES.path))

    assert sorted(opened) == paths
    opened.clear()
    assert table.to_table(filter=ds.field("period") == "2026-06-07")["net"].to_pylist() == [7]
    assert set(opened) == {paths[6]}


def test_a_warehouse_has_the_files_as_they_were_when_it_was_opened(tmp_path: Path) -> None:
    """What DuckDB remembers of a file must not outlive the warehouse."""
    put(tmp_path, "2026-06-01", {"net": (MONEY, [Decimal(1)])})
    before = Decimal(1)
    for amounts in itertools.accumulate([[Decimal(2)], [Decimal(3)] * 9, [Decimal(4)]]):
        with open_warehouse(tmp_path) as warehouse:
            put(tmp_path, "2026-06-01", {"net": (MONEY, amounts)})
            assert warehouse.sql("SELECT sum(net) FROM sales").fetchall() == [(before,)]
        before = sum(amounts, Decimal())


def test_tables_that_a_query_does_not_name_are_not_looked_at(tmp_path: Path) -> None:
    put(tmp_path, "2026-06-01", {"net": (MONEY, [Decimal(1)])})
    torn = put(tmp_path, "2026-06-01", {"net": (MONEY, [Decimal(1)])}, table="other")
    torn.write_bytes(b"torn")

    with open_warehouse(tmp_path, query="SELECT sum(net) FROM stripe.Sales") as warehouse:
        assert warehouse.sql("SELECT sum(net) FROM stripe.Sales").fetchall() == [(1,)]
    with pytest.raises(StoreError, match="other"):
        open_warehouse(tmp_path, query="SHOW TABLES")


@pytest.mark.parametrize(
    ("column", "other"),
    [("Period", "what the path says"), ("NET_AMOUNT", "the column 'net_amount'")],
)
def test_a_column_that_sql_takes_for_another_is_refused_naming_both(
    tmp_path: Path, column: str, other: str
) -> None:
    path = lay(tmp_path, SALES, "2026-06-01", pa.table({"net_amount": ["1"], column: ["x"]}))

    with pytest.raises(StoreError) as caught:
        Store(tmp_path).arrow_dataset(SALES)

    assert str(caught.value) == (
        f"column {column!r} in 1 file: {path} cannot be distinguished from {other}. Pull those partitions "
        "again, "
        "without this column."
    )


def test_what_directories_above_the_table_are_called_is_nothing_to_its_rows(tmp_path: Path) -> None:
    root = tmp_path / "account=theirs" / "period=never"
    put(root, "2026-06-01", {"net": (TEXT, ["1"])})

    (row,) = Store(root).arrow_dataset(SALES).to_table().to_pylist()

    assert (row["account"], row["period"]) == ("default", "2026-06-01")
