"""The columns configured now and those a published file has: none is lost, no run is made twice."""

import logging
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pyarrow.parquet as pq
import pytest

from connector.api.client import StripeClient
from connector.dataset.provenance import Provenance, Published
from connector.dataset.store import Store
from connector.errors import DatasetMismatchError
from connector.money import NARROW as NARROW_MONEY
from connector.pipeline.collect import Done, Event, Missed, collect
from connector.query import ReportQuery
from connector.runs.events import Origin
from connector.simulator import Simulator
from tests.conftest import ClientFor, Pull
from tests.faults.files import AddedColumn
from tests.faults.network import Delay, EditJson, Respond
from tests.support.clock import NOON
from tests.support.partitions import days, done
from tests.support.workers import AsideClock, AsideWorkers

DAY = days("2026-06-01", 1)
KEY = DAY[0].key
NARROW = ("category", "net_amount", "currency")
GONE = b'{"error": {"type": "invalid_request_error", "message": "No such file"}}'


def summary(*columns: str) -> ReportQuery:
    return ReportQuery.of("balance_summary", columns=columns or None)


def stored(store: Store, query: ReportQuery) -> Provenance:
    found = store.provenance(query.dataset(mode="test", account=None), KEY)
    assert found is not None
    return found


def test_a_pull_never_loses_a_column(simulator: Simulator, pull: Pull, store: Store) -> None:
    pull(summary(), DAY)
    before = stored(store, summary())

    with pytest.raises(DatasetMismatchError, match=r"would lose description.*--force"):
        pull(summary(*NARROW), DAY)

    assert stored(store, summary()) == before
    assert len(simulator.runs) == 1


def test_a_restatement_loses_none_either(simulator: Simulator, pull: Pull) -> None:
    """It is due by itself: nobody said that columns may go."""
    pull(summary(), DAY)

    with pytest.raises(DatasetMismatchError, match="would lose description"):
        pull(summary(*NARROW), DAY, refresh=[KEY], drop_columns=())

    assert len(simulator.runs) == 1


def test_columns_go_where_that_is_wanted_and_the_change_names_them(simulator: Simulator, pull: Pull) -> None:
    pull(summary(), DAY)

    change = done(pull(summary(*NARROW), DAY, refresh=[KEY]))[KEY].published.change

    assert change is not None
    assert list(change.texts()) == ["columns: without description"]
    assert len(simulator.runs) == 2


def test_further_columns_need_a_report_run(simulator: Simulator, pull: Pull) -> None:
    pull(summary(*NARROW), DAY)

    outcome = done(pull(summary(), DAY))[KEY]

    assert outcome.origin is Origin.CREATED
    assert "description" in outcome.published.provenance.columns
    assert done(pull(summary(), DAY))[KEY].fetched is False
    assert len(simulator.runs) == 2


def test_further_columns_do_not_bring_back_older_rows(client: StripeClient, pull: Pull) -> None:
    """A settled run that has the columns is older than the published file."""
    old = summary().request(DAY[0])
    client.create_report_run(old, idempotency_key="somebody else")
    pull(summary(*NARROW), DAY)
    pull(summary(*NARROW), DAY, refresh={KEY})
    published = done(pull(summary(*NARROW), DAY))[KEY].published.provenance

    outcome = done(pull(summary(), DAY))[KEY].published.provenance

    assert outcome.as_of > published.as_of
    assert done(pull(summary(), DAY))[KEY].fetched is False


def test_the_same_columns_in_another_order_are_the_same_data(simulator: Simulator, pull: Pull) -> None:
    pull(summary(*NARROW), DAY)

    outcome = done(pull(summary(*reversed(NARROW)), DAY))[KEY]

    assert outcome.origin is Origin.RECONVERTED
    assert list(outcome.published.provenance.columns)[:3] == list(reversed(NARROW))
    assert done(pull(summary(*reversed(NARROW)), DAY))[KEY].fetched is False
    assert len(simulator.runs) == 1


def typed(kind: str) -> ReportQuery:
    columns = {"category": "text", "net_amount": kind, "currency": "text", "description": "text"}
    return ReportQuery.of("balance.summary.1", columns=columns)


def test_another_type_is_converted_from_the_published_runs_own_file(
    simulator: Simulator, pull: Pull, store: Store
) -> None:
    first = done(pull(typed("text"), DAY))[KEY].published.provenance

    outcome = done(pull(typed("money"), DAY))[KEY]

    assert outcome.origin is Origin.RECONVERTED
    assert not outcome.reused
    assert outcome.published.provenance.run_id == first.run_id
    assert outcome.published.provenance.data_version != first.data_version
    assert str(pq.read_schema(Path(outcome.published.uri)).field("net_amount").type) == NARROW_MONEY
    assert outcome.published.change is not None
    assert f"net_amount {NARROW_MONEY} instead of string" in " ".join(outcome.published.change.texts())
    assert len(simulator.runs) == 1


