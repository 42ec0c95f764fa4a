"""What a file says of itself: written and read back as the same, and refused where it cannot be."""

import contextlib
import json
import re
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.dataset.provenance import METADATA_KEY, Provenance, provenance_in
from connector.reserved import CONSTANTS
from tests.support.datasets import NOON, provenance


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


@pytest.mark.parametrize("run", [{"result": {"size": 10}, "error": None}, {"result": None}, {}])
def test_a_file_of_an_earlier_version_holds_the_report_run_with_the_size_of_its_csv(
    run: dict[str, Any],
) -> None:
    found = Provenance.from_json(text({"run": run}))

    assert found.announced_bytes == (10 if run.get("result") else None)


@given(
    asked=st.none() | st.lists(st.sampled_from("abc"), min_size=1, unique=True).map(tuple),
    header=st.lists(st.sampled_from("abcd"), min_size=1, unique=True).map(tuple),
)
def test_what_the_file_says_already_is_not_said_again(
    tmp_path: Path, asked: tuple[str, ...] | None, header: tuple[str, ...]
) -> None:
    """The file itself names its columns and their types; and most headers are what was asked for."""
    parameters = {} if asked is None else {"columns": list(asked)}
    columns = dict.fromkeys(header, "string") | {"_row_kind": "string"}
    source = provenance(parameters=parameters, header=header, columns=columns)
    path, rows = tmp_path / "report.parquet", {name: ["x"] for name in (*columns, *CONSTANTS)}
    pq.write_table(pa.table(rows).replace_schema_metadata(source.metadata), path)

    assert provenance_in(pq.read_metadata(path)) == source
    assert len(source.metadata[METADATA_KEY]) < len(source.to_json())


def test_no_rows_are_a_number_and_fewer_are_not() -> None:
    none = provenance(rows=0).to_json()

    assert Provenance.from_json(none).rows == 0
    with pytest.raises(ValueError, match="-1 is negative"):
        Provenance.from_json(none.replace('"rows":0', '"rows":-1'))


@pytest.mark.parametrize("text", ["{}", "[]", "null", "{", '{"run_created": 5}', ""])
def test_what_is_no_provenance_is_told_apart(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a report's provenance|Expecting"):
        Provenance.from_json(text)


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


AMOUNTS = st.decimals(allow_nan=False).map(str) | st.text("0123456789.-+eE_ \n\u0663", max_size=6)


@given(texts=st.lists(AMOUNTS, min_size=1, max_size=4))
@example(texts=["1 2"])
@example(texts=["", "1"])
@example(texts=["1 ", "2"])
@example(texts=["1E+99999", "2"])
def test_an_amount_reads_the_same_beside_others(texts: list[str]) -> None:
    alone = [read_total(text) for text in texts]

    beside = read_total(*texts)

    whole = None if None in alone else [Decimal(text) for text in texts]
    assert beside == whole


def read_total(*texts: str) -> list[Decimal] | None:
    """The amounts of a provenance with these; None where it is not one."""
    totals = {f"currency {number}": each for number, each in enumerate(texts)}
    with contextlib.suppress(ValueError):
        return list(Provenance.from_json(text({"totals": totals})).totals.values())
    return None


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


def test_the_data_version_follows_the_bytes_and_the_decoder_alone() -> None:
    version = provenance("frr_1", csv_sha256="same").data_version

    assert provenance("frr_2", made=NOON + timedelta(1), csv_sha256="same").data_version == version
    assert provenance(csv_sha256="other").data_version != version
    assert provenance(csv_sha256="same", decoder_version=2).data_version != version


def test_the_newer_of_two_files_is_the_one_made_later_or_for_the_later_run() -> None:
    one = provenance("frr_1", made=NOON)

    assert not one.is_newer_than(one)
    assert provenance("frr_0", made=NOON + timedelta(seconds=1)).is_newer_than(one)
    assert provenance("frr_2", made=NOON).is_newer_than(one)
    assert provenance("frr_0", made=NOON, run_created=NOON + timedelta(seconds=1)).is_newer_than(one)
    assert one.shape == "6aa52c2f982cb3f8"
    assert one.data_version == "7b7363abe5bf8afc30948d2188b879c4"
