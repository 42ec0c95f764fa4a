"""SQL where the files are in a bucket: the same answers, few requests, nothing but the tables."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from connector.dataset.store import Store
from connector.errors import ConfigurationError
from connector.sql.warehouse import open_warehouse
from tests.support.buckets import Bucket
from tests.support.datasets import DATASET, provenance, write
from tests.support.gateway import Gateway, gateway

DAYS = [f"2026-06-{day:02}" for day in range(1, 11)]


@pytest.fixture
def between(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """The bucket is reached through it, as the environment says."""
    with gateway(bucket.endpoint) as it:
        for name, value in bucket.at(it.endpoint).environment().items():
            monkeypatch.setenv(name, value)
        yield it


@pytest.fixture
def root(bucket: Bucket, between: Gateway, tmp_path: Path) -> str:
    """A bucket with a row for each of the days."""
    return filled(f"{bucket.url}/books", tmp_path)


def filled(root: str, tmp_path: Path) -> str:
    store, staged = Store(root), tmp_path / "staged.parquet"
    for number, day in enumerate(DAYS):
        source = provenance(f"frr_{number}", period=day)
        write(staged, source)
        store.publish(staged, DATASET, source)
    return root


QUERY = (
    "SELECT sum(net_amount), count(*), min(period), max(period), count(DISTINCT account) FROM balance_summary"
)


@pytest.mark.parametrize("confined", [True, False])
def test_a_bucket_answers_as_a_disk_does(root: str, tmp_path: Path, confined: bool) -> None:
    with open_warehouse(filled(str(tmp_path / "data"), tmp_path)) as disk:
        expected = disk.sql(QUERY).fetchall()

    with open_warehouse(root, confined=confined) as warehouse:
        assert warehouse.sql(QUERY).fetchall() == expected
        assert str(warehouse.sql("SELECT net_amount FROM balance_summary").types[0]) == "DECIMAL(3,2)"

    assert expected == [(Decimal("10.00"), 10, DAYS[0], DAYS[-1], 1)]


def test_a_prefix_may_look_like_a_pattern(bucket: Bucket, between: Gateway, tmp_path: Path) -> None:
    with open_warehouse(filled(f"{bucket.url}/a[b]*", tmp_path)) as warehouse:
        assert warehouse.sql("SELECT count(*) FROM balance_summary").fetchall() == [(10,)]


def test_a_confined_connection_reads_the_tables_alone(root: str, bucket: Bucket) -> None:
    other = f"reports://s3://{bucket.name}/reports/books/test/_datasets/balance_summary.json"

    with open_warehouse(root, confined=True) as warehouse:
        for statement in (
            f"SELECT * FROM read_text('{other}')",  # noqa: S608 - all our own
            "SELECT * FROM read_text('/etc/passwd')",
            f"COPY (SELECT 1) TO '{other}'",
        ):
            with pytest.raises(duckdb.Error):
                warehouse.sql(statement)
        assert warehouse.sql("SELECT count(*) FROM balance_summary").fetchall() == [(10,)]


def test_files_can_be_read_and_not_written(root: str, bucket: Bucket) -> None:
    before = bucket.objects()

    with open_warehouse(root) as warehouse:
        (path,) = warehouse.sql("SELECT file FROM glob('reports://*')").fetchall() or [("reports://x",)]
        with pytest.raises(duckdb.Error):
            warehouse.sql(f"COPY (SELECT 1) TO '{path}' (FORMAT parquet)")

    assert bucket.objects() == before


def test_an_empty_bucket_has_no_data(bucket: Bucket, between: Gateway) -> None:
    with pytest.raises(ConfigurationError, match="no data under s3://"):
        open_warehouse(bucket.url)
