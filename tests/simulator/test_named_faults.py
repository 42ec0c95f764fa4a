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
    # Three days take fewer requests than it lets through.
    "expired-key": (3, {"succeeded": 3}),
}


@pytest.mark.parametrize("name", NAMED_FAULTS)
def test_each_has_its_outcome(simulator: Simulator, pull: Pull, name: str) -> None:
    NAMED_FAULTS[name](simulator.faults)

    events = pull(QUERY, days("2026-06-01", 3))

    runs = Counter(run.status(simulator.now()) for run in simulator.runs)
    assert (len(done(events)), runs) == BECOMES[name]
    assert len(done(events)) + len(missed(events)) == 3


def test_the_restated_days_have_one_more_row_when_they_are_refreshed(
    simulator: Simulator, pull: Pull
) -> None:
    ago = f"{simulator.now() - timedelta(days=2):%Y-%m-%d}"
    last_month = f"{simulator.now().replace(day=1) - timedelta(days=1):%Y-%m-%d}"
    both = [*days(last_month, 1), *days(ago, 1)]
    before = done(pull(QUERY, both))

    assert [f"{day}" for day in restate(simulator)] == [last_month, ago]
    after = done(pull(QUERY, both, refresh=[last_month, ago]))

    assert {key: event.published.provenance.rows for key, event in after.items()} == {
        key: event.published.provenance.rows + 1 for key, event in before.items()
    }


def test_a_key_that_expires_on_the_way_leaves_what_was_stored_and_the_next_goes_on(
    simulator: Simulator, pull: Pull
) -> None:
    month = days("2026-05-01", 31)
    NAMED_FAULTS["expired-key"](simulator.faults)
    first = pull(QUERY, month)
    created = len(simulator.runs)
    simulator.faults.clear()

    assert 0 < len(done(first)) < 31
    assert all("check STRIPE_API_KEY" in str(event.error) for event in missed(first).values())
    assert len(done(pull(QUERY, month))) == 31
    assert len(simulator.runs) == max(created, 31)
