"""Faults of files act where they are aimed; that each spoils what it says is seen in `tests/checks`."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.simulator import Match, Simulator
from connector.simulator.reports import csv_writer as csv_dialect
from connector.simulator.reports.csv_writer import document
from tests.faults.file_editing import Table, rows_of
from tests.faults.files import (
    KINDS,
    AddedColumn,
    NoRows,
    RepeatedRow,
    WrongClosing,
    plant_all,
)
from tests.support.clock import ManualClock
from tests.support.stripe import caller

BALANCE = "balance.summary.1"
ITEMS = "balance_change_from_activity.itemized.3"
TOTALS = "balance_change_from_activity.summary.1"
PAYOUTS = "payouts.itemized.3"
DAY = 86_400
JUNE_1 = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
WEEK: dict[str, Any] = {"interval_start": JUNE_1, "interval_end": JUNE_1 + 7 * DAY}


@pytest.fixture
def sim(clock: ManualClock) -> Simulator:
    """Runs end at once; data since the middle of May."""
    return Simulator(clock, seed=7, run_seconds=0, opening=date(2026, 5, 15))


def fetched(sim: Simulator, report_type: str, **parameters: Any) -> Table:
    """A file of one week as it comes over the wire."""
    form = {"report_type": report_type}
    form |= {f"parameters[{name}]": str(value) for name, value in {**WEEK, **parameters}.items()}
    with caller(sim) as http:
        result = http.post("/v1/reporting/report_runs", data=form).json()["result"]
        body = http.get(result["url"]).content
    assert len(body) == result["size"]
    return Table.read(body)


def truth(sim: Simulator, report_type: str) -> Table:
    return Table.read(sim.csv(report_type, **WEEK))


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

    def test_unless_it_is_lenient(self, sim: Simulator) -> None:
        sim.faults.add(WrongClosing(lenient=True), "POST")

        assert fetched(sim, ITEMS) == truth(sim, ITEMS)

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
