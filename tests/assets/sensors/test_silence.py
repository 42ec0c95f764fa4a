"""However Stripe keeps a tick waiting, the tick ends in time, says why, and keeps what it has found."""

import socket
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar, NamedTuple

import dagster as dg
import pytest

from assets import ConfiguredReport, StripeReporting, build_report_asset, report_reader
from assets.automation.newest_partition import build_newest_partition_check
from assets.automation.schedules import build_report_schedule
from assets.sensors.availability_sensor import build_availability_sensor
from assets.sensors.late_sensor import build_late_report_sensor
from assets.sensors.payout_sensor import build_payout_sensor
from assets.sensors.report_run_scan import SCAN_CURSOR
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import StoreError
from connector.query import ReportQuery
from connector.simulator import SIMULATED_KEY, Simulator
from connector.simulator.faults import Fault, Stage
from tests.faults.network import Delay, Drip, Respond, Silence, rate_limited
from tests.faults.runs import RunTakes
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra, configured, messages_of
from tests.support.sensing import Daemon

#: Dagster cuts a tick off at 60.
IN_TIME = 45.0
DAY = "2026-06-05"
ONE_PAYOUT = "payout_reconciliation.by_id.itemized.4"

KEPT_WAITING = {
    "silent": Silence(),
    "silent-after-doing-it": Silence(stage=Stage.AFTER),
    "a-byte-now-and-then": Drip(pause=7),
    "slow": Delay(31),
    "out-of-order": Respond(503, stage=Stage.BEFORE),
    "asks-to-wait": rate_limited(retry_after=120),
}


class Ticking(NamedTuple):
    """The sensors, each with something to do."""

    availability: Daemon
    late: Daemon
    payouts: Daemon


@pytest.fixture
def ticking(orchestra: Orchestra, simulator: Simulator, clock: ManualClock) -> Ticking:
    summary, naming = configured("balance.summary.1"), configured("payout_reconciliation.itemized.4")
    payout = ConfiguredReport(ReportQuery.of(ONE_PAYOUT))
    assets = [build_report_asset(each, retry_policy=None) for each in (summary, naming, payout)]
    orchestra.launch(assets[1:2], DAY)
    simulator.faults.add(RunTakes(3000))
    orchestra.launch(assets[:1], DAY)
    return Ticking(
        Daemon(orchestra, assets, build_availability_sensor([summary])),
        Daemon(orchestra, assets, build_late_report_sensor([summary])),
        Daemon(orchestra, assets, build_payout_sensor([naming, payout])),
    )


@pytest.mark.parametrize("sensor", Ticking._fields)
def test_a_sensor_that_is_kept_waiting_ends_in_time_with_its_reason_and_goes_on_later(
    ticking: Ticking, simulator: Simulator, clock: ManualClock, sensor: str
) -> None:
    daemon: Daemon = getattr(ticking, sensor)
    took = {}
    for name, fault in KEPT_WAITING.items():
        waiting, began = simulator.faults.add(fault, "GET *", times=None), clock.monotonic()
        kept = daemon.tick()
        took[name] = clock.monotonic() - began
        simulator.faults.remove(waiting)
        assert kept.requests == []
        assert name == "silent" or "the next tick tries again" in kept.skipped
    clock.sleep(3600)

    assert max(took.values()) < IN_TIME, took
    assert daemon.tick().requests != []


def test_payouts_that_were_found_become_partitions_though_stripe_is_silent(
    ticking: Ticking, simulator: Simulator, orchestra: Orchestra
) -> None:
    simulator.faults.add(Silence(), "GET *", times=None)

    ticking.payouts.tick()

    payouts = ConfiguredReport(ReportQuery.of(ONE_PAYOUT)).payouts.name
    assert orchestra.instance.get_dynamic_partitions(str(payouts))


def test_pages_that_were_read_before_stripe_fell_silent_are_not_read_again(
    orchestra: Orchestra, simulator: Simulator, clock: ManualClock
) -> None:
    report = configured("balance.summary.1")
    asset = build_report_asset(report, retry_policy=None)
    with orchestra.stripe.client() as client:
        for number in range(120):
            request = report.query.request(report.partition("2026-05-10"))
            client.create_report_run(request, idempotency_key=f"{number}")
    simulator.faults.add(RunTakes(3000))
    orchestra.launch([asset], DAY)
    clock.sleep(3600)
    daemon = Daemon(orchestra, [asset], build_late_report_sensor([report]))
    simulator.faults.add(Silence(), "GET */report_runs", skip=1, times=None)

    found = daemon.tick()

    begun = SCAN_CURSOR.parse(found.cursor)
    assert found.partitions == [DAY]
    assert begun is not None
    assert (begun.listed, begun.by_account[""].complete) == (100, False)


