"""The dataset: replaced whole, never by something older, never by something else."""

import dataclasses
import errno
import json
import os
import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path, PosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from connector.dataset.filesystem.root import Root
from connector.dataset.identity import Dataset
from connector.dataset.provenance import METADATA_KEY, Provenance
from connector.dataset.store import MOST_SUPERSEDED, Store
from connector.errors import ConfigurationError, DatasetMismatchError, OvertakenError, StoreError
from tests.support.datasets import DATASET, NOON, provenance, write

Publish = Callable[..., Any]


@pytest.fixture
def publish(store: Store, tmp_path: Path) -> Publish:
    """Put a one-row file into the store, as the last step of a pull does."""

    def put(source: Provenance, dataset: Dataset = DATASET, over: Provenance | None = None) -> Any:
        staged = tmp_path / f"staged-{threading.get_ident()}.parquet"
        write(staged, source)
        return store.publish(staged, dataset, source, over=over)

    return put


def rows_in(store: Store, period: str = "2026-06-01") -> list[str]:
    """The run each row in place comes from."""
    table = store.arrow_dataset(DATASET, [period]).to_table()
    return [str(run) for run in table["_report_run_id"].to_pylist()]


def test_the_path_is_hive_readable_and_sorts_by_period() -> None:
    assert DATASET.file_path("2026-06-01") == (
        "test/balance_summary/account=default/period=2026-06-01/report.parquet"
    )


@given(key=st.text(min_size=1, max_size=40))
def test_no_key_leaves_its_folder(key: str) -> None:
    path = DATASET.file_path(key)

    assert len(Path(path).parts) == 5
    assert ".." not in Path(path).parts
    assert not set(path) & set(':\\*?"<>|\0\n')


@pytest.mark.parametrize("name", ["../up", "a/b", "A", "", "a b", "a.b", ".hidden", "_under"])
def test_a_table_name_that_is_no_folder_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        dataclasses.replace(DATASET, table=name)


def test_what_was_published_is_kept_with_all_it_knows(store: Store, publish: Publish) -> None:
    source = provenance(run={"id": "frr_1", "nested": {"a": [1, None]}}, request_ids=("req_1",))

    published = publish(source)

    assert store.provenance(DATASET, "2026-06-01") == source
    assert (published.replaced, published.change, published.outdated) == (None, None, False)
    assert Path(published.uri).is_file()


@given(
    totals=st.dictionaries(
        st.sampled_from(["usd", "jpy", ""]), st.decimals(allow_nan=False, allow_infinity=False, places=18)
    ),
    added=st.lists(st.text()),
    succeeded=st.none() | st.just(NOON),
)
def test_provenance_reads_back_from_its_json(
    totals: dict[str, Decimal], added: list[str], succeeded: datetime | None
) -> None:
    source = provenance(totals=totals, added_columns=tuple(added), run_succeeded=succeeded)

    assert Provenance.from_json(source.to_json()) == source


def test_no_rows_are_a_number_and_fewer_are_not() -> None:
    none = provenance(rows=0).to_json()

    assert Provenance.from_json(none).rows == 0
    with pytest.raises(ValueError, match="-1 is negative"):
        Provenance.from_json(none.replace('"rows":0', '"rows":-1'))


