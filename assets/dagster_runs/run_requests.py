"""Partitions as run requests: which go into one run, with which tags, and under which run key.

Dagster never starts a second run under a run key, whatever became of the first. So a key is made of what is
requested and why, and a request for a new reason has another key.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from assets.dagster_runs.history import PartitionGrid
from assets.dagster_runs.tags import RANGE_END, RANGE_START
from assets.reports.configured import ConfiguredReport
from connector.errors import ConfigurationError

#: The few partitions of a sensor do not queue behind a backfill.
_AHEAD = {"dagster/priority": "1"}


@dataclass(frozen=True, slots=True)
class RangeRunRequest:
    """One Dagster run to be: some neighbouring partitions of one asset.

    Attributes:
        keys: of one range: its first and last key are the corners.
        reason: what the run key is made of, besides the asset and the keys.
        tags: the run's tags, besides its partitions.
    """

    report: ConfiguredReport
    keys: tuple[str, ...]
    reason: Any
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def run_key(self) -> str:
        """Equal for the same partitions of the same asset, for the same reason."""
        request = [self.report.key.to_user_string(), sorted(self.keys), self.reason]
        text = json.dumps(request, sort_keys=True, separators=(",", ":"))
        return f"stripe-{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    def request(self) -> dg.RunRequest:
        """As Dagster's run request, which takes only strings as tags."""
        tags = _AHEAD | {name: str(value) for name, value in self.tags.items()}
        if len(self.keys) == 1:
            return dg.RunRequest(
                self.run_key,
                partition_key=self.keys[0],
                tags=tags,
                asset_selection=[self.report.key],
            )
        span = {RANGE_START: self.keys[0], RANGE_END: self.keys[-1]}
        return dg.RunRequest(self.run_key, tags={**tags, **span}, asset_selection=[self.report.key])


def neighbours(keys: Iterable[str], calendar: PartitionGrid, *, at_most: int | None) -> list[tuple[str, ...]]:
    """Keys cut into runs of neighbouring partitions, oldest first, none longer than `at_most`.

    Neighbours follow each other in their row; those of the next row go with them where they have the same
    places, so that a run's first and last key are the corners of a range. A key that is not a partition any
    more is left out: one unknown key would fail the whole tick.
    """
    columns: dict[int, list[int]] = {}
    for row, column in sorted({calendar.place[key] for key in keys if key in calendar.place}):
        columns.setdefault(row, []).append(column)
    blocks: list[tuple[range, list[int]]] = []
    newest: dict[range, list[int]] = {}
    for row, some in columns.items():
        for stretch in _stretches(some, at_most):
            above = newest.get(stretch)
            full = above and at_most is not None and (len(above) + 1) * len(stretch) > at_most
            if above and above[-1] == row - 1 and not full:
                above.append(row)
            else:
                newest[stretch] = [row]
                blocks.append((stretch, newest[stretch]))
    blocks.sort(key=lambda block: (block[0].start, block[1]))
    return [
        tuple(calendar.rows[row][column] for row in rows for column in stretch) for stretch, rows in blocks
    ]


def _stretches(columns: Sequence[int], at_most: int | None) -> list[range]:
    """Ascending numbers as ranges without a gap, none longer than `at_most`."""
    found: list[range] = []
    for at in columns:
        joins = bool(found) and found[-1].stop == at and len(found[-1]) != at_most
        if joins:
            found[-1] = range(found[-1].start, at + 1)
        else:
            found.append(range(at, at + 1))
    return found


def of_windows(reports: Sequence[ConfiguredReport]) -> Sequence[ConfiguredReport]:
    """The reports, unless one is about payouts and has no windows of time.

    Raises ConfigurationError naming those that are.
    """
    if named := ", ".join(report.query.name for report in reports if report.query.by_payout):
        raise ConfigurationError(f"{named}: payouts have no windows of time; use build_payout_sensor")
    return reports


def shared_resource(reports: Sequence[ConfiguredReport]) -> str:
    """The key of the resource that all the reports use: a call to Stripe is for one account.

    Raises ConfigurationError where there are no reports, or reports of several accounts.
    """
    found = sorted({report.resource for report in reports})
    if len(found) != 1:
        named = ", ".join(found) or "none"
        raise ConfigurationError(f"a sensor or schedule looks at reports of one resource; given: {named}")
    return found[0]
