"""`upgrade`, as somebody who closes books on the table lives through it."""

import contextlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.dataset.store import Store
from connector.money import WIDE
from connector.pipeline.widening import widen_table
from connector.simulator import Simulator
from connector.simulator.books.entries import Entry
from tests.cli.conftest import Run
from tests.faults.files import OddCell
from tests.faults.runs import RunTakes

JUNE = ("--from", "2026-06-01", "--to", "2026-06-04")
TABLE = "balance_change_from_activity_itemized"


@pytest.fixture
def pulled(run: Run, stripe: Simulator) -> Simulator:
    """Three days in version 2."""
    assert run("pull", "balance_change_from_activity.itemized.2", *JUNE).code == 0
    return stripe


def tables(run: Run) -> dict[str, Any]:
    """The tables there are, and how many columns each has."""
    return {row["table"]: row["columns"] for row in run("sql", "--json").objects}


def test_both_versions_are_compared_and_the_old_one_is_untouched(run: Run, pulled: Simulator) -> None:
    shown = run("upgrade", TABLE, "--to-version", "3")

    assert (shown.code, shown.err) == (0, "")
    assert "3 of 3 partitions stored (3 created)" in shown.out
    for column in ("created", "available_on"):
        (line,) = [line for line in shown.lines if line.startswith(f"│ {column} ")]
        assert "added" in line
    assert "Rows and totals are the same in every partition." in shown.out
    assert f"{TABLE} is unchanged; the other version is in {TABLE}_v3." in shown.lines
    assert set(tables(run)) == {TABLE, f"{TABLE}_v3"}


def test_it_says_what_to_put_into_the_configuration(run: Run, pulled: Simulator, tmp_path: Path) -> None:
    defs = tmp_path / "assets/defs/reports/defs.yaml"
    defs.parent.mkdir(parents=True)
    defs.write_text(
        "type: assets.StripeReportsComponent\nattributes:\n  reports:\n"
        "    - report: balance_change_from_activity.itemized.2\n"
    )

    shown = run("upgrade", TABLE, "--to-version", "3")

    at = shown.lines.index("In the configuration, change")
    assert shown.lines[at + 1 : at + 5] == [
        "  assets/defs/reports/defs.yaml:4: - report: balance_change_from_activity.itemized.2",
        "to this or, to pull both, add this:",
        "  - report: balance_change_from_activity.itemized.3",
        f"    name: {TABLE}_v3",
    ]


def test_compared_again_and_configured_as_said_stripe_is_asked_nothing(run: Run, pulled: Simulator) -> None:
    run("upgrade", TABLE, "--to-version", "3")
    runs = len(pulled.runs)

    again = run("upgrade", TABLE, "--to-version", "3")
    configured = run("pull", "balance_change_from_activity.itemized.3", *JUNE, "--name", f"{TABLE}_v3")
    old = run("pull", "balance_change_from_activity.itemized.2", *JUNE)

    assert len(pulled.runs) == runs
    assert "Rows and totals are the same in every partition." in again.out
    assert "(3 kept)" in configured.out
    assert "(3 kept)" in old.out


def test_a_table_in_the_version_wanted_is_left_alone(run: Run, pulled: Simulator) -> None:
    shown = run("upgrade", TABLE, "--to-version", "2")

    assert (shown.code, shown.err) == (0, "")
    assert "nothing to do" in shown.out
    assert set(tables(run)) == {TABLE}


def test_programs_get_the_comparison_as_an_object(run: Run, pulled: Simulator) -> None:
    shown = run("upgrade", TABLE, "--to-version", "3", "--json")

    *_, summary, compared = shown.objects
    assert (summary["type"], summary["in_place"]) == ("summary", 3)
    assert compared["columns_added"] == ["created", "available_on"]
    assert (compared["columns_removed"], compared["columns_left_out"], compared["differing"]) == ([], [], {})
    assert all(old == new for old, new in compared["totals"].values())
    assert compared["new"] == {
        "report_type": "balance_change_from_activity.itemized.3",
        "table": f"{TABLE}_v3",
    }


def test_a_restated_day_does_not_pass_for_a_difference_of_versions(
    run: Run, pulled: Simulator, clock: Any
) -> None:
    at = int(datetime(2026, 6, 2, 5, tzinfo=UTC).timestamp())
    late = Entry("txn_late", "network_cost", at, at, "usd", Decimal("-0.005991"), Decimal(0), "adj_1", None)
    pulled.book_late(late)
    clock.sleep(12 * 3600)

    shown = run("upgrade", TABLE, "--to-version", "3")

    assert (
        "Partitions that differ: 1. balance_change_from_activity.itemized.2 is requested again" in shown.out
    )
    assert "(changed: +1 rows, -0.005991 usd)" in shown.out
    assert "Rows and totals are the same in every partition." in shown.out
    assert len(pulled.runs) == 3 + 3 + 1


def test_a_part_of_the_partitions_can_be_compared(run: Run, pulled: Simulator) -> None:
    bounds = ("--from", "2026-06-02", "--to", "2026-06-03")

    shown = run("upgrade", TABLE, "--to-version", "3", *bounds)

    assert shown.code == 0
    assert "Totals of 1 partitions" in shown.out
    assert len(pulled.runs) == 3 + 1


