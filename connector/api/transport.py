"""HTTP as Stripe speaks it: the key in a header, errors in JSON, retries, redirects, and the time.

`client` knows the endpoints; this module knows what a request and an answer look like, and nothing about
reports.

Source: https://docs.stripe.com/api/errors, https://docs.stripe.com/error-low-level
"""

import contextlib
import copy
import logging
import math
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from connector.api.body import read_whole, stream_of, without_query
from connector.api.credentials import ApiKey, Hosts, KeyMask, key_kind
from connector.api.deadline import deadline
from connector.api.http_client import Listener, build_http_client, let_hear, timeout_within, unanswered
from connector.api.models import API_VERSION
from connector.api.rate_limit import Pace
from connector.api.responses import (
    FileStream,
    JsonResponse,
    ResponseHead,
    error_of,
    is_replayed,
    json_object,
    moment_named,
    shown,
)
from connector.api.retry import RetryPolicy
from connector.clock import Clock
from connector.errors import (
    APIError,
    ConnectionFailedError,
    RateLimitError,
    ReportingError,
    UnexpectedAnswerError,
    UntrustedHostError,
)
from connector.text import get_logger

_log = get_logger(__name__)

_REDIRECTS = 3
#: A 429 about requests a second: slower is enough.
_RATES = {"global-rate", "endpoint-rate"}
#: The code of a 429 that is about an object in use and not about a limit.
_LOCKED = "lock_timeout"
#: The first few retries are usual; then people want to know why nothing happens.
_WORTH_A_WORD = 4
#: What takes far longer than a page of a hundred report runs is not Stripe's.
_LONGEST_ANSWER = 120.0


@dataclass(slots=True)
class _Seen:
    """What answers have said of the server.

    Attributes:
        answered: whether there was one.
        at: its last `Date`, and when that was, by the monotonic clock; None before the first answer.
        books: what the simulator calls its books; None of Stripe.
    """

    answered: bool = False
    at: tuple[datetime, float] | None = None
    books: str | None = None


