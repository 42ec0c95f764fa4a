"""How often a report run is asked for whose creation Stripe leaves open."""

import pytest

from connector.api.client import StripeClient
from connector.api.models import RunStatus
from connector.errors import ServerError
from connector.query import ReportQuery
from connector.runs.creation import create_once
from connector.simulator import Simulator
from connector.simulator.faults import Stage
from tests.faults.network import Respond
from tests.support.clock import ManualClock
from tests.support.partitions import days

REQUEST = ReportQuery.of("balance_summary").request(days("2026-05-10", 1)[0])


@pytest.mark.parametrize(("failures", "created"), [(5, 1), (6, 0)])
def test_a_creation_of_unknown_outcome_is_tried_six_times(
    simulator: Simulator, client: StripeClient, *, failures: int, created: int
) -> None:
    simulator.faults.add(Respond(500), "POST *", times=failures)

    outcome: object = None
    try:
        outcome = create_once(client, REQUEST, (), alike=(REQUEST,))
    except ServerError as error:
        outcome = error

    assert isinstance(outcome, ServerError) is not bool(created)
    assert len(simulator.runs) == created
    assert sum(seen.method == "POST" for seen in simulator.requests) == 6


def test_a_run_whose_creation_was_answered_with_a_failure_is_found_in_the_list_as_a_replay(
    simulator: Simulator, client: StripeClient
) -> None:
    """Whether it is this command's own is not known: another one may have asked at the same moment."""
    simulator.faults.add(Respond(500, stage=Stage.AFTER), "POST *")

    found = create_once(client, REQUEST, (), alike=(REQUEST,))

    assert (found.id, found.replayed) == (simulator.runs[0].id, True)
    assert len(simulator.runs) == 1


def test_a_run_that_stripes_store_of_answers_brings_back_is_a_replay_however_it_stands_by_then(
    simulator: Simulator, client: StripeClient, clock: ManualClock
) -> None:
    first = create_once(client, REQUEST, (), alike=(REQUEST,))
    clock.sleep(120)

    again = create_once(client, REQUEST, (), alike=(REQUEST,))

    assert (first.replayed, again.replayed) == (False, True)
    assert again.id == first.id
    assert again.status is RunStatus.SUCCEEDED
    assert len(simulator.runs) == 1
