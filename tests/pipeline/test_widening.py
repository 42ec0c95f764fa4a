"""A table gets an amount that its files cannot hold: rewritten, and exact whatever happens on the way."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.api.client import StripeClient
from connector.convert.arrow_types import MONEY
from connector.dataset.store import Store
from connector.errors import CellError, DatasetMismatchError, StoreError
from connector.money import NARROW, WIDE
from connector.pipeline.collect import collect
from connector.pipeline.widening import widen_table
from connector.query import ReportQuery
from connector.simulator import Simulator
from connector.sql.warehouse import open_warehouse
from tests.conftest import Pull
from tests.faults.files import FineAmounts, OddCell
from tests.support.datasets import pin_as_earlier_versions_did, provenance, write
from tests.support.partitions import days, done, missed
from tests.support.workers import InlineWorkers

QUERY = ReportQuery.of("balance_change_from_activity.itemized.3")
DATASET = QUERY.dataset(mode="test", account=None)
THREE = days("2026-06-01", 3)
WAY_OUT = f"`stripe-reports upgrade {DATASET.table} --wide`"


def sums(store: Store) -> dict[str, Decimal]:
    """The sum of each amount, of all rows, with every decimal."""
    rows = store.arrow_dataset(DATASET).to_table()
    return {name: sum(rows[name].to_pylist(), Decimal(0)) for name in ("gross", "fee", "net")}


def types(store: Store) -> set[str]:
    """How the files that lie there hold money."""
    files = Path(store.root, DATASET.path).rglob("*.parquet")
    return {str(pq.read_schema(file).field("net").type) for file in files}


def test_a_new_table_holds_money_in_64_bits(pull: Pull, store: Store) -> None:
    done(pull(QUERY, THREE))

    file = pq.ParquetFile(store.uri(DATASET, THREE[0].key))
    assert file.schema_arrow.field("net").type == MONEY
    assert file.schema.column(file.schema.names.index("net")).physical_type == "INT64"
    assert store.money(DATASET) == NARROW


@pytest.mark.parametrize("cell", ["0.0000001", "1000000000000", "-0.1234567"])
def test_a_cell_that_does_not_fit_is_refused_with_the_way_out(
    simulator: Simulator, pull: Pull, cell: str
) -> None:
    simulator.faults.add(OddCell(cell, "net"), "POST")

    refused = missed(pull(QUERY, THREE[:1]))[THREE[0].key]

    assert isinstance(refused.error, CellError)
    assert (refused.error.column, refused.error.row) == ("net", 1)
    assert repr(cell) in str(refused.error)
    assert WAY_OUT in str(refused.error)


def test_a_rate_has_more_decimals_than_money_and_is_no_reason(pull: Pull, store: Store) -> None:
    query = ReportQuery.of("payouts.itemized.3", columns={"net": "money", "gross": "number"})

    done(pull(query, THREE))

    columns = store.columns(query.dataset(mode="test", account=None))
    assert (columns["net"], columns["gross"]) == (NARROW, WIDE)


def test_the_cell_is_published_after_the_table_was_rewritten(
    simulator: Simulator, pull: Pull, store: Store
) -> None:
    done(pull(QUERY, THREE[:2]))
    before, runs = sums(store), len(simulator.runs)
    simulator.faults.add(OddCell("12.000000000000000015", "net"), "POST")
    assert missed(pull(QUERY, THREE[2:]))

    rewritten = list(widen_table(store, DATASET))

    assert rewritten == [each.key for each in THREE[:2]]
    assert sums(store) == before
    assert len(simulator.runs) == runs + 1
    published = done(pull(QUERY, THREE))[THREE[2].key].published.provenance
    assert len(simulator.runs) == runs + 1
    assert types(store) == {WIDE} == {store.money(DATASET)}
    assert any(f"{total:f}".endswith("000015") for total in published.totals.values())
    with open_warehouse(store.root) as warehouse:
        in_sql = warehouse.table(DATASET.table).aggregate("sum(gross), sum(fee), sum(net)")
        assert in_sql.fetchall() == [tuple(sums(store).values())]


def test_what_a_file_says_of_itself_stays_but_for_the_type(pull: Pull, store: Store) -> None:
    before = done(pull(QUERY, THREE[:1]))[THREE[0].key].published.provenance

    list(widen_table(store, DATASET))

    after = store.provenance(DATASET, THREE[0].key)
    columns = {name: WIDE if kind == NARROW else kind for name, kind in before.columns.items()}
    assert after == replace(before, money=WIDE, columns=columns)


@given(killed_after=st.integers(0, 3))
def test_a_rewrite_that_was_killed_is_read_by_nobody_and_goes_on(
    client: StripeClient, tmp_path_factory: pytest.TempPathFactory, killed_after: int
) -> None:
    folder = tmp_path_factory.mktemp("root")
    store, staged = Store(folder / "data"), folder / "staged.parquet"
    write(staged, provenance())
    workers = InlineWorkers()
    collected = partial(collect, client, store, QUERY, senders=workers, converters=workers, draw=lambda: 0.5)
    done(list(collected(THREE)))
    before = sums(store)

    with contextlib.closing(widen_table(store, DATASET)) as rewriting:
        for _ in range(killed_after):
            next(rewriting)

    if killed_after:
        ways: list[Callable[[], object]] = [
            lambda: store.arrow_dataset(DATASET),
            lambda: store.columns(DATASET),
            lambda: list(collected(THREE)),
            lambda: store.publish(staged, DATASET, provenance()),
        ]
        for way in ways:
            with pytest.raises(DatasetMismatchError, match=WAY_OUT):
                way()
        assert store.datasets() == ()
        assert store.tables_being_widened() == (DATASET,)
    assert len(list(widen_table(store, DATASET))) == 3 - killed_after
    assert sums(store) == before
    assert types(store) == {WIDE} == {store.money(DATASET)}
    assert list(widen_table(store, DATASET)) == []


def test_a_damaged_file_is_found_before_anything_is_changed(pull: Pull, store: Store) -> None:
    done(pull(QUERY, THREE))
    damaged = Path(store.uri(DATASET, THREE[1].key))
    content = damaged.read_bytes()
    damaged.write_bytes(content[:4] + bytes([content[4] ^ 1]) + content[5:])

    with pytest.raises(StoreError, match=f"{damaged}: it is damaged.* Pull that partition again"):
        list(widen_table(store, DATASET))

    assert (types(store), store.money(DATASET)) == ({NARROW}, NARROW)


# Tables of earlier versions


def test_a_table_of_an_earlier_version_stays_wide_and_is_not_converted_again(
    simulator: Simulator, pull: Pull, store: Store
) -> None:
    pin_as_earlier_versions_did(store, DATASET)
    done(pull(QUERY, THREE[:1]))
    simulator.faults.add(FineAmounts(18), "POST")

    later = done(pull(QUERY, THREE))

    assert [each.fetched for each in later.values()] == [False, True, True]
    assert types(store) == {WIDE}
    assert Path(store.root, DATASET.pin_path).read_text() == DATASET.to_json()
    assert list(widen_table(store, DATASET)) == []
