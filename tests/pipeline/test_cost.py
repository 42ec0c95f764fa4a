"""What a pull costs, counted: times are measured by `make bench`, and asserted nowhere."""

from collections import Counter
from pathlib import Path

import pytest

from connector.dataset.store import Store
from connector.query import ReportQuery
from tests.conftest import Pull
from tests.support.datasets import counted
from tests.support.partitions import days, done

SUMMARY = ReportQuery.of("balance_summary")
WEEK = days("2026-05-31", 7)


@pytest.fixture
def opened(store: Store) -> list[str]:
    """The paths of the files that the store opens, from now on."""
    paths: list[str] = []
    store._root.filesystem = counted(paths)
    return paths


def footers(opened: list[str]) -> Counter[str]:
    """How often the file of each partition was opened, or looked for."""
    return Counter(Path(path).parent.name for path in opened if path.endswith(".parquet"))


def test_a_new_partition_is_looked_for_twice(pull: Pull, opened: list[str]) -> None:
    """Before asking; and before publishing, since another process may have published meanwhile."""
    assert len(done(pull(SUMMARY, WEEK))) == 7

    assert footers(opened) == {f"period={each.key}": 2 for each in WEEK}


def test_a_pull_that_needs_nothing_reads_each_footer_once(pull: Pull, opened: list[str]) -> None:
    assert len(done(pull(SUMMARY, WEEK))) == 7
    opened.clear()

    again = done(pull(SUMMARY, WEEK))

    assert [each.fetched for each in again.values()] == [False] * 7
    assert footers(opened) == {f"period={each.key}": 1 for each in WEEK}


def test_a_refresh_reads_the_footer_that_it_replaces_twice_and_the_others_once_at_most(
    pull: Pull, opened: list[str]
) -> None:
    """A few of the newest say whose the table is."""
    assert len(done(pull(SUMMARY, WEEK))) == 7
    opened.clear()

    again = done(pull(SUMMARY, WEEK[:1], refresh={WEEK[0].key}))

    assert [each.fetched for each in again.values()] == [True]
    assert footers(opened).pop(f"period={WEEK[0].key}") == 2
    assert footers(opened).total() <= 2 + 5