class SlowStore(Store):
    """A bucket that takes its time to list a table, which is done twice at a tick."""

    clock: ClassVar[ManualClock]
    seconds: ClassVar[float]

    def keys(self, dataset: Dataset) -> tuple[str, ...]:
        self.clock.sleep(self.seconds)
        return super().keys(dataset)


@pytest.mark.parametrize("seconds", [1.0, 7.0, 12.0, 14.9, 20.0])
def test_reports_whose_tables_are_slow_to_read_have_their_turn_at_later_ticks(
    instance: dg.DagsterInstance, simulator: Simulator, clock: ManualClock, tmp_path: Path, seconds: float
) -> None:
    SlowStore.clock, SlowStore.seconds = clock, seconds
    orchestra = Orchestra(instance, simulator.handle, clock, tmp_path, store=SlowStore)
    names = ["a", "b", "c", "d"]
    reports = [configured("balance.summary.1", name=name) for name in names]
    assets = [build_report_asset(each, retry_policy=None) for each in reports]
    sensor = build_availability_sensor(reports, look_back=timedelta(days=1), refresh_after=())
    daemon, took, asked = Daemon(orchestra, assets, sensor), [], []

    for number in range(len(names)):
        began = clock.monotonic()
        tick = daemon.tick()
        took.append(clock.monotonic() - began)
        asked += [key.path[-1] for request in tick.requests for key in request.asset_selection or ()]
        assert number or tick.requests

    assert max(took) < IN_TIME
    # Nothing was carried out, so what had its turn is asked for again.
    assert sorted(dict.fromkeys(asked)) == names
    assert list(dict.fromkeys(asked)) == names


PAYOUT_NAMES = ("a", "b", "c", "d")


@pytest.fixture
def slow_payouts(
    instance: dg.DagsterInstance, simulator: Simulator, clock: ManualClock, tmp_path: Path
) -> Daemon:
    """The sensor of four reports about payouts over tables that are slow to list, with payouts to find."""
    SlowStore.clock, SlowStore.seconds = clock, 0.0
    naming = configured("payout_reconciliation.itemized.4")
    orchestra = Orchestra(instance, simulator.handle, clock, tmp_path, store=SlowStore)
    reports = [naming, *(ConfiguredReport(ReportQuery.of(ONE_PAYOUT, name=name)) for name in PAYOUT_NAMES)]
    assets = [build_report_asset(each, retry_policy=None) for each in reports]
    orchestra.launch(assets[:1], DAY)
    return Daemon(orchestra, assets, build_payout_sensor(reports))


@pytest.mark.parametrize("seconds", [1.0, 7.0, 12.0, 14.9, 20.0])
def test_payouts_whose_tables_are_slow_to_read_have_their_turn_at_later_ticks(
    slow_payouts: Daemon, clock: ManualClock, seconds: float
) -> None:
    SlowStore.seconds = seconds
    took, asked = [], []

    for _ in PAYOUT_NAMES:
        began = clock.monotonic()
        tick = slow_payouts.tick()
        took.append(clock.monotonic() - began)
        asked += [key.path[-1] for request in tick.requests for key in request.asset_selection or ()]

    assert max(took) < IN_TIME
    # Nothing was carried out, so what had its turn is asked for again.
    assert {*asked} == {*PAYOUT_NAMES}


#: Stripe answers a moment after the tick has left.
BESIDE_A_LISTING = {**KEPT_WAITING, "slow": Delay(11)}


@pytest.mark.parametrize("fault", BESIDE_A_LISTING.values(), ids=BESIDE_A_LISTING)
def test_a_listing_of_20_seconds_beside_a_stripe_that_keeps_waiting_ends_in_time_with_what_it_found(
    slow_payouts: Daemon, simulator: Simulator, clock: ManualClock, fault: Fault
) -> None:
    SlowStore.seconds, began = 20.0, clock.monotonic()
    simulator.faults.add(fault, "GET *", times=None)

    tick = slow_payouts.tick()

    payouts = ConfiguredReport(ReportQuery.of(ONE_PAYOUT)).payouts.name
    assert clock.monotonic() - began < IN_TIME
    assert tick.requests == []
    assert slow_payouts.orchestra.instance.get_dynamic_partitions(str(payouts))


