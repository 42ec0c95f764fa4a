"""Requests that tests aim faults at."""

from datetime import UTC, datetime
from urllib.parse import parse_qs

from connector.simulator import Match, RequestContext


def asking_for(*days: str, report_type: str = "*", first_only: bool = False) -> Match:
    """The POSTs that ask for a run over one of these UTC days; `first_only`: one for each day and type."""
    wanted, met = set(days), set[tuple[str, str]]()

    def hits(occasion: RequestContext) -> bool:
        day = _day_asked_for(occasion)
        if day not in wanted or (first_only and (occasion.report_type, day) in met):
            return False
        met.add((occasion.report_type, day))
        return True

    return Match("POST", "/v1/reporting/report_runs", report_type, where=hits)


def _day_asked_for(occasion: RequestContext) -> str:
    form = parse_qs(occasion.call.body.decode()) if occasion.call else {}
    starts = form.get("parameters[interval_start]")
    return f"{datetime.fromtimestamp(int(starts[0]), UTC):%Y-%m-%d}" if starts else ""
