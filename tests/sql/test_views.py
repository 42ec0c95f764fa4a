"""The views on tables: what they add up to is what the books and the files add up to, to the last decimal."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.catalogue.signs import OWN_FEES
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.money import EXACT, total
from connector.query import ReportQuery
from connector.simulator import Simulator
from connector.simulator.books.entries import Entry
from connector.sql.listing import TABLES, examples
from connector.sql.views.derived import OF_FILES, VIEWS
from connector.sql.warehouse import open_warehouse
from tests.conftest import Pull
from tests.support.clock import ManualClock
from tests.support.datasets import DATASET, lay
from tests.support.partitions import days, missed

FIRST, COUNT = "2026-05-08", 24
MONTH = days(FIRST, COUNT)
START = int(datetime(2026, 5, 8, tzinfo=UTC).timestamp())
END = START + COUNT * 86_400

BALANCE = "balance.summary.1"
ITEMS, SUMS = "balance_change_from_activity.itemized.3", "balance_change_from_activity.summary.1"
PAYOUTS, CONTENTS = "payouts.itemized.3", "payout_reconciliation.itemized.5"

Sums = dict[Any, Decimal]


def add_up(pairs: Iterator[tuple[Any, Decimal]]) -> Sums:
    """The sum of each key, those of zero left out."""
    found: defaultdict[Any, list[Decimal]] = defaultdict(list)
    for key, amount in pairs:
        found[key].append(amount)
    sums = {key: total(amounts) for key, amounts in found.items()}
    return {key: amount for key, amount in sums.items() if amount}


def asked(warehouse: duckdb.DuckDBPyConnection, query: str) -> Sums:
    """The last column of a query by those before it."""
    return add_up((row[:-1], row[-1]) for row in warehouse.sql(query).fetchall())


def pulled(pull: Pull, *reports: str, partitions: Sequence[Any] = MONTH, **options: Any) -> None:
    for report in reports:
        assert not missed(pull(ReportQuery.of(report, **options), partitions))


@pytest.fixture
def simulator(clock: ManualClock) -> Simulator:
    """A small Stripe in whose month a payout comes back."""
    return Simulator(clock, seed=6, volume=3, opening=date(2026, 5, 1))


@pytest.fixture
def books(simulator: Simulator) -> list[Entry]:
    """What the month consists of."""
    as_of = int(simulator.now().timestamp())
    return list(simulator.ledger().entries(START, END, as_of=as_of))


def category_of(entry: Entry) -> tuple[str, str, date]:
    return entry.currency, entry.category, datetime.fromtimestamp(entry.effective, UTC).date()


@pytest.mark.parametrize("reports", [(ITEMS,), (SUMS,), (ITEMS, SUMS)], ids=["items", "sums", "both"])
def test_daily_net_is_the_books(pull: Pull, store: Store, books: list[Entry], reports: tuple[str]) -> None:
    pulled(pull, *reports)
    moved = [each for each in books if not each.is_payout]

    with open_warehouse(store.root) as warehouse:
        of = "FROM daily_net"
        gross = asked(warehouse, f"SELECT currency, reporting_category, _date, gross {of}")
        fee = asked(warehouse, f"SELECT currency, reporting_category, _date, fee {of}")
        net = asked(warehouse, f"SELECT currency, reporting_category, _date, net {of}")
        rows = warehouse.sql("SELECT sum(rows) FROM daily_net").fetchall()

    assert gross == add_up((category_of(each), each.gross) for each in moved)
    assert fee == add_up((category_of(each), each.fee) for each in moved)
    assert net == add_up((category_of(each), each.net) for each in moved)
    assert rows == [(len(moved),)]


@pytest.mark.parametrize("report", [ITEMS, SUMS])
def test_fees_by_category_are_all_that_was_charged(
    pull: Pull, store: Store, books: list[Entry], report: str
) -> None:
    pulled(pull, report)

    with open_warehouse(store.root) as warehouse:
        found = asked(warehouse, "SELECT currency, reporting_category, _date, fee FROM fees_by_category")

    def charged(each: Entry) -> Decimal:
        return EXACT.minus(each.net) if each.category in OWN_FEES else each.fee

    assert found == add_up((category_of(each), charged(each)) for each in books if not each.is_payout)


def test_balances_are_the_books(pull: Pull, store: Store, simulator: Simulator, books: list[Entry]) -> None:
    pulled(pull, BALANCE)
    as_of = int(simulator.now().timestamp())

    with open_warehouse(store.root) as warehouse:
        opening = asked(warehouse, "SELECT currency, min_by(opening, _date) FROM balances GROUP BY ALL")
        closing = asked(warehouse, "SELECT currency, max_by(closing, _date) FROM balances GROUP BY ALL")
        moved = asked(warehouse, "SELECT currency, activity + topups FROM balances")
        paid = asked(warehouse, "SELECT currency, payouts FROM balances")
        off = warehouse.sql(
            "SELECT count(*) FILTER (WHERE difference IS DISTINCT FROM 0 OR other <> 0) FROM balances"
        ).fetchall()

    for at, found in ((START, opening), (END, closing)):
        totals = simulator.ledger().totals(at, as_of=as_of)
        assert found == add_up(((currency,), each.balance) for currency, each in totals.items())
    assert moved == add_up(((each.currency,), each.net) for each in books if not each.is_payout)
    assert paid == add_up(((each.currency,), each.net) for each in books if each.is_payout)
    assert off == [(0,)]


def test_lines_without_a_currency_are_those_of_the_only_one_there_is(tmp_path: Path) -> None:
    lines = [("starting_balance", "eur", 10), ("activity", "eur", 5), ("payouts", None, -7)]
    table = summary([*lines, ("payouts_gross", "", 0), ("ending_balance", "eur", 8)])
    lay(tmp_path, DATASET, "2026-06-01", table)

    with open_warehouse(tmp_path) as warehouse:
        found = warehouse.sql(
            "SELECT currency, opening, activity, payouts, closing, difference FROM balances"
        )

        assert found.fetchall() == [("eur", 10, 5, -7, 8, 0)]


PARTS = [
    ("starting_balance", 10), ("starting_balance_available", 4),
    ("activity_gross", 9), ("activity_fee", -1), ("topups_gross", 100), ("topups_fee", -2),
    ("payouts_gross", -20), ("payouts_fee", 0), ("corrections", 3), ("ending_balance", 99),
]  # fmt: skip


def test_lines_and_their_parts_are_told_apart(tmp_path: Path) -> None:
    lay(tmp_path, DATASET, "2026-06-01", summary([(line, "eur", amount) for line, amount in PARTS]))

    with open_warehouse(tmp_path) as warehouse:
        found = warehouse.sql(
            "SELECT opening, activity, payouts, topups, other, closing, difference FROM balances"
        )

        assert found.fetchall() == [(10, 8, -20, 98, 3, 99, 0)]


def test_a_line_of_unknown_kind_is_a_difference(tmp_path: Path) -> None:
    rows = summary([("starting_balance", "eur", 10), ("loans", "eur", 5), ("ending_balance", "eur", 15)])
    kinds = pa.array(["balance", None, "balance"])
    lay(
        tmp_path,
        DATASET,
        "2026-06-01",
        rows.set_column(rows.column_names.index("_row_kind"), "_row_kind", kinds),
    )

    with open_warehouse(tmp_path) as warehouse:
        assert warehouse.sql("SELECT opening, closing, difference FROM balances").fetchall() == [(10, 15, 5)]


def summary(lines: Sequence[tuple[str, str | None, Any]], *, money: pa.DataType | None = None) -> pa.Table:
    """A balance summary of the first of June."""
    day = datetime(2026, 6, 1, tzinfo=UTC)
    return pa.table(
        {
            "category": [line for line, _, _ in lines],
            "currency": [currency for _, currency, _ in lines],
            "net_amount": pa.array([Decimal(each) for _, _, each in lines], money or pa.decimal128(36, 18)),
            "_row_kind": ["balance" if "_balance" in line else "movement" for line, _, _ in lines],
            "_date": [day.date()] * len(lines),
            "_interval_start": [day] * len(lines),
            "_interval_end": [day + timedelta(days=1)] * len(lines),
        }
    )


def test_a_plain_sum_over_movements_is_right(pull: Pull, store: Store, books: list[Entry]) -> None:
    pulled(pull, BALANCE, SUMS)
    nets = add_up(((each.currency,), each.net) for each in books if not each.is_payout)

    with open_warehouse(store.root) as warehouse:
        balance = asked(warehouse, "SELECT currency, net_amount FROM balance_summary_movements")
        activity = asked(
            warehouse, "SELECT currency, net FROM balance_change_from_activity_summary_movements"
        )
        same = warehouse.sql(
            "SELECT currency, count(*) FROM balance_summary WHERE _row_kind = 'movement' GROUP BY ALL "
            "EXCEPT SELECT currency, count(*) FROM balance_summary_movements GROUP BY ALL"
        ).fetchall()

    assert balance == add_up(((each.currency,), each.net) for each in books)
    assert activity == nets
    assert same == []


def test_every_payout_is_beside_its_transactions(pull: Pull, store: Store, simulator: Simulator) -> None:
    pulled(pull, PAYOUTS, CONTENTS)
    ledger, as_of = simulator.ledger(), int(simulator.now().timestamp())
    made = ledger.arriving(START, END, as_of=as_of)
    returned = {each.id: each.amount for each in made if each.failed_at and each.failed_at < END}

    with open_warehouse(store.root) as warehouse:
        rows = warehouse.sql(
            "SELECT payout_id, currency, amount, transactions, net, difference FROM payout_contents "
            "WHERE amount IS NOT NULL"
        ).fetchall()
        came_back = asked(warehouse, "SELECT payout_id, returned FROM payout_contents")

    assert sorted(rows) == sorted(
        (each.id, each.currency, each.amount, len(ledger.contents(each)), each.amount, Decimal(0))
        for each in made
    )
    assert returned
    assert came_back == {(each,): amount for each, amount in returned.items()}


def laid(root: Path, report_type: str, rows: list[dict[str, Any]]) -> None:
    """A file of the first of June."""
    day = date(2026, 6, 1)
    table = pa.Table.from_pylist([{"currency": "eur", "_date": day, **each} for each in rows])
    amounts = pa.array([each["net"] for each in rows], pa.decimal128(18, 6))
    table = table.set_column(table.column_names.index("net"), "net", amounts)
    name = report_type.rpartition(".")[0].replace(".", "_")
    lay(root, dataclasses.replace(DATASET, table=name, report_type=report_type), "2026-06-01", table)


PAID = {"payout_id": "po_1", "reporting_category": "payout", "net": Decimal(7)}
MADE_OF = {"automatic_payout_id": "po_1", "reporting_category": "charge", "net": Decimal(7)}


@pytest.mark.parametrize(
    ("whose", "paid", "contents", "found"),
    [
        pytest.param("", [PAID], [MADE_OF], [("po_1", 7, 1, 0)], id="tied"),
        pytest.param(
            "",
            [PAID],
            [MADE_OF, MADE_OF | {"reporting_category": "payout", "net": Decimal(-7)}],
            [("po_1", 7, 1, 0)],
            id="the-payout-itself-is-none-of-its-transactions",
        ),
        pytest.param(
            "",
            [PAID, PAID | {"payout_id": "po_2"}],
            [MADE_OF],
            [("po_1", 7, 1, 0), ("po_2", 7, 0, None)],
            id="made-by-hand",
        ),
        pytest.param(
            "",
            [PAID],
            [MADE_OF, MADE_OF | {"automatic_payout_id": "po_3"}],
            [("po_1", 7, 1, 0), ("po_3", None, 1, None)],
            id="of-another-day",
        ),
        pytest.param(
            "connected_account_",
            [PAID | {"net": Decimal(-7)}],
            [MADE_OF],
            [("po_1", 7, 1, 0)],
            id="a-sign-that-nobody-has-seen",
        ),
        pytest.param(
            "", [PAID | {"net": Decimal(-7)}], [MADE_OF], [("po_1", -7, 1, -14)], id="a-sign-that-is-wrong"
        ),
    ],
)
def test_payouts_and_what_they_were_made_of(
    tmp_path: Path, whose: str, paid: list[Any], contents: list[Any], found: list[Any]
) -> None:
    laid(tmp_path, f"{whose}{PAYOUTS}", paid)
    laid(tmp_path, f"{whose}{CONTENTS.replace('5', '4')}", contents)

    with open_warehouse(tmp_path) as warehouse:
        rows = warehouse.sql(
            "SELECT payout_id, amount, transactions, difference FROM payout_contents ORDER BY payout_id"
        ).fetchall()

    assert rows == found


def test_a_payout_that_lacks_a_transaction_differs_by_it(pull: Pull, store: Store) -> None:
    pulled(pull, PAYOUTS, CONTENTS)
    with open_warehouse(store.root) as warehouse:
        payout, net, path = warehouse.sql(
            "SELECT automatic_payout_id, net, path FROM payout_reconciliation_itemized "
            "JOIN _partitions ON report_run_id = _report_run_id "
            "QUALIFY count(*) OVER (PARTITION BY automatic_payout_id) > 1 LIMIT 1"
        ).fetchall()[0]
        without = "SELECT difference FROM payout_contents WHERE payout_id = ?"
        assert warehouse.execute(without, [payout]).fetchall() == [(0,)]

    rows, metadata = pq.read_table(path, partitioning=None), pq.read_metadata(path).metadata
    place = list(zip(rows["automatic_payout_id"].to_pylist(), rows["net"].to_pylist(), strict=True)).index(
        (payout, net)
    )
    cut = pa.concat_tables([rows[:place], rows[place + 1 :]])
    pq.write_table(cut.replace_schema_metadata(metadata), path)

    with open_warehouse(store.root) as warehouse:
        assert warehouse.execute(without, [payout]).fetchall() == [(net,)]


def test_balances_of_connected_accounts_are_their_books(
    pull: Pull, store: Store, simulator: Simulator
) -> None:
    query = ReportQuery.of(f"connected_account_{BALANCE}", by_account=True)
    assert not missed(pull(query, query.each_account(MONTH[:9], simulator.connected_accounts)))
    at, as_of = START + 9 * 86_400, int(simulator.now().timestamp())

    with open_warehouse(store.root) as warehouse:
        found = asked(
            warehouse,
            "SELECT connected_account, currency, max_by(closing, _date) FROM balances GROUP BY ALL",
        )

    assert found == add_up(
        ((account, currency), each.balance)
        for account in simulator.connected_accounts
        for currency, each in simulator.ledger(account).totals(at, as_of=as_of).items()
    )


@pytest.mark.parametrize("by_account", [False, True])
def test_connected_accounts_are_apart(
    pull: Pull, store: Store, simulator: Simulator, by_account: bool
) -> None:
    accounts = simulator.connected_accounts
    for report in (f"connected_account_{each}" for each in (ITEMS, PAYOUTS, CONTENTS)):
        query = ReportQuery.of(report, by_account=by_account)
        first_ten = MONTH[:10]
        assert not missed(pull(query, query.each_account(first_ten, accounts) if by_account else first_ten))
    as_of = int(simulator.now().timestamp())
    moved = [
        ((account, each.currency), each)
        for account in accounts
        for each in simulator.ledger(account).entries(START, START + 10 * 86_400, as_of=as_of)
    ]

    with open_warehouse(store.root) as warehouse:
        net = asked(warehouse, "SELECT connected_account, currency, net FROM daily_net")
        fee = asked(warehouse, "SELECT connected_account, currency, fee FROM daily_net")
        paid = asked(warehouse, "SELECT connected_account, currency, amount FROM payout_contents")
        off = warehouse.sql("SELECT count(*) FROM payout_contents WHERE difference <> 0").fetchall()

    assert net == add_up((key, each.net) for key, each in moved if not each.is_payout)
    assert fee == add_up((key, each.fee) for key, each in moved if not each.is_payout)
    assert paid == add_up((key, EXACT.minus(each.net)) for key, each in moved if each.category == "payout")
    assert off == [(0,)]


def test_tables_of_one_report_are_united_by_name(pull: Pull, store: Store) -> None:
    pulled(pull, BALANCE, partitions=MONTH[:2])
    pulled(pull, BALANCE, partitions=MONTH[:1], name="another", filters={"currency": "eur"})

    with open_warehouse(store.root) as warehouse:
        found = warehouse.sql('SELECT "table", count(DISTINCT _date) FROM balances GROUP BY ALL ORDER BY ALL')

        assert found.fetchall() == [("another", 1), ("balance_summary", 2)]


def test_what_a_filter_leaves_out_is_not_taken_for_the_whole(pull: Pull, store: Store) -> None:
    pulled(pull, ITEMS, partitions=MONTH[:8], filters={"currency": "eur"})
    pulled(pull, SUMS, partitions=MONTH[:8])

    with open_warehouse(store.root) as warehouse:
        tables = warehouse.sql('SELECT DISTINCT "table" FROM daily_net').fetchall()

    assert tables == [("balance_change_from_activity_summary",)]


def test_a_view_is_there_where_its_tables_are(pull: Pull, store: Store) -> None:
    pulled(pull, PAYOUTS, partitions=MONTH[:1])

    with open_warehouse(store.root) as warehouse:
        names = warehouse.sql(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'stripe' ORDER BY 1"
        ).fetchall()

    assert names == [("_partitions",), ("payouts_itemized",), ("restated",)]


def test_a_table_of_that_name_comes_first(pull: Pull, store: Store) -> None:
    pulled(pull, BALANCE, partitions=MONTH[:1])
    pulled(pull, PAYOUTS, partitions=MONTH[:1], name="balances")

    with open_warehouse(store.root) as warehouse:
        assert "payout_id" in warehouse.table("balances").columns


def test_a_query_reads_the_tables_that_its_views_need_alone(pull: Pull, store: Store) -> None:
    pulled(pull, BALANCE, PAYOUTS, partitions=MONTH[:1])
    query = "SELECT count(*) FROM balances"

    with open_warehouse(store.root, query=query) as warehouse:
        names = warehouse.sql(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'stripe' ORDER BY 1"
        ).fetchall()

    assert names == [("balance_summary",), ("balances",)]


# Exactness

AMOUNTS = st.decimals(-(10**11), 10**11, places=6)


@settings(max_examples=20)
@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=5), money=st.sampled_from([(36, 18), (18, 6)]))
def test_amounts_are_exact_in_tables_of_either_type_and_multiply(
    tmp_path_factory: pytest.TempPathFactory, amounts: list[Decimal], money: tuple[int, int]
) -> None:
    root = tmp_path_factory.mktemp("exact")
    lines = [("activity", "usd", each) for each in amounts]
    lay(root, DATASET, "2026-06-01", summary(lines, money=pa.decimal128(*money)), header=("net_amount",))

    with open_warehouse(root) as warehouse:
        (activity, times) = warehouse.sql("SELECT activity, activity * 1.500000 FROM balances").fetchall()[0]
        moved = warehouse.sql("SELECT net_amount, net_amount * net_amount FROM balance_summary_movements")
        kinds = warehouse.sql("SELECT activity FROM balances").types
        found = moved.fetchall()

    assert activity == total(amounts)
    assert times == EXACT.multiply(total(amounts), Decimal("1.5"))
    assert found == [(each, EXACT.multiply(each, each)) for each in amounts]
    assert [str(each) for each in kinds] == ["DECIMAL(38,6)"]


@pytest.mark.parametrize("stated", [True, False])
def test_an_amount_with_more_decimals_is_never_rounded(tmp_path: Path, stated: bool) -> None:
    small = Decimal("0.0000001")
    sums = {"net_amount of activity": {"usd": small if stated else Decimal(0)}}
    lay(tmp_path, DATASET, "2026-06-01", summary([("activity", "usd", small)]), sums=sums)

    with open_warehouse(tmp_path) as warehouse:
        assert asked_or_refused(warehouse, "SELECT activity FROM balances") in (
            small,
            "query the table itself",
        )


def asked_or_refused(warehouse: duckdb.DuckDBPyConnection, query: str) -> Decimal | str:
    """An amount; or the end of the message that refuses it."""
    try:
        (row,) = warehouse.sql(query).fetchall()
    except duckdb.InvalidInputException as error:
        return str(error).rpartition(": ")[2]
    return Decimal(row[0])


# Files


def test_partitions_say_what_each_file_is_from(pull: Pull, store: Store) -> None:
    pulled(pull, BALANCE, partitions=MONTH[:3])
    (dataset,) = store.datasets()

    with open_warehouse(store.root) as warehouse:
        found = warehouse.sql(
            'SELECT "table", key, report_run_id, as_of, csv_sha256, data_version, rows, path FROM _partitions'
        ).fetchall()
        joined = warehouse.sql(
            "SELECT count(*) FROM balance_summary JOIN _partitions ON report_run_id = _report_run_id"
        ).fetchall()

    expected = [
        (
            each.table, key, each.run_id, each.as_of, each.csv_sha256, each.data_version, each.rows,
            store.uri(dataset, key),
        )
        for key, each in store.provenances(dataset).items()
        if each
    ]  # fmt: skip
    assert found == expected
    assert joined == [(sum(row[-2] for row in expected),)]


def test_restated_says_what_changed_since_first_published(
    pull: Pull, store: Store, simulator: Simulator, clock: ManualClock
) -> None:
    pulled(pull, ITEMS, partitions=MONTH[:2])
    runs = []
    for number, amount in enumerate(("-0.005991", "3")):
        at = START + 3600
        simulator.book_late(
            Entry(f"txn_{number}", "tax", at, at, "usd", Decimal(amount), Decimal(0), "adj_1", None)
        )
        clock.sleep(timedelta(days=2).total_seconds())
        events = pull(ReportQuery.of(ITEMS), MONTH[:2], refresh=[each.key for each in MONTH[:2]])
        runs.append(events)

    with open_warehouse(store.root) as warehouse:
        rows = warehouse.sql(
            "SELECT key, currency, rows_after - rows_before, difference FROM restated WHERE difference <> 0"
        ).fetchall()
        sums = warehouse.sql("SELECT net_after FROM restated WHERE currency = 'usd'").fetchall()
        now = warehouse.execute(
            "SELECT sum(net) FROM daily_net WHERE currency = 'usd' AND _date = ?", [date.fromisoformat(FIRST)]
        )

        assert rows == [(FIRST, "usd", 2, Decimal("2.994009"))]
        assert sums == now.fetchall()


# What they say of themselves


def test_every_column_says_what_it_means(pull: Pull, store: Store) -> None:
    pulled(pull, BALANCE, ITEMS, PAYOUTS, CONTENTS, partitions=MONTH[:1])

    with open_warehouse(store.root) as warehouse:
        silent = warehouse.sql(
            "SELECT table_name, column_name FROM duckdb_columns() "
            "WHERE schema_name = 'stripe' AND comment IS NULL"
        ).fetchall()
        listed: dict[str, list[str]] = defaultdict(list)
        for name, column in warehouse.sql(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'stripe'"
        ).fetchall():
            listed[name].append(column)

    documented: Mapping[str, Mapping[str, str]] = {
        **{each.name: each.columns for each in VIEWS},
        **{name: columns for name, (_, columns, _) in OF_FILES.items()},
    }
    assert silent == []
    assert {name: listed[name] for name in documented} == {
        name: list(each) for name, each in documented.items()
    }


def test_a_version_that_the_catalogue_does_not_have_is_read_like_the_newest_it_has(tmp_path: Path) -> None:
    dataset: Dataset = dataclasses.replace(DATASET, report_type="balance.summary.99")
    lay(
        tmp_path,
        dataset,
        "2026-06-01",
        summary([("starting_balance", "eur", 3), ("ending_balance", "eur", 3)]),
    )

    with open_warehouse(tmp_path) as warehouse:
        assert warehouse.sql("SELECT opening, difference FROM balances").fetchall() == [(3, 0)]


def test_every_example_runs(pull: Pull, store: Store) -> None:
    pulled(pull, BALANCE, ITEMS, PAYOUTS, CONTENTS, partitions=MONTH[:1])
    with open_warehouse(store.root, query=TABLES) as warehouse:
        listed = examples(warehouse)

    with open_warehouse(store.root) as warehouse:
        there = warehouse.sql(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'stripe'"
        ).fetchall()
        answered = [warehouse.sql(each.query).columns for each in listed]

    assert sorted((each.name,) for each in listed) == sorted(there)
    assert all(answered)
