"""Downstream assets read reports by annotation: exact, one partition or many, lazily where they like."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from assets import ConfiguredReport, build_report_asset
from connector.convert.arrow_types import MONEY
from connector.dataset.filesystem.access import Access
from connector.dataset.filesystem.clouds import open_root
from connector.dataset.filesystem.place import Place
from connector.dataset.store import Store
from connector.pipeline.widening import widen_table
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.conftest import Pull
from tests.support.buckets import Bucket
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra, configured
from tests.support.partitions import days

FIRST, SECOND, LAST = "2026-06-01", "2026-06-02", "2026-06-03"


def read(
    orchestra: Orchestra,
    upstream: dg.AssetsDefinition,
    annotation: Any,
    *,
    last: str | None = None,
    metadata: dict[str, Any] | None = None,
    partitions_def: dg.PartitionsDefinition[str] | None = None,
    partition: str = FIRST,
) -> tuple[dg.ExecuteInProcessResult, list[Any]]:
    """Materialize an asset that reads `upstream`, in its windows unless given others."""
    seen: list[Any] = []

    def body(rows: Any) -> None:
        seen.append(rows)

    body.__annotations__["rows"] = annotation
    downstream = dg.multi_asset(
        outs={"reader": dg.AssetOut(dagster_type=dg.Nothing)},
        ins={"rows": dg.AssetIn(upstream.key, metadata=metadata)},
        partitions_def=partitions_def or upstream.partitions_def,
        backfill_policy=upstream.backfill_policy,
    )(body)
    result = orchestra.launch([upstream, downstream], partition, last, selection=["reader"])
    return result, seen


@pytest.fixture
def pulled(orchestra: Orchestra, activity: dg.AssetsDefinition, pull: Pull) -> dg.AssetsDefinition:
    """The files of two days, which are what is read."""
    pull(
        configured("balance_change_from_activity.itemized.3").query,
        days(FIRST, 2),
        store=orchestra.stripe.store(),
    )
    return activity


@pytest.mark.parametrize(
    ("annotation", "exactness"),
    [
        pytest.param(
            pd.DataFrame, lambda rows: (rows["gross"] - rows["fee"] == rows["net"]).all(), id="pandas"
        ),
        pytest.param(
            pa.Table,
            lambda rows: pc.all(pc.equal(pc.subtract(rows["gross"], rows["fee"]), rows["net"])).as_py(),
            id="arrow",
        ),
        pytest.param(
            ds.Dataset,
            lambda rows: rows.count_rows(filter=ds.field("gross") - ds.field("fee") != ds.field("net")) == 0,
            id="arrow-dataset",
        ),
        pytest.param(
            pl.LazyFrame,
            lambda rows: rows.filter(pl.col("gross") - pl.col("fee") != pl.col("net")).collect().is_empty(),
            id="polars-lazy",
        ),
        pytest.param(
            pl.DataFrame,
            lambda rows: rows.filter(pl.col("gross") - pl.col("fee") != pl.col("net")).is_empty(),
            id="polars",
        ),
        pytest.param(
            duckdb.DuckDBPyRelation,
            lambda rows: rows.filter("gross - fee <> net").aggregate("count(*)").fetchall() == [(0,)],
            id="duckdb",
        ),
    ],
)
def test_two_partitions_come_as_one_table_on_which_money_is_exact(
    orchestra: Orchestra, pulled: dg.AssetsDefinition, annotation: Any, exactness: Any
) -> None:
    result, seen = read(orchestra, pulled, annotation, last=SECOND)

    assert result.success
    (rows,) = seen
    assert isinstance(rows, annotation)
    assert exactness(rows)


@pytest.mark.long
def test_a_report_in_a_bucket_is_read_as_on_a_disk(
    instance: dg.DagsterInstance,
    simulator: Simulator,
    clock: ManualClock,
    activity: dg.AssetsDefinition,
    bucket: Bucket,
) -> None:
    """Also while it is rewritten with wide money it is refused, and read again afterwards."""

    def store(_root: str) -> Store:
        return Store(open_root(Place.of(bucket.url, Access(bucket.endpoint, "us-east-1"))))

    with pytest.MonkeyPatch.context() as environment:
        for name, value in bucket.environment().items():
            environment.setenv(name, value)
        orchestra = Orchestra(instance, simulator.handle, clock, Path(bucket.url), store=store)
        assert orchestra.launch([activity], FIRST, SECOND).success
        _, (narrow,) = read(orchestra, activity, pa.Table, last=SECOND)
        (table,) = store("").datasets()
        store("").mark_as_widening(table)
        refused, _ = read(orchestra, activity, pa.Table, last=SECOND)
        rewritten = list(widen_table(store(""), table))
        _, (wide,) = read(orchestra, activity, pa.Table, last=SECOND)
        store("").forget(table, FIRST)
        missing, _ = read(orchestra, activity, pa.Table, last=SECOND)

    assert (rewritten, refused.success, missing.success) == ([FIRST, SECOND], False, False)
    assert "--wide` goes on with it" in orchestra.failure(refused)[0]
    assert f"no data for {FIRST}" in orchestra.failure(missing)[0]
    assert narrow.schema.field("net").type == MONEY
    assert sum(narrow["net"].to_pylist()) == sum(wide["net"].to_pylist())
    assert narrow.num_rows == wide.num_rows > 0


def test_one_partition_holds_only_its_own_rows(orchestra: Orchestra, pulled: dg.AssetsDefinition) -> None:
    result, (rows,) = read(orchestra, pulled, pd.DataFrame)

    assert result.success
    assert set(rows["period"]) == {FIRST}
    assert rows["net"].dtype == pd.ArrowDtype(MONEY)
    assert isinstance(rows["net"].iloc[0], Decimal)


def test_times_of_a_relation_are_in_utc_wherever_it_is_read(
    orchestra: Orchestra, pulled: dg.AssetsDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")

    _, (rows,) = read(orchestra, pulled, duckdb.DuckDBPyRelation)

    shown = rows.project("CAST(_interval_start AS VARCHAR)").distinct().fetchall()
    assert shown == [("2026-06-01 00:00:00+00",)]


def test_a_reader_without_partitions_gets_the_whole_table(
    orchestra: Orchestra, pulled: dg.AssetsDefinition
) -> None:
    seen: list[pd.DataFrame] = []

    @dg.asset(ins={"rows": dg.AssetIn(pulled.key, metadata={"allow_missing_partitions": True})})
    def whole(rows: pd.DataFrame) -> None:
        seen.append(rows)

    result = dg.materialize(
        [pulled, whole], instance=orchestra.instance, resources=orchestra.resources, selection=["whole"]
    )

    assert result.success
    assert set(seen[0]["period"]) == {FIRST, SECOND}


def test_a_person_who_names_no_partition_gets_the_whole_table(
    orchestra: Orchestra, pulled: dg.AssetsDefinition
) -> None:
    """In a notebook, say, with Dagster's own call."""
    definitions = dg.Definitions([pulled], resources=orchestra.resources)

    rows = definitions.load_asset_value(pulled.key, python_type=pd.DataFrame, instance=orchestra.instance)

    assert isinstance(rows, pd.DataFrame)
    assert set(rows["period"]) == {FIRST, SECOND}


