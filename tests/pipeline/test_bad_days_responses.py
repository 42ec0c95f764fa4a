"""Whatever a server answers, the client gives a right value or one of our errors, and nothing else."""

import contextlib
import copy
import gzip
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.api.client import StripeClient
from connector.api.credentials import Hosts
from connector.api.models import ReportRequest, ReportRun
from connector.api.responses import json_object, moment_named
from connector.api.retry import RetryPolicy
from connector.dataset.provenance import Provenance
from connector.errors import (
    ConnectionFailedError,
    InvalidRequestError,
    ReportingError,
    UnexpectedAnswerError,
    UntrustedHostError,
)
from connector.simulator import SIMULATED_KEY, Simulator
from tests.conftest import ClientFor
from tests.faults.network import Drip
from tests.support.clock import NOON, ManualClock

ANY_TEXT = st.text(st.characters(codec=None))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
ASKED = ReportRequest.of(
    "balance.summary.1", {"interval_start": 1_780_000_000, "interval_end": 1_780_086_400}
)

ONCE = RetryPolicy(give_up_after=0)

RUN: dict[str, Any] = {
    "id": "frr_1",
    "object": "reporting.report_run",
    "created": 1_780_100_000,
    "error": None,
    "livemode": False,
    "parameters": {"interval_start": 1_780_000_000, "interval_end": 1_780_086_400, "columns": ["net_amount"]},
    "report_type": "balance.summary.1",
    "result": {
        "id": "file_1",
        "object": "file",
        "created": 1_780_100_009,
        "expires_at": 1_811_636_009,
        "filename": "frr_1.csv",
        "purpose": "finance_report_run",
        "size": 12,
        "title": "FinanceReportRun frr_1",
        "type": "csv",
        "url": "https://files.stripe.com/v1/files/file_1/contents",
    },
    "status": "succeeded",
    "succeeded_at": 1_780_100_009,
}
TYPE: dict[str, Any] = {
    "id": "balance.summary.1",
    "data_available_end": 1_780_000_000,
    "data_available_start": 1_700_000_000,
    "default_columns": ["category"],
    "livemode": False,
    "name": "Balance summary",
    "updated": 1_780_000_000,
    "version": 1,
}
RUN_FIELDS = [
    *[(name,) for name in RUN],
    *[("result", name) for name in RUN["result"]],
    *[("parameters", name) for name in RUN["parameters"]],
]


