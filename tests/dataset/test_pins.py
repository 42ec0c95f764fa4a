"""A table is what its pin says, and takes nothing else; what has files and no pin is not read, and named."""

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import DatasetMismatchError, StoreError
from tests.support.datasets import DATASET, NOON, Publish, directory, provenance, rows_in, write


def windowed(**changes: Any) -> Provenance:
    """A file that says of itself what the table is about."""
    return provenance(parameters={"interval_start": 1, "interval_end": 2}, **changes)


def damage_pin(tmp_path: Path, content: bytes = b"{") -> Path:
    pin = tmp_path / "data" / DATASET.pin_path
    pin.write_bytes(content)
    return pin


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


def test_a_table_without_files_may_become_something_else(store: Store, publish: Publish) -> None:
    monthly = dataclasses.replace(DATASET, window="monthly")
    Path(publish(provenance()).uri).unlink()

    publish(provenance(), monthly)

    with pytest.raises(DatasetMismatchError, match="window is monthly there and daily here"):
        store.check(DATASET)


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


@pytest.mark.parametrize("changes", [{"table": "another"}, {"mode": "live"}], ids=["table", "mode"])
def test_a_pin_of_another_table_refuses_nothing_and_is_written_again_by_the_next_pull(
    store: Store, publish: Publish, tmp_path: Path, changes: dict[str, str]
) -> None:
    other = dataclasses.replace(DATASET, **changes)  # type: ignore[arg-type]
    publish(windowed())
    publish(windowed(**changes), other)
    damage_pin(tmp_path, other.to_json().encode())
    assert store.datasets() == (other,)

    store.check(DATASET)
    publish(windowed(run_id="frr_2", made=NOON + timedelta(hours=1)))

    assert set(map(repr, store.datasets())) == {repr(DATASET), repr(other)}
    assert rows_in(store) == ["frr_2"]


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
    pin.write_bytes(b"{")
    with pytest.raises(StoreError, match=f"^{pin}: the pin is damaged; the next pull into the table writes"):
        store.arrow_dataset(DATASET)


def test_a_pin_that_is_written_again_names_the_books(store: Store, tmp_path: Path) -> None:
    simulated, staged = dataclasses.replace(DATASET, mode="simulated"), tmp_path / "staged.parquet"
    source = windowed(mode="simulated", books="seed 1")
    write(staged, source)
    store.publish(staged, simulated, source)
    (tmp_path / "data" / simulated.pin_path).unlink()

    store.restore_pin(simulated, source)

    assert store.books(simulated) == "seed 1"


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


def test_a_table_of_a_newer_version_is_refused_and_named(
    store: Store, publish: Publish, tmp_path: Path
) -> None:
    publish(windowed())
    pin = damage_pin(tmp_path, DATASET.to_json().replace("{", '{"tier": "gold",', 1).encode())

    with pytest.raises(DatasetMismatchError, match=r"field tier.*newer version"):
        store.check(DATASET)

    assert "newer version" in store.unusable_tables()[str(pin)]


def test_what_is_wrong_with_a_table_that_cannot_be_used_is_said(
    store: Store, publish: Publish, tmp_path: Path
) -> None:
    publish(windowed())
    pin, data = tmp_path / "data" / DATASET.pin_path, tmp_path / "data" / "test"
    copied = pin.with_name("copied.json")
    copied.write_text(DATASET.to_json())
    newer = pin.with_name("newer.json")
    newer.write_text(DATASET.to_json().replace("{", '{"tier": 1,', 1))
    write(directory(data / "lost" / "account=default") / "x.parquet", provenance())
    directory(data / "empty" / "account=default")

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


def test_a_damaged_pin_names_no_books(store: Store, publish: Publish, tmp_path: Path) -> None:
    publish(windowed())
    damage_pin(tmp_path)

    assert store.books(DATASET) is None


@pytest.mark.parametrize("dimension", ["connected_account", "account"])
def test_without_a_pin_the_files_of_each_account_refuse_a_file_of_all(
    store: Store, tmp_path: Path, dimension: str
) -> None:
    by_account = dataclasses.replace(DATASET, dimensions=(dimension,))
    account = "acct_1" if dimension == "account" else None
    key, staged = "acct_1|2026-06-01", tmp_path / "staged.parquet"
    source = dataclasses.replace(windowed(), period=key, account=account)
    write(staged, source)
    store.publish(staged, by_account, source)
    damage_pin(tmp_path)

    with pytest.raises(DatasetMismatchError, match="dimensions is"):
        store.check(DATASET)
    store.check(by_account)
