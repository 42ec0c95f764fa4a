"""A whole table is checked from its files alone, and compared only with tables on the same money and days."""

from collections import Counter
from datetime import date

from connector.checks.audit import audit
from connector.dataset.store import Store
from connector.partitions import Windows
from connector.query import ReportQuery
from tests.checks.conftest import Books, dataset_of
from tests.support.datasets import counted
from tests.support.partitions import days

BALANCE = "balance.summary.1"
ITEMS = "balance_change_from_activity.itemized.3"
IN_BERLIN = Windows("daily", "Europe/Berlin").between(date(2026, 6, 1), date(2026, 6, 2))


def compared_tables(books: Books, query: ReportQuery, other: ReportQuery) -> set[str | None]:
    outcomes = audit(books.store, dataset_of(query), [dataset_of(other)])
    return {each.check.other for each in outcomes} - {None}


def test_tables_of_the_same_days_are_compared(books: Books) -> None:
    balance = books.pulled(BALANCE, zone="Europe/Berlin", partitions=IN_BERLIN)
    items = books.pulled(ITEMS, zone="Europe/Berlin", partitions=IN_BERLIN)

    assert compared_tables(books, balance, items) == {items.name}


def test_days_of_another_zone_are_other_days(books: Books) -> None:
    balance = books.pulled(BALANCE, zone="Europe/Berlin", partitions=IN_BERLIN)
    items = books.pulled(ITEMS)

    assert compared_tables(books, balance, items) == set()


def test_an_outcome_names_its_table_and_partition(books: Books) -> None:
    query = books.pulled(BALANCE, partitions=days("2026-06-01", 2))

    outcomes = list(audit(books.store, dataset_of(query)))

    assert {each.table for each in outcomes} == {query.name}
    assert [each.partition for each in outcomes if each.check.name == "row_count"] == [
        "2026-06-01",
        "2026-06-02",
    ]
    assert [each.partition for each in outcomes if each.check.compares_files] == [
        "2026-06-01",
        "2026-06-02",
        "2026-06-02",
        "2026-06-01 to 2026-06-02",
        "2026-06-01 to 2026-06-02",
        "all",
    ]


def test_a_file_is_opened_for_its_provenance_and_once_for_all_checks_however_much_it_is_compared_with(
    books: Books,
) -> None:
    balance = books.pulled(BALANCE, partitions=days("2026-06-01", 3))
    store, opened = Store(books.store.root), list[str]()
    store._root.filesystem = counted(opened)

    found = list(audit(store, dataset_of(balance)))

    assert {each.finding.result.value for each in found} == {"passed"}
    assert "closing_is_next_opening" in {each.check.name for each in found}
    assert list(Counter(opened).values()) == [2, 2, 2]
