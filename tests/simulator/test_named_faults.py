"""The faults that a person can ask for, and those that the command lists."""

from collections import Counter
from datetime import timedelta

import pytest

from connector.cli.simulate import FAULTS
from connector.query import ReportQuery
from connector.simulator import Simulator
from connector.simulator.named_faults import NAMED_FAULTS, restate
from tests.conftest import Pull
from tests.support.partitions import days, done, missed

QUERY = ReportQuery.of("balance_change_from_activity_itemized")


def test_the_command_lists_those_there_are() -> None:
    assert {*FAULTS} == {*NAMED_FAULTS, "restated"}


#: Of three days, how many are there in the end, and what becomes of the report runs.
BECOMES = {
    "slow-runs": (3, {"succeeded": 3}),
    "stuck-run": (2, {"pending": 1, "succeeded": 2}),
    "failed-run": (3, {"failed": 1, "succeeded": 3}),
    "failing-runs": (0, {"failed": 9}),
    "rate-limited": (3, {"succeeded": 3}),
    "server-errors": (3, {"succeeded": 3}),
    "cut-downloads": (3, {"succeeded": 3}),
    "no-permission": (0, {}),
}


@pytest.mark.parametrize("name", NAMED_FAULTS)
def test_each_has_its_outcome(simulator: Simulator, pull: Pull, name: str) -> None:
    NAMED_FAULTS[name](simulator.faults)

    events = pull(QUERY, days("2026-06-01", 3))

    runs = Counter(run.status(simulator.now()) for run in simulator.runs)
    assert (len(done(events)), runs) == BECOMES[name]
    assert len(done(events)) + len(missed(events)) == 3


def test_a_restated_day_has_one_more_row_when_it_is_refreshed(simulator: Simulator, pull: Pull) -> None:
    (day,) = days(f"{simulator.now() - timedelta(days=2):%Y-%m-%d}", 1)
    before = done(pull(QUERY, [day]))[day.key].published.provenance

    assert restate(simulator).date().isoformat() == day.key
    after = done(pull(QUERY, [day], refresh=[day.key]))[day.key].published.provenance

    assert after.rows == before.rows + 1