class ForbiddenStore(Store):
    """One of the tables may not be read."""

    def keys(self, dataset: Dataset) -> tuple[str, ...]:
        if dataset.table == "a":
            raise StoreError("permission denied")
        return super().keys(dataset)


def test_a_table_of_payouts_that_cannot_be_read_holds_up_no_other(
    slow_payouts: Daemon, simulator: Simulator, clock: ManualClock, tmp_path: Path
) -> None:
    slow_payouts.orchestra = Orchestra(
        slow_payouts.orchestra.instance, simulator.handle, clock, tmp_path, store=ForbiddenStore
    )

    tick = slow_payouts.tick()

    asked = {key.path[-1] for each in tick.requests for key in each.asset_selection or ()}
    assert asked == {"b", "c", "d"}


def test_a_table_that_cannot_be_read_holds_up_no_other(
    instance: dg.DagsterInstance, simulator: Simulator, clock: ManualClock, tmp_path: Path
) -> None:
    orchestra = Orchestra(instance, simulator.handle, clock, tmp_path, store=ForbiddenStore)
    reports = [configured("balance.summary.1", name=name) for name in ("a", "b")]
    assets = [build_report_asset(each, retry_policy=None) for each in reports]

    daemon = Daemon(orchestra, assets, build_availability_sensor(reports, look_back=timedelta(days=1)))
    tick = daemon.tick()

    assert [key.path[-1] for each in tick.requests for key in each.asset_selection or ()] == ["b"]


def test_a_schedule_that_is_kept_waiting_fails_in_time_with_its_reason(
    simulator: Simulator, clock: ManualClock, tmp_path: Path
) -> None:
    schedule = build_report_schedule([configured("balance.summary.1")])
    simulator.faults.add(Silence(), "GET *", times=None)
    with dg.instance_for_test() as on_disk:  # schedules look for no other
        orchestra = Orchestra(on_disk, simulator.handle, clock, tmp_path)
        at = datetime(2026, 6, 7, 12, 15, tzinfo=UTC)

        with (
            dg.build_schedule_context(on_disk, at, resources=orchestra.resources) as context,
            pytest.raises(dg.DagsterError) as failed,
        ):
            schedule.evaluate_tick(context)

    assert "no answer within 30 s" in messages_of(failed.value)
    assert clock.monotonic() < IN_TIME


def test_a_check_that_is_kept_waiting_is_a_warning_that_says_it_was_not_evaluated(
    orchestra: Orchestra, simulator: Simulator, clock: ManualClock
) -> None:
    report = configured("balance.summary.1")
    checks = build_newest_partition_check(report)
    job = dg.define_asset_job("checks", selection=dg.AssetSelection.checks(checks))
    definitions = dg.Definitions(asset_checks=[checks], jobs=[job], resources=orchestra.resources)
    simulator.faults.add(Silence(), "GET *", times=None)

    result = definitions.resolve_job_def("checks").execute_in_process(instance=orchestra.instance)

    (said,) = result.get_asset_check_evaluations()
    assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert str(said.description).startswith("Not evaluated: ")
    assert clock.monotonic() < IN_TIME


@pytest.mark.long
def test_a_socket_that_accepts_and_stays_silent_ends_the_tick_in_time(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """The real clock, the real network, the real client."""
    report = replace(configured("balance.summary.1"), start=date(2026, 6, 1))
    sensor = build_availability_sensor([report])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        stripe = StripeReporting(
            api_key=SIMULATED_KEY,
            api_base=f"http://127.0.0.1:{silent.getsockname()[1]}",
            root=str(tmp_path),
        )
        reader = {"stripe_parquet": report_reader()}
        began = time.monotonic()
        definitions = dg.Definitions(
            assets=[build_report_asset(report)], sensors=[sensor], resources={"stripe": stripe, **reader}
        )
        with dg.build_sensor_context(
            instance=instance,
            resources={"stripe": stripe},
            definitions=definitions,
            sensor_name=sensor.name,
        ) as context:
            data = sensor.evaluate_tick(context)

    assert time.monotonic() - began < IN_TIME
    assert "no answer within 30 s" in str(data.skip_message)
