"""Publishing: a file is replaced whole, never by something older, never by something else."""

import dataclasses
import errno
import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path, PosixPath
from typing import Any

import pyarrow.parquet as pq
import pytest

from connector.dataset.provenance import Provenance, Published
from connector.dataset.store import MOST_SUPERSEDED, Store
from connector.errors import DatasetMismatchError, OvertakenError, StoreError
from tests.support.datasets import DATASET, NOON, Publish, provenance, rows_in, write


def test_what_was_published_is_kept_with_all_it_knows(store: Store, publish: Publish) -> None:
    source = provenance(announced_bytes=0, request_ids=("req_1",))

    published = publish(source)

    assert store.provenance(DATASET, "2026-06-01") == source
    assert (published.replaced, published.change, published.outdated) == (None, None, False)
    assert Path(published.uri).is_file()


def test_a_newer_result_replaces_the_older_whole(store: Store, publish: Publish) -> None:
    publish(provenance("frr_1"))

    published = publish(provenance("frr_2", made=NOON + timedelta(1), rows=3, totals={"usd": Decimal("1.5")}))

    assert rows_in(store) == ["frr_2"]
    assert published.replaced.run_id == "frr_1"
    assert (published.change.rows, published.change.totals) == (2, {"usd": Decimal("0.50")})
    assert not published.change.same_bytes


def test_an_older_result_that_finishes_last_does_not_replace_a_newer(store: Store, publish: Publish) -> None:
    publish(provenance("frr_2", made=NOON + timedelta(1)))

    published = publish(provenance("frr_1"))

    assert rows_in(store) == ["frr_2"]
    there = provenance("frr_2", made=NOON + timedelta(1))
    assert published == Published(store.uri(DATASET, "2026-06-01"), there, None, outdated=True)


OTHER_COLUMNS = {"interval_start": 1, "interval_end": 2, "columns": ["net_amount", "currency"]}


def test_an_answer_to_another_request_replaces_the_file_that_it_was_meant_to(
    store: Store, publish: Publish
) -> None:
    there = publish(provenance("frr_1")).provenance

    publish(provenance("frr_2", parameters=OTHER_COLUMNS), over=there)

    assert rows_in(store) == ["frr_2"]


@pytest.mark.parametrize("made", [NOON - timedelta(1), NOON + timedelta(1)])
def test_an_answer_to_another_request_that_came_meanwhile_stays(
    store: Store, publish: Publish, made: datetime
) -> None:
    """Older or newer: which columns a file may lose was decided about another file."""
    before = publish(provenance("frr_1")).provenance
    publish(provenance("frr_2", made=NOON + timedelta(1)))

    for over in (before, None):
        with pytest.raises(OvertakenError, match="frr_3 is not published, because meanwhile frr_2 was"):
            publish(provenance("frr_3", made=made, parameters=OTHER_COLUMNS), over=over)

    assert rows_in(store) == ["frr_2"]


def test_an_older_answer_whose_columns_come_in_another_order_does_not_replace_a_newer(
    store: Store, publish: Publish
) -> None:
    publish(provenance("frr_2", made=NOON + timedelta(1), parameters=OTHER_COLUMNS))
    reversed_columns = {**OTHER_COLUMNS, "columns": ["currency", "net_amount"]}

    published = publish(provenance("frr_1", parameters=reversed_columns))

    assert published.outdated
    assert rows_in(store) == ["frr_2"]


class Staged(PosixPath):
    """A staged file during whose way into the store something else happens."""

    while_prepared: Callable[[], None] | None = None
    while_moved: Callable[[], None] | None = None

    def open(self, *arguments: Any, **options: Any) -> Any:
        if self.while_prepared:
            self.while_prepared()
        return super().open(*arguments, **options)

    def replace(self, target: Any) -> Any:
        if self.while_moved:
            self.while_moved()
        return super().replace(target)


