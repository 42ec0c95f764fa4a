"""Files in the form of real exports, of an account in London: their month is what its owner would see."""

import re
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

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
    '"po_1SampleT","2024-07-30 00:00:00","2024-07-30 01:00:00","gbp","9.00","0.00","9.00","payout",'
    '"txn_1SampleP9","STRIPE PAYOUT","2024-08-02 00:00:00","in_transit",,,"bank_account","STRIPE PAYOUT",'
    '"ba_1SampleSampleSample0001","SAMPLE-TRACE-9","pending",\n'
)

#: A cell of a line, with its quotes; no cell here holds a line end.
CELL = re.compile(r'("(?:[^"]|"")*"|[^,\n]*)(?:,|\n)')

Change = Callable[[str, list[str]], list[str]]


def lines_of(id: str) -> list[str]:
    """The lines of a sample; those in yen are of no account's balance here."""
    lines = (SAMPLES / f"{id}.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    return [line for line in lines if "jpy" not in line]


def sheet_of(
    pull: Pull, store: Store, client_for: ClientFor, change: Change = lambda _, lines: lines
) -> tuple[CurrencySheet, tuple[str, ...]]:
    """The sheet in pounds of July 2024, of files that are changed, and why the month cannot be closed."""
    simulator = Simulator(ManualClock(), seed=7, volume=1, run_seconds=0, opening=date(2024, 6, 1))
    client = client_for(simulator.handle)
    for id in (BALANCE, ACTIVITY, PAYOUTS, CONTENTS):
        body = "".join(change(id, lines_of(id))).encode()
        simulator.faults.add(FileReads(lambda _, body=body: body), Match(report_type=id))  # type: ignore[misc]
        columns = lines_of(id)[0].strip().replace('"', "").split(",")
        query = ReportQuery.of(
            id, columns=columns, window="monthly", zone=LONDON, filters={"timezone": LONDON}
        )
        pull(query, JULY.partitions("monthly", LONDON), client=client, store=store)
    closing = close_month(store, store.datasets(), JULY)
    (sheet,) = closing.sheets
    return sheet, closing.problems


def test_the_month_is_what_the_export_shows(pull: Pull, store: Store, client_for: ClientFor) -> None:
    sheet, problems = sheet_of(pull, store, client_for)

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


def amounts() -> Iterator[tuple[str, int, int]]:
    """Where an amount stands that a month is made of: the report, the line, the cell. What stands beside its
    own parts is their sum, and so is a total: nothing is made of these."""
    for id in (BALANCE, ACTIVITY, PAYOUTS, CONTENTS):
        header, *lines = [[cell.strip('"') for cell in CELL.findall(line)] for line in lines_of(id)]
        for number, cells in enumerate(lines, 1):
            if cells[0] not in {"activity", "payouts", "total"}:
                names = enumerate(header)
                yield from (
                    (id, number, at) for at, name in names if name in {"net_amount", "gross", "fee", "net"}
                )


@given(st.sampled_from(list(amounts())), st.sampled_from(["0.01", "-0.005991"]))
@settings(max_examples=8)
def test_no_month_can_be_closed_in_which_one_amount_is_another(
    pull: Pull, client_for: ClientFor, place: tuple[str, int, int], by: str
) -> None:
    def change(id: str, lines: list[str]) -> list[str]:
        if id == place[0]:
            cells = CELL.findall(lines[place[1]])
            cells[place[2]] = f'"{Decimal(cells[place[2]].strip(chr(34))) + Decimal(by)}"'
            lines[place[1]] = ",".join(cells) + "\n"
        return lines

    with tempfile.TemporaryDirectory() as directory:
        _, problems = sheet_of(pull, Store(directory), client_for, change)

    assert problems
    assert [each for each in problems if "lacks" in each or "read" in each] == []


def test_a_line_of_no_currency_is_of_none_of_several(pull: Pull, store: Store, client_for: ClientFor) -> None:
    def change(id: str, lines: list[str]) -> list[str]:
        others = [
            f'"{each}","","{amount}",{currency}\n'
            for each, amount, currency in (
                ("starting_balance", "5.00", '"eur"'),
                ("ending_balance", "5.00", '"eur"'),
                ("adjustment", "1.00", ""),
            )
        ]
        return [*lines, *others] if id == BALANCE else lines

    _, problems = sheet_of(pull, store, client_for, change)

    assert [each for each in problems if "does not state the currency of adjustment 1.00" in each]


def test_a_payout_on_its_way_is_cash_in_transit_by_the_banks_day(
    pull: Pull, store: Store, client_for: ClientFor
) -> None:
    def change(id: str, lines: list[str]) -> list[str]:
        return [*lines, ON_ITS_WAY] if id == PAYOUTS else lines

    sheet, problems = sheet_of(pull, store, client_for, change)

    assert sheet.in_transit == Decimal(9)
    assert sheet.payouts_difference == Decimal(9)
    assert problems[0] == "own account, gbp: the payouts are 9.00 more than the balance paid out."
    assert (sheet.tied or ())[-1] == TiedPayout("po_1SampleT", Decimal(9), None, None)
