"""When events are written one by one, and what version stands for many."""

import pytest

from assets.materialize.event_recorder import combined_version, is_awaited


@pytest.mark.parametrize(
    ("downstream", "to_execute", "awaited"),
    [
        pytest.param(set(), ["report"], False, id="alone"),
        pytest.param({"books"}, ["report", "books"], True, id="a-reader-in-the-run"),
        pytest.param({"books"}, ["report"], False, id="a-reader-that-this-run-leaves-out"),
        pytest.param({"books"}, None, True, id="everything-is-carried-out"),
        pytest.param({"report"}, None, False, id="only-itself"),
    ],
)
def test_a_step_is_awaited_by_readers_in_its_own_run(
    downstream: set[str], to_execute: list[str] | None, awaited: bool
) -> None:
    assert is_awaited("report", downstream, to_execute) is awaited


def test_one_partition_keeps_its_own_version() -> None:
    assert combined_version({"2026-06-01": "abc"}) == "abc"


def test_the_version_of_many_does_not_depend_on_who_was_first() -> None:
    assert combined_version({"a": "1", "b": "2"}) == combined_version({"b": "2", "a": "1"})


def test_the_version_of_many_changes_with_any_of_them() -> None:
    versions = [combined_version({"a": one, "b": two}) for one, two in [("1", "2"), ("1", "3"), ("2", "1")]]

    assert len(set(versions)) == 3
