"""Readers that go on while files are replaced: they see each partition as it was or as it is, whole.

Each file has a row for every number up to its age, so that one that is torn, or put together from two, shows.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from connector.dataset.provenance import METADATA_KEY, Provenance
from connector.dataset.store import Store
from connector.sql.warehouse import open_warehouse
from tests.support.buckets import new_bucket
from tests.support.datasets import DATASET, NOON, provenance, seal

DAYS = ("2026-06-01", "2026-06-02", "2026-06-03")
REPLACEMENTS = 60

#: What a reader found: how many rows there are of each partition and report run.
Found = dict[tuple[str, str], int]


def rows_of(age: int) -> int:
    """Files grow and shrink; most take more than one read."""
    return 1 + age * 7919 % 12_000


#: The columns of the longest file.
NUMBERS = pa.array(range(12_000), pa.decimal128(18, 6))
TEXTS = pa.array([f"{number * 7919 % 1_000_003}" for number in range(12_000)])


def file_of(day: str, age: int, staged: Path) -> Provenance:
    source = provenance(f"frr_{age:04}", made=NOON + timedelta(hours=age), period=day)
    row_count = rows_of(age)
    table = pa.table(
        {
            "net_amount": NUMBERS[:row_count],
            "text": pc.binary_join_element_wise(f"{age}", TEXTS[:row_count], " "),
            "_report_run_id": pa.repeat(source.run_id, row_count),
        }
    )
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: source.to_json()}), staged)
    seal(staged)
    return source


def publish_all(store: Store, age: int) -> None:
    with store.staging() as place:
        for day in DAYS:
            source = file_of(day, age, place / "staged.parquet")
            store.publish(place / "staged.parquet", DATASET, source)


def by_arrow(root: str) -> Iterator[Found]:
    store = Store(root)
    while True:
        table = store.arrow_dataset(DATASET).to_table(columns=["period", "_report_run_id"])
        pairs = zip(table["period"].to_pylist(), table["_report_run_id"].to_pylist(), strict=True)
        yield dict(Counter(pairs))


QUERY = """
    SELECT period, _report_run_id, count(DISTINCT net_amount), count(DISTINCT text) FROM balance_summary
    GROUP BY ALL
"""


def found_by(rows: list[tuple[str, str, int, int]]) -> Found:
    assert [row for row in rows if row[2] != row[3]] == []
    return {(period, run): count for period, run, count, _ in rows}


def by_sql(root: str) -> Iterator[Found]:
    """Opened for every query, as the command does it."""
    while True:
        with open_warehouse(root, confined=True) as warehouse:
            yield found_by(warehouse.sql(QUERY).fetchall())


def by_open_sql(root: str) -> Iterator[Found]:
    """One connection for all queries, which goes on with the files that it has opened."""
    with open_warehouse(root) as warehouse:
        while True:
            yield found_by(warehouse.sql(QUERY).fetchall())


READERS: dict[str, Callable[[str], Iterator[Found]]] = {
    "arrow": by_arrow,
    "sql": by_sql,
    "open sql": by_open_sql,
}


@pytest.fixture(params=["directory", "seaweed"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "directory":
        return str(tmp_path / "data")
    bucket = new_bucket(request.getfixturevalue(request.param))
    for name, value in bucket.environment().items():
        monkeypatch.setenv(name, value)
    return bucket.url


@pytest.mark.long
@pytest.mark.parametrize("reader", READERS)
def test_readers_see_whole_files_while_they_are_replaced(root: str, reader: str) -> None:
    store = Store(root)
    publish_all(store, 0)
    ended = threading.Event()

    def replace() -> None:
        try:
            for age in range(1, REPLACEMENTS):
                publish_all(store, age)
        finally:
            ended.set()

    writer = threading.Thread(target=replace)
    writer.start()
    seen: list[Found] = []
    try:
        for found in READERS[reader](root):
            seen.append(found)
            if ended.is_set():
                break
    finally:
        writer.join()

    wrong = [
        found
        for found in seen
        if sorted(day for day, _ in found) != list(DAYS)
        or any(count != rows_of(int(run.removeprefix("frr_"))) for (_, run), count in found.items())
    ]
    assert wrong == []
    ages = [min(int(run.removeprefix("frr_")) for _, run in found) for found in seen]
    assert ages == sorted(ages)
    assert len(ages) > 3
    assert (len(set(ages)) > 3) == (reader != "open sql")
