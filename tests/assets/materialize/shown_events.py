"""Five days of a summary, and what their events show."""

from typing import Any

import dagster as dg

from connector.simulator import Match

FIRST, LAST = "2026-06-01", "2026-06-05"
DAYS = ["2026-06-01", "2026-06-02", "2026-06-03", "2026-06-04", "2026-06-05"]
SUMMARIES = Match(report_type="balance.summary.1")


def shown(event: dg.AssetMaterialization) -> dict[str, Any]:
    return {name: value.value for name, value in event.metadata.items()}


def partitions(events: list[tuple[str, Any]]) -> list[str]:
    return sorted(partition for partition, _ in events)
