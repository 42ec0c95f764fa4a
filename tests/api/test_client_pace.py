"""How fast calls follow each other: below Stripe's limits, and slower after a refusal."""

from collections.abc import Callable

import httpx
import pytest

from connector.api.client import StripeClient
from connector.api.models import ReportFile
from connector.api.rate_limit import divided
from connector.errors import RateLimitError
from connector.simulator import Simulator
from tests.api.handlers import DAY, OBJECT, always, seconds_for
from tests.conftest import ClientFor
from tests.faults.network import Respond, lock_timeout, rate_limited
from tests.support.clock import NOON, ManualClock


def test_one_of_several_processes_takes_its_part_and_begins_when_chance_has_it(
    client_for: ClientFor, clock: ManualClock
) -> None:
    client = client_for(always(httpx.Response(200, json={"data": []})), processes=4, share=0.8)
    pause = 1 / divided(25, processes=4, share=0.8)

    assert seconds_for(1, client.report_types, clock) == pytest.approx(pause / 2)
    assert seconds_for(10, client.report_types, clock) == pytest.approx(1.03 * 10 * pause, abs=0.02)


@pytest.mark.parametrize(
    ("refusal", "slower"),
    [
        pytest.param(rate_limited(reason="endpoint-rate"), True, id="endpoint-rate"),
        pytest.param(rate_limited(reason="global-rate"), True, id="global-rate"),
        pytest.param(rate_limited(), True, id="no-reason"),
        pytest.param(rate_limited(reason="global-concurrency"), False, id="global-concurrency"),
        pytest.param(rate_limited(reason="resource-specific"), False, id="resource-specific"),
        pytest.param(lock_timeout(), False, id="lock-timeout"),
    ],
)
def test_only_a_limit_on_requests_a_second_slows_requests_down(
    simulator: Simulator, client: StripeClient, clock: ManualClock, refusal: Respond, slower: bool
) -> None:
    """A test key has 25 requests a second."""
    simulator.faults.add(refusal)
    client.report_runs()
    began = clock.monotonic()

    for _ in range(5):
        client.report_runs()

    assert (clock.monotonic() - began > 5.5 / 25) is slower


def test_calls_keep_below_the_limit_of_a_sandbox(client: StripeClient, clock: ManualClock) -> None:
    assert seconds_for(51, client.report_types, clock) >= 2.0


def test_reads_slow_down_after_a_refusal_and_come_back_to_their_pace(
    simulator: Simulator, client: StripeClient, clock: ManualClock
) -> None:
    usual = seconds_for(20, client.report_types, clock)
    simulator.faults.add(rate_limited(), "GET", times=1)
    client.report_types()

    slowed = seconds_for(20, client.report_types, clock)
    seconds_for(50, client.report_types, clock)

    assert slowed > 1.2 * usual
    assert seconds_for(20, client.report_types, clock) == pytest.approx(usual, rel=0.1)


def finished_file(client: StripeClient, clock: ManualClock) -> ReportFile:
    """The file of a report run that has succeeded."""
    run = client.create_report_run(DAY, idempotency_key="k")
    clock.sleep(60)
    result = client.report_run(run.id).result
    assert result is not None
    return result


def test_a_refused_download_slows_those_that_follow(
    simulator: Simulator, client: StripeClient, clock: ManualClock
) -> None:
    result = finished_file(client, clock)

    def download() -> None:
        with client.contents(result):
            pass

    usual = seconds_for(20, download, clock)
    simulator.faults.add(rate_limited(), "GET */contents")
    with pytest.raises(RateLimitError):
        download()

    assert seconds_for(20, download, clock) > 1.2 * usual


def test_downloads_come_back_to_their_pace_after_a_refusal(
    simulator: Simulator, client: StripeClient, clock: ManualClock
) -> None:
    result = finished_file(client, clock)
    simulator.faults.add(rate_limited(), "GET */contents")
    with pytest.raises(RateLimitError), client.contents(result):
        pass

    for _ in range(50):
        with client.contents(result):
            pass
    before = clock.monotonic()
    for _ in range(20):
        with client.contents(result):
            pass

    assert clock.monotonic() - before == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("call", "rate"),
    [
        pytest.param(lambda client: client.report_runs(), 25, id="a-list"),
        pytest.param(lambda client: client.report_run("frr_2"), 25, id="one-by-its-id"),
        pytest.param(lambda client: client.create_report_run(DAY, idempotency_key="k"), 25, id="a-creation"),
        pytest.param(lambda client: client.file("file_1"), 20, id="a-file"),
        pytest.param(
            lambda client: client.contents(ReportFile("file_1", NOON, 1, "x")).__enter__(), 20, id="contents"
        ),
    ],
)
def test_every_endpoint_has_its_own_pace(
    client_for: ClientFor, clock: ManualClock, call: Callable[[StripeClient], object], rate: int
) -> None:
    """A live key bears a hundred requests a second, and a list beside them all is one of these."""
    body = OBJECT | {"id": "frr_2", "livemode": True, "size": 1, "purpose": "x", "data": []}
    client = client_for(always(httpx.Response(200, json=body)), api_key="rk_live_1")

    assert seconds_for(1, client.report_types, clock) == 0.0
    seconds = seconds_for(rate + 1, lambda: call(client), clock)

    assert seconds == pytest.approx(1.0, abs=0.02)