@pytest.mark.parametrize("text", ["{}", "[]", "null", "{", '{"run_created": 5}', ""])
def test_what_is_no_provenance_is_told_apart(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a report's provenance|Expecting"):
        Provenance.from_json(text)


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
    assert published.outdated
    assert published.provenance.run_id == "frr_2"


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


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"report_type": "balance.summary.2"}, r"balance\.summary\.1 there and balance\.summary\.2 here"),
        ({"window": "monthly"}, "window is daily there and monthly here"),
        ({"zone": "America/New_York"}, "zone is UTC there and America/New_York here"),
        ({"filters": {"currency": "usd"}}, "filters is none there and currency=usd here"),
        ({"account": "acct_1"}, "account is default there and acct_1 here"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_table_takes_answers_to_its_own_question_alone(
    store: Store, publish: Publish, change: dict[str, Any], said: str
) -> None:
    publish(provenance())
    other = dataclasses.replace(DATASET, **change)

    with pytest.raises(DatasetMismatchError, match=said):
        publish(provenance("frr_2", made=NOON + timedelta(1)), other)
    with pytest.raises(DatasetMismatchError, match="`name`"):
        store.check(other)
    with pytest.raises(DatasetMismatchError, match=said):
        store.arrow_dataset(other, ["2026-06-01"])
    assert "`name`" in (store.explain_refusal(other) or "")

    assert rows_in(store) == ["frr_1"]


def test_another_mode_is_another_tree_and_never_meets_this_one(store: Store, publish: Publish) -> None:
    publish(provenance())

    publish(provenance("frr_live", mode="live"), dataclasses.replace(DATASET, mode="live"))

    assert rows_in(store) == ["frr_1"]


def test_a_table_without_files_may_become_something_else(store: Store, publish: Publish) -> None:
    monthly = dataclasses.replace(DATASET, window="monthly")
    Path(publish(provenance()).uri).unlink()

    publish(provenance(), monthly)

    with pytest.raises(DatasetMismatchError, match="window is monthly there and daily here"):
        store.check(DATASET)


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


def test_the_data_version_follows_the_bytes_and_the_decoder_alone() -> None:
    version = provenance("frr_1", csv_sha256="same").data_version

    assert provenance("frr_2", made=NOON + timedelta(1), csv_sha256="same").data_version == version
    assert provenance(csv_sha256="other").data_version != version
    assert provenance(csv_sha256="same", decoder_version=2).data_version != version


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all" * 100])
def test_a_torn_or_foreign_file_counts_as_missing(store: Store, publish: Publish, content: bytes) -> None:
    path = Path(publish(provenance()).uri)
    path.write_bytes(content)

    assert store.provenance(DATASET, "2026-06-01") is None


def test_a_parquet_file_of_somebody_else_counts_as_missing(store: Store, publish: Publish) -> None:
    path = Path(publish(provenance()).uri)
    pq.write_table(pa.table({"a": [1]}), path)

    assert store.provenance(DATASET, "2026-06-01") is None


def test_a_missing_partition_is_named(store: Store, publish: Publish) -> None:
    publish(provenance())

    with pytest.raises(StoreError, match=r"2026-06-02.*materialize"):
        store.arrow_dataset(DATASET, ["2026-06-01", "2026-06-02"])


def test_files_whose_columns_differ_read_as_one_table(store: Store, publish: Publish, tmp_path: Path) -> None:
    publish(provenance())
    later = provenance("frr_2", period="2026-06-02")
    staged = tmp_path / "wider.parquet"
    table = pa.table({"net_amount": [Decimal("2.00")], "_report_run_id": ["frr_2"], "new": ["x"]})
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: later.to_json()}), staged)
    store.publish(staged, DATASET, later)

    both = store.arrow_dataset(DATASET).to_table().sort_by("period")

    assert both["new"].to_pylist() == [None, "x"]


def test_a_place_that_cannot_be_written_is_named_and_the_staged_file_is_not_left(
    store: Store, tmp_path: Path
) -> None:
    staged = tmp_path / "staged.parquet"
    write(staged, provenance())
    in_the_way = tmp_path / "data" / "test" / "balance_summary"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("a file where the table's folder should be")

    with pytest.raises(StoreError, match=r"could not read .*balance_summary.*untouched"):
        store.publish(staged, DATASET, provenance())

    assert not staged.exists()


def test_a_root_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    store = Store(tmp_path / "data")

    with pytest.raises(StoreError, match="data"), store.staging():
        pass


def test_an_unknown_kind_of_root_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="nowhere://"):
        Store("nowhere://bucket/prefix")


def test_a_root_may_be_a_url(tmp_path: Path) -> None:
    store = Store(f"file://{tmp_path}/data")
    staged = tmp_path / "staged.parquet"
    write(staged, provenance())

    store.publish(staged, DATASET, provenance())

    assert Store(tmp_path / "data").provenance(DATASET, "2026-06-01") == provenance()


