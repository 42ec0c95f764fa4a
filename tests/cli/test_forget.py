"""`forget`, for requests to erase."""

import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from connector.simulator import Simulator
from connector.simulator.books.entries import Entry
from tests.cli.conftest import COMMAND, Run, on_a_terminal, read_until
from tests.support.clock import ManualClock

DAYS = ("--from", "2026-06-01", "--to", "2026-06-04")
REPORT = "balance_change_from_activity.itemized.3"
TABLE = "balance_change_from_activity_itemized"


def files(root: Path) -> list[str]:
    """The Parquet files below a root, in use and set aside, by the day of each."""
    return sorted(path.parent.name for path in root.rglob("*.parquet"))


def test_a_partition_goes_with_every_file_it_has_replaced(
    run: Run, stripe: Simulator, clock: ManualClock, tmp_path: Path
) -> None:
    assert run("pull", REPORT, *DAYS).code == 0
    at = int(datetime(2026, 6, 2, 5, tzinfo=UTC).timestamp())
    stripe.book_late(
        Entry("txn_late", "network_cost", at, at, "usd", Decimal("-0.01"), Decimal(0), "adj_1", None)
    )
    clock.move_to(datetime(2026, 6, 9, tzinfo=UTC))
    assert run("pull", REPORT, *DAYS, "--force").code == 0
    before = files(tmp_path)

    shown = run("forget", TABLE, "2026-06-02", "--yes")

    assert (shown.code, shown.err) == (0, "")
    assert shown.lines == [f"{TABLE} 2026-06-02: 2 files removed"]
    assert files(tmp_path) == [each for each in before if each != "period=2026-06-02"]


def test_it_is_missing_until_it_is_pulled_again(run: Run, stripe: Simulator) -> None:
    assert run("pull", REPORT, *DAYS).code == 0
    assert run("forget", TABLE, "2026-06-02", "--yes").code == 0

    assert "no_gaps: Missing: 2026-06-02." in run("check", TABLE).out

    assert "3 of 3 partitions stored (2 kept, 1 adopted)" in run("pull", REPORT, *DAYS).out
    assert "Missing" not in run("check", TABLE).out


def test_a_key_that_is_not_there_removes_nothing(run: Run, stripe: Simulator, tmp_path: Path) -> None:
    assert run("pull", REPORT, *DAYS).code == 0
    before = files(tmp_path)

    shown = run("forget", TABLE, "2026-06-01", "2026-06-11", "--yes")

    assert (shown.code, files(tmp_path)) == (2, before)
    assert f"{TABLE} has no partition '2026-06-11'" in shown.err
    assert "Nothing was removed." in shown.err


def test_a_program_that_did_not_mean_it_removes_nothing(run: Run, stripe: Simulator, tmp_path: Path) -> None:
    assert run("pull", REPORT, *DAYS).code == 0
    before = files(tmp_path)

    shown = run("forget", TABLE, "2026-06-01")

    assert (shown.code, files(tmp_path)) == (2, before)
    assert f"removes 1 of 3 partitions of simulated {TABLE}" in shown.err
    assert "add --yes" in shown.err


def test_a_person_is_asked(run: Run, stripe: Simulator, tmp_path: Path) -> None:
    assert run("pull", REPORT, *DAYS).code == 0
    before = files(tmp_path)

    with on_a_terminal(*COMMAND, "forget", TABLE, "2026-06-01") as (process, terminal):
        read_until(terminal, "for good? [y/N]")
        os.write(terminal, b"n\n")
        assert process.wait(60) == 1

    assert files(tmp_path) == before
