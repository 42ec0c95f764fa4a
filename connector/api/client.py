"""Stripe's Reporting API: one method per endpoint, typed values in and out.

What to ask for, when, and where the rows go is decided elsewhere; how a request travels is `transport`'s.

Source: https://docs.stripe.com/api, https://docs.stripe.com/reports/api
"""

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

import httpx

from connector.api.credentials import ApiKey, Hosts, is_account, is_live, key_kind, mode_of, shown_setting
from connector.api.http_client import Listener
from connector.api.json_fields import is_identifier
from connector.api.models import (
    ConnectedAccount,
    Mode,
    ReportFile,
    ReportRequest,
    ReportRun,
    ReportType,
    epoch,
)
from connector.api.rate_limit import RateLimits
from connector.api.responses import FileStream, JsonResponse, ResponseHead
from connector.api.retry import RetryPolicy
from connector.api.transport import Transport
from connector.clock import Clock, SystemClock
from connector.errors import ConfigurationError, UnexpectedAnswerError
from connector.text import get_logger

_log = get_logger(__name__)

_TYPES = "/v1/reporting/report_types"
_RUNS = "/v1/reporting/report_runs"
_FILES = "/v1/files"
_ACCOUNTS = "/v1/accounts"
_PAGE = 100
#: A hundred thousand report runs. No account has them in the span of time we look at.
_MOST_PAGES = 1_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, newest first. `has_more`: older ones follow."""

    data: tuple[T, ...]
    has_more: bool


class StripeClient:
    """A key, the hosts it may be sent to, and the endpoints of Stripe's Reporting API.

    Safe to share between threads. All methods raise the errors of `connector.errors`; requests that may
    pass are sent again as `retry` allows, a POST always with the same idempotency key.

    Args:
        api_key: a secret or restricted key. Kept out of every repr, log and error.
        hosts: where the key may be sent; Stripe's own when None.
        account: acts for a connected account (`Stripe-Account`), on runs and on downloads; `acting_for` is
            for several.
        http: the transport; made here, and closed by `close`, when None. It must not follow redirects.
        processes: how many processes are expected to share the key at once; the pace is divided by it.
        share: how much of Stripe's rate limits they may take together, above 0 and up to 1.
        observe: called with the head of every answer, redirects included.
    """

    def __init__(
        self,
        api_key: str,
        *,
        hosts: Hosts | None = None,
        account: str | None = None,
        http: httpx.Client | None = None,
        clock: Clock | None = None,
        retry: RetryPolicy | None = None,
        draw: Callable[[], float] = random.random,
        processes: int = 1,
        share: float = 1.0,
        observe: Callable[[ResponseHead], None] | None = None,
    ) -> None:
        api_key = ApiKey(api_key)
        if account:
            _refuse_mistyped(account)
        self.hosts = hosts or Hosts.of()
        self.account = account
        self.mode: Mode = mode_of(api_key, self.hosts)
        self.clock: Clock = clock or SystemClock()
        self._kind = key_kind(api_key)
        self._left_out: set[str] = set()
        self._transport = Transport(
            api_key,
            hosts=self.hosts,
            account=account,
            http=http,
            clock=self.clock,
            retry=retry or RetryPolicy(),
            draw=draw,
            observe=observe,
        )
        # By the key's kind, also where a server on this machine stands in for Stripe.
        self._limits = RateLimits(
            self.clock, live=is_live(api_key), processes=processes, share=share, draw=draw
        )

    def __repr__(self) -> str:
        return f"StripeClient({self._kind}, {self.hosts.api}, account={self.account})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def acting_for(self, account: str | None) -> "StripeClient":
        """The same client in the name of an account, or itself for None: with the same connections, the same
        clock and one pace, since whose limits count is not documented. Only this one is to be closed."""
        if account is None or account == self.account:
            return self
        _refuse_mistyped(account)
        other = copy.copy(self)
        other.account, other._transport = account, self._transport.acting_for(account)
        return other

    def close(self) -> None:
        """Close the connections. Nothing is sent afterwards, and waiting retries end with an error."""
        self._transport.close()

    def listen(self, listener: Listener) -> None:
        """From now on `listener` hears all that is sent, the key apart, and all that comes back."""
        self._transport.listen(listener)

    @property
    def books(self) -> str | None:
        """The identity of the simulator's books; None in other modes, and before the first answer."""
        return self._transport.books if self.mode is Mode.SIMULATED else None

    # Endpoints

    def report_types(self) -> dict[str, ReportType]:
        """Every report type this account and mode has, with its availability, by its id.

        Source: https://docs.stripe.com/api/reporting/report_type/list
        """
        pages = self._pages(_TYPES, {}, ReportType.from_api)
        return {each.id: each for page in pages for each in page.data}

    def report_type(self, report_type: str) -> ReportType:
        """One report type. Raises InvalidRequestError (404) where the account has no such type.

        Source: https://docs.stripe.com/api/reporting/report_type/retrieve
        """
        return _parsed(ReportType.from_api, self._get(_TYPES, id=report_type))

    def create_report_run(self, request: ReportRequest, *, idempotency_key: str) -> ReportRun:
        """Ask for a report. Repeating it with the same key within a day brings the same run.

        The run is normally pending; it can have succeeded already.
        Source: https://docs.stripe.com/api/reporting/report_run/create
        """
        if len(idempotency_key) > 255:
            raise ConfigurationError("an idempotency key has at most 255 characters")
        headers = {"Idempotency-Key": idempotency_key}
        return self._run(
            self._transport.call(
                "POST", _RUNS, pace=self._limits.of(f"POST {_RUNS}"), form=request.form(), headers=headers
            )
        )

    def report_run(self, run_id: str) -> ReportRun:
        """One report run as it stands. The result comes as a whole file object.

        Source: https://docs.stripe.com/api/reporting/report_run/retrieve
        """
        answer = self._get(_RUNS, id=run_id)
        run = self._run(answer)
        if run.id != run_id:
            raise answer.unexpected(f"report run {run.id}, which is another one")
        return run

    def report_runs(
        self,
        *,
        created: Mapping[str, datetime] | None = None,
        limit: int = _PAGE,
        starting_after: str | None = None,
    ) -> Page[ReportRun]:
        """One page of report runs, newest first.

        Args:
            created: bounds on the creation time by `gt`, `gte`, `lt`, `lte`.
            limit: 1 to 100.
            starting_after: id of the run to begin behind, exclusive, toward older ones.

        Source: https://docs.stripe.com/api/reporting/report_run/list
        """
        query = _bounds(created) | {"limit": str(limit)}
        if starting_after:
            query["starting_after"] = starting_after
        return self._page(self._get(_RUNS, query), self._run_of)

    def every_report_run(
        self, *, since: datetime, until: datetime | None = None
    ) -> Iterator[Page[ReportRun]]:
        """All report runs created between `since` and `until`, both included, newest first, page by page as
        they are taken. Without `until`, up to now."""
        created = {"gte": since} | ({"lte": until} if until else {})
        return self._pages(_RUNS, _bounds(created) | {"limit": str(_PAGE)}, self._run_of)

    def accounts(self) -> list[ConnectedAccount]:
        """The accounts connected to the key's own, all pages, newest first.

        Source: https://docs.stripe.com/api/accounts/list
        """
        pages = self._pages(_ACCOUNTS, {"limit": str(_PAGE)}, ConnectedAccount.from_api)
        return [each for page in pages for each in page.data]

    def file(self, file_id: str) -> ReportFile:
        """One file object. Source: https://docs.stripe.com/api/files/retrieve"""
        return _parsed(ReportFile.from_api, self._get(_FILES, id=file_id))

    def contents(
        self, file: ReportFile, *, offset: int = 0, etag: str | None = None
    ) -> AbstractContextManager[FileStream]:
        """The contents of a file, once, without retries: `download` has the bytes, and knows how to go on.

        Args:
            offset: begin at this byte where the server can; look at `first_byte` for where it did.
            etag: continue only if the file is still this version, else begin at 0.

        Raises:
            UntrustedHostError: the file's URL, or a redirect, leads to a host the key must not go to.

        Source: https://docs.stripe.com/file-upload
        """
        url = file.url or self._contents_url(file)
        return self._transport.stream(url, pace=self._limits.of(f"GET {_FILES}"), offset=offset, etag=etag)

    def may_expire(self, file: ReportFile) -> bool:
        """Whether its URL is another one than Stripe documents, and so may be good for a while only."""
        return file.url is not None and self.hosts.trusted(file.url) != self._contents_url(file)

    def _contents_url(self, file: ReportFile) -> str:
        return f"{self.hosts.files}{_FILES}/{_segment(file.id)}/contents"

    def now(self) -> datetime:
        """What time it is at Stripe, aware UTC. Ages of runs are measured by it, never by our clock."""
        return self._transport.now()

    def time_left(self) -> float:
        """How many seconds anything may still be waited for, as `retry` says; infinite without a limit."""
        return self._transport.time_left()

    def _get(
        self, path: str, query: Mapping[str, str] | None = None, *, id: str | None = None
    ) -> JsonResponse:
        """A list, or with `id` one object of it."""
        named, template = (path, path) if id is None else (f"{path}/{_segment(id)}", f"{path}/{{id}}")
        return self._transport.call("GET", named, pace=self._limits.of(f"GET {template}"), query=query)

    def _run(self, answer: JsonResponse) -> ReportRun:
        return replace(_parsed(self._run_of, answer), request_id=answer.request_id, replayed=answer.replayed)

    def _run_of(self, payload: Mapping[str, Any]) -> ReportRun:
        """A report run of the key's mode, whatever answer it stands in."""
        run = ReportRun.from_api(payload)
        if self.mode is not Mode.SIMULATED and run.livemode is not (self.mode is Mode.LIVE):
            raise ConfigurationError(
                f"report run {run.id} has livemode {run.livemode}; the key {self._kind} is of the other mode"
            )
        return run

    def _pages(
        self, path: str, query: Mapping[str, str], parse: Callable[[Mapping[str, Any]], T]
    ) -> Iterator[Page[T]]:
        after: str | None = None
        cursors: set[str | None] = {after}
        for _ in range(_MOST_PAGES):
            answer = self._get(path, {**query, **({"starting_after": after} if after else {})})
            page = self._page(answer, parse)
            yield page
            if not page.has_more or not answer.body["data"]:
                return
            after = answer.body["data"][-1]["id"]
            if after in cursors:
                break
            cursors.add(after)
        raise answer.unexpected("a list that has no end")

    def _page(self, answer: JsonResponse, parse: Callable[[Mapping[str, Any]], T]) -> Page[T]:
        """One page of a list. An entry that cannot be read, or is of the other mode, is left out, which is
        said once: it is hardly one of ours."""
        data = answer.body.get("data")
        if not isinstance(data, list) or not all(isinstance(e, dict) and _has_id(e) for e in data):
            raise answer.unexpected("an object that is not a list of objects with ids")
        items = []
        for entry in data:
            try:
                items.append(_parsed(parse, answer, entry))
            except (UnexpectedAnswerError, ConfigurationError) as error:
                if entry["id"] not in self._left_out:
                    _log.warning("left out %s: %s", entry["id"], error)
                self._left_out.add(entry["id"])
        return Page(tuple(items), answer.body.get("has_more") is True)


def _refuse_mistyped(account: str) -> None:
    if not is_account(account):
        found = shown_setting(account)
        raise ConfigurationError(f"account {found} is not an account id; one looks like acct_1A2b3C")


def _parsed(parse: Callable[[Mapping[str, Any]], T], answer: JsonResponse, payload: Any = None) -> T:
    """One of our values out of Stripe's JSON: the whole answer, or `payload` as a part of it."""
    try:
        return parse(answer.body if payload is None else payload)
    except KeyError as error:
        raise answer.unexpected(f"an object that lacks {error}") from None
    except (TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise answer.unexpected(f"an object that cannot be read: {error}") from None


def _has_id(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry.get("id"), str) and is_identifier(entry["id"])


def _bounds(created: Mapping[str, datetime] | None) -> dict[str, str]:
    return {f"created[{op}]": str(epoch(at)) for op, at in (created or {}).items()}


def _segment(identifier: str) -> str:
    """An id as one path segment. Ids come from Stripe's answers too, so `../` must not travel."""
    if not is_identifier(identifier):
        raise ConfigurationError(f"{identifier[:80]!r} is not an id Stripe would give")
    return identifier
