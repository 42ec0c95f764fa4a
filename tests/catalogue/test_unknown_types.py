"""Report types the catalogue does not know, or knows without their columns, go the whole way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from connector.api.client import StripeClient
from connector.api.credentials import Hosts
from connector.catalogue import COLUMNS, REPORTS
from connector.convert.arrow_types import MONEY, arrow_type
from connector.dataset.store import Store
from connector.errors import ConfigurationError, InvalidRequestError, SchemaMismatchError
from connector.pipeline.collect import Asked, collect
from connector.query import ReportQuery
from connector.runs.events import Origin
from connector.simulator import Simulator
from connector.simulator.report_types.documented import DOCUMENTED_TYPES
from connector.simulator.report_types.observed import REPORT_TYPES
from tests.conftest import ClientFor, Pull
from tests.faults.files import AddedColumn, RemovedColumn
from tests.faults.runs import FileReads
from tests.support.clock import ManualClock
from tests.support.partitions import days, done, missed
from tests.support.workers import InlineWorkers

WEEK = days("2026-05-31", 7)
DAY = WEEK[:1]
LIVE_KEY = "sk_live_for_all_types"
BY_HEADER = [spec.id for spec in REPORTS.values() if not spec.columns]
SERVED = {each.id for each in REPORT_TYPES}
NEW = "lunar_activity.itemized.1"
FEES = "all_fees.balance_transaction_created.itemized.2"


@pytest.fixture
def simulator(clock: ManualClock) -> Simulator:
    """With one type that came after our release, and those whose columns the catalogue does not know."""
    activity = next(each for each in DOCUMENTED_TYPES if each.id == "balance_change_from_activity.itemized.3")
    unserved = (NEW, *(id for id in BY_HEADER if id not in SERVED))
    types = (*REPORT_TYPES, *(replace(activity, id=id) for id in unserved))
    return Simulator(clock, seed=7, volume=3, opening=date(2026, 5, 1), report_types=types)


@pytest.fixture
def client(simulator: Simulator, client_for: ClientFor) -> StripeClient:
    return client_for(simulator.handle, api_key=LIVE_KEY)


Read = Callable[[ReportQuery], pa.Table]


@pytest.fixture
def read(store: Store) -> Read:
    def table(query: ReportQuery) -> pa.Table:
        return store.arrow_dataset(query.dataset(mode="live", account=None)).to_table()

    return table


# Described by the configuration


def test_a_new_type_is_pulled_with_the_columns_described(pull: Pull, read: Read) -> None:
    query = ReportQuery.of(NEW, columns={"balance_transaction_id": None, "net": "money", "currency": "text"})

    outcome = done(pull(query, DAY))[DAY[0].key]

    assert outcome.published.provenance.rows > 0
    assert outcome.published.provenance.added_columns == ()
    assert read(query).schema.field("net").type == MONEY


def test_a_column_described_as_another_type_is_kept_as_that(pull: Pull, read: Read) -> None:
    query = ReportQuery.of("balance_summary", columns={"net_amount": "text", "currency": None})

    assert done(pull(query, DAY))

    assert read(query).schema.field("net_amount").type == pa.string()


def test_the_same_bytes_read_with_other_types_are_another_version_of_the_data(pull: Pull) -> None:
    known = ReportQuery.of("balance_summary", columns=["net_amount", "currency"])
    other = ReportQuery.of("balance_summary", name="other", columns={"net_amount": "text", "currency": None})

    one, two = (done(pull(query, DAY))[DAY[0].key].published.provenance for query in (known, other))

    assert one.csv_sha256 == two.csv_sha256
    assert one.data_version != two.data_version


# Read by the header


@pytest.mark.parametrize("report", BY_HEADER)
def test_a_type_without_known_columns_is_typed_by_its_header_without_personal_data(
    pull: Pull, read: Read, report: str
) -> None:
    query = ReportQuery.of(report)

    outcomes = done(pull(query, WEEK))

    assert len(outcomes) == len(WEEK)
    table = read(query)
    assert {"currency"} < set(table.schema.names)
    stored = {field.name: field.type for field in table.schema}
    known = {each.stored_name: each for each in COLUMNS.values() if each.stored_name in stored}
    assert known
    assert not any(each.personal for each in known.values())
    assert {name: stored[name] for name in known} == {
        name: arrow_type(each, None) for name, each in known.items()
    }
    assert {each.published.provenance.added_columns for each in outcomes.values()} == {()}


def test_personal_data_in_such_a_file_are_not_stored_and_it_says_so(
    simulator: Simulator, pull: Pull, read: Read
) -> None:
    simulator.faults.add(AddedColumn("customer_email", "ada@example.com"), "POST")
    query = ReportQuery.of(NEW, columns={})

    outcome = done(pull(query, DAY))[DAY[0].key]

    assert "customer_email" not in read(query).schema.names
    assert "net" in read(query).schema.names
    assert outcome.published.provenance.withheld_columns == ("customer_email",)
    assert outcome.published.provenance.added_columns == ()


def test_such_a_report_named_by_its_columns_has_those_alone(pull: Pull, read: Read) -> None:
    query = ReportQuery.of("all_fees.incurred_at.itemized.2", columns=["net", "currency", "customer_email"])

    assert done(pull(query, DAY))

    assert read(query).schema.names[:3] == ["net", "currency", "customer_email"]


def test_a_sentence_is_not_taken_for_a_file_whose_columns_nobody_knows(
    simulator: Simulator, pull: Pull
) -> None:
    simulator.faults.add(FileReads(lambda _: b"Service unavailable\nTry later\n"), "POST", times=None)

    outcome = missed(pull(ReportQuery.of(NEW, columns={}), DAY))[DAY[0].key]

    assert isinstance(outcome.error, SchemaMismatchError)
    assert "does not begin with names of columns but with Service unavailable" in str(outcome.error)


def test_a_run_left_by_a_killed_process_is_adopted_though_stripe_filled_the_columns_in(
    simulator: Simulator, client: StripeClient, store: Store, pull: Pull
) -> None:
    query = ReportQuery.of(NEW, columns={})
    killed = collect(client, store, query, DAY, senders=InlineWorkers(), converters=InlineWorkers())
    next(event for event in killed if isinstance(event, Asked))

    outcome = done(pull(query, DAY))[DAY[0].key]

    assert outcome.origin is Origin.ADOPTED
    assert len(simulator.runs) == 1


def test_a_run_for_some_columns_does_not_answer_for_all(simulator: Simulator, pull: Pull) -> None:
    some = ReportQuery.of(NEW, name="some", columns={"net": None, "currency": None})
    assert done(pull(some, DAY))

    assert done(pull(ReportQuery.of(NEW, columns={}), DAY))[DAY[0].key].origin is Origin.CREATED


# Drift


def test_an_added_column_is_kept_as_text_and_told_once(
    simulator: Simulator, pull: Pull, read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.faults.add(AddedColumn(), "POST", times=None)
    query = ReportQuery.of("balance_summary")

    outcomes = done(pull(query, WEEK))

    assert {each.published.provenance.added_columns for each in outcomes.values()} == {("settlement_batch",)}
    assert set(read(query)["settlement_batch"].to_pylist()) == {"7"}
    told = [record.getMessage() for record in caplog.records if "settlement_batch" in record.getMessage()]
    assert told == [
        "balance_summary: Stripe sends columns that were not asked for, stored as text: settlement_batch"
    ]


def test_an_added_column_that_is_personal_is_not_stored_and_told(
    simulator: Simulator, pull: Pull, read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.faults.add(AddedColumn("customer_name", "Ada"), "POST", times=None)
    query = ReportQuery.of("balance_summary")

    outcomes = done(pull(query, WEEK))

    assert "customer_name" not in read(query).schema.names
    assert {each.published.provenance.withheld_columns for each in outcomes.values()} == {("customer_name",)}
    assert "may be personal data" in caplog.text
    assert "Ada" not in caplog.text


def test_a_missing_column_fails_naming_it_and_the_old_file_stays(simulator: Simulator, pull: Pull) -> None:
    query = ReportQuery.of("balance_summary")
    assert done(pull(query, DAY))
    simulator.faults.add(RemovedColumn("net_amount"), "POST", times=None)

    outcome = missed(pull(query, DAY, refresh={DAY[0].key}))[DAY[0].key]

    assert isinstance(outcome.error, SchemaMismatchError)
    assert "lacks net_amount" in str(outcome.error)
    assert not done(pull(query, DAY))[DAY[0].key].fetched


# Types of live mode


def test_a_type_of_live_mode_is_refused_to_a_test_key_before_any_request(
    simulator: Simulator, client_for: ClientFor, pull: Pull
) -> None:
    with pytest.raises(ConfigurationError, match=r"all_fees\.balance_tr.* needs a live-mode key"):
        pull(ReportQuery.of(FEES), DAY, client=client_for(simulator.handle))

    assert not simulator.requests


def test_where_the_api_is_simulated_the_simulator_decides(
    simulator: Simulator, client_for: ClientFor, pull: Pull
) -> None:
    local = client_for(simulator.handle, hosts=Hosts.of("http://127.0.0.1:1"))

    outcome = missed(pull(ReportQuery.of(FEES), DAY, client=local))[DAY[0].key]

    assert isinstance(outcome.error, InvalidRequestError)
    assert "needs a live-mode key" in str(outcome.error)


def test_a_type_a_test_key_does_not_have_may_be_one_of_live_mode(
    simulator: Simulator, client_for: ClientFor, pull: Pull
) -> None:
    unknown = ReportQuery.of("moon_rent.1", columns={"rent": "money"})

    outcome = missed(pull(unknown, DAY, client=client_for(simulator.handle)))[DAY[0].key]

    assert "if this is one, it needs a live-mode key" in str(outcome.error)
    assert "live-mode" not in str(missed(pull(unknown, DAY))[DAY[0].key].error), "the key is of live mode"


# Totals


def test_totals_are_by_the_currency_that_the_amount_is_in(pull: Pull) -> None:
    query = ReportQuery.of(
        "tax.summarized_export.1",
        columns={"total_tax_collected": None, "transaction_currency": None},
        parameters=["interval_start", "interval_end", "columns"],
    )

    totals = done(pull(query, DAY))[DAY[0].key].published.provenance.totals

    assert set(totals) == {"eur"}


def test_the_tax_export_of_one_country_and_some_states_is_pulled(pull: Pull, read: Read) -> None:
    query = ReportQuery.of("tax_itemized_export", filters={"country": "US", "states": ["CA", "NV"]})

    assert done(pull(query, WEEK))

    rows = read(query).to_pylist()
    assert {(row["country_code"], row["state_code"]) for row in rows} == {("US", "CA")}
