"""How often a report run is asked for whose creation Stripe leaves open."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connector.api.client import StripeClient
from connector.api.models import RunStatus
from connector.errors import ServerError
from connector.query import ReportQuery
from connector.runs.creation import create_once, idempotency_key
from connector.simulator import Simulator
from connector.simulator.faults import Stage
from connector.simulator.protocol.messages import Json
from tests.conftest import ClientFor
from tests.faults.network import EditJson, Respond
from tests.support.clock import ManualClock
from tests.support.partitions import days

QUERY = ReportQuery.of("balance_summary")
REQUEST = QUERY.request(days("2026-05-10", 1)[0])
#: What is not the same: other columns, and another day.
OTHERS = (
    ReportQuery.of("balance_summary", columns=["currency", "net_amount"]).request(days("2026-05-10", 1)[0]),
    QUERY.request(days("2026-05-11", 1)[0]),
)


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


@settings(max_examples=20)
@given(failures=st.lists(st.sampled_from([*Stage][:-1]), max_size=2), late=st.booleans(), known=st.booleans())
@example(failures=[Stage.AFTER], late=True, known=False)
@example(failures=[Stage.EXECUTED], late=False, known=True)
def test_whatever_stripe_leaves_open_one_run_is_created(
    client_for: ClientFor, failures: list[Stage], late: bool, known: bool
) -> None:
    """But for those that Stripe has created, says that it has not, for a day, and does not list yet."""
    clock = ManualClock()
    simulator = Simulator(clock, volume=0)
    client = client_for(simulator.handle, clock=clock)
    for number, other in enumerate([*OTHERS, *([REQUEST] if known else [])]):
        client.create_report_run(other, idempotency_key=str(number))
    before = {run.id for run in simulator.runs}
    if late:

        def hide(page: Json) -> None:
            page["data"] = [each for each in page["data"] if each["id"] in before]

        simulator.faults.add(EditJson(hide), "GET */report_runs", times=None)

    for number, stage in enumerate(failures):
        simulator.faults.add(Respond(500, stage=stage), "POST *", skip=number)

    found = create_once(client, REQUEST, before if known else (), alike=(REQUEST,))

    assert found.request == REQUEST
    assert found.id not in before
    untold = failures.count(Stage.EXECUTED) if late else 0
    assert len(simulator.runs) - len(before) <= 1 + untold


@pytest.mark.parametrize("minutes", [0, 2, 300])
def test_a_run_whose_stored_answer_is_a_failure_is_found_hours_later(
    simulator: Simulator, client: StripeClient, clock: ManualClock, minutes: int
) -> None:
    simulator.faults.add(Respond(500, stage=Stage.EXECUTED), "POST *")
    key = idempotency_key(REQUEST, account=client.account, mode=client.mode, known=())
    with pytest.raises(ServerError):
        client.create_report_run(REQUEST, idempotency_key=key)
    clock.sleep(60 * minutes)

    found = create_once(client, REQUEST, (), alike=(REQUEST,))

    assert [run.id for run in simulator.runs] == [found.id]
