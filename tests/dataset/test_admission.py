"""Whether a file in a partition's place counts, over plain values."""

from datetime import timedelta
from typing import Any

import pytest

from connector.dataset.admission import explain_foreign, strays_beside
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
