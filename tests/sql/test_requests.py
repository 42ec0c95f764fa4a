"""What a query reads of files, counted: each is opened once, however often it is asked for."""

from collections import Counter
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from connector.dataset.filesystem.clouds import open_root
from connector.dataset.filesystem.root import Root
from connector.dataset.store import Store
from connector.sql.warehouse import open_warehouse
from tests.support.datasets import DATASET, counted, provenance, write
from tests.support.memory_bucket import Watched, bucket

DAYS = [f"2026-06-{day:02}" for day in range(1, 11)]
TOTAL = "SELECT sum(net_amount)::INTEGER FROM balance_summary"


def fill(root: Root, tmp_path: Path, *, row_groups: int = 1) -> None:
    """A file for each of the days, with as many rows as row groups."""
    store, staged = Store(root), tmp_path / "staged.parquet"
    for number, day in enumerate(DAYS):
        source = provenance(f"frr_{number}", period=day)
        write(staged, source, row_groups=row_groups)
        store.publish(staged, DATASET, source)


@pytest.mark.parametrize("confined", [False, True])
def test_sql_over_small_files_on_a_disk_opens_each_once(tmp_path: Path, confined: bool) -> None:
    root = open_root(tmp_path / "data")
    fill(root, tmp_path)
    opened: list[str] = []
    root.filesystem = counted(opened)

    with open_warehouse(root, query=TOTAL, confined=confined) as warehouse:
        assert [warehouse.sql(TOTAL).fetchall() for _ in range(3)] == [[(10,)]] * 3

    assert Counter(opened) == dict.fromkeys((root.path(DATASET.file_path(day)) for day in DAYS), 1)


def test_sql_over_files_in_a_bucket_takes_a_listing_and_one_request_for_each_file(tmp_path: Path) -> None:
    objects = Watched(MemoryStore())
    fill(bucket(objects), tmp_path)
    objects.forget()

    with open_warehouse(bucket(objects), query=TOTAL) as warehouse:
        assert [warehouse.sql(TOTAL).fetchall() for _ in range(3)] == [[(10,)]] * 3

    # The pins of each mode, and the one there is, for which tables there are and for what it says.
    assert objects.made == {"list_with_delimiter": 3, "list": 1, "get": 2 + len(DAYS)}
    assert {Counter(objects.keys)["get", key] for _, key in objects.keys if key.endswith(".parquet")} == {1}
