"""The files that a connection reads: as they were when it opened them, however often DuckDB does."""

from pathlib import Path

import duckdb
import pytest

from connector.dataset.store import Store
from connector.sql.shared_files import Limits, register
from connector.sql.warehouse import open_warehouse
from tests.dataset.test_readers import publish_all, rows_of
from tests.support.datasets import DATASET


def connected(store: Store, limits: Limits) -> duckdb.DuckDBPyConnection:
    """With a view of the three files."""
    paths = [footer.path for footer in store.footers(DATASET)]
    connection = duckdb.connect()
    register(connection, store, {"files": dict.fromkeys(paths)}, limits)
    files = [f"reports://{path}" for path in paths]
    connection.execute(f"CREATE VIEW files AS SELECT text FROM read_parquet({files})")  # noqa: S608 - our own
    return connection


@pytest.mark.parametrize("limits", [Limits(), Limits(small=10)], ids=["small", "large"])
def test_a_connection_goes_on_with_the_files_that_it_has_opened(tmp_path: Path, limits: Limits) -> None:
    store = Store(tmp_path)
    publish_all(store, 1)
    with connected(store, limits) as connection:
        connection.sql("SELECT count(DISTINCT text) FROM files").fetchall()
        publish_all(store, 2)

        assert connection.sql("SELECT count(text) FROM files").fetchall() == [(3 * rows_of(1),)]

    with open_warehouse(tmp_path) as again:
        assert again.sql("SELECT count(*) FROM balance_summary").fetchall() == [(3 * rows_of(2),)]


@pytest.mark.parametrize("limits", [Limits(in_memory=1), Limits(small=10, open=1)], ids=["small", "large"])
def test_one_that_is_no_longer_held_and_was_replaced_is_refused(tmp_path: Path, limits: Limits) -> None:
    store = Store(tmp_path)
    publish_all(store, 1)
    with connected(store, limits) as connection:
        connection.sql("SELECT count(DISTINCT text) FROM files").fetchall()
        publish_all(store, 2)

        with pytest.raises(duckdb.Error, match=r"was replaced while it was read\. Open the warehouse again"):
            connection.sql("SELECT count(DISTINCT text) FROM files").fetchall()


def test_a_connection_writes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish_all(store, 1)
    (path, *_) = [footer.path for footer in store.footers(DATASET)]
    before = Path(path).read_bytes()

    with connected(store, Limits()) as connection, pytest.raises(duckdb.Error):
        connection.execute(f"COPY (SELECT 1) TO 'reports://{path}' (FORMAT parquet)")

    assert Path(path).read_bytes() == before
