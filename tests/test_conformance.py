"""Every report type Stripe documents goes the whole way: requested, converted, stored, read back, checked.

The catalogue and the simulator are two independent readings of the same documentation, so this is also
where they meet.
"""

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from connector.api.client import StripeClient
from connector.catalogue import REPORTS, ReportSpec, Status, columns_of
from connector.checks import CheckResult, list_file_checks
from connector.convert.arrow_types import arrow_type
from connector.dataset.store import Store
from connector.partitions import Partition
from connector.pipeline.collect import Done
from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.conftest import ClientFor, Pull
from tests.support.checks import check_file
from tests.support.clock import ManualClock
from tests.support.partitions import days, done, missed

DOCUMENTED = [spec for spec in REPORTS.values() if spec.status is Status.DOCUMENTED]
WEEK = days("2026-05-31", 7)


@pytest.fixture
def simulator(clock: ManualClock) -> Simulator:
    return Simulator(clock, seed=7, volume=3, run_seconds=0, opening=datetime(2026, 5, 1, tzinfo=UTC).date())


@pytest.fixture
def client(simulator: Simulator, client_for: ClientFor) -> StripeClient:
    """With a live key: some types exist in live mode only."""
    return client_for(simulator.handle, api_key="sk_live_conformance")


def read(store: Store, outcomes: dict[str, Done], query: ReportQuery) -> pa.Table:
    dataset = query.dataset(mode="live", account=None)
    return store.arrow_dataset(dataset, list(outcomes)).to_table()


def partitions_for(spec: ReportSpec, pull: Pull, store: Store) -> tuple[Partition, ...]:
    """A week of days; for a report about one payout, a few payouts out of the payouts report."""
    if not spec.by_payout:
        return WEEK
    connected = "connected_account" in spec.required
    source = "connected_account_payouts.itemized.3" if connected else "payouts.itemized.3"
    columns = ["payout_id", *(["connected_account"] if connected else [])]
    query = ReportQuery.of(source, name="payouts_to_look_into", columns=columns)
    rows = read(store, done(pull(query, WEEK)), query).to_pylist()[:3]
    assert rows
    return tuple(
        ReportQuery.of(spec.id).payout(
            f"{row['connected_account']}:{row['payout_id']}" if connected else row["payout_id"]
        )
        for row in rows
    )


@pytest.mark.parametrize("spec", DOCUMENTED, ids=lambda spec: spec.id)
def test_a_documented_report_goes_the_whole_way(spec: ReportSpec, pull: Pull, store: Store) -> None:
    query = ReportQuery.of(spec.id)
    partitions = partitions_for(spec, pull, store)

    events = pull(query, partitions)

    assert not missed(events)
    outcomes = done(events)
    table = read(store, outcomes, query)
    assert table.num_rows == sum(each.published.provenance.rows for each in outcomes.values())
    assert table.num_rows > 0
    assert not any(each.published.provenance.added_columns for each in outcomes.values())
    for column in query.columns:
        stored = table.schema.field(column.stored_name)
        assert stored.type == arrow_type(column, query.timezone)
        assert not column.personal
    bounds = {f"_{name}" for name in ("interval_start", "interval_end") if name in spec.parameters}
    for name in ("_interval_start", "_interval_end"):
        assert table[name].null_count == (0 if name in bounds else table.num_rows)
    if spec.net_columns:
        gross, fee, net = (table[name] for name in spec.net_columns)
        led = [combine(gross, fee) for combine in (pc.subtract, pc.add)]
        assert any(pc.all(pc.equal(each, net)).as_py() for each in led)
    fullest = max(outcomes, key=lambda key: outcomes[key].published.provenance.rows)
    checked = check_file(store, query.dataset(mode="live", account=None), query, fullest)
    assert [each.check for each in checked] == [*list_file_checks(query)]
    assert not [each for each in checked if each.finding.result is not CheckResult.PASSED]


@pytest.mark.parametrize(
    "spec",
    [spec for spec in DOCUMENTED if any(column.personal for column in columns_of(spec, spec.columns))],
    ids=lambda spec: spec.id,
)
def test_personal_data_are_stored_only_when_named(spec: ReportSpec, pull: Pull, store: Store) -> None:
    personal = [column for column in columns_of(spec, spec.columns) if column.personal]
    named = personal[0]
    partitions = partitions_for(spec, pull, store)[:2]
    plain = ReportQuery.of(spec.id, name="plain")
    asked = ReportQuery.of(spec.id, name="asked", columns=[*(c.name for c in plain.columns), named.name])

    without = read(store, done(pull(plain, partitions)), plain)
    with_it = read(store, done(pull(asked, partitions)), asked)

    assert not {column.stored_name for column in personal} & set(without.schema.names)
    assert {column.stored_name for column in personal} & set(with_it.schema.names) == {named.stored_name}
