"""HTTP as Stripe speaks it: the key in a header, errors in JSON, retries, redirects, and the time.

`client` knows the endpoints; this module knows what a request and an answer look like, and nothing about
reports.

Source: https://docs.stripe.com/api/errors, https://docs.stripe.com/error-low-level
"""

import contextlib
import email.utils
import logging
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connector.clock import Clock
from connector.errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    InvalidRequestError,
    PermissionDeniedError,
    RateLimitError,
    ReportingError,
    ServerError,
    UnexpectedAnswerError,
    UntrustedHostError,
)
from connector.hosts import Hosts, key_kind
from connector.pace import Pace
from connector.retry import RetryPolicy

#: The version every request pins, so that an account's default cannot change what we parse.
#: Source: https://docs.stripe.com/api/versioning
API_VERSION = "2026-06-24.dahlia"

_log = logging.getLogger(__name__)

_REDIRECTS = 3
#: The first few retries are nobody's business; then people want to know why nothing happens.
_WORTH_A_WORD = 4
_LONGEST_MESSAGE = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """A success, as JSON.

    Attributes:
        body: the JSON object.
        url: where it came from, without the query.
        status: the HTTP status.
        request_id: Stripe's `Request-Id`; None when it sent none.
    """

    body: Mapping[str, Any]
    url: str
    status: int
    request_id: str | None

    def unexpected(self, what: str) -> UnexpectedAnswerError:
        """The error for a body that is JSON, but not the object the API promises."""
        return UnexpectedAnswerError(
            f"{self.url} answered with {what}", status=self.status, request_id=self.request_id
        )


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, and the head of its answer.

    Attributes:
        method, url: what was asked, without the query.
        status: the HTTP status.
        headers: of the answer, names in lower case. Never those of the request, which hold the key.
    """

    method: str
    url: str
    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a file as they arrive.

    Attributes:
        status: 200 for the whole file, 206 for the part asked for.
        first_byte: where in the file `chunks` begin.
        total: the length of the whole file as the server states it; None when it does not.
        etag: the server's tag of this version of the file; None when it has none.
        content_type: as sent, lower case, or "".
        resumable: whether offsets in `chunks` are offsets in the file (not so for compressed transfer).
        request_id: Stripe's `Request-Id`; None when it sent none.
        chunks: the bytes, decoded. Raises ConnectionFailedError when the transfer breaks.
    """

    status: int
    first_byte: int
    total: int | None
    etag: str | None
    content_type: str
    resumable: bool
    request_id: str | None
    chunks: Iterator[bytes]


class Transport:
    """Sends requests with the key, to the hosts the key may go to, as often as it makes sense.

    Safe to share between threads.

    Args:
        api_key: goes into a header and is shown nowhere.
        hosts: where it may be sent.
        account: sent as `Stripe-Account` with every request.
        http: the connections; made here when None. It must not follow redirects by itself.
        draw: a uniform random number from [0, 1), for the jitter of retries.
        observe: told of every answer as it arrives, also of those that are sent again.
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
        observe: Callable[[Exchange], None] | None = None,
    ) -> None:
        self._key = api_key
        self._hosts = hosts
        self._account = account
        self._http = http or _connections(hosts)
        self._clock = clock
        self._retry = retry
        self._draw = draw
        self._observe = observe
        self._seen_at: tuple[datetime, float] | None = None
        self._closed = threading.Event()

    def close(self) -> None:
        """Close the connections. Nothing is sent afterwards, and no retry follows."""
        self._closed.set()
        self._http.close()

    def now(self) -> datetime:
        """What time it is at Stripe, aware UTC: its last `Date`, and what has passed since.

        Ages of runs are measured by it, since our own clock may be wrong. Before the first answer it is
        our clock.
        """
        if self._seen_at is None:
            return self._clock.now()
        date, at = self._seen_at
        return date + timedelta(seconds=self._clock.monotonic() - at)

    def call(
        self,
        method: str,
        path: str,
        *,
        pace: Pace,
        query: Mapping[str, str] | None = None,
        form: Sequence[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send until it is answered well, or until going on makes no sense."""
        began = self._clock.monotonic()
        attempt = 0
        while True:
            attempt += 1
            pace.take()
            try:
                url = self._hosts.api + path
                answer = self._answer(self._send(method, url, query=query, form=form, headers=headers))
            except ReportingError as error:
                if isinstance(error, RateLimitError):
                    pace.refused()
                    if method == "POST":
                        # How many runs Stripe bears at once is for the caller to find out.
                        raise
                elapsed = self._clock.monotonic() - began
                wait = self._retry.wait_before(
                    error, safe=method == "GET", attempt=attempt, elapsed=elapsed, draw=self._draw()
                )
                if wait is None or self._closed.is_set():
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
    def stream(self, url: str, *, pace: Pace, offset: int = 0, etag: str | None = None) -> Iterator[Contents]:
        """The contents behind a trusted URL, once: whoever keeps the bytes knows how to go on."""
        # Offsets and sizes are those of the file, so no compression in between.
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if etag:
                headers["If-Range"] = etag
        pace.take()
        response = self._send("GET", self._hosts.trusted(url), headers=headers, stream=True)
        try:
            if error := self._error(response):
                if isinstance(error, RateLimitError):
                    pace.refused()
                raise error
            yield _contents(response, offset)
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
        stream: bool = False,
    ) -> httpx.Response:
        """One request; redirects are followed to the trusted hosts alone."""
        sent = {"Authorization": f"Bearer {self._key}", "Stripe-Version": API_VERSION} | dict(headers or {})
        if self._account:
            sent["Stripe-Account"] = self._account
        body = None if form is None else str(httpx.QueryParams(list(form))).encode()
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        for _ in range(_REDIRECTS + 1):
            if self._closed.is_set():
                raise ConnectionFailedError("the client was closed")
            request = self._http.build_request(method, url, params=query, content=body, headers=sent)
            try:
                response = self._http.send(request, stream=stream, follow_redirects=False)
            except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
                # httpx raises RuntimeError when another thread has closed the client.
                text = self._redacted(_reason(error))
                raise ConnectionFailedError(f"{method} {_shown(url)}: {text}") from None
            self._note_time(response)
            if self._observe:
                self._observe(Exchange(method, _shown(url), response.status_code, dict(response.headers)))
            if not response.has_redirect_location:
                return response
            response.close()
            url, query = self._hosts.trusted(str(response.url.join(response.headers["location"]))), None
        raise UntrustedHostError(f"{_shown(url)} was redirected more than {_REDIRECTS} times")

    def _note_time(self, response: httpx.Response) -> None:
        with contextlib.suppress(ValueError, TypeError):
            date = email.utils.parsedate_to_datetime(response.headers.get("date", ""))
            self._seen_at = (date.astimezone(UTC), self._clock.monotonic())

    def _answer(self, response: httpx.Response) -> Answer:
        if error := self._error(response):
            raise error
        url, request_id = _shown(str(response.url)), response.headers.get("request-id")
        with contextlib.suppress(ValueError):
            payload = response.json()
            if isinstance(payload, dict):
                return Answer(payload, url, response.status_code, request_id)
        kind = response.headers.get("content-type", "no content type")
        raise UnexpectedAnswerError(
            f"{url} answered HTTP {response.status_code} with {kind} where a JSON object was due",
            status=response.status_code,
            request_id=request_id,
        )

    def _error(self, response: httpx.Response) -> APIError | None:
        """The error a response stands for; None for a success."""
        status, headers = response.status_code, response.headers
        if 200 <= status < 300:
            return None
        body: Mapping[str, Any] = {}
        with contextlib.suppress(ValueError, httpx.HTTPError):
            response.read()
            payload = response.json()
            if isinstance(payload, dict) and isinstance(payload.get("error"), dict):
                body = payload["error"]
        text = self._redacted(str(body.get("message") or "no explanation"))[:_LONGEST_MESSAGE]
        message = f"{response.request.method} {_shown(str(response.url))}: HTTP {status}: {text}"
        if status in _KEY_ADVICE:
            message += f" [key {key_kind(self._key)}: {_KEY_ADVICE[status]}]"
        should = headers.get("stripe-should-retry")
        return _kind(status, str(body.get("code")))(
            message,
            status=status,
            code=body.get("code"),
            param=body.get("param"),
            type=body.get("type"),
            request_id=headers.get("request-id"),
            replayed=headers.get("idempotent-replayed") == "true",
            should_retry=should == "true" if should in {"true", "false"} else None,
            retry_after=_retry_after(headers.get("retry-after"), self.now()),
        )

    def _redacted(self, text: str) -> str:
        return text.replace(self._key, key_kind(self._key))


