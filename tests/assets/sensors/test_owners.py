"""Every partition whose run failed has one that looks after it, or is named for a person.

The availability sensor asks again for what it asked for and what has no report run to show for it; the sensor
for late reports takes what has one, written down or not. Either may be off.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assets import ConfiguredReport, build_report_asset
from assets.dagster_runs.tags import ASKED_TAG
from assets.materialize.asset import Execute
from assets.reports.check_rules import CheckOptions
from assets.sensors.availability_sensor import build_availability_sensor
from assets.sensors.late_sensor import build_late_report_sensor
from connector.query import ReportQuery
from connector.simulator import Match, Simulator
from tests.faults.runs import RunFails, RunTakes
from tests.support.clock import NOON, ManualClock
from tests.support.dagster import Orchestra
from tests.support.sensing import Daemon

SUMMARIES = Match(report_type="balance.summary.1")
HOUR = 3600.0
RECENT, LONG_AGO = "2026-06-06", "2026-05-20"
#: Until when the simulated Stripe has data at noon of the 7th.
UNTIL = int(datetime(2026, 6, 7, tzinfo=UTC).timestamp())

SENSOR = {"dagster/sensor_name": "stripe_availability"}
ASKED: Mapping[str, Mapping[str, str]] = {
    "person": {},
    "sensor": {**SENSOR, ASKED_TAG: f"missing/{UNTIL}#1"},
    "sensor, for the last time": {**SENSOR, ASKED_TAG: f"missing/{UNTIL}#3"},
    "schedule": {"dagster/schedule_name": "stripe_reports", ASKED_TAG: "schedule/2026-06-07T12:15#1"},
}
AT_STRIPE = ["nothing", "finished", "pending", "failed"]


@dataclass(frozen=True)
class Death:
    """A run of one partition that was killed.

    Attributes:
        asked: who launched it.
        at_stripe: the report run it had made.
        observed: it had lived to write that down.
        recent: its partition is within the look-back.
    """

    asked: str
    at_stripe: str
    observed: bool
    recent: bool

    @property
    def key(self) -> str:
        return RECENT if self.recent else LONG_AGO

    def execute(self) -> Execute:
        """What the run does until it is killed."""

        def killed(context: dg.AssetExecutionContext, report: ConfiguredReport) -> Iterator[Any]:
            if self.at_stripe != "nothing":
                with context.resources.stripe.client() as client:
                    request = report.query.request(report.partition(self.key))
                    run = client.create_report_run(request, idempotency_key="k")
                if self.observed:
                    seen = {"stripe/report_run_id": run.id}
                    context.log_event(dg.AssetObservation(report.key, partition=self.key, metadata=seen))
            yield from ()
            raise RuntimeError("killed")

        return killed


class Place:
    """One Dagster and one Stripe in which one run was killed."""

    def __init__(self, death: Death, root: Path, instance: dg.DagsterInstance) -> None:
        self.death, self.clock = death, ManualClock(NOON)
        self.simulator = Simulator(self.clock, seed=7, volume=1, opening=date(2026, 5, 1))
        self.orchestra = Orchestra(instance, self.simulator.handle, self.clock, root)
        plain = ConfiguredReport(ReportQuery.of("balance.summary.1"), start=date(2026, 5, 15))
        # Evaluations of checks are most of what a run costs, and say nothing here.
        self.report = replace(plain, checks=CheckOptions(skip=plain.checkable))
        faults = {"pending": RunTakes(HOUR), "failed": RunFails()}
        if fault := faults.get(death.at_stripe):
            self.simulator.faults.add(fault, SUMMARIES)
        doomed = build_report_asset(self.report, retry_policy=None, execute=death.execute())
        self.orchestra.launch([doomed], death.key, tags=ASKED[death.asked])
        self.asset = build_report_asset(self.report, retry_policy=None)

    def daemons(self, names: Sequence[str]) -> list[Daemon]:
        look_back = timedelta(days=1)
        made = {
            "asker": build_availability_sensor([self.report], look_back=look_back, refresh_after=()),
            "late": build_late_report_sensor([self.report]),
        }
        return [Daemon(self.orchestra, [self.asset], made[name]) for name in names]

    def quiesce(self, names: Sequence[str]) -> tuple[list[tuple[str, str]], str]:
        """Tick until nothing is asked any more: who asked for what, and the last words of all sensors."""
        daemons, asked = self.daemons(names), []
        for _ in range(3):
            said = []
            for name, daemon in zip(names, daemons, strict=True):
                tick = daemon.tick_and_run()
                asked += [(name, key) for key in tick.partitions if self.death.key in key]
                said.append(tick.skipped)
            self.clock.sleep(HOUR)
        return asked, "\n".join(said)

    @property
    def cost(self) -> int:
        """How many report runs the partition cost."""
        request = self.report.query.request(self.report.partition(self.death.key))
        wanted = dict(request.parameters)["interval_start"]
        return sum(run.parameters["interval_start"] == wanted for run in self.simulator.runs)

    @property
    def is_there(self) -> bool:
        return self.death.key in [key for key, _ in self.orchestra.recorded(self.asset)]


DEATHS = st.builds(
    Death, st.sampled_from(sorted(ASKED)), st.sampled_from(AT_STRIPE), st.booleans(), st.booleans()
).map(lambda death: replace(death, observed=death.observed and death.at_stripe != "nothing"))

ORDERS = st.sampled_from([("late", "asker"), ("asker", "late"), ("late",), ("asker",)])

UNSEEN = Death("sensor", "finished", observed=False, recent=True)


@pytest.mark.timeout(300)
@settings(max_examples=12)
@given(DEATHS, ORDERS)
@example(UNSEEN, ("late",))
@example(replace(UNSEEN, recent=False), ("late", "asker"))
@example(replace(UNSEEN, asked="schedule", recent=False), ("late", "asker"))
@example(replace(UNSEEN, at_stripe="nothing"), ("late", "asker"))
@example(replace(UNSEEN, at_stripe="nothing", recent=False), ("late", "asker"))
def test_one_looks_after_it_or_a_person_is_named(death: Death, names: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as root, dg.DagsterInstance.ephemeral() as instance:
        place = Place(death, Path(root), instance)

        asked, said = place.quiesce(names)

        # Once it is there, or once a person is named, nobody asks; and nobody asks twice for one thing.
        # What is pending may be taken up, found late, and fetched when it is done.
        assert place.is_there <= len(asked) <= place.is_there + (death.at_stripe == "pending")
        assert place.cost <= 1 + (death.at_stripe == "failed")
        if "late" in names:
            assert place.is_there or death.key in said
            assert place.is_there or death.at_stripe == "nothing"
