"""Each step of each partition is one record: a line for people, fields for programs."""

import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from connector.dataset.provenance import Published
from connector.pipeline.events import Done
from connector.pipeline.log import JsonLines, StepLog, fields_of
from connector.query import ReportQuery
from connector.runs.adoption import WaitPolicy
from connector.simulator import Simulator
from tests.conftest import Pull
from tests.faults.network import Delay, Respond
from tests.faults.runs import RunFails, RunTakes
from tests.support.datasets import provenance
from tests.support.partitions import days

SUMMARY = ReportQuery.of("balance_summary")


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "connector")
    return caplog


def steps(records: Sequence[logging.LogRecord]) -> list[dict[str, Any]]:
    return [dict(fields) for record in records if (fields := fields_of(record))]


def test_a_partition_goes_from_created_to_published(log: pytest.LogCaptureFixture, pull: Pull) -> None:
    pull(SUMMARY, days("2026-06-01", 2))

    for key in ("2026-06-01", "2026-06-02"):
        told = [each for each in steps(log.records) if each["partition"] == key]
        assert [each["step"] for each in told] == ["created", "ready", "downloaded", "published"]
        assert len({each["report_run_id"] for each in told}) == 1
        assert {each["table"] for each in told} == {"balance_summary"}
        _, ready, downloaded, published = told
        assert 5 <= ready["waited_seconds"] <= 60
        assert downloaded["bytes"] > 0
        assert downloaded["transfers"] == 1
        assert downloaded["file_id"] == published["file_id"]
        assert published["rows"] > 0


def test_what_is_there_is_kept_and_what_runs_already_is_adopted(
    log: pytest.LogCaptureFixture, pull: Pull
) -> None:
    pull(SUMMARY, days("2026-06-01", 1))
    pull(SUMMARY, days("2026-06-02", 1), wait_policy=WaitPolicy(wait_timeout=timedelta(0)))
    log.clear()

    pull(SUMMARY, days("2026-06-01", 2))

    told = [(each["partition"], each["step"]) for each in steps(log.records)]
    assert told[0] == ("2026-06-01", "kept")
    assert told[1] == ("2026-06-02", "adopted")


MISSED = {
    "late": (RunTakes(None), "2026-06-01"),
    "failed": (RunFails(), "2026-06-01"),
    # The data end with the 6th.
    "not_ready": (Delay(0), "2026-06-07"),
}


@pytest.mark.parametrize("step", MISSED)
def test_what_is_missed_is_a_warning_with_its_reason(
    log: pytest.LogCaptureFixture, pull: Pull, simulator: Simulator, step: str
) -> None:
    fault, day = MISSED[step]
    simulator.faults.add(fault, "POST", times=None)

    pull(SUMMARY, days(day, 1))

    record = log.records[-1]
    told = steps([record])[0]
    assert (record.levelname, told["step"]) == ("WARNING", step)
    assert told["error"].endswith("Error")
    assert record.getMessage() == f"balance_summary {day} {step.replace('_', ' ')}: {told['reason']}"


@pytest.mark.parametrize(("rows", "said"), [(1, "1 row"), (2, "2 rows"), (1_250, "1,250 rows")])
def test_rows_are_counted_as_people_say_it(log: pytest.LogCaptureFixture, rows: int, said: str) -> None:
    (day,) = days("2026-06-01", 1)
    published = Published("file.parquet", provenance(rows=rows), None, outdated=False)

    StepLog(SUMMARY)(Done(day, published, fetched=False))

    assert log.messages == [f"balance_summary 2026-06-01 kept: {said} of frr_1"]


def test_durations_are_told_in_milliseconds(
    log: pytest.LogCaptureFixture, pull: Pull, simulator: Simulator
) -> None:
    """The file takes a quarter of a second."""
    simulator.faults.add(Delay(0.25), "GET */contents")

    pull(SUMMARY, days("2026-06-01", 1))

    (downloaded,) = [each for each in steps(log.records) if each["step"] == "downloaded"]
    assert 0.25 <= downloaded["download_seconds"] < 0.5


def test_as_json_every_record_is_an_object_on_one_line(
    log: pytest.LogCaptureFixture, pull: Pull, simulator: Simulator
) -> None:
    simulator.faults.add(Respond(503, {"error": {"message": "line\nbreak"}}), "POST", times=4)

    pull(SUMMARY, days("2026-06-01", 1))

    lines = [JsonLines().format(record) for record in log.records]
    assert all("\n" not in line for line in lines)
    told = [json.loads(line) for line in lines]
    assert all({"time", "level", "logger", "message"} <= each.keys() for each in told)
    assert any("trying again" in each["message"] and "step" not in each for each in told)
    assert [each["step"] for each in told if "step" in each][-1] == "published"
