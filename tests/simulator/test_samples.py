"""The simulator's files have the form of real ones: header, lines and their order, quoting.

The samples are in the form of exports of real accounts. One that a program processed may have been chosen
column by column, so it is compared with a file of the same columns.
"""

import csv
import io
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.simulator import Simulator
from connector.simulator.report_types.observed import REPORT_TYPES
from tests.facts import report_types
from tests.support.clock import ManualClock

SAMPLES = Path(report_types.__file__).parent / "samples"
MARCH: dict[str, Any] = {
    "interval_start": int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()),
    "interval_end": int(datetime(2026, 4, 1, tzinfo=UTC).timestamp()),
}
#: A currency that was topped up in that month, and the lines of it.
TOPPED_UP, TOPUPS = "usd", ("topups_gross", "topups_fee", "topups")
BALANCE = "balance.summary.1"


#: Of a sample whose name does not say it: its type, and a column that nobody knows.
_NAMELESS, _NOBODY_KNOWS = {"bom-crlf": "balance_change_from_activity.itemized.3"}, "status"


def type_of(sample: str) -> str:
    found = [each.id for each in REPORT_TYPES if re.match(rf"{re.escape(each.id)}\b", sample)]
    return _NAMELESS.get(sample) or max(found, key=len)


def named(name: str) -> list[str]:
    return [each.stem for each in sorted(SAMPLES.glob("*.csv")) if name in each.stem]


def table(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def world() -> Simulator:
    return Simulator(ManualClock(), seed=5, opening=date(2026, 2, 1), volume=8)


def like(world: Simulator, sample: str) -> tuple[list[list[str]], bytes]:
    """A sample's rows, and the simulator's file of that type and those columns for a month."""
    rows = table((SAMPLES / f"{sample}.csv").read_bytes())
    columns = [name for name in rows[0] if name != _NOBODY_KNOWS]
    known = [row[: len(columns)] for row in rows]
    return known, world.csv(type_of(sample), columns=columns, **MARCH)


@pytest.mark.parametrize("sample", named(""))
def test_a_file_of_a_samples_columns_has_its_header_and_as_many_cells(world: Simulator, sample: str) -> None:
    rows, body = like(world, sample)

    ours = table(body)
    assert ours[0] == rows[0]
    assert {len(row) for row in ours} == {len(rows[0])}
    assert len(ours) > 1


@pytest.mark.parametrize("sample", named(""))
def test_every_value_is_quoted_and_a_missing_one_is_bare(world: Simulator, sample: str) -> None:
    """Also those of the samples, but for one whose header has no quotes."""
    _, body = like(world, sample)
    theirs = (SAMPLES / f"{sample}.csv").read_bytes().partition(b"\n")[2]

    cell = rb'(?:"(?:[^"]|"")*")?'
    for text in (body, theirs):
        assert re.fullmatch(rb"(?:" + cell + rb"(?:," + cell + rb")*(?:\r?\n|\Z))*", text)


@pytest.mark.parametrize("sample", named(BALANCE))
def test_a_balance_has_the_lines_of_real_ones_in_their_order(world: Simulator, sample: str) -> None:
    rows, body = like(world, sample)
    lines: dict[str, list[str]] = {}
    for row in table(body)[1:]:
        lines.setdefault(row[3], []).append(row[0])
    theirs = [row[0] for row in rows[1:]]

    assert len(lines) > 1
    for currency, ours in lines.items():
        expected = [each for each in theirs if currency == TOPPED_UP or not each.startswith("topups")]
        assert [each for each in ours if each in theirs] == expected
        assert {*ours} - {*theirs} <= {"starting_balance_available", *TOPUPS}
    assert {*TOPUPS} <= {*lines[TOPPED_UP]}


@pytest.mark.parametrize("sample", named(BALANCE))
def test_and_their_descriptions(world: Simulator, sample: str) -> None:
    rows, body = like(world, sample)
    day = re.compile(r"\d{4}-\d{2}-\d{2}")
    ours = {row[0]: day.sub("", row[1]) for row in table(body)[1:]}

    for category, description, *_ in rows[1:]:
        assert ours[category] == day.sub("", description)


@pytest.mark.parametrize(
    "sample",
    [
        "balance_change_from_activity.summary.1",
        "balance_change_from_activity.summary.2-negative-fees",
        "ending_balance_reconciliation.summary.1",
    ],
)
def test_sums_by_category_end_with_the_total_of_a_currency(world: Simulator, sample: str) -> None:
    rows, body = like(world, sample)

    for lines in (rows, table(body)):
        categories = [row[0] for row in lines[1:]]
        assert categories[-1] == "total"
        assert categories[0] != "total"


@pytest.mark.parametrize(
    "sample",
    ["balance_change_from_activity.summary.1", "balance_change_from_activity.summary.2-negative-fees"],
)
def test_in_them_net_is_gross_and_fee_and_fees_are_negative(world: Simulator, sample: str) -> None:
    rows, body = like(world, sample)

    for lines in (rows, table(body)):
        amounts = [dict(zip(lines[0], row, strict=True)) for row in lines[1:]]
        assert all(Decimal(r["gross"]) + Decimal(r["fee"]) == Decimal(r["net"]) for r in amounts)
        assert {Decimal(r["fee"]) < 0 for r in amounts if r["reporting_category"] == "charge"} == {True}