class Transport:
    """Sends requests with the key, to the hosts the key may go to, as often as it makes sense.

    Safe to share between threads.

    Args:
        api_key: goes into a header and is shown nowhere.
        hosts: where it may be sent.
        account: sent as `Stripe-Account` with every request.
        http: the connections; made here when None. It must not follow redirects by itself.
        draw: a uniform random number from [0, 1), for the jitter of retries.
        observe: called with the head of every answer as it arrives, also of those that are sent again.
    """

    def __init__(
        self,
        api_key: str,
        *,
        hosts: Hosts,
        account: str | None,
        http: httpx.Client | None,
        clock: Clock,
        retry: RetryPolicy,
        draw: Callable[[], float] = random.random,
        observe: Callable[[ResponseHead], None] | None = None,
    ) -> None:
        self._key = ApiKey(api_key)
        self._without_key = KeyMask(api_key)
        self._hosts = hosts
        self._account = account
        self._http = http or build_http_client(hosts)
        self._clock = clock
        self._retry = retry
        self._draw = draw
        self._observe = observe
        self._seen = _Seen()
        self._closed = threading.Event()
        self._made_at = clock.monotonic()

    def acting_for(self, account: str) -> "Transport":
        """The same in the name of an account: over the same connections, by the same clock."""
        other = copy.copy(self)
        other._account = account
        return other

    @property
    def books(self) -> str | None:
        """What the simulator calls its books; None of Stripe, and before the first answer."""
        return self._seen.books

    def close(self) -> None:
        """Close the connections. Nothing is sent afterwards, and no retry follows."""
        self._closed.set()
        self._http.close()

    def listen(self, listener: Listener) -> None:
        """From now on `listener` hears every exchange."""
        let_hear(self._http, listener)

    def now(self) -> datetime:
        """What time it is at Stripe, aware UTC: its last `Date`, and what has passed since.

        Ages of runs are measured by it, since our own clock may be wrong. Before the first answer it is
        our clock.
        """
        if self._seen.at is None:
            return self._clock.now()
        date, at = self._seen.at
        return date + timedelta(seconds=self._clock.monotonic() - at)

    def time_left(self) -> float:
        """How many seconds anything may still be waited for; infinite where the policy has no limit."""
        lasts = self._retry.client_lasts
        return math.inf if lasts is None else lasts - (self._clock.monotonic() - self._made_at)

    def call(
        self,
        method: str,
        path: str,
        *,
        pace: Pace,
        query: Mapping[str, str] | None = None,
        form: Sequence[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> JsonResponse:
        """Send until it is answered well, or until going on makes no sense."""
        began = self._clock.monotonic()
        attempt = 0
        while True:
            attempt += 1
            pace.take()
            try:
                url = self._hosts.api + path
                with (
                    deadline(min(_LONGEST_ANSWER, self.time_left())),
                    contextlib.closing(
                        self._send(method, url, query=query, form=form, headers=headers)
                    ) as response,
                ):
                    answer = self._answer(response)
            except ReportingError as error:
                if isinstance(error, RateLimitError) and error.code != _LOCKED:
                    pace.refused(error.limit)
                    if method == "POST" and error.limit not in _RATES:
                        # How many runs Stripe bears at once is for the caller to find out.
                        raise
                elapsed = self._clock.monotonic() - began
                wait = self._retry.wait_before(
                    error,
                    safe=method == "GET",
                    attempt=attempt,
                    elapsed=elapsed,
                    draw=self._draw(),
                    reached=self._seen.answered,
                )
                if wait is None or wait >= self.time_left() or self._closed.is_set():
                    if attempt > 1:
                        error.args = (f"{error} [tried {attempt} times in {elapsed:.0f} s; try again later]",)
                    raise
                _log.log(
                    logging.WARNING if attempt == _WORTH_A_WORD else logging.INFO,
                    "%s; trying again in %.1f s",
                    error,
                    wait,
                )
                self._clock.sleep(wait)
            else:
                pace.accepted()
                return answer

    @contextlib.contextmanager
    def stream(
        self, url: str, *, pace: Pace, offset: int = 0, etag: str | None = None
    ) -> Iterator[FileStream]:
        """The contents behind a trusted URL, once, without retries."""
        # Offsets and sizes are those of the file, so no compression in between.
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if etag:
                headers["If-Range"] = etag
        pace.take()
        with deadline(min(_LONGEST_ANSWER, self.time_left())):
            response = self._send("GET", self._hosts.trusted(url), headers=headers)
        try:
            if error := self._error(response):
                if isinstance(error, RateLimitError) and error.code != _LOCKED:
                    pace.refused(error.limit)
                raise error
            pace.accepted()
            yield stream_of(response, offset)
        finally:
            with contextlib.suppress(httpx.HTTPError):
                response.close()

    def _send(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Sequence[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request; redirects are followed to the trusted hosts alone. The body is still to be read."""
        # Not a plain dict: these headers hide the key wherever they are printed.
        sent = httpx.Headers({"Authorization": f"Bearer {self._key}", "Stripe-Version": API_VERSION})
        sent["Accept-Encoding"] = "gzip"
        sent.update(headers or {})
        if self._account:
            sent["Stripe-Account"] = self._account
        body = None if form is None else str(httpx.QueryParams(list(form))).encode()
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        for _ in range(_REDIRECTS + 1):
            if self._closed.is_set():
                raise ConnectionFailedError("the client was closed")
            response = self._exchanged(self._request(method, url, query, body, sent))
            self._note(response)
            if self._observe:
                self._observe(
                    ResponseHead(method, without_query(url), response.status_code, dict(response.headers))
                )
            if not response.has_redirect_location:
                return response
            response.close()
            url, query = self._redirected(response), None
        raise UntrustedHostError(f"{without_query(url)} was redirected more than {_REDIRECTS} times")

    def _exchanged(self, request: httpx.Request) -> httpx.Response:
        """The answer, without the key in headers that echo what was sent."""
        try:
            response = self._http.send(request, stream=True, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError, ValueError) as error:
            # httpx raises RuntimeError when another thread has closed the client, and reads where an answer
            # redirects to before anybody asks: a ValueError where that is not a host name.
            failure = unanswered(request, error, without_key=self._without_key)
        else:
            heads = [(name, self._without_key(value)) for name, value in response.headers.raw]
            response.headers = httpx.Headers(heads)
            return response
        # Out here it leaves httpx's error behind, whose frames hold the headers as they were sent.
        raise failure

    def _request(
        self,
        method: str,
        url: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
        sent: httpx.Headers,
    ) -> httpx.Request:
        """The request, once more held against the trusted hosts: what is dialled is what httpx read."""
        left = self.time_left()
        if left <= 0:
            raise ConnectionFailedError(
                f"{method} {without_query(url)}: not sent, since no time is left for it"
            )
        timeout = timeout_within(self._http, left)
        try:
            request = self._http.build_request(
                method, url, params=query, content=body, headers=sent, timeout=timeout
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise UntrustedHostError(f"Stripe's answer holds a URL that cannot be read: {error}") from None
        self._hosts.trusted(str(request.url))
        return request

    def _redirected(self, response: httpx.Response) -> str:
        try:
            to = str(response.url.join(response.headers["location"]))
        except (httpx.InvalidURL, ValueError) as error:
            raise UntrustedHostError(
                f"{without_query(response)} redirects to what is not a URL: {error}"
            ) from None
        return self._hosts.trusted(to)

    def _note(self, response: httpx.Response) -> None:
        self._seen.answered = True
        if date := moment_named(response.headers.get("date")):
            self._seen.at = (date, self._clock.monotonic())
        self._seen.books = shown(response.headers.get("simulator-books")) or self._seen.books

    def _answer(self, response: httpx.Response) -> JsonResponse:
        if error := self._error(response):
            raise error
        url, request_id = without_query(response), shown(response.headers.get("request-id"))
        payload = json_object(self._body(response))
        if payload is not None:
            replayed = is_replayed(response.headers)
            return JsonResponse(payload, url, response.status_code, request_id, replayed)
        kind = shown(response.headers.get("content-type")) or "of no stated type"
        raise UnexpectedAnswerError(
            f"{url} answered HTTP {response.status_code} with a body ({kind}) that is not a JSON object",
            status=response.status_code,
            request_id=request_id,
        )

    def _body(self, response: httpx.Response) -> bytes:
        """The whole body of an answer, as long as that is reasonable, without the key where it is echoed."""
        longest = min(_LONGEST_ANSWER, self.time_left())
        return self._without_key(read_whole(response, clock=self._clock, longest=longest))

    def _error(self, response: httpx.Response) -> APIError | None:
        """The error a response stands for; None for a success."""
        if 200 <= response.status_code < 300:
            return None
        body = b""
        with contextlib.suppress(ReportingError):
            body = self._body(response)
        return error_of(
            response.status_code,
            response.headers,
            body,
            asked=f"{response.request.method} {without_query(response)}",
            key=key_kind(self._key),
            now=self.now(),
        )