def test_without_an_annotation_it_is_a_data_frame(orchestra: Orchestra, pulled: dg.AssetsDefinition) -> None:
    result, (rows,) = read(orchestra, pulled, Any)

    assert result.success
    assert isinstance(rows, pd.DataFrame)


def test_a_type_nothing_can_be_made_of_is_refused_with_those_that_can(
    orchestra: Orchestra, pulled: dg.AssetsDefinition
) -> None:
    result, seen = read(orchestra, pulled, dict)

    assert seen == []
    assert "pandas.DataFrame, pyarrow.Table" in orchestra.failure(result)[0]


def test_a_missing_partition_is_an_error_that_names_it(
    orchestra: Orchestra, pulled: dg.AssetsDefinition
) -> None:
    """Reading on without a day would be a wrong number that nobody notices."""
    result, seen = read(orchestra, pulled, pa.Table, last=LAST)

    assert seen == []
    assert LAST in orchestra.failure(result)[0]


def test_a_reader_may_say_that_partitions_can_be_missing(
    orchestra: Orchestra, pulled: dg.AssetsDefinition
) -> None:
    result, (rows,) = read(
        orchestra, pulled, pa.Table, last=LAST, metadata={"allow_missing_partitions": True}
    )

    assert result.success
    assert set(rows["period"].to_pylist()) == {FIRST, SECOND}


