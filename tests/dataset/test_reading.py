"""What a table holds is found whatever else lies there; a file that does not count is missing, and named."""

import dataclasses
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connector.dataset.provenance import METADATA_KEY
from connector.dataset.store import Store
from connector.errors import StoreError
from connector.partitions import Windows
from tests.support.datasets import DATASET, NOON, Publish, directory, provenance, write


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


def test_a_table_names_its_columns_with_their_types(store: Store, publish: Publish) -> None:
    publish(provenance())

    assert store.columns(DATASET) == {"net_amount": "decimal128(3, 2)", "_report_run_id": "string"}


def test_the_newest_runs_are_those_of_the_last_periods(store: Store, publish: Publish) -> None:
    for day in range(1, 9):
        publish(provenance(f"frr_{day}", period=f"2026-06-{day:02}", made=NOON + timedelta(days=day)))
    Path(store.uri(DATASET, "2026-06-08")).write_bytes(b"")

    newest = store.newest(DATASET)

    assert [each.run_id for each in newest] == ["frr_7", "frr_6", "frr_5", "frr_4"]

    publish(provenance("frr_late", period="2026-06-05", made=NOON + timedelta(days=30)))

    assert [each.run_id for each in store.newest(DATASET)] == ["frr_late", "frr_7", "frr_6", "frr_4"]


def test_however_many_of_the_last_periods_are_damaged_the_newest_that_can_be_read_is_found(
    store: Store, publish: Publish
) -> None:
    for day in range(1, 12):
        publish(provenance(f"frr_{day}", period=f"2026-06-{day:02}"))
    for day in range(2, 12):
        Path(store.uri(DATASET, f"2026-06-{day:02}")).write_bytes(b"")

    assert [each.run_id for each in store.newest(DATASET)] == ["frr_1"]


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
    said = f"{copied} does not count: it is of the simulated books seed 2, and the table of seed 1. "
    assert str(stray).startswith(said)
    assert store.newest(simulated) == (source,)
    assert [footer.provenance for footer in store.footers(simulated)] == [source]
    with pytest.raises(StoreError, match=f"^{said}"):
        store.footers(simulated, ["2026-06-02"])


def test_a_directory_beside_the_partitions_is_named_once_with_the_number_of_its_files(
    store: Store, publish: Publish, tmp_path: Path
) -> None:
    publish(provenance())
    backup = tmp_path / "data" / "test" / "balance_summary" / "account=default.bak"
    for day in ("2026-06-01", "2026-06-02"):
        write(directory(backup / f"period={day}") / "report.parquet", provenance())

    _, (stray,) = store.contents(DATASET)

    assert str(stray).startswith(f"{backup} does not count: it is at no partition's place (2 files). ")


def test_what_the_file_system_refuses_of_one_partition_is_no_matter_of_the_others(
    store: Store, publish: Publish
) -> None:
    publish(provenance())
    other = Path(store.uri(DATASET, "2026-06-02"))
    directory(other)

    found, refused = store.readable(DATASET, ["2026-06-01", "2026-06-02", "2026-06-03"])

    assert found == {"2026-06-01": provenance(), "2026-06-03": None}
    assert list(refused) == ["2026-06-02"]
    said = rf"could not read {other}: .*is a directory.*\. What was there before is untouched\."
    assert re.fullmatch(said, str(refused["2026-06-02"]), re.IGNORECASE)


def test_a_file_that_does_not_say_whose_it_is_is_named(store: Store, publish: Publish) -> None:
    publish(provenance())
    file = Path(store.uri(DATASET, "2026-06-02"))
    pq.write_table(pa.table({"a": [1]}), directory(file.parent) / file.name)

    _, (stray,) = store.contents(DATASET)

    reason = "it does not say which report run it was made from"
    advice = "Pull 2026-06-02 again: this file is set aside and replaced by the right one."
    assert str(stray) == f"{file} does not count: {reason}. {advice}"
    with pytest.raises(StoreError) as caught:
        store.footers(DATASET, ["2026-06-02"])
    assert str(caught.value) == str(stray)
    assert [footer.path for footer in store.footers(DATASET)] == [store.uri(DATASET, "2026-06-01")]


def test_a_partition_may_lie_elsewhere_behind_a_link(store: Store, publish: Publish, tmp_path: Path) -> None:
    place = Path(publish(provenance()).uri).parent
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "copy.parquet").write_bytes(b"")
    (place.parent / "link").symlink_to(tmp_path / "elsewhere")

    files, strays = store.contents(DATASET)

    assert files == {"2026-06-01": provenance()}
    assert {stray.path for stray in strays} == {str(place / "copy.parquet"), str(place.parent / "link")}


def test_a_store_shows_where_it_is_without_credentials(tmp_path: Path) -> None:
    assert repr(Store(tmp_path)) == f"Store({tmp_path})"
    assert repr(Store("s3://key:secret@bucket/x?region=eu-west-1")).startswith("Store(s3://")
    assert "secret" not in repr(Store("s3://key:secret@bucket/x?region=eu-west-1"))


def test_the_newest_runs_of_many_accounts_are_those_of_the_last_periods(store: Store, tmp_path: Path) -> None:
    acting = dataclasses.replace(DATASET, dimensions=("account",))
    for number, account in enumerate(["acct_2"] * 5 + ["acct_1"], start=1):
        period, staged = f"{account}|2026-06-{number:02}", tmp_path / "staged.parquet"
        interval = Windows("daily").partition(f"2026-06-{number:02}").interval
        source = provenance(f"frr_{number}", period=period, account=account, interval=interval)
        write(staged, source)
        store.publish(staged, acting, source)

    assert {each.run_id for each in store.newest(acting)} == {f"frr_{number}" for number in range(2, 7)}


def test_a_simulated_table_without_files_may_be_made_from_other_books(store: Store, tmp_path: Path) -> None:
    simulated, staged = dataclasses.replace(DATASET, mode="simulated"), tmp_path / "staged.parquet"
    for seed in ("seed 1", "seed 2"):
        source = provenance(mode="simulated", books=seed)
        write(staged, source)
        store.publish(staged, simulated, source)
        assert store.books(simulated) == seed
        aside = tmp_path / "data" / simulated.superseded_path("2026-06-01")
        aside.mkdir(parents=True, exist_ok=True)
        write(aside / f"{seed}.parquet", source)
        assert len(list(store.superseded(simulated, "2026-06-01"))) == 1, "of these books"
        Path(store.uri(simulated, "2026-06-01")).unlink()


def test_a_finished_file_that_is_gone_is_not_published(store: Store, tmp_path: Path) -> None:
    with pytest.raises(
        StoreError, match=r"^could not write .*report\.parquet: No such file or directory\. What"
    ):
        store.publish(tmp_path / "gone.parquet", DATASET, provenance())
