"""The availability sensor and a pull refresh the same partitions: there is one policy."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import dagster as dg
import pytest

from assets import ConfiguredReport, build_report_asset
from assets.dagster_runs.tags import INTENT_TAG, Intent
from assets.resources import StripeReporting
from assets.sensors.availability_sensor import build_availability_sensor
from connector.cli.pull import find_refreshes
from connector.partitions import Partition
from connector.pipeline.collect import collect
from connector.query import ReportQuery
from tests.support.clock import NOON, ManualClock
from tests.support.dagster import Orchestra, configured
from tests.support.partitions import days
from tests.support.sensing import Daemon
from tests.support.workers import InlineWorkers

FEES = "all_fees.balance_transaction_created.summary.2"
DAY = timedelta(days=1)
MAY = days("2026-05-01", 31)


@pytest.fixture
def stripe(orchestra: Orchestra) -> StripeReporting:
    """With a live-mode key: Stripe has reports about fees in live mode alone."""
    orchestra.stripe = type(orchestra.stripe)(api_key="rk_live_1", root=str(orchestra.root))
    orchestra.resources["stripe"] = orchestra.stripe
    return orchestra.stripe


def refresh(stripe: StripeReporting, query: ReportQuery, partitions: Sequence[Partition]) -> None:
    with stripe.client() as client:
        list(
            collect(
                client,
                stripe.store(),
                query,
                partitions,
                refresh=[each.key for each in partitions],
                senders=InlineWorkers(),
                converters=InlineWorkers(),
            )
        )


def due_for_the_command(stripe: StripeReporting, report: ConfiguredReport) -> set[str]:
    with stripe.client() as client:
        dataset = report.query.dataset(mode=client.mode, account=client.account)
        stored = stripe.store().provenances(dataset, [each.key for each in MAY])
        published = {key: each for key, each in stored.items() if each}
        return {each.key for each in find_refreshes(client, report.query, MAY, published)}


def due_for_the_sensor(orchestra: Orchestra, report: ConfiguredReport) -> set[str]:
    """By a first tick, which remembers nothing, and with a look back that leaves out nothing."""
    sensor = build_availability_sensor([report], look_back=90 * DAY, at_once=1000)
    assets: list[dg.AssetsDefinition] = [build_report_asset(report)]
    requests = Daemon(orchestra, assets, sensor).tick().requests
    return {str(each.partition_key) for each in requests if each.tags[INTENT_TAG] == Intent.REFRESH}


@pytest.mark.parametrize("report_type", ["balance.summary.1", FEES])
@pytest.mark.parametrize("seed", range(2))
def test_the_command_and_the_sensor_name_the_same_partitions(
    orchestra: Orchestra, stripe: StripeReporting, clock: ManualClock, report_type: str, seed: int
) -> None:
    report, random = configured(report_type), Random(seed)
    found: list[tuple[set[str], set[str]]] = []

    for moment in sorted(random.sample(range(60), 5)):
        clock.move_to(NOON + (moment - 20) * DAY)
        found.append((due_for_the_command(stripe, report), due_for_the_sensor(orchestra, report)))
        refresh(stripe, report.query, random.sample(MAY, 10))

    assert [command for command, _ in found] == [sensor for _, sensor in found]
    assert any(command for command, _ in found)


def test_fees_are_refreshed_two_days_later_than_balances(
    orchestra: Orchestra, stripe: StripeReporting, clock: ManualClock
) -> None:
    balance, fees = configured("balance.summary.1"), configured(FEES)
    (end,) = {each.interval.end for each in MAY[-1:] if each.interval}
    clock.move_to(end + DAY)
    for report in (balance, fees):
        refresh(stripe, report.query, MAY[-1:])

    clock.move_to(end + 4 * DAY)
    after_four = [due_for_the_sensor(orchestra, each) for each in (balance, fees)]
    clock.move_to(end + 5 * DAY)
    after_five = [due_for_the_sensor(orchestra, each) for each in (balance, fees)]

    assert after_four == [{"2026-05-31"}, set()]
    assert after_five == [{"2026-05-31"}, {"2026-05-31"}]
