"""What the client says where no answer comes, or one that it cannot use."""

import gzip
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connector.api.client import StripeClient
from connector.api.models import ReportRequest
from connector.errors import (
    AuthenticationError,
    ConnectionFailedError,
    InvalidRequestError,
    ServerError,
    UnexpectedAnswerError,
    UntrustedHostError,
)
from connector.simulator import Simulator
from tests.api.handlers import (
    DAY,
    OBJECT,
    ONCE,
    TYPES_URL,
    Handler,
    always,
    failing,
    redirecting,
)
from tests.conftest import ClientFor
from tests.faults.network import EditJson
from tests.support.clock import ManualClock


def test_an_error_carries_what_stripe_said(client: StripeClient) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        client.create_report_run(ReportRequest.of("balance.summary.1", {}), idempotency_key="k")

    assert (caught.value.status, caught.value.code) == (400, "parameter_missing")
    assert caught.value.param
    assert caught.value.request_id
    named = f"(parameter {caught.value.param}, request {caught.value.request_id})"
    assert str(caught.value).endswith(named)


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b"null", b"{", b'{"object":"list"}', b'{"data":[{}],"has_more":false}', b"\xff\xfe"],
    ids=["a page", "an array", "null", "cut off", "no data", "rows without an id", "not UTF-8"],
)
def test_an_answer_that_is_no_answer_is_an_error_of_its_own(client_for: ClientFor, body: bytes) -> None:
    client = client_for(always(httpx.Response(200, content=body)))

    with pytest.raises(UnexpectedAnswerError, match="report_types"):
        client.report_types()


@pytest.mark.parametrize(
    ("headers", "kind"), [({}, "of no stated type"), ({"Content-Type": "text/html"}, "text/html")]
)
def test_a_page_in_the_place_of_an_answer_is_named_with_its_type(
    client_for: ClientFor, headers: dict[str, str], kind: str
) -> None:
    client = client_for(always(httpx.Response(200, content=b"<html>", headers=headers)))

    with pytest.raises(UnexpectedAnswerError) as caught:
        client.report_types()

    assert f"report_types answered HTTP 200 with a body ({kind}) that is not a JSON object" in str(
        caught.value
    )


def test_a_strange_entry_in_a_list_does_not_hide_the_others(
    simulator: Simulator, client: StripeClient
) -> None:
    """Somebody else's run, of a kind nobody has documented, must not stop a backfill."""
    client.create_report_run(DAY, idempotency_key="k")

    odd = {"id": "frr_odd", "report_type": "x.1", "parameters": {"interval_start": "soon"}}

    def add(body: Any) -> None:
        body["data"].insert(0, odd)

    planted = simulator.faults.add(EditJson(add), "GET")

    assert [run.request for run in client.report_runs().data] == [DAY]
    assert planted.hits == 1


def broken_off() -> Iterator[bytes]:
    yield b'{"error": '
    raise httpx.ReadError("reset by peer")


def unproven() -> Exception:
    reason = ssl.SSLCertVerificationError(1, "certificate verify failed")
    reason.verify_message = "certificate has expired"
    error = httpx.ConnectError("[SSL] failed")
    error.__cause__ = reason
    return error


