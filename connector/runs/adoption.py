"""Which report run answers a request: one decision over plain values, for every run alike.

The list of report runs at Stripe is the only state there is. A process that died and starts again must
find the run it already has; two processes that ask at once must end up with one run. A run may come out of
the list, as the answer to its creation, out of Stripe's store of answers (a replay), or be named by its id.
That makes no difference here: what counts is what it was asked, when, and what it has.
"""

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from connector.api.models import ParameterValue, ReportRequest, ReportRun, RunStatus
from connector.catalogue import latency_of
from connector.dataset.provenance import Provenance
from connector.partitions import Partition

#: Parameters that say which rows a report has.
_ROWS = frozenset(
    {"interval_start", "interval_end", "payout", "connected_account", "connected_accounts", "currency"}
    | {"reporting_category"}
)


@dataclass(frozen=True, slots=True)
class WaitPolicy:
    """How long each thing is waited for, and how often it is tried.

    Attributes:
        wait_timeout: how long one report run is waited for before it is left to finish alone.
        abandon_after: a run pending for longer is replaced: Stripe has no cancel, and runs have
            hung for days.
        attempts: how many report runs one partition may cost when Stripe fails them, or lets them hang.
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
        replaces: where the published file of another request comes from: no older run will do.
        run_id: take this very run, however long it has been pending.
        refresh: only a file made from now on will do.
    """

    partition: Partition
    request: ReportRequest
    published: Provenance | None = None
    run_id: str | None = None
    refresh: bool = False
    replaces: Provenance | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What a report run is held against, beside the partition's request. Times are Stripe's, aware UTC.

    Attributes:
        alike: the requests that ask the same, as runs may show them.
        own: ids of the runs that this command created for the partition.
        asked: ids of the runs known to have been asked this: by this very request, or as they showed before.
        began: when this command began.
        updated: when Stripe last prepared the type's data; None when unknown.
        abandon_after: how long a run may be pending.
    """

    alike: Collection[ReportRequest]
    own: Collection[str]
    asked: Collection[str]
    began: datetime
    now: datetime
    updated: datetime | None
    abandon_after: timedelta


class Refusal(Enum):
    """Why a report run cannot be the answer."""

    MISMATCH = "it answers another request"
    PUBLISHED = "it is not newer than the published one"
    FAILED = "it failed"
    ABANDONED = "it has been pending for too long"
    EXPIRED = "its file has expired"
    STALE = "its file may lack rows"


def refusal(run: ReportRun, wanted: PartitionRequest, at: Situation) -> Refusal | None:
    """Why this report run cannot answer the request; None where it can, now or once it has finished.

    It has to ask exactly this and be newer than the published one, neither failed nor expired, nor pending
    for too long unless it is named. A run that this command did not create must not lack rows: it was created
    after Stripe last prepared the type's data, or long enough after the interval's end, and for a refresh its
    file is made since the command began, too. When within its time Stripe read the data is unknown, so one
    from before a preparation is left behind although it ends after it. A run that this command created is
    accepted in any case, with an earlier run's file, too: Stripe answers so where nothing has changed, and
    would do so again.
    """
    own = run.id in at.own
    if any(differences(run, wanted, at)):
        return Refusal.MISMATCH
    if _is_older(run, wanted, own=own):
        return Refusal.PUBLISHED
    if run.status is RunStatus.FAILED:
        return Refusal.FAILED
    if run.status is RunStatus.PENDING or run.result is None:
        if at.now >= abandoned_at(run, at.abandon_after) and run.id != wanted.run_id:
            return Refusal.ABANDONED
        made = None
    else:
        expires, made = run.result.expires_at, run.result.created
        if expires is not None and expires <= at.now:
            return Refusal.EXPIRED
    return None if own or _is_complete(run.created, made, wanted, at) else Refusal.STALE


def _is_older(run: ReportRun, wanted: PartitionRequest, *, own: bool) -> bool:
    published = wanted.published
    same = published is not None and run.id == published.run_id
    there = published or wanted.replaces
    return same or (not own and there is not None and run.created < there.run_created)


def _is_complete(created: datetime, made: datetime | None, wanted: PartitionRequest, at: Situation) -> bool:
    """Whether the file of a run created at `created` cannot lack rows; `made` is None until there is one."""
    # Stripe counts in whole seconds: what was made in the same one may be older.
    if wanted.refresh and made is not None and made <= at.began:
        return False
    interval = wanted.partition.interval
    if interval is None and not wanted.refresh:
        # Nothing settles: a run that takes longer than Stripe's preparations are apart would never do.
        return made is None or (at.updated is not None and made >= at.updated)
    # An earlier run's file is older than the run.
    read = created if made is None else min(created, made)
    if at.updated is not None and read >= at.updated:
        return True
    if interval is None or wanted.refresh:
        return read > at.began
    return read >= interval.end + latency_of(wanted.request.report_type).settled


def abandoned_at(run: ReportRun, abandon_after: timedelta) -> datetime:
    """When a run that is still pending then is replaced."""
    return run.created + abandon_after


def choose(wanted: PartitionRequest, known: Iterable[ReportRun], at: Situation) -> ReportRun | None:
    """The run to adopt; None when a new one must be created. A finished one beats a pending one; then the
    newest wins."""
    usable = [run for run in known if refusal(run, wanted, at) is None]
    return max(usable, key=lambda run: (run.status is RunStatus.SUCCEEDED, run.created), default=None)


def unlike(run: ReportRun, alike: Collection[ReportRequest]) -> list[str]:
    """The parameters that a run does not show as they were asked, sorted.

    Args:
        alike: the requests that ask the same, as runs may show them.
    """
    if run.request in alike:
        return []
    asked, shown = dict(next(iter(alike)).parameters), dict(run.request.parameters)
    return sorted(name for name in asked.keys() | shown.keys() if asked.get(name) != shown.get(name))


def differences(run: ReportRun, wanted: PartitionRequest, at: Situation) -> Iterator[str]:
    """How a run's request differs from what is wanted, for people, one parameter each; nothing where it does
    not.

    Of some runs it is known what they were asked. A parameter that Stripe does not echo, or echoes in another
    form, is not a difference then, unless it names other rows.
    """
    asked, found = wanted.request, run.request
    if found.report_type != asked.report_type:
        yield f"report type {found.report_type} where {asked.report_type} was asked"
    ours, theirs = dict(asked.parameters), dict(found.parameters)
    for name in unlike(run, at.alike):
        echoed = name in ours and name in theirs
        if run.id not in at.asked or (echoed and name in _ROWS):
            yield f"{name} {_shown(name, theirs)} where {_shown(name, ours)} was asked"


def _shown(name: str, parameters: Mapping[str, ParameterValue]) -> str:
    """A parameter as people read it: an end of the interval as a time, UTC."""
    value = parameters.get(name)
    with contextlib.suppress(ValueError, OverflowError, OSError):
        if name.startswith("interval_") and isinstance(value, int):
            return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return ", ".join(value) if isinstance(value, tuple) else "none" if value is None else str(value)
