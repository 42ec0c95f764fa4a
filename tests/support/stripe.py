"""Requests that tests aim faults at."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from urllib.parse import parse_qs

from connector.simulator import Match, Occasion

_RUNS = "/v1/reporting/report_runs"


def asking_for(days: Collection[str], *, report_type: str = "*", first_only: bool = False) -> Match:
    """The POSTs that ask for a run over one of these UTC days; `first_only`: one for each day and type."""
    wanted, met = set(days), set[tuple[str, str]]()

    def hits(occasion: Occasion) -> bool:
        day = _day_asked_for(occasion)
        if day not in wanted or (first_only and (occasion.report_type, day) in met):
            return False
        met.add((occasion.report_type, day))
        return True

    return _creating(report_type, hits)


def _creating(report_type: str, where: Callable[[Occasion], bool]) -> Match:
    return Match("POST", _RUNS, report_type, where=where)


def _day_asked_for(occasion: Occasion) -> str:
    form = parse_qs(occasion.call.body.decode()) if occasion.call else {}
    starts = form.get("parameters[interval_start]")
    return f"{datetime.fromtimestamp(int(starts[0]), UTC):%Y-%m-%d}" if starts else ""
