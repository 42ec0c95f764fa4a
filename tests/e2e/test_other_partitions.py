"""The real Dagster on partitions that are more than windows of time: connected accounts, and payouts."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.simulator import Simulator
from connector.simulator.server import serve
from tests.e2e.conditions import until
from tests.e2e.console import Asset
from tests.e2e.deployment import Deployment, Setup

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(shutil.which("ps") is None, reason="counts processes with ps"),
]

BY_ACCOUNT: Asset = ("stripe", "connected_account_balance_summary")
NAMING: Asset = ("stripe", "payout_reconciliation_itemized")
ONE_PAYOUT: Asset = ("stripe", "payout_reconciliation_by_id_itemized")


def test_a_backfill_over_both_dimensions_and_payouts_that_come_by_themselves(tmp_path: Path) -> None:
    simulator = Simulator(seed=7, volume=3, run_seconds=0)
    accounts = simulator.connected_accounts
    first = (datetime.now(UTC) - timedelta(days=10)).date()
    days = [f"{first + timedelta(days=number)}" for number in range(5)]
    setup = Setup(
        first,
        reports=[
            {"report": BY_ACCOUNT[1], "connected_accounts": list(accounts)},
            NAMING[1],
            ONE_PAYOUT[1],
        ],
        # The schedule stays stopped here; the sensor for payouts asks all the same.
        automation={"ask_by": "schedule"},
    )
    with serve(simulator) as stripe, Deployment(tmp_path, stripe, setup) as dagster:
        console = dagster.console
        # A rectangle, and one beside it.
        wanted = [f"{account}|{day}" for account in accounts[:2] for day in days[:3]]
        wanted.append(f"{accounts[2]}|{days[4]}")
        backfill = console.backfill([BY_ACCOUNT], wanted)
        naming = [console.launch(NAMING, day) for day in days[:2]]

        assert {console.finished(run_id).status for run_id in naming} == {"SUCCESS"}
        ended = console.backfill_finished(backfill, within=240)

        assert (ended.status, ended.materialized, ended.failed) == ("COMPLETED_SUCCESS", len(wanted), 0)
        assert console.event_counts(BY_ACCOUNT, wanted) == dict.fromkeys(wanted, 1)
        summaries = [run for run in simulator.runs if run.report_type.endswith("balance.summary.1")]
        assert len(summaries) == len(wanted)
        places = {
            f"{path.parent.parent.name.partition('=')[2]}|{path.parent.name.partition('=')[2]}"
            for path in dagster.root.glob(f"simulated/{BY_ACCOUNT[1]}/account=*/*/*/report.parquet")
        }
        assert places == set(wanted)

        def pulled() -> set[str] | None:
            found = {
                path.parent.name.partition("=")[2]
                for path in dagster.root.glob(f"simulated/{ONE_PAYOUT[1]}/account=*/*/report.parquet")
            }
            asked = [run for run in simulator.runs if ".by_id." in run.report_type]
            return found if found and len(found) == len(asked) else None

        payouts = sorted(until(pulled, within=180, what="payouts come by themselves"))
        until(
            lambda: console.event_counts(ONE_PAYOUT, payouts) == dict.fromkeys(payouts, 1),
            within=60,
            what="each payout is recorded once",
        )
    assert all(payout.startswith("po_") for payout in payouts)
    assert not dagster.left_behind