_KEY_ADVICE = {
    401: "Stripe does not know it; check STRIPE_API_KEY, and whether the key was rolled or has expired",
    403: "it lacks a permission; a restricted key needs to write report runs and to read files",
}


def _kind(status: int, code: str) -> type[APIError]:
    if status == 429 or code == "rate_limit":
        return RateLimitError
    if status >= 500:
        return ServerError
    exact = {401: AuthenticationError, 403: PermissionDeniedError, 409: ConflictError}
    return exact.get(status, InvalidRequestError)


def _retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds, whether the header counts them or names a date."""
    if not text:
        return None
    with contextlib.suppress(ValueError, TypeError):
        if text.strip().isdigit():
            return float(text)
        return max(0.0, (email.utils.parsedate_to_datetime(text) - now).total_seconds())
    return None


def _connections(hosts: Hosts) -> httpx.Client:
    return httpx.Client(
        timeout=httpx.Timeout(80.0, connect=10.0),
        limits=httpx.Limits(max_connections=32, max_keepalive_connections=32),
        # A proxy from the environment is for the world outside, not for a server on this machine.
        trust_env=not hosts.local,
        headers={"User-Agent": "dagster-stripe-reports"},
    )


def _contents(response: httpx.Response, offset: int) -> Contents:
    headers = response.headers
    plain = "content-encoding" not in headers
    first, total = 0, None
    if response.status_code == 206:
        first, total = _content_range(headers.get("content-range", ""), offset)
    elif plain and headers.get("content-length", "").isdigit():
        total = int(headers["content-length"])
    return Contents(
        status=response.status_code,
        first_byte=first,
        total=total,
        etag=headers.get("etag"),
        content_type=headers.get("content-type", "").lower(),
        resumable=plain,
        request_id=headers.get("request-id"),
        chunks=_chunks(response),
    )


def _content_range(text: str, offset: int) -> tuple[int, int | None]:
    """First byte and total length out of `bytes 100-199/200`; the offset asked for where it is not said."""
    span, _, length = text.removeprefix("bytes ").partition("/")
    first = span.partition("-")[0]
    return int(first) if first.isdigit() else offset, int(length) if length.isdigit() else None


def _chunks(response: httpx.Response) -> Iterator[bytes]:
    try:
        # As they come from the network: gathering them would lose what arrived before a break.
        yield from response.iter_bytes()
    except (httpx.HTTPError, httpx.StreamError, RuntimeError) as error:
        raise ConnectionFailedError(f"{_shown(str(response.url))} broke off: {_reason(error)}") from None


def _shown(url: str) -> str:
    return url.partition("?")[0]


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
