"""One table takes another's name: killed at any moment both are readable, and the next attempt finishes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PosixPath
from typing import Any

import pytest

from connector.dataset import Dataset
from connector.errors import ConfigurationError, DatasetMismatchError, StoreError
from connector.query import ReportQuery
from connector.store import Store
from connector.succession import Succession
from tests.conftest import Pull, days, done

TWO_DAYS = days("2026-06-01", 2)

OLD = ReportQuery.of("payouts.itemized.2")
NEW = ReportQuery.of("payouts.itemized.3", name="payouts_itemized_v3")


SUCCESSION = Succession(*(query.dataset(mode="test", account=None) for query in (OLD, NEW)))


@pytest.fixture
def made(pull: Pull, store: Store) -> Store:
    """Both versions of two days, each in its table."""
    for query in (OLD, NEW):
        assert len(done(pull(query, TWO_DAYS))) == 2
    return store


def versions(store: Store) -> dict[str, set[str]]:
    """Which versions can be read under which table's name, by their files alone."""
    found: dict[str, set[str]] = {}
    for each in Path(store.root, "test").glob("payouts*/"):
        named = Dataset(each.name, "test", None, "", "daily", "UTC")
        kept = [store.kept(named, key) for key in store.keys(named)]
        assert len(kept) == 2
        found[each.name] = {file.report_type for file in kept if file}
    return found


def test_the_new_table_has_the_name_and_the_old_one_keeps_all(made: Store) -> None:
    made.switch(SUCCESSION)

    assert versions(made) == {
        "payouts_itemized": {"payouts.itemized.3"},
        "payouts_itemized_v2": {"payouts.itemized.2"},
    }
    assert {(each.table, each.report_type) for each in made.datasets()} == {
        ("payouts_itemized", "payouts.itemized.3"),
        ("payouts_itemized_v2", "payouts.itemized.2"),
    }
    assert made.unfinished(SUCCESSION.heir) is None


def test_what_was_switched_answers_the_new_question_and_refuses_the_old(made: Store, pull: Pull) -> None:
    made.switch(SUCCESSION)

    events = done(pull(ReportQuery.of("payouts.itemized.3"), TWO_DAYS))

    assert not any(each.fetched for each in events.values())
    with pytest.raises(DatasetMismatchError, match=r"stripe-reports upgrade payouts_itemized --to 2"):
        pull(OLD, TWO_DAYS)


def test_it_can_be_switched_back(made: Store) -> None:
    made.switch(SUCCESSION)

    made.switch(Succession(SUCCESSION.heir, SUCCESSION.retired))

    assert versions(made) == {
        "payouts_itemized": {"payouts.itemized.2"},
        "payouts_itemized_v3": {"payouts.itemized.3"},
    }


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def killed_before(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The file system, until the process is killed before its n-th change to it."""
    changes: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        change = getattr(Path, name)

        def counting(self: Path, *arguments: Any, **options: Any) -> Any:
            if ".staging" not in str(self) or name == "replace":
                changes.append(f"{name} {self.name}")
                if len(changes) == step:
                    raise Killed
            return change(self, *arguments, **options)

        return counting

    with monkeypatch.context() as patched:
        for name in ("rename", "replace", "unlink"):
            patched.setattr(Path, name, counted(name))
        yield changes


STEPS = 7


def test_it_takes_as_many_changes_as_are_tried_below(made: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with killed_before(0, monkeypatch) as changes:
        made.switch(SUCCESSION)

    assert len(changes) == STEPS


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_killed_at_any_moment_both_are_readable_and_the_next_attempt_finishes(
    made: Store, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    with pytest.raises(Killed), killed_before(step, monkeypatch):
        made.switch(SUCCESSION)

    assert sorted(map(sorted, versions(made).values())) == [["payouts.itemized.2"], ["payouts.itemized.3"]]
    made.switch(made.unfinished(SUCCESSION.predecessor) or SUCCESSION)
    assert versions(made) == {
        "payouts_itemized": {"payouts.itemized.3"},
        "payouts_itemized_v2": {"payouts.itemized.2"},
    }
    assert made.unfinished(SUCCESSION.heir) is None


@pytest.mark.parametrize("step", [2, 4, STEPS])
def test_between_two_versions_nothing_is_published(
    made: Store, monkeypatch: pytest.MonkeyPatch, pull: Pull, step: int
) -> None:
    with pytest.raises(Killed), killed_before(step, monkeypatch):
        made.switch(SUCCESSION)

    for query in (OLD, ReportQuery.of("payouts.itemized.3")):
        with pytest.raises(DatasetMismatchError, match=r"--to 3 --switch` finishes it"):
            pull(query, TWO_DAYS)


def test_a_file_of_the_old_question_that_was_on_its_way_is_refused(made: Store, tmp_path: Path) -> None:
    """It was allowed to be published before the switch, and comes to be placed after it."""
    old = SUCCESSION.predecessor
    key = made.keys(old)[0]
    kept = made.kept(old, key)
    assert kept is not None

    class Staged(PosixPath):
        """A file that is being placed, at the very moment of the switch."""

        def open(self, *arguments: Any, **options: Any) -> Any:
            made.switch(SUCCESSION)
            return super().open(*arguments, **options)

    staged = Staged(tmp_path / "staged.parquet")
    staged.write_bytes(Path(made.uri(old, key)).read_bytes())

    with pytest.raises(DatasetMismatchError, match=r"report_type is payouts\.itemized\.3 there"):
        made.publish(staged, old, kept)

    assert versions(made)["payouts_itemized"] == {"payouts.itemized.3"}


def test_a_table_that_lacks_a_partition_of_the_old_one_takes_no_name(made: Store, pull: Pull) -> None:
    pull(OLD, days("2026-06-03", 1))

    with pytest.raises(StoreError, match="has partitions that payouts_itemized_v3 lacks: 2026-06-03"):
        made.switch(SUCCESSION)

    assert made.unfinished(SUCCESSION.predecessor) is None
    assert made.keys(SUCCESSION.predecessor) == ("2026-06-01", "2026-06-02", "2026-06-03")


def test_a_name_that_is_taken_is_not_overwritten(made: Store, pull: Pull) -> None:
    pull(ReportQuery.of("payouts.itemized.1", name="payouts_itemized_v2"), TWO_DAYS)

    with pytest.raises(StoreError, match="payouts_itemized_v2 is there already"):
        made.switch(SUCCESSION)

    assert versions(made)["payouts_itemized"] == {"payouts.itemized.2"}
    assert made.unfinished(SUCCESSION.predecessor) is None


def test_an_object_store_says_what_to_do_instead() -> None:
    bucket = Store("s3://bucket/prefix?region=eu-west-1")

    with pytest.raises(ConfigurationError, match="configure the new one with `name: payouts_itemized_v3`"):
        bucket.switch(SUCCESSION)


def test_a_note_reads_back_and_anything_else_does_not() -> None:
    assert Succession.from_json(SUCCESSION.to_json()) == SUCCESSION
    for text in ("", "{}", "[]", '{"predecessor": 1, "successor": 2}'):
        with pytest.raises(ValueError, match=r".+"):
            Succession.from_json(text)
