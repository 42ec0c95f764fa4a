"""Stripe's list of report runs, read and added to: the only memory this connector has of what it asked.

The list cannot be filtered by type, status or parameters, so one reading serves a whole batch.

Source: https://docs.stripe.com/api/reporting/report_run/list
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.api.client import StripeClient
from connector.api.models import ReportRequest, ReportRun
from connector.errors import InvalidRequestError, ReportingError, ServerError, UnexpectedAnswerError
from connector.runs.adoption import idempotency_key, newest

_ATTEMPTS = 6
#: How Stripe says that it knows a run no more.
_GONE = frozenset({404, 410})
_PAUSE = 0.5
#: How far back to look for a run whose answer was lost: our own, and one of an earlier attempt.
_JUST_NOW, _EARLIER = timedelta(minutes=1), timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class PollResult:
    """How pending runs stand.

    Attributes:
        states: by id a run, or the error that says Stripe knows it no more.
        unread: by id what is wrong with an answer that cannot be read; the others are none the worse for it.
        pages: how many the list of them had.
    """

    states: Mapping[str, ReportRun | ReportingError]
    unread: Mapping[str, ReportingError]
    pages: int


def recent_runs(
    client: StripeClient, requests: Collection[ReportRequest], *, look_back: timedelta, pages: int
) -> dict[ReportRequest, list[ReportRun]]:
    """Recent runs of the report types asked for, by what they ask, newest first.

    Args:
        look_back: how old the oldest may be, by Stripe's clock.
        pages: how many pages of a hundred are read at most.
    """
    types = {request.report_type for request in requests}
    found: dict[ReportRequest, list[ReportRun]] = {}
    for number, page in enumerate(client.every_report_run(since=client.now() - look_back), start=1):
        for run in page.data:
            if run.report_type in types:
                found.setdefault(run.request, []).append(run)
        if number >= pages:
            break
    return found


def create_once(
    client: StripeClient,
    request: ReportRequest,
    same: Collection[ReportRun],
    *,
    default_columns: Sequence[str] | None = None,
) -> ReportRun:
    """A new run, or the one that an earlier attempt of unknown outcome left at Stripe.

    After a 5xx that Stripe does not want to see repeated, or that it repeats itself, nobody knows whether the
    run exists. The list tells; if it is not there, the request is sent again: under the same key, which can
    make no second run, and under another once Stripe has stored the failure under that one, which it does for
    a day. The same goes for a key that brings back a run that is gone from Stripe, or one known already: of
    runs created within one second nobody can say which is the newest, and the key is made from that.

    Args:
        same: the runs known to ask the same.
        default_columns: what Stripe puts into a file nobody chose columns for.
    """
    alike = {request, request.as_echoed(default_columns)}
    known = {each.id for each in same}
    last, salt, began = newest(same), 0, client.now()
    for attempt in range(_ATTEMPTS):
        key = idempotency_key(
            request, account=client.account, mode=client.mode, after=last.id if last else None, salt=salt
        )
        try:
            run = client.create_report_run(request, idempotency_key=key)
        except ServerError as error:
            unknown = error.replayed or error.should_retry is False
            if not unknown or attempt == _ATTEMPTS - 1:
                raise
            since = began - (_EARLIER if error.replayed else _JUST_NOW)
            if unseen := _unseen(client, alike, known, since=since):
                return unseen
            salt += error.replayed
            client.clock.sleep(_PAUSE * 2**attempt)
        else:
            if run.id in known:
                salt += 1
            elif there := _as_it_stands(client, run):
                return there
            else:
                # Nothing that was asked under a key of the next minute can be gone by now.
                salt = int(client.now().timestamp()) // 60
            if attempt == _ATTEMPTS - 1:
                return run
    raise AssertionError("the last attempt returns or raises")


def _as_it_stands(client: StripeClient, run: ReportRun) -> ReportRun | None:
    """A created run; where Stripe answered from its store, what became of it since. None when it is gone."""
    if client.now() - run.created < _JUST_NOW:
        return run
    try:
        return client.report_run(run.id)
    except InvalidRequestError as error:
        return None if error.status in _GONE else run
    except ReportingError:
        return run  # whoever watches it will meet the same error, and knows how long to bear it


def _unseen(
    client: StripeClient, alike: set[ReportRequest], known: Collection[str], *, since: datetime
) -> ReportRun | None:
    """A run that asks the same and was not there before."""
    for page in client.every_report_run(since=since):
        for run in page.data:
            if run.id not in known and run.request in alike:
                return run
    return None


def look_at(client: StripeClient, pending: Mapping[str, datetime], listed_pages: int) -> PollResult:
    """How pending runs stand: by list where that is fewer requests, else one by one.

    A run that is missing from the list is asked for by id: lists shift while they are read.

    Args:
        pending: ids and when each was created.
        listed_pages: how many pages the last listing took.
    """
    found: dict[str, ReportRun | ReportingError] = {}
    unread: dict[str, ReportingError] = {}
    pages = listed_pages
    if len(pending) > listed_pages:
        pages = 0
        # Other processes create runs all the time; only those of our own span are read.
        for page in client.every_report_run(since=min(pending.values()), until=max(pending.values())):
            pages += 1
            found |= {run.id: run for run in page.data if run.id in pending}
            if len(found) == len(pending):
                break
    for run_id in pending.keys() - found.keys():
        try:
            found[run_id] = client.report_run(run_id)
        except UnexpectedAnswerError as error:
            unread[run_id] = error
        except InvalidRequestError as error:
            if error.status not in _GONE:
                raise
            found[run_id] = error
    return PollResult(found, unread, max(1, pages))
