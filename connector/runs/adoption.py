"""Which report run answers a question, as decisions over plain values.

The list of report runs at Stripe is the only state there is. A process that died and starts again must
find the run it already has; two processes that ask at once must end up with one run.
"""

import contextlib
import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connector.api.models import API_VERSION, ParameterValue, ReportRequest, ReportRun, RunStatus
from connector.dataset.provenance import Kept
from connector.partitions import Interval

#: Parameters that say which rows a report has.
_DECISIVE = ("interval_start", "interval_end", "payout", "connected_account", "currency")


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WaitPolicy:
    """How long each thing is waited for, and how often it is tried.

    Attributes:
        wait_timeout: how long one report run is waited for before it is left to finish alone.
        abandon_after: a run pending for longer counts as failed: Stripe has no cancel, and runs have hung
            for days.
        settled_after: a file made this long after its interval's end is complete, whatever has been
            prepared since.
        look_back: how far back a run is looked for.
        look_back_pages: and through how many pages of a hundred, so that a busy account stays cheap. What a
            crash left and is not on them is still found for a day, by its idempotency key.
        attempts: how many report runs one partition may cost when Stripe fails them.
    """

    wait_timeout: timedelta = timedelta(minutes=30)
    abandon_after: timedelta = timedelta(hours=6)
    settled_after: timedelta = timedelta(hours=48)
    look_back: timedelta = timedelta(days=7)
    look_back_pages: int = 2
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class PartitionRequest:
    """One partition that needs a report run.

    Attributes:
        key: the partition's key.
        request: what to ask Stripe.
        interval: the span asked for; None where the report has none. `start` is None where the report
            takes only an end.
        kept: what the dataset holds for it already: only a newer run will do.
        run_id: take this very run, whatever its age.
        anew: no finished run will do, only one that is under way, or a new one.
    """

    key: str
    request: ReportRequest
    interval: Interval | None
    kept: Kept | None = None
    run_id: str | None = None
    anew: bool = False


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
    newer than what is kept and its file cannot be short: made after the report type's data were last
    prepared, or long enough after the interval's end.

    Args:
        updated: when Stripe last prepared the type's data; None when unknown.
        now: the time at Stripe.
    """

    def finished(run: ReportRun) -> bool:
        if wanted.anew or run.status is not RunStatus.SUCCEEDED or run.result is None:
            return False
        if wanted.kept and (run.created <= wanted.kept.run_created or run.id == wanted.kept.run_id):
            return False
        expires = run.result.expires_at
        if expires is not None and expires <= now:
            return False
        made = run.result.created
        if updated is not None and made >= updated:
            return True
        return wanted.interval is not None and made >= wanted.interval.end + wait_policy.settled_after

    def running(run: ReportRun) -> bool:
        if wanted.kept and run.id == wanted.kept.run_id:
            return False
        return run.status is RunStatus.PENDING and now - run.created < wait_policy.abandon_after

    usable = [run for run in same if finished(run) or running(run)]
    return max(usable, key=lambda run: (run.status is RunStatus.SUCCEEDED, run.created), default=None)


def another_question(asked: ReportRequest, echoed: ReportRequest) -> str | None:
    """What a created run says it was asked, where that is another question; None where it is ours.

    Where the two merely differ, as in a parameter that is not echoed, that is logged: the run is ours by its
    id. But a run over other days must never be published under this partition.
    """
    ours, theirs = dict(asked.parameters), dict(echoed.parameters)
    differing = sorted(n for n in ours.keys() | theirs.keys() if ours.get(n) != theirs.get(n))
    contrary = [name for name in _DECISIVE if name in differing and name in ours and name in theirs]
    said = [f"{name} {_told(name, theirs)} where {_told(name, ours)} was asked" for name in contrary]
    if asked.report_type != echoed.report_type:
        said.insert(0, f"report type {echoed.report_type} where {asked.report_type} was asked")
    if not said and differing:
        _log.warning("a report run of %s echoes otherwise than asked: %s", asked.report_type, differing)
    return f"answers another question: {', '.join(said)}" if said else None


def _told(name: str, parameters: Mapping[str, ParameterValue]) -> ParameterValue:
    """A parameter as people read it: an end of the interval as a time, UTC."""
    value = parameters[name]
    with contextlib.suppress(ValueError, OverflowError, OSError):
        if name.startswith("interval_") and isinstance(value, int):
            return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return value


def newest(runs: Iterable[ReportRun]) -> ReportRun | None:
    """The run created last; ids decide within one second."""
    return max(runs, key=lambda run: (run.created, run.id), default=None)


def idempotency_key(
    request: ReportRequest, *, account: str | None, mode: str, after: str | None, salt: int = 0
) -> str:
    """The key under which to create a run: equal for all who ask the same in the same situation.

    It stays the same across network retries and across a crash, so that the first run is found again; it
    is the same for two processes at once, so that they share one; it changes once there is a newer
    identical run, so that a failed run is replaced and a refresh is asked anew.

    Args:
        after: the id of the newest identical run known; None when there is none.
        salt: raised when Stripe has stored a failure under the key.

    Source: https://docs.stripe.com/api/idempotent_requests
    """
    asked = [account, mode, API_VERSION, request.as_json(), after, salt]
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    return f"report-{hashlib.sha256(text.encode()).hexdigest()}"
