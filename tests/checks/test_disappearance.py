"""An account or a currency that is gone since its file was replaced is named, with its rows and sums."""

import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.checks import Finding
from connector.checks.audit import audit
from connector.convert.arrow_types import MONEY
from connector.dataset.identity import Dataset
from connector.dataset.provenance import METADATA_KEY
from connector.dataset.store import MOST_SUPERSEDED, Store
from connector.query import ReportQuery
from tests.checks.conftest import JUNE_1, Books, Edited, dataset_of
from tests.conftest import Pull
from tests.faults.file_editing import Row
from tests.support.checks import check_file
from tests.support.clock import ManualClock
from tests.support.datasets import NOON, provenance, seal

ACTIVITY = "connected_account_balance_change_from_activity.itemized.3"
OWN = "balance_change_from_activity.itemized.3"
COLUMNS = ["connected_account", "currency", "net"]
CHECK = "no_account_or_currency_gone"
KEY = "2026-06-01"
HOUR = 3600.0

#: What a file amounts to: the rows of each account in each currency.
Version = Mapping[tuple[str | None, str | None], Sequence[Decimal]]

versions = st.lists(
    st.dictionaries(
        st.tuples(
            st.sampled_from(["acct_1A", "acct_1B", "acct_1C", None]),
            st.sampled_from(["usd", "jpy", "kwd", None]),
        ),
        st.lists(st.decimals(-99, 99, places=3), min_size=1, max_size=3),
        max_size=6,
    ),
    min_size=1,
    max_size=MOST_SUPERSEDED + 3,
)


def published(store: Store, dataset: Dataset, number: int, version: Version, columns: Sequence[str]) -> None:
    """Publish a file with these rows, as the answer to a report run of its own."""
    rows = [(*group, net) for group, amounts in version.items() for net in amounts]
    types = {"net": MONEY}
    values = {**{name: at for at, name in enumerate(COLUMNS)}, "connected_account_id": 0}
    table = pa.table(
        {
            name: pa.array([row[values[name]] for row in rows], types.get(name, pa.string()))
            for name in columns
        }
    )
    source = provenance(
        f"frr_{number}",
        made=NOON + timedelta(hours=number),
        table=dataset.table,
        report_type=dataset.report_type,
        period=KEY,
        parameters={"interval_start": 1, "interval_end": 2},
        rows=len(rows),
    )
    with store.staging() as staging:
        path = staging / "report.parquet"
        pq.write_table(table.replace_schema_metadata({METADATA_KEY: source.to_json()}), path)
        seal(path)
        store.publish(path, dataset, source)


def found(store: Store, query: ReportQuery, mode: str) -> Finding:
    dataset = query.dataset(mode=mode, account=None)
    by_name = {each.check.name: each.finding for each in check_file(store, dataset, query, KEY)}
    return by_name[CHECK]


@given(history=versions, column=st.sampled_from([COLUMNS, COLUMNS[1:]]))
def test_what_any_former_file_had_and_the_last_one_has_not_is_named(
    history: list[Version], column: list[str]
) -> None:
    """By account and currency; by currency alone where rows do not name the account."""
    query = ReportQuery.of(ACTIVITY if len(column) == len(COLUMNS) else OWN, columns=column)
    with tempfile.TemporaryDirectory() as root:
        store = Store(Path(root))
        for number, version in enumerate(history):
            published(store, query.dataset(mode="test", account=None), number, version, column)
        finding = found(store, query, "test")

    width = len(column) - 1
    groups = [{group[2 - width :] for group in version} for version in history]
    lost = set().union(*groups[-1 - MOST_SUPERSEDED : -1]) - groups[-1]
    names = {
        name(group, {each[0] for each in groups[-1]}) if width == 2 else group[0] or "null" for group in lost
    }
    assert finding.result == ("failed" if lost else "passed")
    assert finding.wrong == len(names)
    assert {each["gone"] for each in finding.examples} <= names
    assert len(finding.examples) == min(len(lost), 10)
    assert all(f"{each} (" in finding.reason for each in names)


def test_an_account_that_is_gone_from_its_platforms_own_books_is_named(tmp_path: Path) -> None:
    """Rows that are about no account are the platform's own, and have a currency alone."""
    columns = ["connected_account_id", "currency", "net"]
    query, store = ReportQuery.of(OWN, columns=columns), Store(tmp_path)
    dataset, ten = query.dataset(mode="test", account=None), Decimal(10)
    before: Version = {
        ("acct_1A", "usd"): [ten],
        ("acct_1B", "usd"): [ten],
        ("acct_1B", "eur"): [ten],
        (None, "usd"): [ten],
        (None, "jpy"): [ten],
    }
    published(store, dataset, 1, before, columns)
    published(store, dataset, 2, {("acct_1B", "usd"): [ten], (None, "usd"): [ten]}, columns)

    assert found(store, query, "test").reason.startswith(
        "Gone since a former file: jpy (1 row, 10 jpy), acct_1A (1 row, 10.00 usd), "
        "eur of acct_1B (1 row, 10.00 eur). "
    )


