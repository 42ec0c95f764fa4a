"""Calls of the simulator without the connector, and requests that faults act on."""

from datetime import UTC, datetime
from urllib.parse import parse_qs

import httpx

from connector.simulator import SIMULATED_KEY, Match, RequestContext, Simulator


def caller(simulator: Simulator, key: str = SIMULATED_KEY) -> httpx.Client:
    transport = httpx.MockTransport(simulator.handle)
    return httpx.Client(base_url="https://api.stripe.com", transport=transport, auth=(key, ""))


def asking_for(*days: str, report_type: str = "*", first_only: bool = False) -> Match:
    """The POSTs that create a run of one of these UTC days; `first_only`: one for each day and type."""
    wanted, met = set(days), set[tuple[str, str]]()

    def hits(context: RequestContext) -> bool:
        day = _day_asked_for(context)
        if day not in wanted or (first_only and (context.report_type, day) in met):
            return False
        met.add((context.report_type, day))
        return True

    return Match("POST", "/v1/reporting/report_runs", report_type, where=hits)


def _day_asked_for(context: RequestContext) -> str:
    form = parse_qs(context.call.body.decode()) if context.call else {}
    starts = form.get("parameters[interval_start]")
    return f"{datetime.fromtimestamp(int(starts[0]), UTC):%Y-%m-%d}" if starts else ""
