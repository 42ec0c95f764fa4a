"""Requests of the client's tests, and servers that always say the same."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connector.api.models import ReportRequest, epoch
from connector.api.retry import RetryPolicy
from tests.support.clock import ManualClock

Handler = Callable[[httpx.Request], httpx.Response]

DAY = ReportRequest.of(
    "balance.summary.1",
    {
        "interval_start": epoch(datetime(2026, 6, 5, tzinfo=UTC)),
        "interval_end": epoch(datetime(2026, 6, 6, tzinfo=UTC)),
        "columns": ["category", "net_amount", "currency"],
    },
)

ONCE = RetryPolicy(give_up_after=0)
TYPES_URL = "https://api.stripe.com/v1/reporting/report_types"
OBJECT: dict[str, Any] = {"id": "frr_1", "report_type": "t.1", "status": "pending", "created": 1}


def day(number: int) -> ReportRequest:
    start = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(days=number)
    bounds = {"interval_start": epoch(start), "interval_end": epoch(start + timedelta(days=1))}
    return ReportRequest.of("balance.summary.1", bounds)


def always(response: httpx.Response) -> Handler:
    return lambda _: httpx.Response(response.status_code, headers=response.headers, content=response.content)


def seconds_for(calls: int, call: Callable[[], object], clock: ManualClock) -> float:
    """How long so many calls take, where Stripe itself takes no time."""
    began = clock.monotonic()
    for _ in range(calls):
        call()
    return clock.monotonic() - began


def redirecting(to: str, sent: list[httpx.Request]) -> Handler:
    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if request.url.path == "/v1/reporting/report_types":
            return httpx.Response(307, headers={"Location": to})
        return httpx.Response(200, json={"data": [], "has_more": False})

    return handle


def failing(error: Exception) -> Handler:
    def handle(_: httpx.Request) -> httpx.Response:
        raise error

    return handle
