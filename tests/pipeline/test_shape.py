"""The columns configured now and those a published file has: none is lost, no run is made twice."""

import logging
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from connector.api.client import StripeClient
from connector.dataset.provenance import Provenance
from connector.dataset.store import Store
from connector.errors import DatasetMismatchError
from connector.query import ReportQuery
from connector.runs.events import Origin
from connector.simulator import Simulator
from tests.conftest import Pull
from tests.faults.files import AddedColumn
from tests.faults.network import Respond
from tests.support.partitions import days, done

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
    assert str(pq.read_schema(Path(outcome.published.uri)).field("net_amount").type) == "decimal128(36, 18)"
    assert outcome.published.change is not None
    assert "net_amount decimal128(36, 18) instead of string" in " ".join(outcome.published.change.texts())
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