def bent(payload: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The payload with another value at `path`; without the field where the value is `...`."""
    changed = copy.deepcopy(payload)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed


def answering(body: Any) -> Callable[[httpx.Request], httpx.Response]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda _: httpx.Response(200, content=content)


def use(client: StripeClient, run: ReportRun) -> None:
    """What is done with a run further on: asked for again, fetched, written down."""
    assert json.dumps(dict(run.raw)).encode()
    assert hash(run.request)
    with contextlib.suppress(ReportingError):
        client.report_run(run.id)
    if run.result:
        with contextlib.suppress(ReportingError), client.contents(run.result) as contents:
            list(contents.chunks)


@given(path=st.sampled_from(RUN_FIELDS), value=ANY_JSON | st.just(...))
@example(path=("created",), value=10**30)
@example(path=("created",), value=float("nan"))
@example(path=("id",), value="../../etc/passwd")
@example(path=("id",), value=5)
@example(path=("livemode",), value="false")
@example(path=("error",), value="half a \ud800 character")
@example(path=("result", "url"), value="https://[::1")
@example(path=("result", "url"), value="https://files.stripe.com/\x00")
@example(path=("result", "url"), value="https://files.stripe.com\\@evil.example/")
@example(path=("result", "size"), value=-1)
@example(path=("result", "id"), value="/etc/passwd")
def test_any_value_in_any_field_of_a_run_is_read_or_refused(
    client_for: ClientFor, path: tuple[str, ...], value: Any
) -> None:
    client = client_for(answering(bent(RUN, path, value)), retry=ONCE)

    with contextlib.suppress(ReportingError):
        use(client, client.create_report_run(ASKED, idempotency_key="k"))


@given(path=st.sampled_from([(name,) for name in TYPE]), value=ANY_JSON | st.just(...))
@example(path=("data_available_end",), value=-(10**18))
@example(path=("default_columns",), value="category")
def test_any_value_in_any_field_of_a_report_type_is_read_or_left_out(
    client_for: ClientFor, path: tuple[str, ...], value: Any
) -> None:
    client = client_for(answering({"data": [bent(TYPE, path, value), TYPE], "has_more": False}))

    with contextlib.suppress(ReportingError):
        assert TYPE["id"] in client.report_types()


@given(body=ANY_JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200))
@example(body=b"[" * 100_000)
@example(body=b'{"a":' * 100_000)
@example(body=b'{"data":[],"has_more":' + b"9" * 5_000 + b"}")
def test_any_body_is_a_list_or_an_error(client_for: ClientFor, body: bytes) -> None:
    client = client_for(answering(body), retry=ONCE)

    with contextlib.suppress(ReportingError):
        client.report_runs()


@given(
    status=st.integers(300, 599),
    error=ANY_JSON,
    header=st.sampled_from(
        ["Date", "Retry-After", "Location", "Request-Id", "Content-Type", "Stripe-Should-Retry"]
    ),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
)
@example(status=429, error={}, header="Retry-After", value="9" * 400)
@example(status=429, error={}, header="Retry-After", value="Fri, 31 Dec 9999 23:59:59 GMT")
@example(status=500, error={}, header="Date", value="Fri, 31 Dec 9999 23:59:59 -2359")
@example(status=500, error={}, header="Date", value="Mon, 01 Jan 0001 00:00:00 +2300")
@example(status=302, error={}, header="Location", value="http://[::1")
@example(status=302, error={}, header="Location", value="https://files.stripe.com:99999/")
def test_any_error_is_one_of_ours(
    client_for: ClientFor, status: int, error: Any, header: str, value: str
) -> None:
    body = json.dumps({"error": error}).encode()
    client = client_for(lambda _: httpx.Response(status, content=body, headers={header: value}), retry=ONCE)

    with pytest.raises(ReportingError) as caught:
        client.report_types()

    assert client.now().tzinfo
    assert str(caught.value).isprintable()


@given(text=ANY_TEXT)
@example(text="Fri, 31 Dec 9999 23:59:59 -0100")
def test_any_date_is_one_we_can_count_with_or_none(text: str) -> None:
    moment = moment_named(text)

    assert moment is None or moment + timedelta(days=365) > datetime(2000, 1, 1, tzinfo=UTC)


@given(payload=st.dictionaries(ANY_TEXT, ANY_JSON, max_size=4))
def test_what_is_read_can_be_written_again(payload: dict[str, Any]) -> None:
    found = json_object(json.dumps(payload).encode())

    assert found is not None
    assert json.dumps(found, ensure_ascii=False, allow_nan=False).encode()


@given(text=st.text(max_size=40) | ANY_JSON.map(json.dumps))
def test_any_text_is_a_provenance_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        Provenance.from_json(text)


def test_an_answer_about_another_run_is_not_taken(client_for: ClientFor) -> None:
    client = client_for(answering(RUN))

    with pytest.raises(UnexpectedAnswerError, match="frr_1, which is another one"):
        client.report_run("frr_2")


def test_a_list_that_goes_in_circles_ends(client_for: ClientFor) -> None:
    client = client_for(answering({"data": [RUN], "has_more": True}))

    with pytest.raises(UnexpectedAnswerError, match="no end"):
        list(client.every_report_run(since=NOON))


def test_an_answer_without_end_is_cut_off(client_for: ClientFor) -> None:
    """A gigabyte of blanks packs to a megabyte."""
    bomb = gzip.compress(b" " * (64 << 20))
    client = client_for(
        lambda _: httpx.Response(
            200, content=bomb, headers={"Content-Encoding": "gzip", "Request-Id": "req_1"}
        ),
        retry=ONCE,
    )

    with pytest.raises(UnexpectedAnswerError, match="more than 32 MiB") as caught:
        client.report_types()

    assert caught.value.request_id == "req_1"


def test_an_answer_that_drips_is_given_up(
    simulator: Simulator, client: StripeClient, clock: ManualClock
) -> None:
    simulator.faults.add(Drip(1, 1.0), times=None)

    with pytest.raises(ConnectionFailedError, match="still answering after 120 s"):
        client.report_types()

    assert clock.monotonic() < 600


def test_a_message_cannot_drive_a_terminal(client_for: ClientFor) -> None:
    answer = httpx.Response(400, json={"error": {"message": "a\x1b[2Jb\nc\u202ed"}})
    client = client_for(lambda _: answer)

    with pytest.raises(InvalidRequestError) as caught:
        client.report_types()

    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1/files/file_1/contents",
        "http://files.stripe.com/v1/files/file_1/contents",
        "ftp://files.stripe.com/v1/files/file_1/contents",
        "https://user:pass@files.stripe.com/v1/files/file_1/contents",
        "https://files.stripe.com.evil.example/",
        "https://files.stripe.com@evil.example/",
        "https://files.stripe.com\t.evil.example/",
        "//evil.example/",
        "file:///etc/passwd",
    ],
)
def test_the_key_does_not_follow_a_result_elsewhere(client_for: ClientFor, url: str) -> None:
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=bent(RUN, ("result", "url"), url))

    client = client_for(handle)
    result = client.report_run("frr_1").result
    assert result

    with pytest.raises(UntrustedHostError), client.contents(result):
        pass

    assert len(sent) == 1


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A server that speaks TLS with a certificate nobody vouches for, and the requests it saw."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is needed to make a certificate")
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([openssl, *made, *files, *names], check=True, capture_output=True)
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(HTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Whoever was refused hangs up; that is the point."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    with Quiet(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"https://localhost:{server.server_address[1]}", seen
        server.shutdown()
        thread.join()


def test_a_certificate_nobody_vouches_for_ends_it_at_once(
    impostor: tuple[str, list[str]], clock: ManualClock
) -> None:
    """Not even the path is shown to a server that cannot prove who it is, and it is not asked twice."""
    url, seen = impostor

    with (
        StripeClient(SIMULATED_KEY, hosts=Hosts.of(url), clock=clock) as client,
        pytest.raises(
            UntrustedHostError,
            match=r"could not prove who it is.*certificate.*Look at this machine's clock .*in between$",
        ),
    ):
        client.report_types()

    assert seen == []
    assert clock.monotonic() < 1