def name(group: tuple[str | None, ...], accounts: set[str | None]) -> str:
    account, currency = (each or "null" for each in group)
    return f"{currency} of {account}" if group[0] in accounts else account


def test_rows_and_sums_are_told_in_the_digits_of_the_currency(tmp_path: Path) -> None:
    query, store = ReportQuery.of(ACTIVITY, columns=COLUMNS), Store(tmp_path)
    dataset = query.dataset(mode="test", account=None)
    ten, hundred = Decimal(10), Decimal(100)
    before: Version = {
        ("acct_1A", "usd"): [ten],
        ("acct_1B", "jpy"): [hundred],
        ("acct_1B", "kwd"): [ten, Decimal("0.005")],
        ("acct_1A", "eur"): [Decimal("-0.5")],
    }
    published(store, dataset, 1, before, COLUMNS)
    assert found(store, query, "test").reason == "No account and no currency is gone."

    published(store, dataset, 2, {("acct_1A", "usd"): [ten, ten]}, COLUMNS)

    finding = found(store, query, "test")
    assert finding.reason.startswith(
        "Gone since a former file: eur of acct_1A (1 row, -0.50 eur), "
        "acct_1B (3 rows, 100 jpy, 10.005 kwd). The former file is "
    )
    former = tmp_path / ".superseded" / dataset.table
    (kept,) = tmp_path.glob(".superseded/**/*.parquet")
    assert str(kept) in finding.reason
    assert not former.exists()
    assert finding.examples[1] == {
        "gone": "acct_1B",
        "currency": "jpy",
        "rows": "1",
        "former report run": "frr_1",
        "net": "100",
    }

    kept.unlink()
    assert found(store, query, "test").result == "passed"


def test_a_former_file_with_other_columns_is_compared_by_those_it_has(tmp_path: Path) -> None:
    query, store = ReportQuery.of(ACTIVITY, columns=COLUMNS), Store(tmp_path)
    dataset = query.dataset(mode="test", account=None)
    published(
        store, dataset, 1, {("acct_1A", "eur"): [Decimal(1)], ("acct_1B", "usd"): [Decimal(1)]}, ["currency"]
    )
    published(store, dataset, 2, {("acct_1A", "usd"): [Decimal(1)]}, COLUMNS)

    assert found(store, query, "test").reason.startswith("Gone since a former file: eur (1 row). ")


@pytest.fixture
def refreshed(books: Books, pull: Pull, clock: ManualClock) -> ReportQuery:
    """All accounts in one file, then the same without the last of them."""
    query = books.pulled(ACTIVITY)
    account = books.simulator.connected_accounts[-1]

    def without(rows: list[Row]) -> None:
        rows[:] = [row for row in rows if row["connected_account"] != account]

    books.simulator.faults.add(Edited(without))
    clock.sleep(HOUR)
    pull(query, JUNE_1, refresh=[KEY])
    return query


def test_an_account_that_a_refresh_lacks_fails_in_the_audit_however_often_it_is_repeated(
    books: Books, refreshed: ReportQuery, pull: Pull, clock: ManualClock
) -> None:
    dataset = dataset_of(refreshed)
    account = books.simulator.connected_accounts[-1]

    def gone() -> list[str]:
        outcomes = audit(books.store, dataset)
        return [each.finding.reason for each in outcomes if each.check.name == CHECK and each.finding.wrong]

    (first,), (again,) = gone(), gone()
    assert first == again
    assert f"{account} (" in first
    assert "jpy" in first

    clock.sleep(HOUR)
    pull(refreshed, JUNE_1, refresh=[KEY])
    assert gone() == []


@pytest.mark.parametrize(
    "report", ["balance.summary.1", ACTIVITY, "connect.negative_balance_refunds_disputes_overview.1"]
)
def test_a_refresh_that_changes_nothing_loses_nothing(
    books: Books, pull: Pull, clock: ManualClock, report: str
) -> None:
    query = books.pulled(report)
    clock.sleep(HOUR)
    pull(query, JUNE_1, refresh=[KEY])

    assert books.findings(query)[CHECK].result == "passed"


def test_lines_of_a_summary_that_are_zero_are_not_missed(
    books: Books, pull: Pull, clock: ManualClock
) -> None:
    def zeros(rows: list[Row]) -> None:
        last = dict(rows[-1])
        rows.append({**last, "currency": "isk", "net_amount": "0"})

    query = books.pulled("balance.summary.1", Edited(zeros))
    clock.sleep(HOUR)
    pull(query, JUNE_1, refresh=[KEY])

    assert books.findings(query)[CHECK].result == "passed"
