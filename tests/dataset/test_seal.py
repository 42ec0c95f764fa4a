"""A footer is trusted as it was written, or not at all: whatever happens to the bytes of a file."""

import os
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.dataset.seal import SEAL, compare_with_seal, writing_sealed
from connector.dataset.store import Store
from connector.errors import StoreError
from tests.support.datasets import DATASET, provenance, seal, write

KEY = "2026-06-01"
TRUTH = provenance()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Path, bytes]:
    """A store with one published file, where that is, and its bytes."""
    root = tmp_path_factory.mktemp("damaged")
    store, staged = Store(root / "data"), root / "staged.parquet"
    write(staged, TRUTH)
    path = Path(store.publish(staged, DATASET, TRUTH).uri)
    return store, path, path.read_bytes()


def footer_start(content: bytes) -> int:
    return len(content) - 8 - int.from_bytes(content[-8:-4], "little")


@given(data=st.data())
def test_one_flipped_bit_leaves_the_truth_or_nothing(
    place: tuple[Store, Path, bytes], data: st.DataObject
) -> None:
    store, path, content = place
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    path.write_bytes(damaged)

    found = store.provenance(DATASET, KEY)

    assert found in (TRUTH, None)
    assert (found is None) == (bit // 8 >= footer_start(content) or _in_digest_of_footer(content, bit // 8))


@given(data=st.data())
def test_a_whole_file_agrees_with_its_seal_and_one_flipped_bit_does_not(
    place: tuple[Store, Path, bytes], data: st.DataObject
) -> None:
    _, _, content = place
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8

    compare_with_seal(pa.BufferReader(content))
    with pytest.raises(StoreError, match="damaged"):
        compare_with_seal(pa.BufferReader(bytes(damaged)))


def _in_digest_of_footer(content: bytes, byte: int) -> bool:
    """Where the checksum itself, or the mark by which it is found, is damaged."""
    marker = len(b"sha256 of all other bytes, then of the footer:")
    start = footer_start(content) - 64 - marker
    return footer_start(content) - 32 <= byte < footer_start(content) and byte >= start


@given(kept=st.floats(0, 1, exclude_max=True), filler=st.sampled_from([b"", b"\0", b"\xff", b"PAR1"]))
def test_a_file_cut_short_or_filled_up_has_no_provenance(
    place: tuple[Store, Path, bytes], kept: float, filler: bytes
) -> None:
    store, path, content = place
    start = content[: int(kept * len(content))]
    path.write_bytes((start + filler * len(content))[: len(content)] if filler else start)

    assert store.provenance(DATASET, KEY) is None


@given(content=st.binary(max_size=200), magic=st.booleans())
def test_any_bytes_are_no_file_of_ours(
    place: tuple[Store, Path, bytes],
    content: bytes,
    magic: bool,
) -> None:
    store, path, _ = place
    path.write_bytes(content + b"PAR1" if magic else content)

    assert store.provenance(DATASET, KEY) is None


@pytest.mark.parametrize(
    "stated",
    [
        pytest.param(None, id="nothing"),
        pytest.param("[]", id="a-list"),
        pytest.param("{", id="half"),
        pytest.param("[" * 100_000, id="too-deep"),
        pytest.param("9" * 10_000, id="a-huge-number"),
        pytest.param(TRUTH.to_json().replace('"rows":1', '"rows":"1"'), id="rows-as-text"),
        pytest.param(TRUTH.to_json().replace('"rows":1', '"rows":-1'), id="fewer-rows-than-none"),
        pytest.param(TRUTH.to_json().replace('"usd":"1"', '"usd":"1e999999999"'), id="an-absurd-total"),
        pytest.param(TRUTH.to_json().replace('"usd":"1"', '"usd":"NaN"'), id="no-total"),
        pytest.param(
            TRUTH.to_json().replace("2026-06-02T12:00:00+00:00", "2026-06-02T12:00:00"), id="no-zone"
        ),
        pytest.param(TRUTH.to_json().replace("2026-06-02T12", "0001-01-01T00"), id="year-1"),
        pytest.param(TRUTH.to_json().replace('"interval_start":1', '"interval_start":"x"'), id="parameters"),
        pytest.param(TRUTH.to_json().replace('"start":"2026-06-01', '"start":"2027-06-01'), id="backwards"),
    ],
)
def test_metadata_that_say_nothing_sensible_are_as_good_as_none(
    place: tuple[Store, Path, bytes], stated: str | None
) -> None:
    """Written by another program, so that no checksum warns."""
    assert stated != TRUTH.to_json()
    store, path, _ = place
    path.unlink()
    write(path, TRUTH)
    rows = pq.read_table(path, partitioning=None)
    pq.write_table(rows.replace_schema_metadata({"stripe_report": stated} if stated else None), path)

    found = store.provenance(DATASET, KEY)

    assert found is None or found == found.from_json(str(stated))


def test_what_the_disk_makes_of_the_bytes_otherwise_does_not_agree_with_the_seal(tmp_path: Path) -> None:
    """It is over what was to be written, not over what was found there afterwards."""
    plain, path = tmp_path / "plain.parquet", tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1]}), plain)

    with writing_sealed(path) as file:
        file.write(plain.read_bytes())
        file.flush()
        with path.open("r+b") as disk:
            disk.seek(5)
            disk.write(b"\xff")

    with pa.OSFile(str(path)) as sealed, pytest.raises(StoreError, match="damaged"):
        compare_with_seal(sealed)


def test_a_file_that_lost_bytes_on_its_way_to_the_disk_is_not_sealed(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"

    def lose(file: IO[bytes]) -> None:
        file.write(b"PAR1....PAR1")
        file.flush()
        os.truncate(path, 4)

    with pytest.raises(StoreError, match="has 4 bytes where 12 were written"), writing_sealed(path) as file:
        lose(file)

    assert SEAL not in path.read_bytes()


def test_what_is_wrong_with_a_whole_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pa.OSFile(str(path)) as file, pytest.raises(StoreError) as without:
        compare_with_seal(file)
    seal(path)
    content = bytearray(path.read_bytes())
    with pa.OSFile(str(path)) as file:
        compare_with_seal(file)
    content[5] ^= 1

    with pytest.raises(StoreError) as damaged:
        compare_with_seal(pa.BufferReader(bytes(content)))

    assert str(without.value) == (
        "it is damaged, or not a file of ours: the SHA-256 of its bytes is not in it"
    )
    assert str(damaged.value) == (
        "it is damaged: the SHA-256 of its bytes is not the one they had when it was written"
    )
