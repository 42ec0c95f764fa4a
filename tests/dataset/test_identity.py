"""What a table is: written and read back as the same, whatever it is called."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.dataset.identity import Dataset, books_in, refuse_mixture
from connector.errors import DatasetMismatchError
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
    assert books_in(pin) == books
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
