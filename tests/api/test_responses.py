"""What an answer means: an error for each status and code, and what its headers say."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.api.responses import error_of, span_of
from connector.errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    UnknownAccountError,
)

NOON = datetime(2026, 6, 7, 12, tzinfo=UTC)


def answered(
    status: int, *, asked: str = "GET /v1/x", key: str = "rk_live_…", headers: Any = None, **error: Any
) -> APIError:
    body = json.dumps({"error": error}).encode()
    return error_of(status, headers or {}, body, asked=asked, key=key, now=NOON)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {}, InvalidRequestError),
        (400, {"code": "rate_limit"}, RateLimitError),
        (400, {"code": "account_invalid"}, UnknownAccountError),
        (400, {"code": "resource_missing"}, InvalidRequestError),
        (400, {"code": "resource_missing", "param": "parameters[connected_account]"}, UnknownAccountError),
        (400, {"code": "other", "param": "parameters[connected_account]"}, InvalidRequestError),
        (401, {}, AuthenticationError),
        (403, {}, PermissionDeniedError),
        (403, {"code": "account_invalid"}, UnknownAccountError),
        (404, {}, InvalidRequestError),
        (409, {}, ConflictError),
        (429, {}, RateLimitError),
        (499, {}, InvalidRequestError),
        (500, {}, ServerError),
        (503, {"code": "account_invalid"}, ServerError),
    ],
)
def test_status_and_code_decide_what_kind_of_error_it_is(
    status: int, error: dict[str, str], kind: type[APIError]
) -> None:
    assert type(answered(status, **error)) is kind


def test_an_error_carries_what_the_answer_says() -> None:
    headers = {
        "request-id": "req_1",
        "idempotent-replayed": "true",
        "stripe-should-retry": "false",
        "stripe-rate-limited-reason": "endpoint-rate",
        "retry-after": "7",
    }

    error = answered(
        429, headers=headers, message="Slow down", code="rate_limit", param="x", type="invalid_request_error"
    )

    assert str(error).startswith("GET /v1/x: HTTP 429: Slow down")
    assert (error.status, error.request_id, error.code, error.param) == (429, "req_1", "rate_limit", "x")
    assert (error.type, error.limit, error.retry_after) == ("invalid_request_error", "endpoint-rate", 7.0)
    assert error.replayed
    assert error.should_retry is False


def test_an_answer_that_says_nothing_leaves_all_open() -> None:
    error = error_of(418, {}, b"<html>", asked="GET /v1/x", key="…", now=NOON)

    assert str(error).startswith("GET /v1/x: HTTP 418: no explanation")
    assert (error.code, error.param, error.request_id, error.retry_after) == (None, None, None, None)
    assert error.should_retry is None
    assert not error.replayed


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ("Sun, 07 Jun 2026 12:00:30 GMT", 30.0),
        ("Sun, 07 Jun 2026 11:00:00 GMT", 0.0),
        (" 5 ", 5.0),
        ("soon", None),
        ("", None),
    ],
)
def test_the_time_to_wait_is_counted_or_named(sent: str, seconds: float | None) -> None:
    assert answered(429, headers={"retry-after": sent}).retry_after == seconds


@pytest.mark.parametrize(
    ("asked", "key", "advised"),
    [
        ("POST /v1/reporting/report_runs", "rk_test_…", True),
        ("GET /v1/reporting/report_runs", "rk_test_…", False),
        ("POST /v1/reporting/report_runs", "rk_live_…", False),
    ],
)
def test_a_type_that_a_test_key_may_not_have_is_explained(asked: str, key: str, advised: bool) -> None:
    assert (f"[key {key}: " in str(answered(404, asked=asked, key=key))) is advised


@pytest.mark.parametrize(("status", "error"), [(401, {}), (403, {}), (400, {"code": "account_invalid"})])
def test_what_the_key_lacks_is_said_with_the_kind_of_the_key(status: int, error: dict[str, str]) -> None:
    assert "[key rk_live_…: " in str(answered(status, **error))


@pytest.mark.parametrize(
    ("status", "headers", "span"),
    [
        (200, {"content-length": "200"}, (0, 200)),
        (200, {}, (0, None)),
        (200, {"content-length": "90", "content-encoding": "gzip"}, (0, None)),
        (206, {"content-range": "bytes 100-199/200"}, (100, 200)),
        (206, {"content-range": "bytes 50-199/*"}, (50, None)),
        (206, {"content-range": "gibberish"}, (100, None)),
        (206, {}, (100, None)),
    ],
)
def test_where_a_body_begins_and_how_long_its_file_is(
    status: int, headers: dict[str, str], span: tuple[int, int | None]
) -> None:
    assert span_of(status, headers, 100) == span
