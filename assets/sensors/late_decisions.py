"""What to do about partitions whose run failed or timed out: decisions over plain values.

The list of report runs at Stripe says how they stand; a partition's latest attempt in this Dagster says
whether it is still wanted. Nothing else is remembered, so nothing can be lost.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import NamedTuple

from assets.dagster_runs.history import PartitionGrid
from assets.dagster_runs.run_requests import RangeRunRequest, neighbours
from assets.dagster_runs.tags import (
    ATTEMPTS_TAG,
    INTENT_TAG,
    LATE_TAG,
    PARENT_RUN,
    REPLACES_TAG,
    REPORT_RUNS_TAG,
    Intent,
    tag_of,
    tagged,
)
from assets.reports.configured import ConfiguredReport
from connector.api.models import RunStatus

#: How often Dagster is requested to pick up the same report run, or to replace it.
TRIES = 3


class LateAction(StrEnum):
    """What is done about one partition at one tick; in the words of the tick's summary."""

    PICK_UP = "finished at Stripe, picked up now"
    REQUEST_AGAIN = "failed at Stripe, requested again now"
    REPLACE = "pending at Stripe for too long, replaced by a new report run now"
    WAIT = "still pending at Stripe, picked up when done"
    UNREAD = "not decided yet, the list of report runs is read on at the next tick"
    GIVE_UP = "failed at Stripe too often, materialize by hand"
    TRIED = "failed too often in Dagster, materialize by hand"
    NOTHING = "without a report run at Stripe, requested again when Stripe's data advance, or by hand"
    RECORDED = "not refreshed, the published file stays, refresh by hand"
    ASKER = "without a report run at Stripe, asked for again by what asked as long as it looks so far back"


#: These become Dagster runs.
_ACTS = {LateAction.PICK_UP, LateAction.REQUEST_AGAIN, LateAction.REPLACE}

#: These need a person.
STUCK = {LateAction.GIVE_UP, LateAction.TRIED}

#: Here nothing is done about these: a person may be needed, so the summary names them.
LEFT = {LateAction.NOTHING, LateAction.RECORDED, LateAction.ASKER}


class ListedRun(NamedTuple):
    """A report run in Stripe's list, as far as it matters here."""

    id: str
    status: RunStatus
    created: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one partition.

    Attributes:
        run_id: the report run to pick up, to replace, or to wait for; None where there is none.
        left: how many report runs the partition may still cost, including those that hang at Stripe, which
            are counted when one is created.
        tried: how often Dagster was requested to do this already.
        refresh: a file is published and recorded; the attempt that failed wanted a newer one.
    """

    action: LateAction
    run_id: str | None = None
    left: int = 0
    tried: int = 0
    refresh: bool = False


def decide(
    newest_first: Sequence[ListedRun],
    *,
    recorded: str | None,
    tried: Mapping[str, int],
    complete: bool,
    now: datetime,
    abandon_after: timedelta,
    attempts: int,
) -> Decision:
    """What to do about a partition whose latest attempt in this Dagster failed.

    A finished report run is always picked up, also one that was given up before. A failed run is replaced as
    long as the partition has cost fewer than `attempts` report runs.

    Args:
        newest_first: the report runs at Stripe with exactly the partition's request.
        recorded: the report run of the partition's newest event in this Dagster.
        tried: report run ids to how often Dagster was requested to pick up or replace them.
        complete: the list has no further such runs; otherwise only what is certain is decided.
        now: the time at Stripe.
        abandon_after: a run pending for as long counts as failed.
        attempts: how many report runs one partition may cost.
    """
    newer = list(takewhile(lambda run: run.id != recorded, newest_first))
    refresh = recorded is not None
    for run in newer:
        if run.status is RunStatus.SUCCEEDED:
            return _unless_tried(Decision(LateAction.PICK_UP, run.id), tried)
    for run in newer:
        if run.status is RunStatus.PENDING and now - run.created < abandon_after:
            return Decision(LateAction.WAIT, run.id)
    if not complete:
        return Decision(LateAction.UNREAD)
    if not newer:
        return Decision(LateAction.RECORDED if refresh else LateAction.NOTHING)
    last, left = newer[0], attempts - len(newer)
    if left <= 0:
        return Decision(LateAction.GIVE_UP, last.id)
    hanging = sum(run.status is RunStatus.PENDING for run in newer)
    action = LateAction.REQUEST_AGAIN if last.status is RunStatus.FAILED else LateAction.REPLACE
    return _unless_tried(Decision(action, last.id, left + hanging, refresh=refresh), tried)


def leave_to_asker(decision: Decision) -> Decision:
    """What is done here about a partition whose run wrote down no report run, and that is asked for again.

    Whatever has a report run at Stripe that can be used or replaced is taken here all the same: the process
    may have been killed before it could write down that there is one, and the sensor that asked may be off,
    or not look so far back. The rest is left to it.
    """
    return Decision(LateAction.ASKER) if decision.action in STUCK | LEFT else decision


def _unless_tried(decision: Decision, tried: Mapping[str, int]) -> Decision:
    """The decision with its count, or TRIED once Dagster has failed at it often enough."""
    times = tried.get(decision.run_id or "", 0)
    if times >= TRIES:
        return Decision(LateAction.TRIED, decision.run_id, tried=times)
    return Decision(decision.action, decision.run_id, decision.left, times, decision.refresh)


def plan_requests(
    report: ConfiguredReport, grid: PartitionGrid, decisions: Mapping[str, Decision]
) -> list[RangeRunRequest]:
    """The Dagster runs that the decisions about one asset's partitions lead to, oldest partitions first.

    Neighbours with the same decision share a run. The run key names each partition's report run and how often
    it was tried, so that the same request is made once, and a further try is another request.
    """
    alike: dict[tuple[object, ...], list[str]] = {}
    for key, decision in decisions.items():
        if decision.action in _ACTS:
            pick_up = decision.action is LateAction.PICK_UP
            alike.setdefault((pick_up, decision.left, decision.refresh), []).append(key)
    requests = [
        _request(report, keys, decisions)
        for same in alike.values()
        for keys in neighbours(same, grid, at_most=report.max_partitions_per_run)
    ]
    return sorted(requests, key=lambda request: grid.age(request.keys[0]))


def _request(
    report: ConfiguredReport, keys: tuple[str, ...], decisions: Mapping[str, Decision]
) -> RangeRunRequest:
    one = decisions[keys[0]]
    pick_up = one.action is LateAction.PICK_UP
    runs = tag_of({key: decisions[key].run_id or "" for key in keys})
    tags = {LATE_TAG: report.key.to_user_string()}
    if pick_up:
        tags[REPORT_RUNS_TAG] = runs
    else:
        tags[REPLACES_TAG] = runs
        tags[ATTEMPTS_TAG] = str(one.left)
        tags[INTENT_TAG] = Intent.REFRESH if one.refresh else Intent.ENSURE
    reason = ["late", pick_up, *([decisions[key].run_id, decisions[key].tried] for key in keys)]
    return RangeRunRequest(report, keys, reason, tags)


def count_tries(tags_of_runs: Iterable[Mapping[str, str]]) -> dict[str, Counter[str]]:
    """Partition key to how often each report run was requested, by the tags of the Dagster runs so far.

    A re-execution carries the tags of the run it is of, and was not requested.
    """
    counted: dict[str, Counter[str]] = {}
    for tags in tags_of_runs:
        if PARENT_RUN in tags:
            continue
        for tag in (REPORT_RUNS_TAG, REPLACES_TAG):
            for key, run_id in tagged(tags.get(tag)).items():
                counted.setdefault(key, Counter())[run_id] += 1
    return counted
