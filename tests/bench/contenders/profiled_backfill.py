"""A month of two reports with all their checks, as two Dagster runs in this process on SQLite, for a profile.

Stripe is in this process, too, and on a clock that does not wait.
"""

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg

from assets import build_report_asset
from connector.simulator import Simulator
from tests.bench.contenders.measured import measured
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra, configured

REPORTS = ("balance.summary.1", "balance_change_from_activity.itemized.3")
FIRST, LAST = "2026-05-01", "2026-05-31"


def main() -> None:
    clock = ManualClock(datetime(2026, 6, 10, 12, tzinfo=UTC))
    simulator = Simulator(clock, seed=7, volume=3, opening=date(2026, 4, 1))
    reports = [configured(each) for each in REPORTS]
    assets = [build_report_asset(each.compared_with(reports)) for each in reports]
    with (
        tempfile.TemporaryDirectory() as folder,
        dg.DagsterInstance.local_temp(folder) as instance,
        measured(),
    ):
        orchestra = Orchestra(instance, simulator.handle, clock, Path(folder) / "data")
        for asset in assets:
            if not orchestra.launch([asset], FIRST, LAST).success:
                raise RuntimeError(f"the run of {asset.key.to_user_string()} has failed")


if __name__ == "__main__":
    main()