@pytest.mark.parametrize(
    ("handler", "kind", "said"),
    [
        (
            failing(httpx.ReadError("reset by peer")),
            ConnectionFailedError,
            f"GET {TYPES_URL}: ReadError: reset by peer",
        ),
        (failing(httpx.ConnectError("")), ConnectionFailedError, f"GET {TYPES_URL}: ConnectError"),
        (failing(httpx.ReadTimeout("late")), ConnectionFailedError, f"GET {TYPES_URL}: no answer within 5 s"),
        pytest.param(
            failing(httpx.ConnectError("a\nb")),
            ConnectionFailedError,
            rf"GET {TYPES_URL}: ConnectError: a\nb",
            id="two lines",
        ),
        (
            failing(unproven()),
            UntrustedHostError,
            "api.stripe.com could not prove who it is (TLS: certificate has expired); nothing was sent "
            "there. Look at this machine's clock and certificates, and at what stands in between",
        ),
        (
            redirecting("/v1/reporting/report_types", []),
            UntrustedHostError,
            f"{TYPES_URL} was redirected more than 3 times",
        ),
        (
            always(
                httpx.Response(200, content=b"[]", headers={"Content-Type": "a/b", "Request-Id": "req_1"})
            ),
            UnexpectedAnswerError,
            f"{TYPES_URL} answered HTTP 200 with a body (a/b) that is not a JSON object (request req_1)",
        ),
        (
            always(httpx.Response(200, content=b" " * ((32 << 20) + 1), headers={"Request-Id": "req_1"})),
            UnexpectedAnswerError,
            f"{TYPES_URL} answered with more than 32 MiB where a JSON object was due (request req_1)",
        ),
        (
            always(httpx.Response(401)),
            AuthenticationError,
            f"GET {TYPES_URL}: HTTP 401: no explanation [key sk_test_…: Stripe does not know it; check "
            "STRIPE_API_KEY, and whether the key was rolled or has expired]",
        ),
        (
            lambda _: httpx.Response(503, content=broken_off()),
            ServerError,
            f"GET {TYPES_URL}: HTTP 503: no explanation",
        ),
        (
            lambda _: httpx.Response(200, content=broken_off()),
            ConnectionFailedError,
            f"{TYPES_URL} broke off: ReadError: reset by peer",
        ),
        (
            lambda _: httpx.Response(
                200, content=iter([gzip.compress(b"{}")[:-1]]), headers={"Content-Encoding": "gzip"}
            ),
            ConnectionFailedError,
            f"{TYPES_URL} broke off: error: the packed body ends too early",
        ),
        (
            lambda _: httpx.Response(
                200, content=iter([b""]), headers={"Content-Encoding": "br", "Request-Id": "req_1"}
            ),
            UnexpectedAnswerError,
            f"{TYPES_URL} answered with the Content-Encoding 'br', which nobody asked for (request req_1)",
        ),
        *(
            (
                always(httpx.Response(200, json=body, headers={"Request-Id": "req_1"})),
                UnexpectedAnswerError,
                f"{TYPES_URL} answered with {what} (request req_1)",
            )
            for body, what in [
                ({"data": {}}, "an object that is not a list of objects with ids"),
                ({"data": [{"id": "../x"}]}, "an object that is not a list of objects with ids"),
                ({"data": [{"id": "x.1"}], "has_more": True}, "a list that has no end"),
            ]
        ),
    ],
)
def test_why_there_is_no_answer_is_said(
    client_for: ClientFor, handler: Handler, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind) as caught:
        client_for(handler, retry=ONCE).report_types()

    assert str(caught.value) == said
    statuses: dict[type[Exception], int] = {
        UnexpectedAnswerError: 200,
        AuthenticationError: 401,
        ServerError: 503,
    }
    assert getattr(caught.value, "status", None) == statuses.get(kind)


def test_an_answer_that_comes_in_pieces_is_put_together(client_for: ClientFor) -> None:
    pieces = [b'{"data": [{"id": "acct_1"}', b', {"id": "acct_2"}', b"]}"]

    client = client_for(lambda _: httpx.Response(200, content=iter(pieces)))

    assert [each.id for each in client.accounts()] == ["acct_1", "acct_2"]


def test_an_answer_that_takes_longer_than_any_of_stripes_is_left(
    client_for: ClientFor, clock: ManualClock
) -> None:
    def drops() -> Iterator[bytes]:
        while True:
            clock.sleep(50)
            yield b" "

    client = client_for(lambda _: httpx.Response(200, content=drops()), retry=ONCE)

    with pytest.raises(ConnectionFailedError, match=f"^{TYPES_URL} was still answering after 120 s$"):
        client.report_types()

    assert clock.monotonic() == 150


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (OBJECT, "an object that lacks 'livemode'"),
        (OBJECT | {"livemode": 1}, "an object that cannot be read: livemode is neither true nor false"),
        (OBJECT | {"livemode": False}, "report run frr_1, which is another one"),
    ],
)
def test_an_object_that_is_not_what_was_asked_for_is_said(
    client_for: ClientFor, body: dict[str, Any], said: str
) -> None:
    with pytest.raises(UnexpectedAnswerError) as caught:
        client_for(always(httpx.Response(200, json=body)), retry=ONCE).report_run("frr_2")

    assert str(caught.value) == f"https://api.stripe.com/v1/reporting/report_runs/frr_2 answered with {said}"


def test_an_entry_that_is_left_out_is_named(client_for: ClientFor, caplog: pytest.LogCaptureFixture) -> None:
    body = {"data": [OBJECT, OBJECT | {"id": "frr_2", "livemode": False}], "has_more": "true"}

    page = client_for(always(httpx.Response(200, json=body))).report_runs()

    assert ([run.id for run in page.data], page.has_more) == (["frr_2"], False)
    assert caplog.messages == [
        "left out frr_1: https://api.stripe.com/v1/reporting/report_runs answered with an object that lacks "
        "'livemode'"
    ]
