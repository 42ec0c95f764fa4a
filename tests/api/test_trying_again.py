"""What the client tries again, for how long, and what it does not."""

import httpx
import pytest

from connector.api.client import StripeClient
from connector.api.retry import WATCHED_RETRY, RetryPolicy
from connector.errors import (
    AuthenticationError,
    ConnectionFailedError,
    InvalidRequestError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)
from connector.simulator import Simulator
from connector.simulator.faults import Stage
from tests.api.handlers import DAY, TYPES_URL, always, failing, redirecting
from tests.conftest import ClientFor
from tests.faults.network import Html, Refuse, Reset, Respond, lock_timeout, rate_limited
from tests.support.clock import ManualClock


def test_a_lost_answer_is_asked_for_again_under_the_same_key(
    simulator: Simulator, client: StripeClient
) -> None:
    simulator.faults.add(Reset(stage=Stage.AFTER), "POST")

    client.create_report_run(DAY, idempotency_key="k")

    assert len(simulator.runs) == 1
    assert {seen.idempotency_key for seen in simulator.requests} == {"k"}


@pytest.mark.parametrize(
    "fault", [Respond(503), Respond(502), Html(), Reset()], ids=["503", "502", "a-page", "a-reset"]
)
def test_what_may_pass_is_tried_again(simulator: Simulator, client: StripeClient, fault: Respond) -> None:
    simulator.faults.add(fault, "GET", times=3)

    assert client.report_types()


def test_a_read_that_failed_is_tried_again_whatever_stripe_says_and_a_creation_is_not(
    simulator: Simulator, client: StripeClient
) -> None:
    """Stripe says no to most repetitions, because that of a creation would replay the stored failure."""
    never = Respond(500, headers={"Stripe-Should-Retry": "false"})
    simulator.faults.add(never, times=1)
    assert client.report_types()

    simulator.faults.add(never, times=1)
    with pytest.raises(ServerError):
        client.create_report_run(DAY, idempotency_key="k")


def test_a_limit_on_reads_is_waited_out_as_long_as_stripe_asks(
    simulator: Simulator, client: StripeClient, clock: ManualClock
) -> None:
    simulator.faults.add(rate_limited(retry_after=20))

    client.report_types()

    assert clock.monotonic() >= 20


@pytest.mark.parametrize("reason", ["endpoint-concurrency", "global-concurrency", "resource-specific", None])
def test_a_limit_on_new_runs_is_the_callers_to_deal_with(
    simulator: Simulator, client: StripeClient, reason: str | None
) -> None:
    simulator.faults.add(rate_limited(reason=reason))

    with pytest.raises(RateLimitError) as caught:
        client.create_report_run(DAY, idempotency_key="k")

    assert caught.value.limit == reason


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(rate_limited(reason="endpoint-rate"), id="endpoint-rate"),
        pytest.param(rate_limited(reason="global-rate"), id="global-rate"),
        pytest.param(lock_timeout(), id="lock-timeout"),
    ],
)
def test_a_new_run_refused_for_a_moment_is_asked_for_again_with_the_same_key(
    simulator: Simulator, client: StripeClient, refusal: Respond
) -> None:
    simulator.faults.add(refusal)

    client.create_report_run(DAY, idempotency_key="k")

    sent = [(seen.status, seen.idempotency_key) for seen in simulator.requests]
    assert sent == [(429, "k"), (200, "k")]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, InvalidRequestError),
    ],
)
def test_what_cannot_pass_is_not_tried_again(
    simulator: Simulator, client: StripeClient, status: int, error: type[Exception]
) -> None:
    simulator.faults.add(Respond(status), times=None)

    with pytest.raises(error, match=f"HTTP {status}.*request req_"):
        client.report_types()

    assert len(simulator.requests) == 1


def test_patience_with_a_broken_stripe_ends(
    simulator: Simulator, client: StripeClient, clock: ManualClock
) -> None:
    simulator.faults.add(Respond(503), times=None)

    with pytest.raises(ServerError):
        client.report_types()

    assert 60 <= clock.monotonic() <= 120


