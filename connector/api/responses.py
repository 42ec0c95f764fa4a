"""What Stripe's answers say, as values: successes, errors, parts of files, and what stands in headers.

Nothing here sends or waits. Answers come from outside, so whatever they hold is read or left out, and nothing
of it can raise anything but the errors named.

Source: https://docs.stripe.com/api/errors, https://docs.stripe.com/error-low-level
"""

import contextlib
import email.utils
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.api.json_fields import whole_characters
from connector.errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    UnexpectedAnswerError,
    UnknownAccountError,
)
from connector.text import visible

#: What a status says about the key, beside Stripe's own words.
KEY_ADVICE = {
    401: "Stripe does not know it; check STRIPE_API_KEY, and whether the key was rolled or has expired",
    403: "it lacks a permission; a restricted key needs to read report runs, report types and files, and to "
    "write report runs only where `stripe-reports doctor` says so",
}

_ACCOUNT_ADVICE = "the account is not, or no longer, one that the key may act for"

#: The only thing sent by POST is a report run, and the only thing it names is its type.
_LIVE_ADVICE = "some report types exist in live mode alone; if this is one, it needs a live-mode key"

_HALF_A_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
#: How a message says that an account is unknown, and what names one among the parameters.
_NO_ACCOUNT, _OF_ACCOUNT = re.compile(r"\bNo such (connected )?account\b", re.IGNORECASE), "connected_account"
_LONGEST_MESSAGE = 1000
_LONGEST_HEADER = 200
#: A clock outside of these is broken, and sums with it might leave the calendar.
_YEARS = range(2000, 3000)


@dataclass(frozen=True, slots=True)
class JsonResponse:
    """A success, as JSON.

    Attributes:
        body: the JSON object.
        url: where it came from, without the query.
        status: the HTTP status.
        request_id: Stripe's `Request-Id`; None when it sent none.
        replayed: the answer came from Stripe's store of idempotent answers.
    """

    body: Mapping[str, Any]
    url: str
    status: int
    request_id: str | None
    replayed: bool = False

    def unexpected(self, what: str) -> UnexpectedAnswerError:
        """The error for a body that is JSON, but not the object the API promises."""
        return UnexpectedAnswerError(
            f"{self.url} answered with {what}", status=self.status, request_id=self.request_id
        )


@dataclass(frozen=True, slots=True)
class ResponseHead:
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
class FileStream:
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


def error_of(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    asked: str,
    key: str,
    now: datetime,
) -> APIError:
    """The error that an answer other than a success stands for.

    Args:
        headers: by lower case name.
        asked: method and URL, for the message.
        key: what may be shown of the API key.
        now: the time at Stripe, against which a date in `Retry-After` counts.
    """
    payload = json_object(body) or {}
    error = payload["error"] if isinstance(payload.get("error"), dict) else {}
    text = visible(str(error.get("message") or "no explanation"))[:_LONGEST_MESSAGE]
    message = f"{asked}: HTTP {status}: {text}"
    code, param, type_ = (_short_text(error.get(name)) for name in ("code", "param", "type"))
    kind = _kind(status, code, param, text)
    if kind is UnknownAccountError:
        message += f" [key {key}: {_ACCOUNT_ADVICE}]"
    elif status in KEY_ADVICE:
        message += f" [key {key}: {KEY_ADVICE[status]}]"
    elif status == 404 and asked.startswith("POST ") and "_test_" in key:
        message += f" [key {key}: {_LIVE_ADVICE}]"
    pause = _retry_after(headers.get("retry-after"), now)
    if pause and math.isfinite(pause):
        message += f" [a pause of {pause:,.0f} s is asked for]"
    should = headers.get("stripe-should-retry")
    return kind(
        message,
        status=status,
        code=code,
        param=param,
        type=type_,
        request_id=shown(headers.get("request-id")),
        replayed=is_replayed(headers),
        should_retry=should == "true" if should in {"true", "false"} else None,
        retry_after=pause,
        limit=shown(headers.get("stripe-rate-limited-reason")),
        said=text,
    )


def _kind(status: int, code: str | None, param: str | None, text: str) -> type[APIError]:
    """By what the error says before by its status: a 403 about an account is not a missing permission."""
    if status == 429 or code == "rate_limit":
        return RateLimitError
    if status >= 500:
        return ServerError
    missing = code == "resource_missing" and _OF_ACCOUNT in str(param)
    unnamed = code in {None, "resource_missing"} and status in {400, 403, 404} and _NO_ACCOUNT.search(text)
    if code == "account_invalid" or missing or unnamed:
        return UnknownAccountError
    exact = {401: AuthenticationError, 403: PermissionDeniedError, 409: ConflictError}
    return exact.get(status, InvalidRequestError)


def is_replayed(headers: Mapping[str, str]) -> bool:
    """Whether an answer came from Stripe's store of idempotent answers. Names are in lower case."""
    return headers.get("idempotent-replayed") == "true"


def json_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object a body is; None for anything else."""
    with contextlib.suppress(ValueError, RecursionError):
        # NaN and the infinities are Python's own: JSON has none, and what is stored is written as JSON again.
        payload = json.loads(body, parse_constant=lambda _: None, parse_float=_finite)
        if _HALF_A_CHARACTER.search(body):
            payload = whole_characters(payload)
        return payload if isinstance(payload, dict) else None
    return None


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def moment_named(text: str | None) -> datetime | None:
    """The moment a header names, aware UTC; None for none, or for an impossible year."""
    with contextlib.suppress(ValueError, TypeError, OverflowError, IndexError):
        date = email.utils.parsedate_to_datetime(text or "")
        moment = date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
        return moment if moment.year in _YEARS else None
    return None


def span_of(status: int, headers: Mapping[str, str], offset: int) -> tuple[int, int | None]:
    """Where in its file a body begins, and the file's length; None where the server does not say.

    Args:
        headers: by lower case name.
        offset: the byte that was asked for.
    """
    if status == 206:
        # bytes 100-199/200
        span, _, length = headers.get("content-range", "").removeprefix("bytes ").partition("/")
        first = _count(span.partition("-")[0])
        return offset if first is None else first, _count(length)
    packed = "content-encoding" in headers
    return 0, None if packed else _count(headers.get("content-length", ""))


def shown(header: str | None) -> str | None:
    """What a header says, fit to be shown; None where it is absent."""
    return None if header is None else visible(header)[:_LONGEST_HEADER]


def _short_text(value: Any) -> str | None:
    return shown(value) if isinstance(value, str) else None


def _retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds, whether the header counts them or names a date; None for what is neither."""
    if text and text.strip().isdecimal():
        return float(text)
    date = moment_named(text)
    return max(0.0, (date - now).total_seconds()) if date else None


def _count(text: str) -> int | None:
    """A number of bytes, as headers count them."""
    return int(text) if text.isdecimal() and len(text) < 20 else None
