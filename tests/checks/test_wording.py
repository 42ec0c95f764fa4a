"""Findings are worded for somebody who closes books: amounts as people write them, advice that can help."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from connector.checks.wording import explain_difference, format_row, format_share
from connector.dataset.provenance import Provenance
from tests.checks.conftest import Books, dataset_of
from tests.faults.files import UnbalancedRow

AMOUNTS = [
    pytest.param("9.510000000000000000", "usd", "9.51", id="cents"),
    pytest.param("1250.000000000000000000", "jpy", "1250", id="yen"),
    pytest.param("1.250000000000000000", "kwd", "1.250", id="fils"),
    pytest.param("0.005991000000000000", "usd", "0.005991", id="finer-than-a-cent"),
    pytest.param("9.500000000000000000", None, "9.50", id="no-currency"),
]


@pytest.mark.parametrize(("stored", "currency", "shown"), AMOUNTS)
def test_an_amount_has_the_digits_of_its_currency(stored: str, currency: str | None, shown: str) -> None:
    assert format_row(["net", "fee"], [Decimal(stored), None], currency) == {"net": shown, "fee": "null"}


@pytest.mark.parametrize(
    ("report", "charged"),
    [
        pytest.param("balance_change_from_activity.itemized.3", 1, id="a-fee-is-positive"),
        pytest.param("balance_change_from_activity.summary.1", -1, id="a-fee-is-negative"),
    ],
)
def test_a_failure_states_the_figures_and_the_difference(books: Books, report: str, charged: int) -> None:
    query = books.pulled(report, UnbalancedRow())

    found = books.findings(query)["net_is_gross_less_fee"]

    (row,) = found.examples
    assert query.spec.net_columns is not None
    gross, fee, net = (Decimal(row[name]) for name in query.spec.net_columns)
    assert Decimal(row["difference"]) == net - (gross - charged * fee) != 0
    assert all(f"{name} {text}" in found.reason for name, text in row.items())
    assert "00000" not in found.reason


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1 of 1,300 rows lies"), (2, "2 of 1,300 rows lie"), (0, "0 of 1,300 rows lie")]
)
def test_a_share_is_a_sentence(number: int, text: str) -> None:
    assert format_share(number, 1300, "row", "lies", "lie") == text


@pytest.fixture
def file(books: Books) -> Provenance:
    found = books.store.provenance(dataset_of(books.pulled("balance.summary.1")), "2026-06-01")
    assert found is not None
    return found


def test_the_older_of_two_files_is_the_one_to_refresh(file: Provenance) -> None:
    newer = replace(file, as_of=file.as_of + timedelta(hours=1))

    assert "refresh balance." in explain_difference("balance", file, "items", newer)
    assert "refresh items." in explain_difference("balance", newer, "items", file)
    assert "two Stripe accounts, a refresh does not help" in explain_difference(
        "balance", newer, "items", file
    )


def test_files_as_of_one_moment_are_not_refreshed(file: Provenance) -> None:
    advice = explain_difference("balance", file, "items", replace(file, run_id="frr_2"))

    assert "refresh" not in advice
    assert f"ask Stripe support about report runs {file.run_id} and frr_2" in advice


@pytest.mark.parametrize("live_first", [True, False])
def test_a_refresh_does_not_help_where_live_and_test_books_were_mixed(
    file: Provenance, live_first: bool
) -> None:
    other = replace(file, livemode=not file.livemode, as_of=file.as_of + timedelta(hours=1))
    files = [("live", file), ("test", other)] if live_first else [("test", other), ("live", file)]

    advice = explain_difference(*files[0], *files[1])

    assert advice.startswith("live comes from a live key and test from a test key")
    assert "give each key a root of its own" in advice
