"""What the rows of a file amount to, by which a later file shows what changed: exact, and by line."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.catalogue import columns_of, report
from connector.convert.csv_records import RecordFile
from connector.convert.decode import Expected, open_report
from connector.convert.sums import Sums
from connector.money import NARROW, WIDE

SUMMARY = report("balance.summary.1")
ACTIVITY = report("balance_change_from_activity.summary.1")
AMOUNTS = st.decimals(-(10**12) + 1, 10**12 - 1, places=6)
WIDE_AMOUNTS = st.decimals(-(10**18) + 1, 10**18 - 1, places=18)


def summed(folder: Path, spec: object, *rows: str, money: str = NARROW) -> Sums:
    path = folder / "frr_1.csv"
    known = SUMMARY if spec is SUMMARY else ACTIVITY
    columns = columns_of(known)
    path.write_text("\n".join([",".join(each.name for each in columns), *rows]) + "\n")
    expected = Expected(columns, row_kinds=known.row_kinds, money=money)
    reader = open_report(RecordFile.open(path, "frr_1"), expected)
    line = known.row_kinds.column if known.row_kinds else None
    sums = Sums(reader, known.amount_column, known.currency_column, line)
    for batch in reader.batches():
        sums.add(pa.Table.from_batches([batch]))
    return sums


def test_each_line_of_a_summary_has_its_sum_and_only_movements_make_the_total(tmp_path: Path) -> None:
    sums = summed(
        tmp_path,
        SUMMARY,
        "starting_balance,,10.00,usd",
        "activity,,5.00,usd",
        "payouts,,-2.00,usd",
        "ending_balance,,13.00,usd",
    )

    assert sums.totals == {"usd": Decimal("3.00")}
    assert sums.by_column["net_amount of starting_balance"] == {"usd": Decimal("10.00")}
    assert sums.by_column["net_amount of ending_balance"] == {"usd": Decimal("13.00")}


@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=12))
@example(amounts=[Decimal("999999999999.999999")] * 300)
def test_sums_are_exact_however_large(tmp_path: Path, amounts: list[Decimal]) -> None:
    rows = [f"activity,,{amount:f},usd" for amount in amounts]

    found = summed(tmp_path, SUMMARY, *rows)

    assert Fraction(found.totals["usd"]) == sum(map(Fraction, amounts))


@given(amounts=st.lists(WIDE_AMOUNTS, min_size=1, max_size=12))
@example(amounts=[Decimal("999999999999999999.999999999999999999")] * 300)
def test_so_they_are_in_a_table_of_wide_money(tmp_path: Path, amounts: list[Decimal]) -> None:
    rows = [f"activity,,{amount:f},usd" for amount in amounts]

    found = summed(tmp_path, SUMMARY, *rows, money=WIDE)

    assert Fraction(found.totals["usd"]) == sum(map(Fraction, amounts))


def test_a_hundred_lines_in_ten_currencies_are_summed_by_column_alone(tmp_path: Path) -> None:
    """So many sums are not worth their place in the file."""
    currencies = ["usd", "eur", "gbp", "jpy", "chf", "sek", "nok", "dkk", "pln", "czk"]
    rows = [f"line_{line},,1.00,{currency}" for line in range(100) for currency in currencies]

    assert summed(tmp_path, SUMMARY, *rows).by_column == {
        "net_amount": {currency: Decimal(100) for currency in sorted(currencies)}
    }


@pytest.mark.parametrize("rows", [(), ("activity,,,usd",)])
def test_rows_without_amounts_are_no_error(tmp_path: Path, rows: tuple[str, ...]) -> None:
    assert set(summed(tmp_path, SUMMARY, *rows).totals.values()) <= {Decimal(0)}
