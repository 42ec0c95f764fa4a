"""Files in the form of real exports, of an account in London: their month is what its owner would see."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from connector.close import CurrencySheet, Month, close_month
from connector.close.sheet import Movement, TiedPayout
from connector.dataset.store import Store
from connector.query import ReportQuery
from connector.simulator import Match, Simulator
from tests.conftest import ClientFor, Pull
from tests.facts import report_types
from tests.faults.runs import FileReads
from tests.support.clock import ManualClock

SAMPLES = Path(report_types.__file__).parent / "samples"
BALANCE, CONTENTS = "balance.summary.1", "payout_reconciliation.itemized.5"
ACTIVITY, PAYOUTS = "balance_change_from_activity.summary.1", "payouts.itemized.3"
JULY, LONDON = Month.of("2024-07"), "Europe/London"

#: A payout of 9.00 that left on the 30th and reaches the bank on the 2nd of August.
ON_ITS_WAY = (
    b'"po_1SampleT","2024-07-30 00:00:00","2024-07-30 01:00:00","gbp","9.00","0.00","9.00","payout",'
    b'"txn_1SampleP9","STRIPE PAYOUT","2024-08-02 00:00:00","in_transit",,,"bank_account","STRIPE PAYOUT",'
    b'"ba_1SampleSampleSample0001","SAMPLE-TRACE-9","pending",\n'
)


def sheet_of(
    pull: Pull, store: Store, client_for: ClientFor, clock: ManualClock, **changed: bytes
) -> tuple[CurrencySheet, tuple[str, ...]]:
    """The sheet in pounds of July 2024, with rows added to files, and why the month cannot be closed."""
    simulator = Simulator(clock, seed=7, volume=1, run_seconds=0, opening=date(2024, 6, 1))
    client = client_for(simulator.handle)
    for id in (BALANCE, ACTIVITY, PAYOUTS, CONTENTS):
        # The activity in yen is of no account's balance here.
        lines = (SAMPLES / f"{id}.csv").read_bytes().splitlines(keepends=True)
        body = b"".join([line for line in lines if b"jpy" not in line]) + changed.get(id.split(".")[0], b"")
        simulator.faults.add(FileReads(lambda _, body=body: body), Match(report_type=id))  # type: ignore[misc]
        columns = lines[0].decode().strip().replace('"', "").split(",")
        query = ReportQuery.of(
            id, columns=columns, window="monthly", zone=LONDON, filters={"timezone": LONDON}
        )
        pull(query, JULY.partitions("monthly", LONDON), client=client)
    closing = close_month(store, store.datasets(), JULY)
    (sheet,) = closing.sheets
    return sheet, closing.problems


def test_the_month_is_what_the_export_shows(
    pull: Pull, store: Store, client_for: ClientFor, clock: ManualClock
) -> None:
    sheet, problems = sheet_of(pull, store, client_for, clock)

    assert problems == ()
    assert (sheet.opening, sheet.closing) == (Decimal(500), Decimal(69))
    assert sheet.movements == (
        Movement("activity", Decimal(20), Decimal(-1), Decimal(19)),
        Movement("payouts", Decimal(-450), Decimal(0), Decimal(-450)),
    )
    assert {each.category: (each.count, each.net) for each in sheet.categories or ()} == {
        "charge": (3, Decimal(59)),
        "payout_minimum_balance_hold": (1, Decimal(-5)),
        "payout_minimum_balance_release": (1, Decimal(5)),
        "refund": (1, Decimal(-40)),
    }
    assert sheet.fees.ledger == Decimal(1)
    assert sheet.in_transit == Decimal(0)
    assert sheet.differing == ()


def test_a_payout_on_its_way_is_cash_in_transit_by_the_banks_day(
    pull: Pull, store: Store, client_for: ClientFor, clock: ManualClock
) -> None:
    sheet, problems = sheet_of(pull, store, client_for, clock, payouts=ON_ITS_WAY)

    assert sheet.in_transit == Decimal(9)
    assert sheet.payouts_difference == Decimal(9)
    assert problems[0] == "own account, gbp: the payouts are 9.00 more than the balance paid out."
    assert (sheet.tied or ())[-1] == TiedPayout("po_1SampleT", Decimal(9), None, None)
