"""What a pull costs, counted: times are measured by `make bench`, and asserted nowhere."""

import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from connector.api.client import StripeClient
from connector.cli.display.pull_progress import PullReporter
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.money import NARROW
from connector.partitions import Partition
from connector.pipeline.plan import Planner
from connector.pipeline.reconversion import ConfiguredShape
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.conftest import Pull
from tests.support.datasets import counted, repeat
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


def calls_of(work: Callable[[], object]) -> int:
    """How many functions this thread calls, Python's and others."""
    count = 0

    def note(_frame: object, event: str, _called: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def test_what_is_published_takes_as_much_work_each_however_many_there_are(
    pull: Pull, store: Store, client: StripeClient, simulator: Simulator
) -> None:
    """And none of it is Stripe's."""
    many = days("2026-05-01", 100)
    (first,) = done(pull(SUMMARY, many[:1])).values()
    repeat(store, SUMMARY.dataset(mode=client.mode, account=client.account), first.published, many[1:])
    requests = len(simulator.requests)
    assert [each.fetched for each in done(pull(SUMMARY, many)).values()] == [False] * 100

    of_some = calls_of(lambda: pull(SUMMARY, many[:25]))
    of_all = calls_of(lambda: pull(SUMMARY, many))

    assert of_all <= 4 * of_some
    assert len(simulator.requests) == requests


def peak_of(work: Callable[[], object]) -> int:
    """The most bytes that Python holds at once for it."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_is_published_takes_as_much_memory_however_many_there_are(
    pull: Pull, store: Store, client: StripeClient
) -> None:
    """As many are held as are read at once: about 10 kB each."""
    many = days("2026-05-01", 96)
    dataset = SUMMARY.dataset(mode=client.mode, account=client.account)
    (first,) = done(pull(SUMMARY, many[:1])).values()
    repeat(store, dataset, first.published, many[1:])
    shape = ConfiguredShape(SUMMARY, NARROW)
    asked: list[int] = []

    def find_due(some: Sequence[Partition], published: Mapping[str, Provenance]) -> list[str]:
        asked.append(len(published))
        return []

    planner = Planner(store, dataset, SUMMARY, shape, {}, (), {}, (), reconvert=True, find_due=find_due)

    def planned(count: int) -> int:
        return sum(len(plan.there) for plan in planner.plans(many[:count], at_once=16))

    assert planned(96) == 96
    of_some = peak_of(lambda: planned(32))
    of_all = peak_of(lambda: planned(96))

    assert of_all < 1.2 * of_some
    assert max(asked) == 16


def test_the_progress_of_a_pull_counts_what_is_stored_and_holds_none_of_it(pull: Pull) -> None:
    (event,) = done(pull(SUMMARY, WEEK[:1])).values()
    reporter = PullReporter(SUMMARY, 1, as_json=True)
    before = sys.getrefcount(event), sys.getrefcount(event.published.provenance)

    reporter.event(event)

    assert (sys.getrefcount(event), sys.getrefcount(event.published.provenance)) == before
    assert reporter.tally.counts() == {"created": 1}
    assert reporter.tally.rows == event.published.provenance.rows > 0


def test_what_is_due_is_found_while_planning_and_gets_a_new_report_run(pull: Pull) -> None:
    assert len(done(pull(SUMMARY, WEEK))) == 7

    again = done(pull(SUMMARY, WEEK, find_due=lambda some, published: {some[0].key} & published.keys()))

    assert [key for key, each in again.items() if each.fetched] == [WEEK[0].key]
