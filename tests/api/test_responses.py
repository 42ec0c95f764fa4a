"""What an answer means: an error for each status and code, and what its headers say."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.api.responses import JsonResponse, error_of, json_object, moment_named, shown, span_of
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
        ("0", 0.0),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_the_time_to_wait_is_counted_or_named(sent: str, seconds: float | None) -> None:
    assert answered(429, headers={"retry-after": sent}).retry_after == seconds


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("86400", " [a pause of 86,400 s is asked for]"),
        ("Sun, 07 Jun 2026 12:00:30 GMT", " [a pause of 30 s is asked for]"),
        ("0", ""),
        ("9" * 400, ""),
        ("soon", ""),
    ],
)
def test_a_pause_that_is_asked_for_is_said(sent: str, said: str) -> None:
    assert str(answered(429, headers={"retry-after": sent})).endswith(f"no explanation{said}")


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


@pytest.mark.parametrize(
    ("asked", "status", "error", "said"),
    [
        (
            "GET /v1/x",
            401,
            {},
            "no explanation [key rk_test_…: Stripe does not know it; check STRIPE_API_KEY, and whether the "
            "key was rolled or has expired]",
        ),
        (
            "GET /v1/x",
            403,
            {"message": "Not you"},
            "Not you [key rk_test_…: it lacks a permission; a restricted key needs to read report runs, "
            "report types and files, and to write report runs only where `stripe-reports doctor` says so]",
        ),
        (
            "POST /v1/x",
            404,
            {},
            "no explanation [key rk_test_…: some report types exist in live mode alone; if this is one, it "
            "needs a live-mode key]",
        ),
        (
            "POST /v1/x",
            403,
            {"message": "no such connected account"},
            "no such connected account [key rk_test_…: the account is not, or no longer, one that the key "
            "may act for]",
        ),
        pytest.param("GET /v1/x", 400, {"message": "bad\nline"}, r"bad\nline", id="two lines"),
        ("GET /v1/x", 400, {"message": {"a": 1}}, "{'a': 1}"),
        ("GET /v1/x", 400, {"message": "x" * 1001}, "x" * 1000),
    ],
)
def test_an_error_says_what_was_asked_what_stripe_said_and_what_the_key_lacks(
    asked: str, status: int, error: dict[str, Any], said: str
) -> None:
    assert str(answered(status, asked=asked, key="rk_test_…", **error)) == f"{asked}: HTTP {status}: {said}"


@pytest.mark.parametrize(
    ("status", "code", "message", "unknown"),
    [
        (400, None, "No such account: 'acct_1'", True),
        (403, "resource_missing", "no such connected account", True),
        (404, None, "there is no such account here", True),
        (404, "other", "No such account", False),
        (409, None, "No such account", False),
        (404, None, "No such accounting", False),
    ],
)
def test_an_account_that_is_unknown_is_so_by_the_message_where_no_code_says_otherwise(
    status: int, code: str | None, message: str, unknown: bool
) -> None:
    assert (type(answered(status, code=code, message=message)) is UnknownAccountError) is unknown


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"a": NaN, "b": -Infinity, "c": 1e999, "d": 1.5}', {"a": None, "b": None, "c": None, "d": 1.5}),
        (b'{"\\ud800": ["\\udfff", 1]}', {"?": ["?", 1]}),
        (b'{"a": "\\u00e9"}', {"a": "é"}),
        (b"[1]", None),
        (b"", None),
        (b"[" * 100_000, None),
    ],
)
def test_a_body_is_an_object_of_what_json_has_or_nothing(body: bytes, found: object) -> None:
    assert json_object(body) == found


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sun, 07 Jun 2026 14:00:00 +0200", NOON),
        ("Sun, 07 Jun 2026 12:00:00 -0000", NOON),
        ("Sat, 01 Jan 2000 00:00:00 GMT", datetime(2000, 1, 1, tzinfo=UTC)),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
        ("Tue, 31 Dec 2999 00:00:00 GMT", datetime(2999, 12, 31, tzinfo=UTC)),
        ("Wed, 01 Jan 3000 00:00:00 GMT", None),
        (None, None),
    ],
)
def test_a_moment_that_a_header_names_is_one_of_this_millennium(
    text: str | None, moment: datetime | None
) -> None:
    found = moment_named(text)

    assert found == moment
    assert found is None or found.tzinfo is UTC


def test_what_a_header_says_is_shown_in_part_and_on_one_line() -> None:
    assert shown("x" * 201) == "x" * 200
    assert shown("a\nb") == r"a\nb"
    assert shown(None) is None


def test_an_answer_that_is_not_what_was_promised_says_where_it_came_from() -> None:
    error = JsonResponse({}, "https://x/v1/y", 200, "req_1").unexpected("a list")

    assert str(error) == "https://x/v1/y answered with a list (request req_1)"
    assert (error.status, error.request_id) == (200, "req_1")


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
        (206, {"content-range": f"bytes 1-2/{10**18}"}, (1, 10**18)),
        (206, {"content-range": f"bytes 1-2/{10**19}"}, (1, None)),
    ],
)
def test_where_a_body_begins_and_how_long_its_file_is(
    status: int, headers: dict[str, str], span: tuple[int, int | None]
) -> None:
    assert span_of(status, headers, 100) == span
