"""Asked is not done: what became of partitions that a sensor asked for, and which it asks for again.

A sensor asks for a partition for a reason: it is missing while Stripe has data until a certain time, or it
has reached an age at which it is refreshed. Each time makes one Dagster run, whose tag names the reason and
counts the times. So Dagster's runs are the only memory, and losing a cursor changes nothing.

A run that ended before it had a report run at Stripe has done nothing: whoever asked asks again. Once there
is a report run, the rest is the business of the sensor for late reports. That sensor also takes what has a
report run at Stripe that no Dagster run wrote down; where both come to it, the first has it in hand, and
both use the one report run.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import dagster as dg

from assets.dagster_runs.history import PartitionGrid, newest_materializations, read_begun
from assets.dagster_runs.launch import Launch, Outcome
from assets.dagster_runs.launches import Launches
from assets.dagster_runs.run_requests import RangeRunRequest, neighbours
from assets.dagster_runs.tags import ASKED_TAG, INTENT_TAG, REFUSED_AT, REFUSED_TAG, Intent
from assets.reports.configured import ConfiguredReport
from connector.dataset.coverage import listed
from connector.runs.readiness import Bound

#: How often a partition is asked for, for one reason.
MOST_TIMES = 3


class Died(Enum):
    """What a partition's newest failed run left behind."""

    UNBEGUN = auto()
    """No report run was written down: a sensor that asked for the partition asks again, also where a person's
    launch of it has died since."""
    BEGUN = auto()
    """A report run, or Stripe's word that there are no data yet: the sensor for late reports looks after
    it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One of the times that a partition is asked for, for one reason.

    Attributes:
        number: 1, or one more than runs in a row have died since it last came in.
        after: the run that was the last to ask for it, for this reason; None for the first one. It makes the
            run key another one also where the counting begins again.
    """

    number: int = 1
    after: str | None = None


@dataclass(frozen=True, slots=True)
class AskAgain:
    """The partitions to ask for now.

    Attributes:
        attempts: each key, with what it is asked for with.
        given_up: keys that were asked for often enough, and whose runs all ended without a report run.
    """

    attempts: Mapping[str, Attempt]
    given_up: Sequence[str]


def value_of(reason: str, times: int) -> str:
    """The value of the tag of a run that is asked for, for this reason the so-manieth time."""
    return f"{reason}#{times}"


def times_in(value: str) -> int:
    """How often was asked, by the value of the tag; 0 for a value that people made up."""
    number = value.rpartition("#")[2]
    return int(number) if number.isdecimal() else 0


def requests_for(
    report: ConfiguredReport,
    grid: PartitionGrid,
    attempts: Mapping[str, Attempt],
    *,
    reason: str,
    intent: Intent = Intent.ENSURE,
) -> list[RangeRunRequest]:
    """The runs that ask for these partitions, oldest first; neighbours with the same attempt share one.

    Args:
        attempts: each key, with what it is asked for with.
    """
    alike: dict[Attempt, list[str]] = {}
    for key, attempt in attempts.items():
        alike.setdefault(attempt, []).append(key)
    requests = [
        RangeRunRequest(report, keys, [asked, attempt.after], {INTENT_TAG: intent, ASKED_TAG: asked})
        for attempt, same in alike.items()
        for asked in [value_of(reason, attempt.number)]
        for keys in neighbours(same, grid, at_most=report.max_partitions_per_run)
    ]
    return sorted(requests, key=lambda request: grid.age(request.keys[0]))


def warn_given_up(asset: str, keys: Sequence[str]) -> str:
    """What a person should know of partitions that are not asked for any more."""
    return (
        f"{asset}: asked for {MOST_TIMES} times, and each Dagster run ended before it had a report run at "
        f"Stripe: {listed(keys)}. Their failed runs say why; materialize them by hand when that is "
        "repaired."
    )


