"""Each step of each partition is one record: a line for people, fields for programs."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.api.download import Download
from connector.api.models import ReportFile, ReportRun
from connector.dataset.provenance import Published
from connector.errors import InternalError, NotReadyError, RunPendingError
from connector.pipeline.events import Asked, Done, Downloaded, Finished, Missed, Step
from connector.pipeline.log import JsonLines, StepLog, fields_of, listening
from connector.query import ReportQuery
from connector.runs.adoption import PartitionRequest, WaitPolicy
from connector.runs.events import Origin
from connector.simulator import Simulator
from tests.conftest import Pull
from tests.faults.network import Delay, Respond
from tests.faults.runs import RunFails, RunTakes
from tests.support.datasets import NOON, provenance
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


(DAY,) = days("2026-06-01", 1)
RUN = ReportRun.from_api(
    {"id": "frr_2", "report_type": "t.1", "status": "succeeded", "created": 1, "livemode": False}
)
FILE = ReportFile("file_2", NOON, 1234567, "finance_report_run")
READY = Finished(PartitionRequest(DAY, RUN.request), RUN, FILE, Origin.CREATED, attempts=2, waited=7.0006)
DOWNLOAD = Download(Path("x.csv"), 1234567, "sha", ("req_1",), transfers=3)
THERE = Published("x.parquet", provenance(rows=1250), None, outdated=False)
PUBLISHED = Done(DAY, THERE, fetched=True, origin=Origin.CREATED, waited=7.0, converted=2.0006)
OF_FILE = {
    "report_run_id": "frr_1",
    "file_id": "file_of_frr_1",
    "rows": 1250,
    "as_of": "2026-06-02T12:00:00Z",
}
TOOK = OF_FILE | {"reused": False, "converted_seconds": 2.001}


@pytest.mark.parametrize(
    ("step", "name", "text", "fields"),
    [
        (Asked(DAY, "frr_2", Origin.CREATED), "created", "report run frr_2", {"report_run_id": "frr_2"}),
        (Asked(DAY, "frr_2", Origin.ADOPTED), "adopted", "report run frr_2", {"report_run_id": "frr_2"}),
        (
            READY,
            "ready",
            "report run frr_2, waited for 7.0 s",
            {"report_run_id": "frr_2", "attempts": 2, "waited_seconds": 7.001},
        ),
        (
            Downloaded(READY, DOWNLOAD, 3.0006),
            "downloaded",
            "1,234,567 bytes of frr_2 in 3.0 s",
            {
                "report_run_id": "frr_2",
                "file_id": "file_2",
                "bytes": 1234567,
                "transfers": 3,
                "download_seconds": 3.001,
            },
        ),
        (PUBLISHED, "published", "1,250 rows of frr_1, 2.0 s after it was ready", TOOK),
        (
            replace(PUBLISHED, reused=True),
            "published",
            "1,250 rows of frr_1, 2.0 s after it was ready",
            TOOK | {"reused": True},
        ),
        (
            replace(PUBLISHED, published=replace(THERE, outdated=True)),
            "outdated",
            "1,250 rows of frr_1, 2.0 s after it was ready",
            TOOK,
        ),
        (
            replace(PUBLISHED, origin=Origin.RECONVERTED),
            "reconverted",
            "1,250 rows of frr_1, 2.0 s after it was ready",
            TOOK,
        ),
        (Done(DAY, THERE, fetched=False), "kept", "1,250 rows of frr_1", OF_FILE),
        (
            Done(DAY, replace(THERE, provenance=provenance(rows=1)), fetched=False),
            "kept",
            "1 row of frr_1",
            OF_FILE | {"rows": 1},
        ),
        (
            Missed(DAY, NotReadyError("not yet"), None),
            "not_ready",
            "not yet",
            {"error": "NotReadyError", "reason": "not yet"},
        ),
        (
            Missed(DAY, RunPendingError("late", run_id="frr_2"), "frr_2"),
            "late",
            "late",
            {"report_run_id": "frr_2", "error": "RunPendingError", "reason": "late"},
        ),
    ],
)
def test_each_step_has_a_line_and_fields_of_its_own(
    log: pytest.LogCaptureFixture, step: Step, name: str, text: str, fields: dict[str, object]
) -> None:
    StepLog(SUMMARY)(step)

    (record,) = log.records
    usual = {"table": "balance_summary", "partition": "2026-06-01", "report_type": "balance.summary.1"}
    assert record.getMessage() == f"balance_summary 2026-06-01 {name.replace('_', ' ')}: {text}"
    assert record.levelname == ("WARNING" if isinstance(step, Missed) else "INFO")
    assert fields_of(record) == usual | {"step": name} | fields
    assert record.exc_info is None


def test_an_error_that_nobody_foresaw_comes_with_its_traceback(log: pytest.LogCaptureFixture) -> None:
    cause = RuntimeError("odd")
    error = InternalError.of(cause)

    StepLog(SUMMARY)(Missed(DAY, error, None))

    assert log.records[0].exc_info
    assert log.records[0].exc_info[1] is cause


def test_a_listener_hears_from_information_upward_as_long_as_it_listens() -> None:
    package, handler = logging.getLogger("connector"), logging.Handler()
    heard: list[str] = []
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    before = package.level
    with listening(handler):
        package.info("one")
        package.debug("two")
    package.warning("three")

    assert heard == ["one"]
    assert package.level == before


def test_as_json_a_record_has_its_time_in_utc_and_its_fields_beside_the_line() -> None:
    record = logging.LogRecord("connector.x", logging.WARNING, "", 0, "a %s", ("b",), None)
    record.created = 1.25
    plain = json.loads(JsonLines().format(record))
    record.stripe = {"step": "kept"}

    assert plain == {
        "time": "1970-01-01T00:00:01.250000Z",
        "level": "warning",
        "logger": "connector.x",
        "message": "a b",
    }
    assert json.loads(JsonLines().format(record)) == plain | {"step": "kept"}


def test_durations_are_told_in_milliseconds(
    log: pytest.LogCaptureFixture, pull: Pull, simulator: Simulator
) -> None:
    """The file takes a quarter of a second."""
    simulator.faults.add(Delay(0.25), "GET */contents")

    pull(SUMMARY, days("2026-06-01", 1))

    (downloaded,) = [each for each in steps(log.records) if each["step"] == "downloaded"]
    assert 0.25 <= downloaded["download_seconds"] < 0.5
    assert 0.25 <= steps(log.records)[-1]["converted_seconds"] < 0.5


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
