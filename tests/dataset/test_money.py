"""A table holds money in one type, whatever is published into it, lost of it, or broken off."""

import contextlib
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from obstore.store import MemoryStore

from connector.convert.arrow_types import MONEY, NUMBER
from connector.dataset.filesystem.bucket import Bucket
from connector.dataset.filesystem.place import Place
from connector.dataset.store import Store
from connector.errors import ConfigurationError, DatasetMismatchError, StoreError
from connector.money import NARROW, WIDE
from connector.pipeline.widening import widen_table
from connector.sql.warehouse import open_warehouse
from tests.support.datasets import DATASET, NOON, provenance, seal
from tests.support.memory_bucket import Watched, bucket
from tests.support.turns import by_fits, in_turns

DAYS = ("2026-06-01", "2026-06-02", "2026-06-03")
#: An amount of each type: the wide one is what DuckDB would round, reading it beside a narrow one.
AMOUNTS = {NARROW: Decimal("1.000002"), WIDE: Decimal("1.0000015")}
TYPES = {NARROW: MONEY, WIDE: NUMBER}


class Table:
    """A table that things happen to, and the amounts it should have."""

    def __init__(self, folder: Path, store: Store | None = None) -> None:
        self.store = store or Store(folder / "data")
        self.staged = folder / "staged.parquet"
        self.pin = folder / "data" / DATASET.pin_path
        self.amounts: dict[str, Decimal] = {}
        #: Its pin was lost or damaged at some time.
        self.unpinned = False
        self.runs = 0

    def publish(self, day: str, money: str) -> None:
        self.runs += 1
        source = provenance(
            f"frr_{self.runs}", period=day, made=NOON.replace(minute=self.runs % 60), money=money
        )
        amount = pa.array([AMOUNTS[money]], TYPES[money])
        rows = pa.table({"net_amount": amount, "_report_run_id": [source.run_id]})
        pq.write_table(rows.replace_schema_metadata(source.metadata), self.staged)
        seal(self.staged)
        self.store.publish(self.staged, DATASET, source)
        self.amounts[day] = AMOUNTS[money]

    def pull(self, day: str, _money: str) -> None:
        """As a pull does: in the type that the table has."""
        self.publish(day, self.store.money(DATASET))

    def widen(self, day: str, _money: str) -> None:
        """Killed after the file of that day, or before it began."""
        with contextlib.closing(widen_table(self.store, DATASET)) as rewriting:
            if self.amounts:
                next((key for key in rewriting if key >= day), None)

    def widen_all(self, _day: str, _money: str) -> None:
        if self.amounts:
            list(widen_table(self.store, DATASET))

    def lose_pin(self, _day: str, _money: str) -> None:
        self.pin.unlink(missing_ok=True)
        self.unpinned = True

    def damage_pin(self, _day: str, _money: str) -> None:
        if self.pin.exists():
            self.pin.write_text("{")
            self.unpinned = True

    def restore_pin(self, day: str, _money: str) -> None:
        if there := self.store.provenance(DATASET, day):
            self.store.restore_pin(DATASET, there)

    def forget(self, day: str, _money: str) -> None:
        self.store.forget(DATASET, day)
        self.amounts.pop(day, None)

    def in_arrow(self) -> dict[str, Decimal]:
        rows = self.store.arrow_dataset(DATASET).to_table().to_pylist()
        return {row["period"]: row["net_amount"] for row in rows}

    def in_sql(self) -> dict[str, Decimal]:
        if not self.amounts:
            return {}
        with open_warehouse(self.store.root) as warehouse:
            return dict(warehouse.table(DATASET.table).project("period, net_amount").fetchall())

    def types(self) -> set[str]:
        files = Path(self.store.root, DATASET.path).rglob("*.parquet")
        return {str(pq.read_schema(file).field("net_amount").type) for file in files}


EVENTS = [Table.publish, Table.pull, Table.widen, Table.widen_all, Table.lose_pin, Table.damage_pin]
EVENTS += [Table.restore_pin, Table.forget]
HISTORIES = st.lists(
    st.tuples(st.sampled_from(EVENTS), st.sampled_from(DAYS), st.sampled_from([NARROW, WIDE])),
    min_size=1,
    max_size=9,
)


@settings(max_examples=30)
@given(history=HISTORIES)
@example(history=[(Table.publish, DAYS[0], NARROW), (Table.publish, DAYS[1], WIDE)])
@example(history=[(Table.publish, DAYS[0], WIDE), (Table.publish, DAYS[1], NARROW)])
@example(
    history=[
        (Table.publish, DAYS[0], NARROW),
        (Table.lose_pin, DAYS[0], NARROW),
        (Table.publish, DAYS[1], WIDE),
    ]
)
@example(
    history=[
        (Table.publish, DAYS[0], NARROW),
        (Table.publish, DAYS[1], NARROW),
        (Table.widen, DAYS[0], NARROW),
        (Table.lose_pin, DAYS[0], NARROW),
        (Table.pull, DAYS[2], NARROW),
    ]
)
def test_nobody_ever_reads_two_types_and_every_amount_is_exact(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[object, str, str]]
) -> None:
    table = Table(tmp_path_factory.mktemp("table"))
    for event, day, money in history:
        with contextlib.suppress(StoreError):
            event(table, day, money)  # type: ignore[operator]
        with contextlib.suppress(StoreError):
            in_arrow = table.in_arrow()
            assert len(table.types()) <= 1
            assert in_arrow == table.amounts
        assert len(table.types()) <= 1 or table.unpinned or table.store.tables_being_widened()
    with contextlib.suppress(StoreError, ConfigurationError):
        assert table.in_sql() == table.amounts