def staged_at(path: Path, source: Provenance) -> Staged:
    write(path, source)
    return Staged(path)


NEWER = provenance("frr_2", made=NOON + timedelta(1))


def test_what_is_published_survives_a_power_cut(
    store: Store, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is synced, and so is the directory that names it."""
    synced: set[int] = set()
    sync = os.fsync

    def noting(handle: int) -> None:
        synced.add(os.fstat(handle).st_ino)
        sync(handle)

    monkeypatch.setattr(os, "fsync", noting)
    path = Path(publish(provenance()).uri)

    assert {path.stat().st_ino, path.parent.stat().st_ino} <= synced


def test_two_writers_at_once_leave_the_newest(store: Store, tmp_path: Path) -> None:
    """The older one has found nothing newer and is about to move its file, when the newer one comes."""
    newer = staged_at(tmp_path / "newer.parquet", NEWER)
    other = threading.Thread(target=lambda: Store(store.root).publish(newer, DATASET, NEWER))

    def the_newer_one_comes() -> None:
        other.start()
        other.join(timeout=1)  # it waits for the lock; without one it would be done by then, and undone below

    staged = staged_at(tmp_path / "older.parquet", provenance())
    staged.while_moved = the_newer_one_comes
    store.publish(staged, DATASET, provenance())
    other.join()

    assert rows_in(store) == ["frr_2"]


def test_a_disk_that_is_full_at_the_last_step_is_named_with_what_is_needed(
    store: Store, tmp_path: Path
) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    staged = staged_at(tmp_path / "staged.parquet", provenance())
    staged.while_moved = full
    size = staged.stat().st_size

    with pytest.raises(StoreError) as caught:
        store.publish(staged, DATASET, provenance())

    target = store.uri(DATASET, "2026-06-01")
    assert str(caught.value).startswith(
        f"could not write {target}: No space left on device; {size:,} bytes are needed. "
    )
    assert not staged.exists()


def test_what_is_published_while_a_file_is_made_ready_need_not_wait(
    store: Store, publish: Publish, tmp_path: Path
) -> None:
    """Syncing and uploading take long, and happen before anything is locked."""
    staged = staged_at(tmp_path / "older.parquet", provenance())
    staged.while_prepared = lambda: publish(NEWER)

    published = store.publish(staged, DATASET, provenance())

    assert published.outdated
    assert rows_in(store) == ["frr_2"]


def test_tables_do_not_wait_for_each_other(store: Store, publish: Publish, tmp_path: Path) -> None:
    other = dataclasses.replace(DATASET, table="other")
    staged = staged_at(tmp_path / "slow.parquet", provenance())
    staged.while_moved = lambda: publish(provenance(table="other"), other)

    store.publish(staged, DATASET, provenance())

    assert store.keys(other) == store.keys(DATASET) == ("2026-06-01",)


def test_a_table_leaves_one_lock_however_many_partitions(store: Store, publish: Publish) -> None:
    for day in range(1, 10):
        publish(provenance(period=f"2026-06-0{day}"))

    staging = Path(store.root, ".staging")
    assert len(store.keys(DATASET)) == 9
    assert len([path for path in staging.rglob("*") if path.is_file()]) == 1


def test_another_answer_that_was_on_its_way_is_refused(
    store: Store, publish: Publish, tmp_path: Path
) -> None:
    """It was allowed when it was asked for, and the table is another by the time it comes."""
    monthly = dataclasses.replace(DATASET, window="monthly")
    store.check(monthly)
    staged = staged_at(tmp_path / "monthly.parquet", provenance())
    staged.while_prepared = lambda: publish(provenance())

    with pytest.raises(DatasetMismatchError, match="window is daily there and monthly here"):
        store.publish(staged, monthly, NEWER)

    assert rows_in(store) == ["frr_1"]
    assert not staged.exists()


def test_another_mode_is_another_tree_and_never_meets_this_one(store: Store, publish: Publish) -> None:
    publish(provenance())

    publish(provenance("frr_live", mode="live"), dataclasses.replace(DATASET, mode="live"))

    assert rows_in(store) == ["frr_1"]


def test_the_last_few_replaced_files_are_kept_out_of_the_tables_sight(
    store: Store, publish: Publish, tmp_path: Path
) -> None:
    for n in range(MOST_SUPERSEDED + 3):
        publish(provenance(f"frr_{n}", made=NOON + timedelta(n)))

    kept = sorted((tmp_path / "data" / ".superseded").rglob("*.parquet"))

    assert [pq.read_table(path)["_report_run_id"][0].as_py() for path in kept] == [
        f"frr_{n}" for n in range(2, MOST_SUPERSEDED + 2)
    ]
    assert store.keys(DATASET) == ("2026-06-01",)


def test_the_same_bytes_again_set_nothing_aside(publish: Publish, tmp_path: Path) -> None:
    publish(provenance("frr_1", csv_sha256="same"))

    published = publish(provenance("frr_2", made=NOON + timedelta(1), csv_sha256="same"))

    assert published.change.same_bytes
    assert not (tmp_path / "data" / ".superseded").exists()


def test_a_place_that_cannot_be_written_is_named_and_the_staged_file_is_not_left(
    store: Store, tmp_path: Path
) -> None:
    staged = tmp_path / "staged.parquet"
    write(staged, provenance())
    in_the_way = tmp_path / "data" / "test" / "balance_summary"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("a file where the table's folder should be")

    with pytest.raises(StoreError, match=r"could not list .*balance_summary.*untouched"):
        store.publish(staged, DATASET, provenance())

    assert not staged.exists()


def test_a_file_that_cannot_be_read_is_replaced_and_set_aside(
    store: Store, publish: Publish, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = Path(publish(provenance("frr_new", made=NOON + timedelta(hours=1))).uri)
    path.write_bytes(b"PAR1" + bytes(100))
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))

    publish(provenance("frr_old"))

    assert rows_in(store) == ["frr_old"]
    (aside,) = (tmp_path / "data" / ".superseded").rglob("*.parquet")
    assert aside.name == "20260602T120000Z-unreadable.parquet"
    assert caplog.messages == [
        f"{path} cannot be read, or does not belong there: it is replaced, and set aside as {aside.stem}"
    ]
    assert aside.read_bytes() == b"PAR1" + bytes(100)


def test_the_files_that_a_file_has_replaced_are_found_the_newest_first(
    store: Store, publish: Publish, tmp_path: Path
) -> None:
    for hour in range(4):
        publish(provenance(f"frr_{hour}", made=NOON + timedelta(hours=hour)))
    place = tmp_path / "data" / DATASET.superseded_path("2026-06-01")
    (place / "20260602T999999Z-odd.parquet").write_bytes(b"PAR1")
    write(place / "20260602T888888Z-foreign.parquet", provenance(account="acct_1"))

    found = {uri: file.footer for uri, file in store.superseded(DATASET, "2026-06-01")}

    runs = [footer.provenance.run_id for footer in found.values() if footer.provenance]
    assert runs == ["frr_2", "frr_1", "frr_0"]
    assert [Path(uri).parent for uri in found] == [place] * 3
    assert all(Path(uri).is_file() for uri in found)


def test_why_an_answer_came_too_late_is_said(publish: Publish) -> None:
    publish(provenance("frr_2"))
    other = provenance("frr_1", parameters={"columns": ["net_amount", "memo"]})

    for over in (None, provenance("frr_3")):
        with pytest.raises(OvertakenError) as caught:
            publish(other, over=over)
        assert str(caught.value) == (
            "balance_summary 2026-06-01: report run frr_1 is not published, because meanwhile frr_2 was, "
            "with "
            "other columns or parameters"
        )
    publish(other, over=provenance("frr_2"))