def test_what_a_sensor_asks_for_is_not_converted_again(simulator: Simulator, pull: Pull) -> None:
    pull(typed("text"), DAY)

    outcome = done(pull(typed("money"), DAY, reconvert=False))[KEY]

    assert outcome.fetched is False
    assert outcome.published.provenance.columns["net_amount"] == "string"
    assert len(simulator.runs) == 1


def test_a_file_that_is_gone_at_stripe_stays_as_it_is_and_this_is_said(
    simulator: Simulator, pull: Pull, caplog: pytest.LogCaptureFixture
) -> None:
    there = done(pull(typed("text"), DAY))[KEY].published.uri
    simulator.faults.add(Respond(404, GONE), "GET */contents")

    with caplog.at_level(logging.WARNING):
        outcome = done(pull(typed("money"), DAY))[KEY]

    assert outcome.fetched is False
    assert outcome.published.uri == there
    assert outcome.published.provenance.columns["net_amount"] == "string"
    run = outcome.published.provenance.run_id
    assert caplog.messages == [
        f"{typed('money').name} {KEY}: stored with other columns or types than are configured now, and the "
        "file "
        f"of {run} is gone at Stripe, so it stays as it is. --force requests a new report run."
    ]
    assert len(simulator.runs) == 1


def test_files_that_are_converted_again_are_waited_for(client_for: ClientFor, store: Store) -> None:
    clock = AsideClock(NOON)
    simulator = Simulator(clock, seed=7, volume=3, opening=date(2026, 5, 1))
    client, partitions = client_for(simulator.handle, clock=clock), days("2026-06-01", 4)

    def pull(query: ReportQuery) -> list[Event]:
        workers = AsideWorkers(clock)
        return list(collect(client, store, query, partitions, senders=workers, converters=workers))

    pull(typed("text"))
    simulator.faults.add(Delay(4), "GET */report_runs/*", times=None)

    ended = done(pull(typed("money")))

    assert [each.origin for each in ended.values()] == [Origin.RECONVERTED] * 4
    assert {each.waited for each in ended.values()} == {0.0}


@pytest.mark.parametrize("fault", [Respond(400), Respond(403), Respond(404, GONE)], ids=["400", "403", "404"])
def test_a_run_whose_file_cannot_be_read_again_ends_its_partition_unless_it_is_gone(
    simulator: Simulator, pull: Pull, fault: Respond
) -> None:
    there = done(pull(typed("text"), DAY))[KEY].published
    simulator.faults.add(fault, "GET */report_runs/*", times=None)

    (end,) = pull(typed("money"), DAY)

    expected = {
        400: Missed(DAY[0], ANY, there.provenance.run_id),
        403: Missed(DAY[0], ANY, there.provenance.run_id),
        404: Done(DAY[0], Published(there.uri, there.provenance, None, outdated=False), fetched=False),
    }
    assert end == expected[fault.status]
    assert getattr(getattr(end, "error", None), "status", 404) == fault.status


def test_a_run_that_has_no_file_any_more_leaves_its_partition_as_it_is(
    simulator: Simulator, pull: Pull
) -> None:
    there = done(pull(typed("text"), DAY))[KEY].published

    def lose(body: dict[str, Any]) -> None:
        body["result"] = None

    simulator.faults.add(EditJson(lose), "GET */report_runs/*", times=None)

    assert done(pull(typed("money"), DAY))[KEY].published.provenance == there.provenance


@pytest.mark.parametrize(
    ("name", "personal", "said"),
    [
        (
            "settlement_batch",
            False,
            "Stripe sends columns that were not asked for, stored as text: settlement_batch",
        ),
        (
            "customer_name",
            True,
            "not stored, as they may be personal data and were not asked for: customer_name. Name them in "
            "`columns` where they are wanted.",
        ),
    ],
)
def test_a_column_that_nobody_asked_for_is_told_once_and_stored_unless_it_may_be_personal(
    simulator: Simulator,
    pull: Pull,
    store: Store,
    caplog: pytest.LogCaptureFixture,
    *,
    name: str,
    personal: bool,
    said: str,
) -> None:
    simulator.faults.add(AddedColumn(name, "7"), "POST", times=None)

    pull(summary(), days("2026-06-01", 3))

    assert caplog.messages == [f"balance_summary: {said}"]
    found = stored(store, summary())
    assert (name in found.columns) is (name in found.added_columns) is not personal
    assert (name in found.withheld_columns) is personal
