"""Two companies never share a table: whose data it holds is looked up before more are published."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.api.credentials import Hosts
from connector.dataset.store import Store
from connector.errors import DatasetMismatchError
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.conftest import ClientFor, Pull
from tests.faults.network import Respond
from tests.support.clock import ManualClock
from tests.support.partitions import days, done, missed

SUMMARY = ReportQuery.of("balance_summary")
WEEK = days("2026-05-31", 7)


def another(clock: ManualClock, seed: int) -> Simulator:
    return Simulator(clock, seed=seed, volume=3, opening=datetime(2026, 5, 1, tzinfo=UTC).date())


def test_the_key_of_another_account_is_refused_before_it_creates_a_run(
    pull: Pull, client_for: ClientFor, clock: ManualClock
) -> None:
    first = done(pull(SUMMARY, WEEK[:2]))
    newest = max((each.published.provenance for each in first.values()), key=lambda each: each.run_created)
    stranger = another(clock, seed=8)

    with pytest.raises(DatasetMismatchError) as caught:
        pull(SUMMARY, WEEK[2:], client=client_for(stranger.handle))

    for each in ("another Stripe account", newest.run_id, "balance_summary", "--root", "`name`"):
        assert each in str(caught.value)
    assert not stranger.runs


def test_a_run_that_stripe_has_lost_does_not_make_the_account_another(
    pull: Pull, simulator: Simulator
) -> None:
    first = done(pull(SUMMARY, WEEK[:2]))
    newest = max((each.published.provenance for each in first.values()), key=lambda each: each.run_created)
    (lost,) = (each for each in simulator.runs if each.id == newest.run_id)
    lost.plan = replace(lost.plan, vanishes=0.0)

    assert len(done(pull(SUMMARY, WEEK))) == 7


def test_a_file_that_cannot_be_looked_at_does_not_hide_whose_the_table_is(pull: Pull, store: Store) -> None:
    pull(SUMMARY, WEEK[:3])
    file = Path(store.uri(SUMMARY.dataset(mode="test", account=None), WEEK[2].key))
    file.unlink()
    file.mkdir()

    events = pull(SUMMARY, WEEK)

    assert list(missed(events)) == [WEEK[2].key]
    assert len(done(events)) == 6


def test_a_run_that_stripe_answers_for_with_garbage_does_not_stop_the_others(
    pull: Pull, simulator: Simulator
) -> None:
    first = done(pull(SUMMARY, WEEK[:2]))
    newest = max((each.published.provenance for each in first.values()), key=lambda each: each.run_created)
    simulator.faults.add(Respond(200), f"GET */report_runs/{newest.run_id}", times=None)

    assert len(done(pull(SUMMARY, WEEK))) == 7


def test_the_same_account_goes_on(pull: Pull, simulator: Simulator) -> None:
    pull(SUMMARY, WEEK[:2])

    assert len(done(pull(SUMMARY, WEEK))) == 7
    assert len(simulator.runs) == 7


def test_a_table_without_files_takes_any_account(
    pull: Pull, client_for: ClientFor, clock: ManualClock
) -> None:
    assert done(pull(SUMMARY, WEEK[:1], client=client_for(another(clock, seed=8).handle)))


def local(client_for: ClientFor, simulator: Simulator) -> object:
    return client_for(simulator.handle, hosts=Hosts.of("http://127.0.0.1:1"))


def test_a_simulator_that_was_started_again_goes_on(
    pull: Pull, client_for: ClientFor, clock: ManualClock
) -> None:
    """It has forgotten its runs, and has the same books."""
    pull(SUMMARY, WEEK[:2], client=local(client_for, another(clock, seed=7)))

    assert len(done(pull(SUMMARY, WEEK, client=local(client_for, another(clock, seed=7))))) == 7


def test_a_simulator_with_other_books_is_refused(
    pull: Pull, client_for: ClientFor, clock: ManualClock, store: Store
) -> None:
    pull(SUMMARY, WEEK[:2], client=local(client_for, another(clock, seed=7)))
    other = another(clock, seed=8)

    with pytest.raises(DatasetMismatchError, match=r"simulated books .*--seed"):
        pull(SUMMARY, WEEK, client=local(client_for, other))

    assert not other.runs
    assert len(store.keys(SUMMARY.dataset(mode="simulated", account=None))) == 2
