"""`status`: the calendars of what is there, with and without asking Stripe."""

import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.simulator import Simulator
from connector.simulator.books.entries import Entry
from tests.cli.conftest import COMMAND, Run, on_a_terminal, read_until
from tests.faults.runs import RunTakes
from tests.support.clock import ManualClock

TABLE = "balance_change_from_activity_itemized"
JUNE = ("--from", "2026-06-01", "--to", "2026-06-05")

DEFS = f"""\
type: assets.StripeReportsComponent

attributes:
  reports:
    - report: {TABLE}
      start: 2026-06-01
    - report: payouts_itemized
      start: 2026-06-05
"""


@pytest.fixture
def pulled(run: Run, stripe: Simulator) -> Simulator:
    """The first four days of June."""
    assert run("pull", TABLE, *JUNE).code == 0
    return stripe


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    place = tmp_path / "defs" / "stripe" / "defs.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(DEFS)
    return place


def forget_day(root: Path, day: int) -> None:
    (place,) = root.rglob(f"period=2026-06-{day:02}")
    shutil.rmtree(place)


def states(run: Run, *options: str) -> dict[str, dict[str, Any]]:
    """The state of each partition, by table."""
    *tables, _ = run("status", "--json", *options).objects
    return {each["table"]: each["partitions"] for each in tables}


def test_what_lies_between_files_is_missing(run: Run, pulled: Simulator, tmp_path: Path) -> None:
    forget_day(tmp_path, 2)

    shown = run("status")

    assert shown.code == 1
    assert "  2026-06  #-##" in shown.lines
    assert "  3 there, 1 missing (2026-06-02)" in shown.lines
    assert "has succeeded: pull fetches its file" in " ".join(shown.out.split())


@pytest.mark.usefixtures("pulled", "configured")
def test_what_is_configured_is_expected_until_now(run: Run) -> None:
    found = states(run)

    assert found[TABLE]["2026-06-05"] == "missing"
    assert found["payouts_itemized"] == {"2026-06-05": "missing", "2026-06-06": found[TABLE]["2026-06-06"]}


@pytest.mark.usefixtures("stripe", "configured")
def test_what_is_configured_is_expected_before_anything_is_stored(run: Run) -> None:
    shown = run("status", TABLE)

    assert shown.code == 1
    assert "  2026-06  ------" in shown.lines


@pytest.mark.usefixtures("configured")
def test_stripe_says_what_is_not_ready(run: Run, pulled: Simulator) -> None:
    pulled.set_available_until("balance_change_from_activity.itemized.3", datetime(2026, 6, 5, tzinfo=UTC))

    found = states(run, TABLE)[TABLE]

    assert [found[f"2026-06-0{day}"] for day in (4, 5, 6)] == ["there", "not ready", "not ready"]


@pytest.mark.usefixtures("configured")
def test_a_report_run_on_its_way_is_late(run: Run, pulled: Simulator, clock: ManualClock) -> None:
    pulled.faults.add(RunTakes(), "POST", times=None)
    run("pull", TABLE, "--from", "2026-06-05", "--to", "2026-06-06", "--wait-timeout", "0s")
    pending = pulled.runs[-1]
    pulled.set_available_until("balance_change_from_activity.itemized.3", datetime(2026, 6, 6, tzinfo=UTC))

    shown = run("status", TABLE)

    assert shown.code == 3
    assert "  2026-06  ####l." in shown.lines
    assert f"  2026-06-05: report run {pending.id} continues at Stripe" in shown.lines


def test_a_restated_day_is_marked(run: Run, pulled: Simulator, clock: ManualClock) -> None:
    at = int(datetime(2026, 6, 3, 5, tzinfo=UTC).timestamp())
    pulled.book_late(Entry("txn_late", "tax", at, at, "usd", Decimal("-3.00"), Decimal(0), "adj_1", None))
    clock.sleep(timedelta(days=1).total_seconds())
    run("pull", TABLE, *JUNE, "--force")

    assert states(run, "--no-checks")[TABLE] == {
        "2026-06-01": "there", "2026-06-02": "there", "2026-06-03": "restated", "2026-06-04": "there"
    }  # fmt: skip


def test_what_fails_a_check_is_marked_with_the_reason(run: Run, pulled: Simulator, tmp_path: Path) -> None:
    (tmp_path / "data" / "simulated" / TABLE / "copy.parquet").write_bytes(b"x")

    shown = run("status")

    assert shown.code == 1
    assert any(line.startswith("  all: no_strays: ") for line in shown.lines)
    assert run("status", "--no-checks").code == 0


def test_lines_are_no_wider_than_a_terminal(run: Run, pulled: Simulator, tmp_path: Path) -> None:
    forget_day(tmp_path, 2)

    assert [line for line in run("status").lines if len(line) > 80] == []


def test_without_a_key_and_without_an_answer_files_are_read_alone(
    run: Run, pulled: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(pulled.requests)

    assert run("status", "--offline").code == 0
    monkeypatch.delenv("STRIPE_API_KEY")
    assert run("status").code == 0
    assert len(pulled.requests) == before


def test_a_terminal_has_colours_and_a_pipe_has_none(run: Run, pulled: Simulator) -> None:
    assert "\x1b[" not in run("status").out

    with on_a_terminal(*COMMAND, "status", "--no-checks") as (_, screen):
        assert "\x1b[32m####" in read_until(screen, "not ready")
    with on_a_terminal(*COMMAND, "status", "--no-checks", NO_COLOR="1") as (_, screen):
        assert "\x1b[" not in read_until(screen, "not ready")


def test_nothing_stored_and_nothing_configured_is_refused(run: Run) -> None:
    refused = run("status")

    assert refused.code == 2
    assert "stripe-reports pull" in refused.err