def test_staging_is_gone_afterwards_also_when_the_work_failed(store: Store) -> None:
    places = []

    def work() -> None:
        with store.staging() as place:
            places.append(place)
            (place / "half.parquet").write_bytes(b"x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()

    assert not places[0].exists()
    assert not list(places[0].parent.glob("*.lock"))


def test_what_a_killed_process_left_is_swept_and_what_a_live_one_holds_is_not(
    store: Store, tmp_path: Path
) -> None:
    base = tmp_path / "data" / ".staging"
    for name in ("dead", "alive", "starting"):
        (base / name).mkdir(parents=True)
        (base / f"{name}.lock").touch()
    for name in ("dead", "alive"):
        os.utime(base / f"{name}.lock", (0, 0))
    with FileLock(base / "alive.lock"):
        os.utime(base / "alive.lock", (0, 0))
        with store.staging():
            left = {path.name for path in base.iterdir() if path.is_dir()}

    assert {"alive", "starting"} <= left
    assert "dead" not in left


def test_a_directory_whose_lock_is_gone_is_swept_and_what_is_not_ours_stays(
    store: Store, tmp_path: Path
) -> None:
    base = tmp_path / "data" / ".staging"
    for name in ("0" * 32, "theirs"):
        (base / name).mkdir(parents=True)

    with store.staging() as own:
        left = {path.name for path in base.iterdir() if path.is_dir()}

    assert left == {own.name, "theirs"}


class Lossy(Root):
    """A root that loses the last byte of a file."""

    def write(self, path: str, content: bytes) -> None:
        super().write(path, content[:-1])


def test_a_rehearsal_fails_where_a_file_does_not_read_back(tmp_path: Path) -> None:
    Root(tmp_path).rehearse()

    with pytest.raises(StoreError, match="rehearsal does not read back as it was written"):
        Lossy(tmp_path).rehearse()


# What cannot be read


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


def damage_pin(tmp_path: Path, content: bytes = b"{") -> Path:
    pin = tmp_path / "data" / DATASET.pin_path
    pin.write_bytes(content)
    return pin


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]"])
def test_a_damaged_pin_is_written_again_by_the_next_pull(
    store: Store, publish: Publish, tmp_path: Path, content: bytes
) -> None:
    publish(windowed())
    pin = damage_pin(tmp_path, content)
    assert store.datasets() == ()
    assert store.unusable_tables() == {
        str(pin): "the pin is damaged; the next pull into the table writes it again"
    }

    store.check(DATASET)
    publish(windowed())

    assert store.datasets() == (DATASET,)
    assert store.unusable_tables() == {}


