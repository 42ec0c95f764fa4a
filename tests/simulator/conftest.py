"""A simulated Stripe in memory, on a clock that the test owns."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import httpx
import pytest

from connector.simulator import SIMULATED_KEY, Simulator
from tests.support.clock import ManualClock

RUNS = "/v1/reporting/report_runs"


@pytest.fixture
def clock() -> ManualClock:
    """Half past three in the afternoon of 2026-06-10, UTC."""
    return ManualClock()


@pytest.fixture
def sim(clock: ManualClock) -> Simulator:
    """Runs take a minute; data since the start of May."""
    return Simulator(clock, seed=7, run_seconds=60, opening=date(2026, 5, 1))


@pytest.fixture
def http(sim: Simulator) -> Iterator[httpx.Client]:
    transport = httpx.MockTransport(sim.handle)
    with httpx.Client(
        base_url="https://api.stripe.com", transport=transport, auth=(SIMULATED_KEY, "")
    ) as client:
        yield client


@pytest.fixture
def create(http: httpx.Client) -> Callable[..., httpx.Response]:
    """POST a run: `create("balance.summary.1", interval_start=…, headers={…})`; a list is sent as `[]`."""

    def post(report_type: str, headers: dict[str, str] | None = None, **parameters: Any) -> httpx.Response:
        form: dict[str, Any] = {"report_type": report_type}
        for name, value in parameters.items():
            form[f"parameters[{name}]" + ("[]" if isinstance(value, list) else "")] = value
        return http.post(RUNS, data=form, headers=headers)

    return post