def find_died(
    instance: dg.DagsterInstance,
    launches: Launches,
    report: ConfiguredReport,
    grid: PartitionGrid,
    keys: Collection[str],
) -> dict[str, Died]:
    """What the newest failed run of each of these partitions left; none of those that came in later."""
    failed = launches.latest_failed(grid, keys)
    events = newest_materializations(instance, report.key, failed.keys())
    failed = {
        key: launch
        for key, launch in failed.items()
        if key not in events or events[key].timestamp < launch.created
    }
    silent = {key for key, launch in failed.items() if not launch.not_ready}
    begun = read_begun(instance, report.key, silent)
    return {
        key: Died.UNBEGUN if key in silent and (launch.id, key) not in begun else Died.BEGUN
        for key, launch in failed.items()
    }


def asks_again(launches: Launches, grid: PartitionGrid, died: Mapping[str, Died]) -> frozenset[str]:
    """Those of the died that whoever asked for them asks for again."""
    failed = launches.latest_failed(grid, [key for key, left in died.items() if left is Died.UNBEGUN])
    return frozenset(
        key for key, launch in failed.items() if launch.asked and times_in(launch.asked) < MOST_TIMES
    )


def ask_again(
    instance: dg.DagsterInstance,
    launches: Launches,
    report: ConfiguredReport,
    grid: PartitionGrid,
    reasons: Mapping[str, str],
    *,
    after_success: bool = False,
) -> AskAgain:
    """Which partitions that are due are asked for now: those never asked for, and those whose run died.

    Only runs that ended badly count: what came in since, and is gone again, is asked for as at first.

    Args:
        reasons: key to why it is due. None of them is in hand.
        after_success: also those that came in. They are due because their file is gone.
    """
    newest = _newest(launches.asked(_values_of(reasons)), grid, reasons)
    died = find_died(
        instance,
        launches,
        report,
        grid,
        [key for key, launch in newest.items() if launch.outcome is Outcome.FAILED],
    )
    attempts: dict[str, Attempt] = {}
    given_up = []
    for key in reasons:
        launch = newest.get(key)
        if launch is None:
            attempts[key] = Attempt()
            continue
        failed, asked = launch.outcome is Outcome.FAILED, times_in(launch.asked or "")
        if after_success and (launch.outcome is Outcome.SUCCEEDED or (failed and key not in died)):
            attempts[key] = Attempt(1, launch.id)
        elif failed and died.get(key) is not Died.BEGUN:
            if asked < MOST_TIMES:
                attempts[key] = Attempt(asked + 1, launch.id)
            else:
                given_up.append(key)
    return AskAgain(attempts, given_up)


def find_came_in(launches: Launches, grid: PartitionGrid, reasons: Mapping[str, str]) -> frozenset[str]:
    """Those that came in when they were asked for: nothing asks for the same reason again.

    Args:
        reasons: key to why it would be asked for.
    """
    newest = _newest(launches.asked(_values_of(reasons)), grid, reasons)
    return frozenset(key for key, launch in newest.items() if launch.outcome is Outcome.SUCCEEDED)


def read_refused(instance: dg.DagsterInstance, asset: dg.AssetKey) -> frozenset[Bound]:
    """The bounds of its data at which Stripe has refused a window of an asset, by whoever's run.

    What Stripe once refused there it is not asked for again, as long as Dagster has that run.
    """
    runs = instance.get_runs(dg.RunsFilter(tags={REFUSED_TAG: sorted(REFUSED_AT)}))
    # The run of a job that selects no assets counts for all.
    about = [run for run in runs if not run.asset_selection or asset in run.asset_selection]
    return frozenset().union(*(REFUSED_AT[run.tags[REFUSED_TAG]] for run in about))


def _values_of(reasons: Mapping[str, str]) -> set[str]:
    """The tags of the runs that ask for these reasons."""
    return {value_of(each, n) for each in {*reasons.values()} for n in range(1, MOST_TIMES + 1)}


def _newest(asked: Sequence[Launch], grid: PartitionGrid, reasons: Mapping[str, str]) -> dict[str, Launch]:
    """The newest of these runs that asked for a key, for its reason."""
    found: dict[str, Launch] = {}
    for launch in asked:
        reason = (launch.asked or "").rpartition("#")[0]
        for key in launch.partitions(grid):
            if reasons.get(key) == reason:
                found.setdefault(key, launch)
    return found
