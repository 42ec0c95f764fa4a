"""Whether a file in a partition's place counts, over plain values."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.dataset.admission import (
    explain_foreign,
    foreign,
    identity_stated,
    may_be_read,
    refuse_foreign,
    refuse_other_books,
    refuse_other_configuration,
    strays_beside,
)
from connector.errors import DatasetMismatchError
from tests.support.datasets import DATASET, NOON, provenance

KEY = "2026-06-01"
COUNTS = "it counts"
OTHER = "it was requested with another "


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({}, COUNTS, id="as-asked"),
        pytest.param({"interval": None, "parameters": {}}, COUNTS, id="a-snapshot-has-no-interval"),
        pytest.param(
            {"interval": None, "parameters": {"interval_end": 2}}, f"{OTHER}window", id="no-interval-stated"
        ),
        pytest.param({"parameters": {"currency": "eur"}}, f"{OTHER}filters", id="a-filter"),
        pytest.param({"report_type": "x.1"}, f"{OTHER}report_type", id="another-report"),
        pytest.param({"period": "2026-06-02"}, "it is 2026-06-02 of the test table", id="another-day"),
        pytest.param({"mode": "live"}, "of the live table", id="another-mode"),
        pytest.param({"account": "acct_1"}, "account acct_1", id="another-account"),
        pytest.param({"table": "other"}, "table other, account default", id="another-table"),
    ],
)
def test_a_file_counts_where_it_answers_what_the_table_asks(changes: dict[str, Any], said: str) -> None:
    found = explain_foreign(DATASET, KEY, provenance(**changes), books=None)

    assert said in (found or COUNTS)


def test_a_file_about_another_span_than_its_key_does_not_count() -> None:
    day = provenance().interval
    assert day is not None
    longer = provenance(interval=type(day)(day.start, day.end + timedelta(days=1)))

    assert explain_foreign(DATASET, KEY, longer, books=None) == f"{OTHER}window than the table's"


@pytest.mark.parametrize(
    ("pinned", "made_of", "counts"),
    [
        ("seed 1", "seed 1", True),
        ("seed 1", "seed 2", False),
        ("seed 1", None, True),
        (None, "seed 2", True),
    ],
)
def test_of_simulated_books_the_tables_own_count(
    pinned: str | None, made_of: str | None, counts: bool
) -> None:
    found = explain_foreign(DATASET, KEY, provenance(made=NOON, books=made_of), books=pinned)

    assert (found is None) is counts


def test_in_a_table_without_partitions_the_topmost_directory_of_the_table_is_the_stray() -> None:
    (stray,) = strays_beside("/root/test/t", ["/root/test/t/copy/old/report.parquet"], [])

    assert stray.path == "/root/test/t/copy"


def test_a_file_of_a_table_that_acts_for_an_account_counts() -> None:
    table = replace(DATASET, account="acct_1")
    file = provenance(account="acct_1", parameters={"payout": "po_1", "columns": ["a"], "interval_start": 1})

    assert explain_foreign(table, KEY, file, books=None) is None
    assert identity_stated(table, file) == table


def test_all_that_a_file_was_requested_with_otherwise_is_named() -> None:
    file = provenance(report_type="x.1", parameters={"currency": "eur"})

    assert explain_foreign(DATASET, KEY, file, books=None) == f"{OTHER}report_type, filters than the table's"


def test_what_a_file_is_of_is_said_where_it_is_of_something_else() -> None:
    elsewhere = provenance(table="other", mode="live", account="acct_1", period="2026-06-02")
    books = provenance(books="b 2")

    assert explain_foreign(DATASET, KEY, elsewhere, books=None) == (
        "it is 2026-06-02 of the live table other, account acct_1"
    )
    assert explain_foreign(DATASET, KEY, provenance(table="other"), books=None) == (
        "it is 2026-06-01 of the test table other, account default"
    )
    assert explain_foreign(DATASET, KEY, books, books="b 1") == (
        "it is of the simulated books b 2, and the table of b 1"
    )
    assert str(foreign(DATASET, "p", KEY, "why")) == (
        "p does not count: why. Pull 2026-06-01 again: this file is set aside and replaced by the right one."
    )


@pytest.mark.parametrize(
    ("window", "dimensions", "key", "pulled"),
    [
        ("daily", (), "2026-06-01", True),
        ("daily", (), "2026-06-01.bak", False),
        ("daily", (), "2026-06-01 (copy)", False),
        ("daily", (), "", False),
        ("monthly", (), "2026-06-01", True),
        ("monthly", (), "2026-06-02", False),
        ("payout", (), "po_1A2b", True),
        ("payout", (), "po_1A2b.bak", False),
        ("daily", ("connected_account",), "acct_1|2026-06-01", True),
        ("daily", ("connected_account",), "acct_1.old|2026-06-01", False),
        ("daily", ("connected_account",), "acct_1|2026-06-01.old", False),
    ],
)
def test_only_what_can_be_a_partition_is_to_be_pulled_and_a_backup_is_to_be_moved(
    window: str, dimensions: tuple[str, ...], key: str, pulled: bool
) -> None:
    dataset = replace(DATASET, window=window, dimensions=dimensions)

    advice = foreign(dataset, "p", key, "why").advice

    assert advice.startswith(f"Pull {key} again" if pulled else "Nothing reads it")


@pytest.mark.parametrize(
    ("window", "changes", "counts"),
    [
        ("payout", {"interval": None, "parameters": {"payout": "po_1"}}, True),
        ("payout", {}, False),
        ("daily", {"interval": None, "parameters": {"interval_start": 2}}, False),
        ("daily", {"period": "never"}, False),
    ],
)
def test_a_file_counts_where_its_window_is_one_of_the_tables(
    window: str, changes: dict[str, Any], *, counts: bool
) -> None:
    table = replace(DATASET, window=window)
    usual: dict[str, Any] = {"interval": provenance().interval, "parameters": {}}
    file = replace(provenance(), **(usual | changes))

    assert (explain_foreign(table, file.period, file, books=None) is None) is counts


@pytest.mark.parametrize(
    ("path", "read"),
    [("a/b.parquet", True), ("a/.b.parquet", True), ("a/b", True), ("a/.b", False), ("a/_b", False)],
)
def test_engines_read_what_is_not_hidden_and_some_read_all_that_is_parquet(path: str, *, read: bool) -> None:
    assert may_be_read(path) is read


def test_a_stray_is_named_with_the_number_of_its_files_where_it_is_a_directory() -> None:
    below = ["/r/t/k/report.parquet", "/r/t/k/copy.parquet", "/r/t/x/1", "/r/t/x/y/2", "/r/t/.hidden"]

    strays = [*strays_beside("/r/t", below, ["/r/t/k/report.parquet"])]

    moved = "Nothing reads it, but engines that read the whole directory would; move it away."
    assert [str(each) for each in strays] == [
        f"/r/t/k/copy.parquet does not count: it is at no partition's place. {moved}",
        f"/r/t/x does not count: it is at no partition's place (2 files). {moved}",
    ]


def test_whose_the_data_of_a_table_are_is_said() -> None:
    refuse_foreign(DATASET, provenance(), known=True)
    with pytest.raises(DatasetMismatchError) as foreign_account:
        refuse_foreign(DATASET, provenance(), known=False)
    for pinned, found in [("a", "a"), (None, "b"), ("a", None)]:
        refuse_other_books(DATASET, pinned, found)
    with pytest.raises(DatasetMismatchError) as other_books:
        refuse_other_books(DATASET, "a", "b")

    assert str(foreign_account.value) == (
        "table balance_summary holds data of another Stripe account: its newest report run, frr_1 "
        "(2026-06-01), "
        "is unknown to the key in use. Nothing was published. Use the key the table was pulled with, another "
        "root "
        "(STRIPE_REPORTS_ROOT, --root), or another `name` for this table."
    )
    assert str(other_books.value) == (
        "table balance_summary holds data of the simulated books a, and the simulator has the books b. "
        "Nothing was "
        "published. Start the simulator as before (account, --seed), or use another root "
        "(STRIPE_REPORTS_ROOT, "
        "--root) or another `name` for this table."
    )


def test_a_table_without_a_pin_is_what_its_files_were_asked_for() -> None:
    refuse_other_configuration(DATASET, provenance())

    with pytest.raises(DatasetMismatchError, match=r"report_type is x\.1 there and balance\.summary\.1 here"):
        refuse_other_configuration(DATASET, provenance(report_type="x.1"))
