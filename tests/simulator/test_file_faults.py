"""Each kind of bad or odd file is bad or odd in the way it says, and in no other."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.simulator import SIMULATED_KEY, Match, Simulator
from connector.simulator.books.currencies import digits
from connector.simulator.reports import csv_writer as csv_dialect
from connector.simulator.reports.csv_writer import document
from tests.faults.file_editing import FileFault, Row, Table, rows_of
from tests.faults.files import (
    KINDS,
    AddedColumn,
    FineAmounts,
    ManyCurrencies,
    MovedBalances,
    NoRows,
    OddCell,
    OnlyPayouts,
    PayoutsWithoutCurrency,
    RemovedColumn,
    RepeatedRow,
    RowOutside,
    Subtotals,
    TooManyDecimals,
    UnbalancedRow,
    WrongClosing,
    WrongSummary,
    plant_all,
)
from tests.support.clock import ManualClock

BALANCE = "balance.summary.1"
ITEMS = "balance_change_from_activity.itemized.3"
TOTALS = "balance_change_from_activity.summary.1"
PAYOUTS = "payouts.itemized.3"
DAY = 86_400
JUNE_1 = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
WEEK: dict[str, Any] = {"interval_start": JUNE_1, "interval_end": JUNE_1 + 7 * DAY}
CENT = Decimal("0.01")


@pytest.fixture
def sim(clock: ManualClock) -> Simulator:
    """Runs end at once; data since the middle of May."""
    return Simulator(clock, seed=7, run_seconds=0, opening=date(2026, 5, 15))


def fetched(sim: Simulator, report_type: str, **parameters: Any) -> Table:
    """A file of one week as it comes over the wire."""
    form = {"report_type": report_type}
    form |= {f"parameters[{name}]": str(value) for name, value in {**WEEK, **parameters}.items()}
    transport = httpx.MockTransport(sim.handle)
    with httpx.Client(transport=transport, auth=(SIMULATED_KEY, "")) as http:
        result = http.post("https://api.stripe.com/v1/reporting/report_runs", data=form).json()["result"]
        body = http.get(result["url"]).content
    assert len(body) == result["size"]
    return Table.read(body)


def truth(sim: Simulator, report_type: str) -> Table:
    return Table.read(sim.csv(report_type, **WEEK))


@pytest.fixture
def spoil(sim: Simulator) -> Callable[[FileFault, str], tuple[Table, Table]]:
    """The file of a week without and with a fault."""

    def both(kind: FileFault, report_type: str) -> tuple[Table, Table]:
        sim.faults.add(kind, "POST")
        return truth(sim, report_type), fetched(sim, report_type)

    return both


Both = Callable[[FileFault, str], tuple[Table, Table]]


def differing(before: Table, after: Table) -> list[int]:
    """The numbers of the rows that changed, in tables of as many rows."""
    assert after.header == before.header
    pairs = enumerate(zip(before.rows, after.rows, strict=True))
    return [number for number, (old, new) in pairs if old != new]


def money(row: Row, column: str) -> Decimal:
    return Decimal(row[column] or "nothing")


def sums(table: Table, column: str = "net") -> dict[tuple[str | None, str | None], Decimal]:
    found: defaultdict[tuple[str | None, str | None], Decimal] = defaultdict(Decimal)
    for row in table.rows:
        found[row["reporting_category"], row["currency"]] += money(row, column)
    return found


def balances(table: Table) -> dict[str | None, dict[str | None, Decimal]]:
    found: defaultdict[str | None, dict[str | None, Decimal]] = defaultdict(dict)
    for row in table.rows:
        found[row["currency"]][row["category"]] = money(row, "net_amount")
    return dict(found)


def ends_where_it_leads(rows: dict[str | None, Decimal]) -> bool:
    return rows["ending_balance"] == rows["starting_balance"] + rows["activity"] + rows["payouts"]


class TestDrift:
    def test_a_column_is_added_at_the_end(self, spoil: Both) -> None:
        before, after = spoil(AddedColumn("batch", "7"), ITEMS)

        assert after.header == [*before.header, "batch"]
        assert {row["batch"] for row in after.rows} == {"7"}

    def test_or_in_the_middle(self, spoil: Both) -> None:
        before, after = spoil(AddedColumn("batch", None, before="net"), ITEMS)

        assert after.header.index("batch") == after.header.index("net") - 1 == before.header.index("net")

    @pytest.mark.parametrize(("name", "gone"), [(None, "description"), ("fee", "fee")])
    def test_a_column_is_gone(self, spoil: Both, name: str | None, gone: str) -> None:
        before, after = spoil(RemovedColumn(name), ITEMS)

        assert [column for column in before.header if column != gone] == after.header
        assert len(after.rows) == len(before.rows)


class TestBrokenIdentities:
    def test_in_one_row_net_is_not_gross_less_fee(self, spoil: Both) -> None:
        before, after = spoil(UnbalancedRow(), ITEMS)

        assert differing(before, after) == [0]
        row = after.rows[0]
        assert money(row, "net") - (money(row, "gross") - money(row, "fee")) == CENT

    def test_a_row_comes_twice(self, spoil: Both) -> None:
        before, after = spoil(RepeatedRow(), ITEMS)

        assert after.rows == [before.rows[0], *before.rows]

    def test_or_its_id_on_another_row(self, spoil: Both) -> None:
        before, after = spoil(RepeatedRow(whole=False), ITEMS)

        assert differing(before, after) == [1]
        repeated = Counter(row["balance_transaction_id"] for row in after.rows).most_common(1)
        assert repeated == [(before.rows[0]["balance_transaction_id"], 2)]

    @pytest.mark.parametrize(
        ("report_type", "column"),
        [(ITEMS, "created"), (PAYOUTS, "effective_at"), ("payouts.itemized.1", "effective_at_utc")],
    )
    def test_a_row_lies_outside_the_interval(self, spoil: Both, report_type: str, column: str) -> None:
        before, after = spoil(RowOutside(), report_type)

        assert differing(before, after) == [0]
        at = datetime.fromisoformat(after.rows[0][column] or "").replace(tzinfo=UTC).timestamp()
        assert at < WEEK["interval_start"] - 300 * DAY

    def test_a_balance_does_not_end_where_it_should(self, spoil: Both) -> None:
        _, after = spoil(WrongClosing(currency="eur"), BALANCE)

        wrong = [currency for currency, rows in balances(after).items() if not ends_where_it_leads(rows)]
        assert wrong == ["eur"]

    def test_a_balance_does_not_begin_where_the_last_one_ended(self, spoil: Both) -> None:
        before, after = spoil(MovedBalances(), BALANCE)

        for currency, rows in balances(after).items():
            assert ends_where_it_leads(rows)
            assert rows["starting_balance"] == balances(before)[currency]["starting_balance"] + CENT

    def test_a_summary_is_not_the_sum_of_its_items(self, sim: Simulator, spoil: Both) -> None:
        _, after = spoil(WrongSummary(), TOTALS)
        items = sums(truth(sim, ITEMS))

        off = {key: net - items[key] for key, net in sums(after).items() if net != items[key]}
        assert list(off.values()) == [CENT]
        assert all(money(row, "net") == money(row, "gross") - money(row, "fee") for row in after.rows)


class TestOddAndYetRight:
    def test_subtotals_stand_beside_their_parts(self, spoil: Both) -> None:
        before, after = spoil(Subtotals(), BALANCE)

        assert len(after.rows) == len(before.rows) * 2
        for rows in balances(after).values():
            assert ends_where_it_leads(rows)
            for name in ("activity", "payouts"):
                assert rows[name] == rows[f"{name}_gross"] + rows[f"{name}_fee"]

    def test_a_total_stands_below_its_categories(self, spoil: Both) -> None:
        before, after = spoil(Subtotals(), TOTALS)
        totals = after.rows[len(before.rows) :]

        assert after.rows[: len(before.rows)] == before.rows
        assert {row["reporting_category"] for row in totals} == {"total"}
        for total in totals:
            parts = [row for row in before.rows if row["currency"] == total["currency"]]
            assert money(total, "net") == sum(money(row, "net") for row in parts)
            assert int(total["count"] or 0) == sum(int(row["count"] or 0) for row in parts)

    def test_payout_rows_have_no_currency(self, spoil: Both) -> None:
        _, after = spoil(PayoutsWithoutCurrency(), BALANCE)

        assert all((row["currency"] is None) == (row["category"] == "payouts") for row in after.rows)

    @pytest.mark.parametrize("decimals", [6, 18])
    def test_fine_amounts_cancel_out(self, spoil: Both, decimals: int) -> None:
        before, after = spoil(FineAmounts(decimals), ITEMS)

        assert len(differing(before, after)) == 2
        assert sums(after) == sums(before)
        finest = min(money(row, "gross").as_tuple().exponent for row in after.rows)
        assert finest == -decimals
        assert all(money(row, "net") == money(row, "gross") - money(row, "fee") for row in after.rows)

    def test_twenty_currencies_still_agree(self, sim: Simulator) -> None:
        sim.faults.add(ManyCurrencies(20), times=None)
        balance, items, totals = (fetched(sim, each) for each in (BALANCE, ITEMS, TOTALS))
        payouts = fetched(sim, PAYOUTS)

        assert len(balances(balance)) == len({row["currency"] for row in items.rows}) == 20
        assert sums(items) == sums(totals)
        for currency, rows in balances(balance).items():
            assert ends_where_it_leads(rows)
            moved = sum(money(row, "net") for row in items.rows if row["currency"] == currency)
            paid = sum(money(row, "net") for row in payouts.rows if row["currency"] == currency)
            assert (moved, paid) == (rows["activity"], rows["payouts"])
        ids = [row["balance_transaction_id"] for row in items.rows]
        assert len(set(ids)) == len(ids)

    def test_only_payouts(self, sim: Simulator) -> None:
        sim.faults.add(OnlyPayouts(), times=None)

        assert fetched(sim, ITEMS).rows == fetched(sim, TOTALS).rows == []
        assert fetched(sim, PAYOUTS).rows == truth(sim, PAYOUTS).rows != []
        for rows in balances(fetched(sim, BALANCE)).values():
            assert rows["activity"] == 0
            assert ends_where_it_leads(rows)

    @pytest.mark.parametrize("report_type", [BALANCE, ITEMS, "tax.transactions.itemized.2"])
    def test_no_rows_is_a_header_alone(self, spoil: Both, report_type: str) -> None:
        before, after = spoil(NoRows(), report_type)

        assert (after.header, after.rows) == (before.header, [])


class TestOddCells:
    @pytest.mark.parametrize("currency", ["usd", "jpy", "kwd"])
    def test_one_row_has_a_decimal_too_many(self, spoil: Both, currency: str) -> None:
        before, after = spoil(TooManyDecimals(currency), ITEMS)

        (number,) = differing(before, after)
        row = after.rows[number]
        assert row["currency"] == currency
        assert money(row, "gross").as_tuple().exponent == -digits(currency) - 1
        assert money(row, "net") == money(row, "gross") - money(row, "fee")

    @pytest.mark.parametrize("text", ["about ten", "12,50", "NA", "null", "", None])
    @pytest.mark.parametrize("column", [None, "description"])
    def test_one_cell_says_something_else(self, spoil: Both, text: str | None, column: str | None) -> None:
        before, after = spoil(OddCell(text, column), ITEMS)

        assert after.rows[0][column or "gross"] == text
        assert after.rows[1:] == before.rows[1:]


class TestAiming:
    def test_a_fault_acts_on_the_runs_it_matches(self, sim: Simulator) -> None:
        sim.faults.add(NoRows(), Match(report_type="payouts.*"), times=None)

        assert fetched(sim, PAYOUTS).rows == []
        assert fetched(sim, ITEMS).rows == truth(sim, ITEMS).rows

    def test_several_act_one_after_the_other(self, sim: Simulator) -> None:
        sim.faults.add(AddedColumn("batch"), "POST")
        sim.faults.add(RepeatedRow(), "POST")
        found = fetched(sim, ITEMS)

        assert found.header[-1] == "batch"
        assert found.rows[0] == found.rows[1]

    def test_one_that_does_not_fit_says_so(self, sim: Simulator) -> None:
        sim.faults.add(WrongClosing(), "POST")

        with pytest.raises(ValueError, match="WrongClosing"):
            fetched(sim, ITEMS)

    def test_unless_it_is_lenient(self, spoil: Both) -> None:
        before, after = spoil(WrongClosing(lenient=True), ITEMS)

        assert after == before

    def test_plant_all_acts_on_all_sorts_of_runs(self, sim: Simulator) -> None:
        planted = plant_all(sim.faults, probability=0.2)
        spoiled = [
            fetched(sim, report_type, interval_start=JUNE_1 + DAY * day) != truth(sim, report_type)
            for day in range(6)
            for report_type in (BALANCE, ITEMS, TOTALS, PAYOUTS)
        ]

        assert set(planted) == set(KINDS)
        assert any(spoiled)
        assert all(each.hits for each in planted.values())

    @pytest.mark.parametrize("name", sorted(KINDS))
    def test_every_kind_leaves_a_file_without_rows_alone(self, name: str) -> None:
        header = ["balance_transaction_id", "category", "reporting_category", "currency", "created"]
        header += ["count", "gross", "fee", "net", "net_amount"]
        empty = document(header, [])

        assert Table.read(KINDS[name].change(empty)).rows == []

    @pytest.mark.parametrize("name", sorted(KINDS))
    def test_every_kind_changes_some_report(self, sim: Simulator, name: str) -> None:
        kind = KINDS[name]
        files = [sim.csv(report_type, **WEEK) for report_type in (BALANCE, ITEMS, TOTALS, PAYOUTS)]
        suited = [body for body in files if kind.suits(Table.read(body))]

        assert any(kind.change(body) != body for body in suited)


CELLS = st.none() | st.text(st.characters(codec="utf-8"), max_size=8)
FILES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=4)
)


class TestTakingFilesApart:
    @given(FILES)
    def test_what_was_written_is_read_null_and_empty_apart(self, rows: list[list[str | None]]) -> None:
        assert rows_of(b"".join(map(csv_dialect.row, rows))) == rows

    @pytest.mark.parametrize("body", [b"a,b\n", b'"a","b"', b'"a\n', b'"a";"b"\n'])
    def test_another_dialect_is_refused(self, body: bytes) -> None:
        with pytest.raises(ValueError, match=r"field|end"):
            rows_of(body)