def test_while_a_partition_is_late_nothing_is_compared_and_the_next_attempt_goes_on(
    run: Run, pulled: Simulator
) -> None:
    pulled.faults.add(RunTakes(), "POST", times=1)
    late = run("upgrade", TABLE, "--to-version", "3", "--wait-timeout", "0s")
    (pending,) = [each for each in pulled.runs if each.id in late.err]
    pulled.end(pending.id)

    healed = run("upgrade", TABLE, "--to-version", "3")

    assert late.code == 3
    assert "compared once every partition is stored" in late.out
    assert healed.code == 0
    assert "Rows and totals are the same in every partition." in healed.out
    assert len(pulled.runs) == 6


def test_columns_the_new_version_lacks_are_named(run: Run, stripe: Simulator) -> None:
    columns = "automatic_payout_id,net,currency,order_id"
    run("pull", "payout_reconciliation.itemized.3", *JUNE, "--columns", columns)

    shown = run("upgrade", "payout_reconciliation_itemized", "--to-version", "4")

    assert "Remove these from its columns, which this version does not have: order_id." in shown.out


REFUSED = {
    ("balance_sumary", "--to-version", "2"): f"there are: {TABLE}",
    (TABLE, "--to-version", "4"): "there are: 1, 2, 3, 6 (observed), 7 (observed)",
    (TABLE, "--to-version", "new"): "not a valid integer",
    (TABLE, "--to-version", "3", "--from", "2027-01-01"): "2026-06-01 to 2026-06-03",
    (TABLE, "--to-version", "3", "--columns", "netto"): "has no column 'netto'",
}


def test_what_cannot_be_is_refused_before_any_call(run: Run, pulled: Simulator) -> None:
    before = len(pulled.requests)

    for arguments, message in REFUSED.items():
        refused = run("upgrade", *arguments)

        assert refused.code == 2, arguments
        assert message in refused.err

    assert len(pulled.requests) == before


# Money that needs more digits

SUMS = f"SELECT sum(gross) AS gross, sum(fee) AS fee, sum(net) AS net FROM {TABLE}"  # noqa: S608 - our own


def test_an_amount_that_does_not_fit_is_refused_and_stored_after_the_table_was_rewritten(
    run: Run, stripe: Simulator
) -> None:
    report = "balance_change_from_activity.itemized.3"
    assert run("pull", report, *JUNE).code == 0
    before, runs = run("sql", SUMS, "--json").out, len(stripe.runs)
    stripe.faults.add(OddCell("7.000000000000000015", "net"), "POST")
    refused = run("pull", report, "--from", "2026-06-04", "--to", "2026-06-05")
    command = f"stripe-reports upgrade {TABLE} --wide"
    assert refused.code == 1
    assert "column 'net', row 1: '7.000000000000000015' has more than 6 decimals" in refused.err
    assert f"`{command}`" in refused.err

    rewritten = run(*command.split()[1:])

    assert (rewritten.code, rewritten.err) == (0, "")
    assert rewritten.lines == [f"{TABLE} holds money as {WIDE}: 3 files rewritten."]
    assert [Decimal(each) for each in json.loads(run("sql", SUMS, "--json").out).values()] == [
        Decimal(each) for each in json.loads(before).values()
    ]
    again = run("pull", report, "--from", "2026-06-01", "--to", "2026-06-05")
    assert "4 of 4 partitions stored (3 kept, 1 adopted)" in again.out
    assert len(stripe.runs) == runs + 1
    after = json.loads(run("sql", SUMS, "--json").out)
    assert after["net"].endswith("000015")
    assert run(*command.split()[1:], "--json").objects == [
        {"type": "widened", "table": TABLE, "money": WIDE, "files": 0}
    ]


def test_a_query_of_a_table_whose_rewrite_was_killed_says_so(
    run: Run, stripe: Simulator, tmp_path: Path
) -> None:
    assert run("pull", "balance_change_from_activity.itemized.3", *JUNE).code == 0
    assert run("pull", "payouts.itemized.3", *JUNE).code == 0
    store = Store(tmp_path / "data")
    (dataset,) = (each for each in store.datasets() if each.table == TABLE)
    with contextlib.closing(widen_table(store, dataset)) as rewriting:
        next(rewriting)

    refused = run("sql", SUMS)

    assert refused.code == 2
    assert f"`stripe-reports upgrade {TABLE} --wide` goes on with it" in " ".join(refused.err.split())
    assert run("upgrade", TABLE, "--wide").lines == [f"{TABLE} holds money as {WIDE}: 2 files rewritten."]
    assert run("sql", SUMS).code == 0


@pytest.mark.parametrize("options", [[], ["--wide", "--to-version", "3"], ["--wide", "--from", "2026-06-01"]])
def test_what_to_upgrade_to_is_one_thing(run: Run, pulled: Simulator, options: list[str]) -> None:
    shown = run("upgrade", TABLE, *options)

    assert shown.code == 2
    assert "give --to-version N, or --wide without dates and columns" in " ".join(shown.err.split())