def windowed(**changes: Any) -> Provenance:
    """A file that says of itself what the table is about."""
    return provenance(parameters={"interval_start": 1, "interval_end": 2}, **changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"report_type": "payouts.summary.1"}, "report_type", id="report"),
        pytest.param({"window": "monthly"}, "window", id="window"),
        pytest.param({"zone": "Asia/Tokyo"}, "window", id="zone"),
        pytest.param({"filters": {"currency": "eur"}}, "filters", id="filters"),
    ],
)
def test_without_a_pin_the_files_themselves_refuse_what_is_not_theirs(
    store: Store, publish: Publish, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    publish(windowed())
    damage_pin(tmp_path)

    with pytest.raises(DatasetMismatchError, match=said):
        store.check(dataclasses.replace(DATASET, **changes))


def test_rows_of_a_table_without_a_pin_are_refused_naming_the_pin(
    store: Store, publish: Publish, tmp_path: Path
) -> None:
    publish(windowed())
    pin = tmp_path / "data" / DATASET.pin_path
    pin.unlink()

    with pytest.raises(StoreError) as caught:
        store.arrow_dataset(DATASET)

    assert str(caught.value).startswith(f"{pin}: it has files and no pin")


def test_a_pin_that_is_written_again_names_the_books(store: Store, tmp_path: Path) -> None:
    simulated, staged = dataclasses.replace(DATASET, mode="simulated"), tmp_path / "staged.parquet"
    source = windowed(mode="simulated", books="seed 1")
    write(staged, source)
    store.publish(staged, simulated, source)
    (tmp_path / "data" / simulated.pin_path).unlink()

    store.restore_pin(simulated, source)

    assert store.books(simulated) == "seed 1"


def test_a_table_names_its_columns_with_their_types(store: Store, publish: Publish) -> None:
    publish(provenance())

    assert store.columns(DATASET) == {"net_amount": "decimal128(3, 2)", "_report_run_id": "string"}


def test_a_directory_that_cannot_be_listed_is_named(
    store: Store, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(provenance())

    def refuse(path: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    with monkeypatch.context() as disk:
        disk.setattr(os, "scandir", refuse)
        with pytest.raises(StoreError, match=r"could not list .*balance_summary.*: Permission denied"):
            store.keys(DATASET)


def test_a_table_of_a_newer_version_is_refused_and_named(
    store: Store, publish: Publish, tmp_path: Path
) -> None:
    publish(windowed())
    pin = damage_pin(tmp_path, DATASET.to_json().replace("{", '{"tier": "gold",', 1).encode())

    with pytest.raises(DatasetMismatchError, match=r"field tier.*newer version"):
        store.check(DATASET)

    assert "newer version" in store.unusable_tables()[str(pin)]


def test_the_newest_runs_are_those_of_the_last_periods(store: Store, publish: Publish) -> None:
    for day in range(1, 9):
        publish(provenance(f"frr_{day}", period=f"2026-06-{day:02}", made=NOON + timedelta(days=day)))
    Path(store.uri(DATASET, "2026-06-08")).write_bytes(b"")

    newest = store.newest(DATASET)

    assert [each.run_id for each in newest] == ["frr_7", "frr_6", "frr_5", "frr_4"]

    publish(provenance("frr_late", period="2026-06-05", made=NOON + timedelta(days=30)))

    assert [each.run_id for each in store.newest(DATASET)] == ["frr_late", "frr_7", "frr_6", "frr_4"]


def test_books_are_pinned_and_other_books_refused(store: Store, tmp_path: Path) -> None:
    simulated = dataclasses.replace(DATASET, mode="simulated")

    def put(books: str) -> None:
        staged = tmp_path / "staged.parquet"
        source = provenance(mode="simulated", books=books)
        write(staged, source)
        store.publish(staged, simulated, source)

    put("seed 1")
    assert store.books(simulated) == "seed 1"

    with pytest.raises(DatasetMismatchError, match=r"books seed 1.*books seed 2.*another root"):
        put("seed 2")
    put("seed 1")


def test_a_file_of_other_books_in_a_partitions_place_does_not_count(store: Store, tmp_path: Path) -> None:
    simulated, staged = dataclasses.replace(DATASET, mode="simulated"), tmp_path / "staged.parquet"
    source = provenance(mode="simulated", books="seed 1")
    write(staged, source)
    store.publish(staged, simulated, source)
    copied = Path(store.uri(simulated, "2026-06-02"))
    copied.parent.mkdir()
    write(copied, provenance(mode="simulated", books="seed 2", period="2026-06-02"))

    assert store.provenance(simulated, "2026-06-02") is None
    assert store.provenances(simulated) == {"2026-06-01": source}
    _, (stray,) = store.contents(simulated)
    assert "it is of the simulated books seed 2, and the table of seed 1" in stray.reason


def test_however_many_of_the_last_periods_are_damaged_the_newest_that_can_be_read_is_found(
    store: Store, publish: Publish
) -> None:
    for day in range(1, 12):
        publish(provenance(f"frr_{day}", period=f"2026-06-{day:02}"))
    for day in range(2, 12):
        Path(store.uri(DATASET, f"2026-06-{day:02}")).write_bytes(b"")

    assert [each.run_id for each in store.newest(DATASET)] == ["frr_1"]


def test_a_directory_beside_the_partitions_is_named_once_with_the_number_of_its_files(
    store: Store, publish: Publish, tmp_path: Path
) -> None:
    publish(provenance())
    backup = tmp_path / "data" / "test" / "balance_summary" / "account=default.bak"
    for day in ("2026-06-01", "2026-06-02"):
        write(_made(backup / f"period={day}") / "report.parquet", provenance())

    _, (stray,) = store.contents(DATASET)

    assert str(stray).startswith(f"{backup} does not count: it is at no partition's place (2 files). ")


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True)
    return directory


def test_the_files_that_a_file_has_replaced_are_found_the_newest_first(
    store: Store, publish: Publish, tmp_path: Path
) -> None:
    for hour in range(4):
        publish(provenance(f"frr_{hour}", made=NOON + timedelta(hours=hour)))
    place = tmp_path / "data" / DATASET.superseded_path("2026-06-01")
    (place / "20260602T999999Z-odd.parquet").write_bytes(b"PAR1")
    write(place / "20260602T888888Z-foreign.parquet", provenance(account="acct_1"))

    found = dict(store.superseded(DATASET, "2026-06-01"))

    runs = [footer.provenance.run_id for footer in found.values() if footer.provenance]
    assert runs == ["frr_2", "frr_1", "frr_0"]
    assert [Path(uri).parent for uri in found] == [place] * 3
    assert all(Path(uri).is_file() for uri in found)


def test_what_is_wrong_with_a_table_that_cannot_be_used_is_said(
    store: Store, publish: Publish, tmp_path: Path
) -> None:
    publish(windowed())
    pin, data = tmp_path / "data" / DATASET.pin_path, tmp_path / "data" / "test"
    copied = pin.with_name("copied.json")
    copied.write_text(DATASET.to_json())
    newer = pin.with_name("newer.json")
    newer.write_text(DATASET.to_json().replace("{", '{"tier": 1,', 1))
    write(_made(data / "lost" / "account=default") / "x.parquet", provenance())
    _made(data / "empty" / "account=default")

    assert store.datasets() == (DATASET,)
    assert store.unusable_tables() == {
        str(copied): (
            "the pin is of the test table balance_summary, so nothing here is read: the files were copied or "
            "renamed. Move them away"
        ),
        str(newer): (
            "the pin of table balance_summary has field tier, which this version does not know: the table "
            "was "
            "written by a newer version of the connector. Upgrade the connector here, or use a new root."
        ),
        str(data / "lost"): (
            "it has files and no pin, so nothing reads them. If it is a table of this root, the next pull "
            "into it writes the pin again; else move it away"
        ),
    }


def test_what_the_file_system_refuses_of_one_partition_is_no_matter_of_the_others(
    store: Store, publish: Publish
) -> None:
    publish(provenance())
    other = Path(store.uri(DATASET, "2026-06-02"))
    _made(other)

    found, refused = store.readable(DATASET, ["2026-06-01", "2026-06-02", "2026-06-03"])

    assert found == {"2026-06-01": provenance(), "2026-06-03": None}
    assert list(refused) == ["2026-06-02"]
    assert str(refused["2026-06-02"]).startswith(f"could not read {other}: ")


def test_a_file_that_does_not_say_whose_it_is_is_named(store: Store, publish: Publish) -> None:
    publish(provenance())
    file = Path(store.uri(DATASET, "2026-06-02"))
    pq.write_table(pa.table({"a": [1]}), _made(file.parent) / file.name)

    _, (stray,) = store.contents(DATASET)

    reason = "it does not say which report run it was made from"
    advice = "Pull 2026-06-02 again: this file is set aside and replaced by the right one."
    assert str(stray) == f"{file} does not count: {reason}. {advice}"
    with pytest.raises(StoreError) as caught:
        store.footers(DATASET, ["2026-06-02"])
    assert str(caught.value) == str(stray)
    assert [footer.path for footer in store.footers(DATASET)] == [store.uri(DATASET, "2026-06-01")]


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


def text(change: dict[str, Any]) -> str:
    return json.dumps(json.loads(provenance().to_json()) | change)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rows": -1}, "-1 is negative"),
        ({"rows": True}, "not a report's provenance: TypeError('True is not a int')"),
        ({"table": 5}, "not a report's provenance: TypeError('5 is not a str')"),
        ({"livemode": 1}, "not a report's provenance: TypeError('1 is not a bool')"),
        ({"run": []}, "not a report's provenance: TypeError('[] is not a dict')"),
        ({"header": "ab"}, """not a report's provenance: TypeError("'ab' is not a list")"""),
        ({"run_id": "../x"}, "'../x' is not an id Stripe would give"),
        ({"as_of": "2026-06-01T00:00:00"}, "2026-06-01T00:00:00 has no time zone"),
        ({"totals": {"usd": "NaN"}}, "NaN is not an amount"),
        ({"sums": {"a": {"usd": "1E+99999"}}}, "1E+99999 is not an amount"),
        ({"interval": {"start": "2026-06-01T00:00:00+00:00"}}, "not a report's provenance: KeyError('end')"),
    ],
)
def test_what_is_wrong_with_a_provenance_is_said(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        Provenance.from_json(text(change))

    assert str(caught.value) == said


def test_what_may_be_missing_of_a_provenance_is_null() -> None:
    changes = {
        "account": None,
        "books": None,
        "run_succeeded": None,
        "interval": None,
        "of a later version": 1,
    }

    found = Provenance.from_json(text(changes))

    assert (found.account, found.books, found.run_succeeded, found.interval) == (None, None, None, None)


def test_the_newer_of_two_files_is_the_one_made_later_or_for_the_later_run() -> None:
    one = provenance("frr_1", made=NOON)

    assert not one.is_newer_than(one)
    assert provenance("frr_0", made=NOON + timedelta(seconds=1)).is_newer_than(one)
    assert provenance("frr_2", made=NOON).is_newer_than(one)
    assert provenance("frr_0", made=NOON, run_created=NOON + timedelta(seconds=1)).is_newer_than(one)
    assert one.shape == "6aa52c2f982cb3f8"
    assert one.data_version == "7b7363abe5bf8afc30948d2188b879c4"