@pytest.mark.parametrize(("first", "then"), [(NARROW, WIDE), (WIDE, NARROW)])
def test_a_file_of_the_other_type_is_not_published(tmp_path: Path, first: str, then: str) -> None:
    table = Table(tmp_path)
    table.publish(DAYS[0], first)

    with pytest.raises(DatasetMismatchError) as refused:
        table.publish(DAYS[1], then)

    assert f"holds money as {first}, and this file of {DAYS[1]} as {then}" in str(refused.value)
    assert table.types() == {first}


def test_a_rewrite_also_ends_a_mixture_that_others_have_made(tmp_path: Path) -> None:
    table, other = Table(tmp_path / "a"), Table(tmp_path / "b")
    for each in (table, other):
        each.staged.parent.mkdir(parents=True)
    table.publish(DAYS[0], NARROW)
    other.publish(DAYS[1], WIDE)
    path = DATASET.file_path(DAYS[1])
    brought = Path(table.store.root, path)
    brought.parent.mkdir(parents=True)
    brought.write_bytes(Path(other.store.root, path).read_bytes())
    with pytest.raises(StoreError, match="column 'net_amount' is"):
        table.store.arrow_dataset(DATASET)

    list(widen_table(table.store, DATASET))

    found = table.store.arrow_dataset(DATASET).to_table()["net_amount"].to_pylist()
    assert found == [AMOUNTS[NARROW], AMOUNTS[WIDE]]


def test_a_table_in_a_bucket_is_rewritten_too_and_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    table = Table(tmp_path, Store(bucket()))
    for day in DAYS:
        table.publish(day, NARROW)

    table.widen(DAYS[1], NARROW)

    with pytest.raises(DatasetMismatchError, match="--wide` goes on with it"):
        table.in_arrow()
    assert list(widen_table(table.store, DATASET)) == [DAYS[2]]
    assert table.in_arrow() == table.amounts
    assert table.store.columns(DATASET)["net_amount"] == WIDE == table.store.money(DATASET)


Pause = Callable[[str, str], None]
PLACE = Place.of("memory://bucket/prefix")


class OneByOne(Bucket):
    """A bucket of a machine that goes on in turns, a request at a time."""

    def each(self, read: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        return [read(item) for item in items]


#: What machines do beside each other.
JOBS: dict[str, Callable[[Table], object]] = {
    "publish": lambda table: table.publish(DAYS[1], NARROW),
    "replace": lambda table: table.publish(DAYS[0], NARROW),
    "widen": lambda table: list(widen_table(table.store, DATASET)),
    "widen a part": lambda table: table.widen(DAYS[0], NARROW),
    "forget": lambda table: table.store.forget(DATASET, DAYS[0]),
}


@settings(max_examples=150)
@given(others=st.lists(st.sampled_from(sorted(JOBS)), min_size=1, max_size=3), seed=st.integers(0, 1 << 32))
def test_whoever_publishes_into_a_bucket_while_a_table_is_rewritten_it_is_wide_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, others: list[str], seed: int
) -> None:
    """And has the newest of what was published. Also by who had read the pin just before, or beside who
    rewrites it too, or forgets a file of it."""
    objects, folder = MemoryStore(), tmp_path_factory.mktemp("machines")
    names = ["widen", *others]

    def machine(number: int, pause: Pause) -> Table:
        (folder / str(number)).mkdir()
        root = OneByOne(PLACE, Watched(objects, pause))  # type: ignore[arg-type]
        table = Table(folder / str(number), Store(root))
        table.runs = 10 * number
        return table

    def job(number: int, name: str) -> Callable[[Pause], object]:
        return lambda pause: JOBS[name](machine(number, pause))

    first = machine(0, lambda *_: None)
    first.publish(DAYS[0], NARROW)

    ended = in_turns([job(*each) for each in enumerate(names, 1)], by_fits(seed))

    assert {type(each) for each in ended if isinstance(each, Exception)} <= {DatasetMismatchError}
    store = Store(bucket(objects))
    assert store.money(DATASET) == WIDE
    assert {each.money for each in store.provenances(DATASET).values() if each} <= {WIDE}
    assert set(first.in_arrow().values()) <= {AMOUNTS[NARROW]}
    runs = {"replace": [1], "publish": list[int]()}
    for number, (name, each) in enumerate(zip(names, ended, strict=True), 1):
        if name in runs and each is None:
            runs[name].append(10 * number + 1)
    there = {day: each.run_id for day, each in store.provenances(DATASET).items() if each}
    assert "forget" in names or there[DAYS[0]] == f"frr_{max(runs['replace'])}"
    assert not runs["publish"] or there[DAYS[1]] == f"frr_{max(runs['publish'])}"
