"""The real Dagster and a day that is not ready: refused at once by hand, taken up when its data are there."""

import shutil
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from connector.simulator import Simulator
from connector.simulator.server import serve
from tests.e2e.conditions import until
from tests.e2e.deployment import SUMMARY, Deployment, Setup

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("ps") is None, reason="counts processes with ps"),
]

#: Its days end at noon in UTC, as Stripe's data may.
EAST = "Etc/GMT-12"


def test_a_day_that_ends_at_noon_is_refused_before_and_taken_up_when_the_data_reach_it(
    tmp_path: Path,
) -> None:
    noon = datetime.combine(datetime.now(UTC).date() - timedelta(days=2), time(12), UTC)
    day = f"{noon.date()}"
    simulator = Simulator(seed=7, volume=3, run_seconds=0)
    simulator.set_available_until("balance.summary.1", noon - timedelta(seconds=1))
    setup = Setup(
        noon.date() - timedelta(days=2),
        reports=["balance.summary.1"],
        automation={"ask_by": "sensor", "look_every_seconds": 5},
        defaults={"zone": EAST},
    )
    with serve(simulator) as stripe, Deployment(tmp_path, stripe, setup) as dagster:
        console = dagster.console
        by_hand = console.launch(SUMMARY, day)
        refused = console.finished(by_hand)
        assert (refused.status, refused.tags["stripe/outcome"]) == ("FAILURE", "not_ready")
        assert "expected by" in console.failure_text(by_hand)
        assert console.step_seconds(by_hand) < 1
        print(f"\nrefused within {console.step_seconds(by_hand):.2f} s: {console.failure_text(by_hand)}")

        simulator.set_available_until("balance.summary.1", noon)

        def there() -> bool:
            return console.partition_statuses(SUMMARY, [day]) == {day: "MATERIALIZED"}

        until(there, within=90, what="the day that ended at noon is taken up")
        assert set(console.sensors()) >= {"stripe_availability", "stripe_late_reports"}
        # Of the days after it nothing was asked: Stripe has no data for them.
        asked = sorted(run.parameters["interval_end"] for run in simulator.runs)
        assert asked[-1] == int(noon.timestamp())
        assert len(asked) == len(set(asked))
    assert not dagster.left_behind
