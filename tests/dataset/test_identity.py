"""What a table is: written and read back as the same, whatever it is called."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.dataset.identity import Dataset, beside_identity, refuse_mixture
from connector.errors import ConfigurationError, DatasetMismatchError
from tests.support.datasets import DATASET

FILTERS = st.dictionaries(
    st.sampled_from(
        ["currency", "timezone", "connected_account", "connected_accounts", "reporting_category"]
    ),
    st.one_of(st.text(max_size=8), st.lists(st.text(max_size=5)), st.lists(st.text(max_size=5)).map(tuple)),
)

DATASETS = st.builds(
    Dataset,
    table=st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True),
    mode=st.sampled_from(["live", "test", "simulated"]),
    account=st.none() | st.from_regex(r"acct_[A-Za-z0-9]{1,9}", fullmatch=True),
    report_type=st.sampled_from(["balance.summary.1", "payouts.itemized.5"]),
    window=st.sampled_from(["hourly", "daily", "weekly", "monthly", "payout"]),
    zone=st.sampled_from(["UTC", "Etc/UTC", "Zulu", "Europe/Berlin"]),
    filters=FILTERS,
    dimensions=st.lists(st.just("connected_account"), max_size=1),
)


@given(dataset=DATASETS, books=st.none() | st.text(min_size=1, max_size=9))
def test_a_pin_reads_back_as_the_table_it_was_written_for(dataset: Dataset, books: str | None) -> None:
    pin = dataset.to_json(books=books)

    assert Dataset.from_json(pin) == dataset
    assert beside_identity(pin)[0] == books
    assert ("books" in json.loads(pin)) is (books is not None), "of the simulator alone"


def with_fields(**changes: Any) -> str:
    return json.dumps(json.loads(DATASET.to_json()) | changes)


def test_a_list_and_a_tuple_of_accounts_are_one_filter() -> None:
    of_a_list, of_a_tuple = (
        Dataset("t", "test", None, "x.1", "daily", "UTC", filters={"connected_accounts": kind(["acct_1"])})
        for kind in (list, tuple)
    )

    assert of_a_list == of_a_tuple
    refuse_mixture(of_a_list, of_a_tuple)


@pytest.mark.parametrize(
    "alias", ["Etc/UTC", "UCT", "Etc/UCT", "Universal", "Etc/Universal", "Zulu", "Etc/Zulu"]
)
def test_utc_is_one_zone_by_all_its_names(alias: str) -> None:
    plain = Dataset("t", "test", None, "x.1", "daily", "UTC")

    assert Dataset("t", "test", None, "x.1", "daily", alias) == plain
    assert Dataset("t", "test", None, "x.1", "daily", "UTC", filters={"timezone": alias}) == plain


def test_another_zone_is_another_table() -> None:
    plain = Dataset("t", "test", None, "x.1", "daily", "UTC")
    elsewhere = Dataset("t", "test", None, "x.1", "daily", "Europe/London")

    with pytest.raises(DatasetMismatchError, match="zone is UTC there and Europe/London here") as caught:
        refuse_mixture(plain, elsewhere)

    assert "upgrade" not in str(caught.value), "that is the way to another version"


@pytest.mark.parametrize(("other", "offered"), [("x.y.2", True), ("x.yy.2", False), ("y.y.2", False)])
def test_a_way_to_another_version_is_named_where_the_report_is_the_same(*, other: str, offered: bool) -> None:
    found = Dataset("t", "test", None, "x.y.1", "daily", "UTC")
    asked = Dataset("t", "test", None, other, "daily", "UTC")

    with pytest.raises(DatasetMismatchError) as caught:
        refuse_mixture(found, asked)

    assert ("`stripe-reports upgrade t --to-version 2`" in str(caught.value)) is offered


@pytest.mark.parametrize(
    ("pin", "said"),
    [
        pytest.param(
            with_fields(tier="gold"),
            r"field tier.*newer version.*Upgrade the connector.*new root",
            id="field",
        ),
        pytest.param(with_fields(format=3), r"format 3.*newer version.*Upgrade", id="later-format"),
        pytest.param(with_fields(format=1), r"earlier version.*_date.*new root", id="earlier-format"),
    ],
)
def test_a_pin_of_another_version_is_refused_with_the_way_out(pin: str, said: str) -> None:
    with pytest.raises(DatasetMismatchError, match=said):
        Dataset.from_json(pin)


def test_a_pin_from_before_formats_were_counted_is_refused() -> None:
    pin = json.loads(DATASET.to_json())
    del pin["format"]

    with pytest.raises(DatasetMismatchError, match="Use a new root"):
        Dataset.from_json(json.dumps(pin))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "7",
        "[" * 100_000,
        with_fields(zone=7),
        with_fields(table="No!"),
        with_fields(account=1),
    ],
)
def test_what_is_no_pin_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"identity|Expecting|value"):
        Dataset.from_json(text)


EARLIER = (
    "table balance_summary was written by an earlier version of the connector, whose files have neither "
    "`_date` "
    "nor a record of their columns. Use a new root: set STRIPE_REPORTS_ROOT or --root to another place and "
    "pull again."
)
NEWER = (
    "the table was written by a newer version of the connector. Upgrade the connector here, or use a new "
    "root."
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"tier": 1, "b": 2},
            f"the pin of table balance_summary has field b, tier, which this version does not know: {NEWER}",
        ),
        (
            {"format": 3},
            f"the pin of table balance_summary has format 3, which this version does not know: {NEWER}",
        ),
        ({"format": 1}, EARLIER),
        ({"format": "2"}, EARLIER),
    ],
)
def test_of_a_pin_of_another_version_it_is_said_what_to_do(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DatasetMismatchError) as caught:
        Dataset.from_json(with_fields(**changes))

    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"account": 1}, "a name in it is not a text"),
        ({"mode": None}, "a name in it is not a text"),
        ({"dimensions": [1]}, "a name in it is not a text"),
        ({"dimensions": 5}, "Value after * must be an iterable, not int"),
        (
            {"table": "No!"},
            "table name 'No!': use lower case letters, digits, underscores, a letter first",
        ),
    ],
)
def test_what_is_wrong_with_a_damaged_pin_is_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="identity") as caught:
        Dataset.from_json(with_fields(**changes))

    assert str(caught.value) == f"not a dataset's identity: {said}"


def test_a_pin_without_what_may_be_left_out_is_one_of_a_table_without_it() -> None:
    pin = json.loads(DATASET.to_json())
    del pin["dimensions"], pin["filters"]

    assert Dataset.from_json(json.dumps(pin)) == DATASET


def test_a_pin_is_written_for_people() -> None:
    table = Dataset("t", "simulated", "acct_1", "x.1", "daily", "UTC", filters={"currency": "eur"})

    assert table.to_json(books="b") == (
        """{
  "account": "acct_1",
  "books": "b",
  "dimensions": [],
  "filters": {
    "currency": "eur"
  },
  "format": 2,
  "mode": "simulated",
  "report_type": "x.1",
  "table": "t",
  "window": "daily",
  "zone": "UTC"
}"""
    )


CALM = "Give this one a `name` of its own, or move the old table away."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"window": "monthly"},
            f"window is daily there and monthly here. Mixing them would count money twice. {CALM}",
        ),
        (
            {"account": "acct_1", "filters": {"currency": "eur", "a": 1}},
            "account is default there and acct_1 here; filters is none there and a=1, currency=eur here. "
            "Mixing "
            f"them would count money twice. {CALM}",
        ),
        (
            {"dimensions": ("connected_account",)},
            "dimensions is none there and connected_account here. Mixing them would count money twice. "
            + CALM,
        ),
        (
            {"report_type": "balance.summary.2"},
            "report_type is balance.summary.1 there and balance.summary.2 here. Mixing them would count "
            "money "
            f"twice. {CALM} `stripe-reports upgrade balance_summary --to-version 2` makes that version in a "
            "table "
            "of its own and compares the two.",
        ),
    ],
)
def test_how_a_table_differs_from_what_is_asked_is_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DatasetMismatchError) as caught:
        refuse_mixture(DATASET, replace(DATASET, **changes))

    assert str(caught.value) == (
        f"table balance_summary holds data for a different report configuration: {said}"
    )


@pytest.mark.parametrize(
    ("name", "fits"), [("a" * 128, True), ("a_1", True), ("a" * 129, False), ("_a", False), ("A", False)]
)
def test_a_name_of_a_table_is_one_everywhere(name: str, *, fits: bool) -> None:
    expected = contextlib.nullcontext() if fits else pytest.raises(ConfigurationError, match="use lower case")

    with expected:
        assert replace(DATASET, table=name).table == name


def test_where_a_table_and_its_files_are() -> None:
    table = Dataset("t", "live", "acct_1", "x.1", "daily", "UTC", dimensions=("connected_account",))
    key = table.key_format.key("acct_2", "2026-06-01")
    file = "live/t/account=acct_1/connected=acct_2/period=2026-06-01/report.parquet"

    assert table.file_path(key) == file
    assert table.key_of(f"/root/{file}") == key
    assert table.superseded_path(key) == f".superseded/{file.removesuffix('/report.parquet')}"
    assert (table.path, table.pin_path) == ("live/t", "live/_datasets/t.json")
    assert table.dimension_values([key, table.key_format.key("acct_1", "2026-06-01")]) == ("acct_1", "acct_2")
    assert DATASET.dimension_values(["2026-06-01"]) == ()
    assert DATASET.file_path("a/b").endswith("/account=default/period=a%2Fb/report.parquet")


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
        replace(DATASET, table=name)
