"""A file that replaced another one says what changed, also where rows and totals are the same."""

from dataclasses import dataclass
from decimal import Decimal

from connector.query import ReportQuery
from connector.simulator import Simulator
from tests.conftest import Pull
from tests.faults.file_editing import FileFault, Table
from tests.support.clock import ManualClock
from tests.support.partitions import days, done

SUMMARY = ReportQuery.of("balance_summary")
DAY = days("2026-06-01", 1)


@dataclass(frozen=True)
class MovedBalances(FileFault):
    """Opening and closing balance are five more, so that they agree with each other and with the rows."""

    def edit(self, table: Table) -> None:
        for row in table.rows:
            if row["category"] in {"starting_balance", "ending_balance"}:
                row["net_amount"] = str(Decimal(row["net_amount"] or 0) + 5)


def test_balances_that_moved_are_named_with_their_difference(
    simulator: Simulator, pull: Pull, clock: ManualClock
) -> None:
    pull(SUMMARY, DAY)
    clock.sleep(24 * 3600)
    simulator.faults.add(MovedBalances())

    change = done(pull(SUMMARY, DAY, refresh=[DAY[0].key]))[DAY[0].key].published.change

    assert change is not None
    assert (change.rows, change.totals) == (0, {})
    said = " ".join(change.texts())
    assert "net_amount of ending_balance" in said
    assert "net_amount of starting_balance" in said
    assert "+5.00 usd" in said
