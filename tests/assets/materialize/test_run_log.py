"""Dagster's log of a run has each step of each partition, once: as an event of its own, or as a line."""

from collections.abc import Iterator

import dagster as dg
import pytest

from connector.simulator import Simulator
from tests.faults.runs import RunFails
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra

FIRST, LAST = "2026-05-01", "2026-05-03"


def lines(instance: dg.DagsterInstance, run_id: str) -> list[tuple[str, str]]:
    """What was logged for people, as level and text."""
    logged = [each for each in instance.all_logs(run_id) if not each.is_dagster_event]
    return [(dg_level(each.level), each.user_message) for each in logged]


def dg_level(level: int | str) -> str:
    return {20: "info", 30: "warning"}.get(int(level), str(level))


def test_each_step_of_each_partition_is_a_line_or_an_event(
    orchestra: Orchestra, summary: dg.AssetsDefinition
) -> None:
    result = orchestra.launch([summary], FIRST, LAST)

    logged = lines(orchestra.instance, result.run_id)
    for day in (FIRST, "2026-05-02", LAST):
        ours = [text.partition(":")[0].split()[-1] for _, text in logged if f" {day} " in text]
        assert ours == ["ready", "downloaded"]
    days = [FIRST, "2026-05-02", LAST]
    assert sorted(day for day, _ in orchestra.observed(summary)) == days
    assert sorted(day for day, _ in orchestra.recorded(summary)) == days
    assert {level for level, _ in logged} == {"info"}


def test_what_failed_is_a_warning_and_so_is_each_new_attempt(
    orchestra: Orchestra, summary: dg.AssetsDefinition, simulator: Simulator
) -> None:
    simulator.faults.add(RunFails(), "POST", times=None)

    result = orchestra.launch([summary], FIRST)

    warned = [text for level, text in lines(orchestra.instance, result.run_id) if level == "warning"]
    assert ["creating another" in text for text in warned] == [True, True, False]
    assert f"{FIRST} failed: " in warned[-1]


@pytest.fixture
def capturing() -> Iterator[dg.DagsterInstance]:
    """An instance that captures the connector's loggers by itself."""
    settings = {"python_logs": {"managed_python_loggers": ["connector"], "python_log_level": "INFO"}}
    with dg.instance_for_test(overrides=settings) as instance:
        yield instance


def test_an_instance_that_captures_by_itself_logs_nothing_twice(
    capturing: dg.DagsterInstance,
    simulator: Simulator,
    clock: ManualClock,
    summary: dg.AssetsDefinition,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    orchestra = Orchestra(capturing, simulator.handle, clock, tmp_path_factory.mktemp("data"))

    result = orchestra.launch([summary], FIRST)

    logged = [text for _, text in lines(capturing, result.run_id) if f" {FIRST} " in text]
    assert len(logged) == len(set(logged)) == 4
