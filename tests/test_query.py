"""What tells partitions apart besides time: connected accounts, and payouts."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.accounts import AccountLife, AccountLives
from connector.catalogue import REPORTS, ReportSpec
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import ConfigurationError, DatasetMismatchError, InvalidRequestError, NotReadyError
from connector.partitions import KeyFormat, Partition, Windows
from connector.query import ReportQuery
from connector.simulator import Match, Simulator
from connector.simulator.faults import Stage
from connector.sql.warehouse import open_warehouse
from tests.conftest import Pull
from tests.faults.network import Respond
from tests.support.partitions import days, done, missed

ACTIVITY = "connected_account_balance_change_from_activity.itemized.3"
SUMMARY = "connected_account_balance.summary.1"
ONE_PAYOUT = "payout_reconciliation.by_id.itemized.4"
ONE_PAYOUT_THERE = "connected_account_payout_reconciliation.by_id.itemized.4"
WEEK = days("2026-05-31", 7)


def rows(store: Store, query: ReportQuery, keys: list[str] | None = None) -> pa.Table:
    return store.arrow_dataset(query.dataset(mode="test", account=None), keys).to_table()


def sums(table: pa.Table, column: str) -> dict[str, Decimal]:
    added = table.group_by("currency").aggregate([(column, "sum")]).to_pylist()
    return {row["currency"]: row[f"{column}_sum"] for row in added}


# Connected accounts


@pytest.fixture
def by_account() -> ReportQuery:
    return ReportQuery.of(ACTIVITY, by_account=True)


def test_the_days_of_each_account_are_what_one_run_for_all_brings(
    simulator: Simulator, pull: Pull, store: Store, by_account: ReportQuery
) -> None:
    together = ReportQuery.of(ACTIVITY, name="together")
    apart = by_account.each_account(WEEK, simulator.connected_accounts)

    assert not missed(pull(by_account, apart))
    assert not missed(pull(together, WEEK))

    ids = [rows(store, query)["balance_transaction_id"].to_pylist() for query in (by_account, together)]
    assert sorted(ids[0]) == sorted(ids[1])
    assert len(ids[0]) == len(set(ids[0])) > 0
    assert sums(rows(store, by_account), "net") == sums(rows(store, together), "net")


def test_a_summary_tells_accounts_apart_that_it_would_add_up(
    simulator: Simulator, pull: Pull, store: Store
) -> None:
    query = ReportQuery.of(SUMMARY, by_account=True)

    pull(query, query.each_account(WEEK[:1], simulator.connected_accounts))

    assert set(rows(store, query)["connected"].to_pylist()) == set(simulator.connected_accounts)


def test_the_keys_of_a_table_are_told_by_its_files(
    simulator: Simulator, pull: Pull, store: Store, by_account: ReportQuery
) -> None:
    partitions = by_account.each_account(WEEK[:2], simulator.connected_accounts[:2])
    pull(by_account, partitions)

    found = store.keys(by_account.dataset(mode="test", account=None))

    assert set(found) == {each.key for each in partitions}


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda at: pd.read_parquet(at, dtype_backend="pyarrow"), id="pandas"),
        pytest.param(lambda at: ds.dataset(at, partitioning="hive").to_table().to_pandas(), id="arrow"),
        pytest.param(lambda at: pl.scan_parquet(at, hive_partitioning=True).collect(), id="polars"),
        pytest.param(
            lambda at: duckdb.read_parquet(
                f"{at}/**/*.parquet", hive_partitioning=True, union_by_name=True
            ).pl(),
            id="duckdb",
        ),
    ],
)
def test_every_engine_the_readme_names_reads_the_table_whole(
    simulator: Simulator, pull: Pull, store: Store, by_account: ReportQuery, read: Callable[[str], Any]
) -> None:
    pull(by_account, by_account.each_account(WEEK[:3], simulator.connected_accounts))

    table = read(f"{store.root}/test/{by_account.name}")

    expected = rows(store, by_account)
    assert len(table) == expected.num_rows
    for name in ("connected", "connected_account"):
        assert {str(value) for value in table[name]} == set(simulator.connected_accounts)


def test_sql_reads_both_kinds_of_tables(simulator: Simulator, pull: Pull, store: Store) -> None:
    query, other = ReportQuery.of(SUMMARY, by_account=True), ReportQuery.of("balance_summary")
    pull(query, query.each_account(WEEK[:1], simulator.connected_accounts))
    pull(other, WEEK[:1])

    with open_warehouse(store.root) as warehouse:
        found = warehouse.table(query.name).select("connected, period").distinct().fetchall()
        periods = warehouse.table(other.name).select("period").distinct().fetchall()

    assert set(found) == {(account, WEEK[0].key) for account in simulator.connected_accounts}
    assert periods == [(WEEK[0].key,)]


def test_a_table_of_all_accounts_takes_none_of_single_ones(
    simulator: Simulator, pull: Pull, by_account: ReportQuery
) -> None:
    """Side by side they would count everything twice."""
    pull(ReportQuery.of(ACTIVITY), WEEK[:1])

    with pytest.raises(DatasetMismatchError, match="dimensions is none there and connected_account here"):
        pull(by_account, by_account.each_account(WEEK[:1], simulator.connected_accounts))


# Payouts


def payouts(store: Store, pull: Pull, report: str, *columns: str) -> list[dict[str, Any]]:
    """Automatic payouts of the week, as the report on payouts has them."""
    query = ReportQuery.of(report, name="payouts", columns=["payout_id", "net", "currency", *columns])
    pull(query, WEEK)
    return [row for row in rows(store, query).to_pylist() if row["net"] > 0]


def test_the_rows_of_a_payout_add_up_to_it(pull: Pull, store: Store) -> None:
    paid = payouts(store, pull, "payouts.itemized.3")
    query = ReportQuery.of(ONE_PAYOUT)

    events = pull(query, [query.payout(row["payout_id"]) for row in paid])

    assert not missed(events)
    assert paid
    for row in paid:
        assert sums(rows(store, query, [row["payout_id"]]), "net") == {row["currency"]: row["net"]}


def test_a_payout_of_a_connected_account_needs_the_account_too(pull: Pull, store: Store) -> None:
    paid = payouts(store, pull, "connected_account_payouts.itemized.3", "connected_account")
    query = ReportQuery.of(ONE_PAYOUT_THERE)
    keys = [f"{row['connected_account']}:{row['payout_id']}" for row in paid]

    outcomes = done(pull(query, [query.payout(key) for key in keys]))

    assert set(outcomes) == set(keys)
    assert keys
    for key, row in zip(keys, paid, strict=True):
        assert sums(rows(store, query, [key]), "net") == {row["currency"]: row["net"]}
        assert f"connected={row['connected_account']}/period=po_" in outcomes[key].published.uri


def test_with_the_account_pinned_the_payout_is_enough() -> None:
    query = ReportQuery.of(ONE_PAYOUT_THERE, filters={"connected_account": "acct_1"})

    request = query.request(query.payout("po_1"))

    assert (request.get("connected_account"), request.get("payout")) == ("acct_1", "po_1")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        pytest.param("The payout po_1 has not been reconciled yet.", NotReadyError, id="not-yet"),
        pytest.param("No such payout: 'po_1'", InvalidRequestError, id="unknown"),
    ],
)
def test_a_payout_that_stripe_refuses_is_not_ready_or_wrong_as_its_message_says(
    simulator: Simulator, pull: Pull, message: str, kind: type[Exception]
) -> None:
    error = {"type": "invalid_request_error", "message": message, "param": "parameters[payout]"}
    refusal = Respond(400, {"error": error}, stage=Stage.BEFORE)
    simulator.faults.add(refusal, Match("POST"))
    query = ReportQuery.of(ONE_PAYOUT)

    (missing,) = missed(pull(query, [query.payout("po_1")])).values()

    assert type(missing.error) is kind
    assert message in str(missing.error)


# What cannot be


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        pytest.param(lambda: ReportQuery.of(ONE_PAYOUT, window="daily"), "has no daily windows", id="window"),
        pytest.param(
            lambda: ReportQuery.of(ONE_PAYOUT, filters={"payout": "po_1"}), "cannot be given", id="filter"
        ),
        pytest.param(
            lambda: ReportQuery.of("balance_summary", window="payout"), "not about one payout", id="no-payout"
        ),
        pytest.param(
            lambda: ReportQuery.of("balance_summary").payout("po_1"), "not about one payout", id="windows"
        ),
        pytest.param(lambda: ReportQuery.of(ONE_PAYOUT).payout("txn_1"), "looks like po_", id="no-id"),
        pytest.param(
            lambda: ReportQuery.of(ONE_PAYOUT_THERE).payout("po_1"),
            "<connected_account>:<payout>",
            id="account-is-missing",
        ),
        pytest.param(
            lambda: ReportQuery.of("balance_summary", by_account=True),
            "takes no parameter 'connected_account'",
            id="no-accounts",
        ),
        pytest.param(
            lambda: ReportQuery.of(ACTIVITY, by_account=True, filters={"connected_account": "acct_1"}),
            "cannot be a filter",
            id="account-twice",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(
    ask: Callable[[], object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ask()


@given(
    window=st.sampled_from(["daily", "hourly", "payout"]),
    dimensions=st.sampled_from([(), ("connected_account",)]),
    account=st.from_regex(r"acct_[A-Za-z0-9]{1,20}", fullmatch=True),
    period=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20),
)
def test_a_path_gives_back_the_key_it_was_made_of(
    window: str, dimensions: tuple[str, ...], account: str, period: str
) -> None:
    dataset = Dataset("t", "test", None, "x.1", window, "UTC", dimensions=dimensions)
    key = dataset.key_format.key(*([account] if dimensions else []), period)

    path = dataset.file_path(key)

    assert dataset.key_of(path) == key
    assert path.count("/") == 4 + len(dimensions)


def test_a_pin_from_before_there_were_dimensions_is_still_read() -> None:
    dataset = Dataset("t", "test", None, "x.1", "daily", "UTC")
    before = dataset.to_json().replace('  "dimensions": [],\n', "")

    assert "dimensions" not in before
    assert Dataset.from_json(before) == Dataset.from_json(dataset.to_json()) == dataset


@pytest.mark.parametrize("spec", REPORTS.values(), ids=lambda each: each.id)
def test_a_platforms_report_is_not_asked_for_in_the_name_of_one_of_its_accounts(spec: ReportSpec) -> None:
    query = ReportQuery.of(spec.id)
    names_accounts = any(each.startswith("connected_account") for each in (spec.id, *spec.parameters))

    if names_accounts or spec.id.startswith("connect."):
        with pytest.raises(ConfigurationError, match=r"STRIPE_ACCOUNT, --account .* `connection.account`"):
            query.dataset(mode="live", account="acct_1")
    else:
        assert query.dataset(mode="live", account="acct_1").account == "acct_1"
    assert query.dataset(mode="live", account=None).account is None


def test_a_type_the_catalogue_does_not_know_is_a_platforms_by_its_id_or_its_parameters() -> None:
    by_id = ReportQuery.of("connected_account_moon.itemized.1", columns={})
    by_parameter = ReportQuery.of(
        "moon.itemized.1", columns={}, parameters=["interval_start", "interval_end", "connected_accounts"]
    )
    of_one = ReportQuery.of("moon.itemized.1", columns={})

    for query in (by_id, by_parameter):
        with pytest.raises(ConfigurationError, match="acct_1"):
            query.dataset(mode="live", account="acct_1")
    assert of_one.dataset(mode="live", account="acct_1").account == "acct_1"


def test_each_account_comes_with_all_windows() -> None:
    found = ReportQuery.of(ACTIVITY, by_account=True).each_account(WEEK[:2], ["acct_2", "acct_1"])

    assert [each.key for each in found] == [
        f"{account}|{window.key}" for account in ("acct_2", "acct_1") for window in WEEK[:2]
    ]
    assert found[0] == Partition(f"acct_2|{WEEK[0].key}", WEEK[0].interval, {"connected_account": "acct_2"})


@given(
    zone=st.sampled_from(["UTC", "Asia/Tokyo", "America/Los_Angeles"]),
    start=st.none() | st.integers(0, 6),
    length=st.none() | st.integers(0, 6),
)
def test_the_days_of_an_account_are_those_of_its_life_in_the_zone_of_the_table(
    zone: str, start: int | None, length: int | None
) -> None:
    first, every = date(2026, 6, 1), range(7)
    until = None if length is None else (start or 0) + length
    begins, ends = (None if each is None else first + timedelta(each) for each in (start, until))
    query = ReportQuery.of(SUMMARY, by_account=True, zone=zone)

    found = query.each_account(
        Windows("daily", zone).between(first, first + timedelta(7)),
        AccountLives((AccountLife("acct_1", begins, ends),)),
    )

    last = 6 if until is None else until
    assert [each.key for each in found] == [
        f"acct_1|{first + timedelta(n)}" for n in every if (start or 0) <= n <= last
    ]


@pytest.mark.parametrize("key", ["", "2026-06-01", "|2026-06-01", "acct_1|", "|"])
def test_a_key_that_lacks_the_account_or_the_period_is_none(key: str) -> None:
    with pytest.raises(ConfigurationError, match="is not the key of a partition"):
        KeyFormat("daily", ("account",)).values(key)
