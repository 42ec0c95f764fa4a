"""One partition is requested by one sensor or schedule at a time, however their ticks interleave.

Dagster evaluates sensors at the same time, and makes the runs of a tick only after it. So what a tick has
read may be out of date when it ends, and what another one has just requested is not a run yet. Before it
ends, a tick takes a last look and claims what it requests, both under one lock: Dagster evaluates all sensors
and schedules of a code location in one process. Where it has several, two ticks can still meet within the
moment between two last looks. Then both runs use one report run.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

import dagster as dg

from assets.dagster_runs.history import PartitionGrid
from assets.dagster_runs.launch import covered
from assets.dagster_runs.launches import Launches
from assets.dagster_runs.run_requests import RangeRunRequest

#: Dagster runs that one sensor has in hand at once; the others wait for a later tick. The `dagster.yaml` that
#: ships lets four runs go on at once, and the shortest takes some ten seconds, mostly to start. So twelve
#: last for the 30 s between two ticks, and what a person launches waits behind no more than that.
MOST_IN_HAND = 12

#: After so long Dagster has made the runs of a tick, or never will.
LASTS = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """Partitions of one asset that a tick is about to request.

    Attributes:
        home: of the Dagster that it is made in.
        by: the sensor or schedule.
        at: when, by this machine's clock, aware.
    """

    home: str
    by: str
    asset: str
    keys: frozenset[str]
    at: datetime


_lock = Lock()
_claims: list[Claim] = []


def claim(
    instance: dg.DagsterInstance,
    requests: Sequence[RangeRunRequest],
    grids: Mapping[str, PartitionGrid],
    *,
    by: str,
    since: datetime,
    at_once: int | None = MOST_IN_HAND,
) -> list[RangeRunRequest]:
    """The first of the requests that nothing else has in hand, or has had since the tick began.

    The others are found again at a later tick, if they are due then.

    Args:
        grids: by asset key.
        by: the sensor or schedule.
        since: when its tick began, by this machine's clock, aware.
        at_once: how many Dagster runs the sensor may have in hand with these; None for no limit.
    """
    with _lock:
        now, home = datetime.now(UTC), instance.root_directory
        _claims[:] = [each for each in _claims if now - each.at < LASTS]
        others = [each for each in _claims if each.home == home and each.by != by]
        launches = Launches(instance, now)
        granted = _free(launches, requests, grids, others, since) if requests else []
        if at_once is not None and granted:
            granted = granted[: max(0, at_once - launches.count_in_hand(by, grids))]
        _claims.extend(Claim(home, by, asset_of(each), frozenset(each.keys), now) for each in granted)
        return granted


def asset_of(request: RangeRunRequest) -> str:
    """The asset key of a request, as people read it."""
    return request.report.key.to_user_string()


def _free(
    launches: Launches,
    requests: Sequence[RangeRunRequest],
    grids: Mapping[str, PartitionGrid],
    others: Collection[Claim],
    since: datetime,
) -> list[RangeRunRequest]:
    ended, oldest = launches.ended(since), min((each.at for each in others), default=None)
    made = launches.made(oldest) if oldest else []
    taken: dict[str, frozenset[str]] = {}
    for asset in {asset_of(each) for each in requests}:
        grid = grids[asset]
        # A claim holds until there is a run for what it claims.
        claimed = [
            each.keys - covered([one for one in made if one.created > each.at.timestamp()], grid)
            for each in others
            if each.asset == asset
        ]
        taken[asset] = launches.in_hand(grid).union(covered(ended, grid), *claimed)
    return [each for each in requests if not taken[asset_of(each)].intersection(each.keys)]
