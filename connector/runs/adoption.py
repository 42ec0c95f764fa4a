"""Which report run answers a request, as decisions over plain values.

The list of report runs at Stripe is the only state there is. A process that died and starts again must
find the run it already has; two processes that ask at once must end up with one run.
"""

import contextlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connector.api.models import ParameterValue, ReportRequest, ReportRun, RunStatus
from connector.dataset.provenance import Provenance
from connector.partitions import Partition

#: Parameters that say which rows a report has.
_DECISIVE = ("interval_start", "interval_end", "payout", "connected_account", "currency")

#: A file made so long after its interval's end is complete, whatever Stripe has prepared since.
SETTLED_AFTER = timedelta(hours=48)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WaitPolicy:
    """How long each thing is waited for, and how often it is tried.

    Attributes:
        wait_timeout: how long one report run is waited for before it is left to finish alone.
        abandon_after: a run pending for longer counts as failed: Stripe has no cancel, and runs have hung
            for days.
        attempts: how many report runs one partition may cost when Stripe fails them.
    """

    wait_timeout: timedelta = timedelta(minutes=30)
    abandon_after: timedelta = timedelta(hours=6)
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class PartitionRequest:
    """One partition that needs a report run.

    Attributes:
        request: what to ask Stripe.
        published: where the published file of the same request comes from: only a newer run will do.
        run_id: take this very run, whatever its age.
        refresh: no finished run will do, only one that is under way, or a new one.
    """

    partition: Partition
    request: ReportRequest
    published: Provenance | None = None
    run_id: str | None = None
    refresh: bool = False


def choose(
    wanted: PartitionRequest,
    same: Iterable[ReportRun],
    *,
    updated: datetime | None,
    now: datetime,
    wait_policy: WaitPolicy,
) -> ReportRun | None:
    """The run to adopt out of those that ask the same; None when a new one must be created.

    A finished run beats a pending one; among equals the newest wins. A finished run counts when it is
    newer than the published one and its file cannot be short: made after the report type's data were last
    prepared, or long enough after the interval's end.

    Args:
        updated: when Stripe last prepared the type's data; None when unknown.
        now: the time at Stripe.
    """
    interval, published = wanted.partition.interval, wanted.published

    def finished(run: ReportRun) -> bool:
        if wanted.refresh or run.status is not RunStatus.SUCCEEDED or run.result is None:
            return False
        if published and (run.created <= published.run_created or run.id == published.run_id):
            return False
        expires = run.result.expires_at
        if expires is not None and expires <= now:
            return False
        made = run.result.created
        if updated is not None and made >= updated:
            return True
        return interval is not None and made >= interval.end + SETTLED_AFTER

    def running(run: ReportRun) -> bool:
        if published and run.id == published.run_id:
            return False
        return run.status is RunStatus.PENDING and now - run.created < wait_policy.abandon_after

    usable = [run for run in same if finished(run) or running(run)]
    return max(usable, key=lambda run: (run.status is RunStatus.SUCCEEDED, run.created), default=None)


def another_request(asked: ReportRequest, echoed: ReportRequest) -> str | None:
    """What a created run says it was asked, where that is another request; None where it is ours.

    Where the two merely differ, as in a parameter that is not echoed, that is logged: the run is ours by its
    id. But a run over other days must never be published under this partition.
    """
    ours, theirs = dict(asked.parameters), dict(echoed.parameters)
    differing = sorted(n for n in ours.keys() | theirs.keys() if ours.get(n) != theirs.get(n))
    contrary = [name for name in _DECISIVE if name in differing and name in ours and name in theirs]
    said = [f"{name} {_shown(name, theirs)} where {_shown(name, ours)} was asked" for name in contrary]
    if asked.report_type != echoed.report_type:
        said.insert(0, f"report type {echoed.report_type} where {asked.report_type} was asked")
    if not said and differing:
        _log.warning("a report run of %s echoes otherwise than asked: %s", asked.report_type, differing)
    return f"answers another request: {', '.join(said)}" if said else None


def _shown(name: str, parameters: Mapping[str, ParameterValue]) -> ParameterValue:
    """A parameter as people read it: an end of the interval as a time, UTC."""
    value = parameters[name]
    with contextlib.suppress(ValueError, OverflowError, OSError):
        if name.startswith("interval_") and isinstance(value, int):
            return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return value
