"""What is asked of a bucket, counted: each request takes time."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from connector.checks.audit import audit
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.money import NARROW, WIDE
from connector.query import ReportQuery
from tests.conftest import Pull
from tests.support.datasets import DATASET, NOON, provenance, rows_in, write
from tests.support.memory_bucket import Watched, bucket
from tests.support.partitions import days, done

SUMMARY = ReportQuery.of("balance_summary")
YEARS = [each.key for each in days("2023-06-01", 1095)]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is unfinished lies below a directory of the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def objects() -> Watched:
    return Watched(MemoryStore())


def fresh(objects: Watched) -> Store:
    """As another process sees it, which remembers nothing."""
    objects.forget()
    return Store(bucket(objects))


def of_day(key: str, run: str = "frr_1", made: datetime = NOON, money: str = WIDE) -> Provenance:
    return provenance(run, made=made, period=key, money=money)


of_new_table = partial(of_day, money=NARROW)


def publish(store: Store, path: Path, *sources: Provenance) -> None:
    for source in sources:
        write(path / "staged.parquet", source)
        store.publish(path / "staged.parquet", DATASET, source)


def test_publishing_partitions_takes_four_requests_each(objects: Watched, tmp_path: Path) -> None:
    store = fresh(objects)
    publish(store, tmp_path, of_new_table("2026-06-01"))
    objects.forget()

    publish(store, tmp_path, *(of_new_table(f"2026-06-{day:02}") for day in range(2, 12)))

    assert objects.made == {"get": 30, "put": 10}


def test_the_first_of_a_process_takes_four_at_most(objects: Watched, tmp_path: Path) -> None:
    publish(fresh(objects), tmp_path, of_new_table("2026-06-01"))

    publish(fresh(objects), tmp_path, of_new_table("2026-06-02"))

    assert objects.made == {"get": 3, "put": 1}


def test_replacing_a_partition_takes_four_with_the_copy_of_the_earlier_file(
    objects: Watched, tmp_path: Path
) -> None:
    """Of many copies the older ones are removed, by two more in every fifth publication."""
    publish(fresh(objects), tmp_path, of_new_table("2026-06-01"))

    for age in range(1, 20):
        publish(
            fresh(objects), tmp_path, of_new_table("2026-06-01", f"frr_{age:02}", made=NOON + timedelta(age))
        )

        removal = {"list_with_delimiter": 1, "delete": 1} if age in (10, 15) else {}
        assert objects.made == {"get": 2, "put": 2} | removal


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> MemoryStore:
    """Three years of days."""
    objects, path = MemoryStore(), tmp_path_factory.mktemp("years") / "staged.parquet"
    root = bucket(objects)
    root.put(root.path(DATASET.pin_path), DATASET.to_json().encode(), replacing=None)
    for key in YEARS:
        write(path, of_day(key))
        root.put(root.path(DATASET.file_path(key)), path, replacing=None)
    return objects


@pytest.fixture
def three_years(years: MemoryStore) -> Watched:
    return Watched(years)


def footers(objects: Watched) -> Counter[int]:
    """How many files were read how many times."""
    read = Counter(key for name, key in objects.keys if name == "get" and key.endswith(".parquet"))
    return Counter(read.values())


def test_what_is_there_is_found_by_one_listing_and_one_request_for_each_footer(
    three_years: Watched,
) -> None:
    store = fresh(three_years)

    found = store.provenances(DATASET)

    assert list(found) == YEARS
    assert three_years.made == {"list": 1, "get": 1095}


def test_of_many_partitions_those_that_are_not_there_are_not_looked_for(three_years: Watched) -> None:
    store = fresh(three_years)
    asked = [each.key for each in days("2026-05-01", 100)]

    found = store.provenances(DATASET, asked)

    assert [key for key, each in found.items() if each] == YEARS[-30:]
    assert three_years.made == {"list": 1, "get": 30}


def test_a_footer_that_was_read_is_not_read_again_while_it_is_the_same(three_years: Watched) -> None:
    store = fresh(three_years)
    assert len(store.provenances(DATASET)) == 1095

    assert len(store.provenances(DATASET)) == 1095
    assert len(store.newest(DATASET)) == 5

    assert footers(three_years) == {1: 1095}


def test_a_file_that_another_machine_has_replaced_is_read_again(objects: Watched, tmp_path: Path) -> None:
    store = fresh(objects)
    publish(store, tmp_path, *(of_day(f"2026-06-{day:02}") for day in range(1, 9)))
    assert len(store.provenances(DATASET)) == 8

    newer = of_day("2026-06-03", "frr_2", made=NOON + timedelta(1))
    publish(Store(bucket(objects)), tmp_path, newer)

    assert store.provenances(DATASET)["2026-06-03"] == newer
    assert rows_in(store, "2026-06-03") == ["frr_2"]


def test_reading_three_years_takes_a_request_for_each_small_file(three_years: Watched) -> None:
    store = fresh(three_years)

    rows = store.arrow_dataset(DATASET).to_table()

    assert rows.num_rows == 1095
    assert three_years.made == {"list": 1, "get": 1095 + 1}


@pytest.fixture
def store(objects: Watched) -> Store:
    """The one that `pull` pulls into."""
    return fresh(objects)


def test_a_pull_that_needs_nothing_reads_no_footer_twice(pull: Pull, objects: Watched) -> None:
    week = days("2026-05-31", 7)
    assert len(done(pull(SUMMARY, week))) == 7

    again = done(pull(SUMMARY, week, store=fresh(objects)))

    assert [each.fetched for each in again.values()] == [False] * 7
    assert footers(objects) == {1: 7}


def checked(objects: Watched, tables: Sequence[ReportQuery]) -> int:
    """How many files a check of all these tables finds."""
    store = Store(bucket(objects))
    there = store.datasets()
    assert {each.table for each in there} == {each.name for each in tables}
    objects.forget()
    for each in there:
        others = [other for other in there if other != each]
        assert {found.finding.result.value for found in audit(store, each, others)} <= {"passed", "warning"}
    return sum(len(store.keys(each)) for each in there)


def test_a_check_of_a_table_takes_a_request_for_each_small_file(pull: Pull, objects: Watched) -> None:
    assert len(done(pull(SUMMARY, days("2026-05-10", 20)))) == 20

    assert checked(objects, [SUMMARY]) == 20

    assert objects.made["get"] <= 20 + 1
    assert objects.made.total() <= 20 + 6


def test_a_check_of_tables_that_are_compared_takes_three_requests_a_file_at_most(
    pull: Pull, objects: Watched
) -> None:
    items = ReportQuery.of("balance_change_from_activity_itemized")
    for each in (SUMMARY, items):
        assert len(done(pull(each, days("2026-05-10", 20)))) == 20

    files = checked(objects, [SUMMARY, items])

    assert files == 40
    assert objects.made.total() <= 3 * files