def test_who_watches_waits_seconds_for_a_port_where_nobody_listens_and_longer_once_it_was_open(
    simulator: Simulator, client_for: ClientFor, clock: ManualClock
) -> None:
    client = client_for(simulator.handle, retry=WATCHED_RETRY)
    waited = []
    for answers in (0, 1):
        simulator.faults.add(Refuse(), times=None, skip=answers)
        began = clock.monotonic()
        with pytest.raises(ConnectionFailedError):
            [client.report_types() for _ in range(answers + 1)]
        waited.append(clock.monotonic() - began)
        simulator.faults.clear()

    assert waited[0] < 15
    assert waited[1] > 60


def test_nothing_is_tried_again_when_the_clients_time_is_over_by_then(
    client_for: ClientFor, clock: ManualClock
) -> None:
    hasty = client_for(always(httpx.Response(503)), retry=RetryPolicy(client_lasts=3.0))

    with pytest.raises(ServerError):
        hasty.report_types()

    assert clock.monotonic() < 3.0


def test_a_wait_that_takes_all_the_time_that_is_left_is_not_begun(
    client_for: ClientFor, clock: ManualClock
) -> None:
    hasty = client_for(always(httpx.Response(503)), retry=RetryPolicy(first=2.0, client_lasts=1.0))

    with pytest.raises(ServerError):
        hasty.report_types()

    assert clock.monotonic() == 0.0


def test_of_many_retries_one_is_worth_a_warning(
    simulator: Simulator, client: StripeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "connector.api")
    simulator.faults.add(Respond(503), times=6)

    client.report_types()

    retries = [record for record in caplog.records if "; trying again in " in record.getMessage()]
    assert [each.levelname for each in retries] == ["INFO", "INFO", "INFO", "WARNING", "INFO", "INFO"]
    assert retries[0].getMessage().startswith(f"GET {TYPES_URL}: HTTP 503: Something went wrong")
    assert retries[0].getMessage().endswith("; trying again in 0.2 s")


def test_nothing_is_tried_again_once_the_client_is_closed(client_for: ClientFor, clock: ManualClock) -> None:
    def close(_: httpx.Request) -> httpx.Response:
        client.close()
        return httpx.Response(503)

    client = client_for(close)

    with pytest.raises(ServerError):
        client.report_types()

    assert clock.monotonic() == 0.0


def test_a_time_to_wait_that_is_named_as_a_date_counts_by_stripes_clock(
    client_for: ClientFor, clock: ManualClock
) -> None:
    headers = {"Date": "Sun, 07 Jun 2026 10:00:00 GMT", "Retry-After": "Sun, 07 Jun 2026 10:00:20 GMT"}
    answers = [httpx.Response(429, headers=headers), httpx.Response(200, json={"data": []})]

    client_for(lambda _: answers.pop(0)).report_types()

    assert clock.monotonic() == pytest.approx(20, abs=1)


def test_an_answer_from_stripes_store_is_a_replay(client: StripeClient) -> None:
    replayed = [client.create_report_run(DAY, idempotency_key=key).replayed for key in "kkl"]

    assert replayed == [False, True, False]


def test_how_often_it_was_tried_is_said(client_for: ClientFor) -> None:
    client = client_for(failing(httpx.ReadError("reset")), retry=RetryPolicy(first=2.0, give_up_after=3.5))

    with pytest.raises(ConnectionFailedError) as caught:
        client.report_types()

    tried = "[tried 3 times in 3 s; try again later]"
    assert str(caught.value) == f"GET {TYPES_URL}: ReadError: reset {tried}"


def test_where_no_time_is_left_nothing_is_sent(client_for: ClientFor, clock: ManualClock) -> None:
    sent: list[httpx.Request] = []
    client = client_for(redirecting("/x", sent), retry=RetryPolicy(client_lasts=1.0))
    clock.sleep(1)

    with pytest.raises(ConnectionFailedError) as caught:
        client.report_types()

    assert str(caught.value) == f"GET {TYPES_URL}: not sent, since no time is left for it"
    assert not sent
    assert client.time_left() == 0