def test_a_weekly_reader_gets_the_days_of_its_week(
    orchestra: Orchestra, activity: dg.AssetsDefinition
) -> None:
    assert orchestra.launch([activity], "2026-05-24", "2026-05-30").success
    seen: list[Any] = []

    @dg.multi_asset(
        specs=[dg.AssetSpec("week", deps=[activity.key])],
        ins={"rows": dg.AssetIn(activity.key)},
        partitions_def=dg.WeeklyPartitionsDefinition("2026-05-03"),
    )
    def week(rows: pa.Table) -> None:
        seen.append(sorted(set(rows["period"].to_pylist())))

    result = dg.materialize(
        [activity, week],
        instance=orchestra.instance,
        resources=orchestra.resources,
        partition_key="2026-05-24",
        selection=["week"],
    )

    assert result.success
    assert seen == [[f"2026-05-{day}" for day in range(24, 31)]]


OTHERS = {
    "weekly": ({"window": "weekly"}, "window is daily there and weekly here"),
    "in Berlin": ({"zone": "Europe/Berlin"}, "zone is UTC there and Europe/Berlin here"),
    "filtered": ({"filters": {"currency": "usd"}}, "filters is none there and currency=usd here"),
}


@pytest.mark.parametrize(("query", "both"), OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("metadata", [None, {"allow_missing_partitions": True}])
def test_rows_of_a_table_of_another_configuration_are_refused_naming_both(
    orchestra: Orchestra,
    pulled: dg.AssetsDefinition,
    query: dict[str, Any],
    both: str,
    metadata: dict[str, Any] | None,
) -> None:
    became = ReportQuery.of("balance_change_from_activity.itemized.3", **query)
    upstream = build_report_asset(ConfiguredReport(became, start=date(2026, 5, 3)), retry_policy=None)

    result, seen = read(orchestra, upstream, pa.Table, metadata=metadata, partition="2026-05-31")

    assert both in orchestra.failure(result)[0]
    assert seen == []


def test_an_asset_that_returns_a_value_to_the_reader_fails_and_says_what_to_do(orchestra: Orchestra) -> None:
    @dg.asset(io_manager_key="stripe_parquet")
    def lost() -> pa.Table:
        return pa.table({"a": [1]})

    result = dg.materialize(
        [lost], instance=orchestra.instance, resources=orchestra.resources, raise_on_error=False
    )

    message, _ = orchestra.failure(result)
    assert "lost returned a Table" in message
    assert "io_manager_key" in message


def test_an_upstream_that_is_not_a_report_is_named(orchestra: Orchestra) -> None:
    other = dg.AssetSpec("other").with_io_manager_key("stripe_parquet")

    @dg.asset(ins={"rows": dg.AssetIn("other")})
    def downstream(rows: pa.Table) -> None:
        assert rows

    result = dg.materialize(
        [other, downstream], instance=orchestra.instance, resources=orchestra.resources, raise_on_error=False
    )

    assert "other is not a Stripe report" in orchestra.failure(result)[0]
