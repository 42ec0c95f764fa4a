"""Behind a port, to clients that know nothing of the simulator: httpx and raw sockets."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime

import httpx
import pytest

from connector.simulator import SIMULATED_KEY, Simulator, Stage
from connector.simulator.server import serve
from tests.faults.network import Cut, Drip, Refuse, Reset, Silence, WrongLength
from tests.support.clock import ManualClock

RUNS = "/v1/reporting/report_runs"
TYPES = "/v1/reporting/report_types"
SUMMARY = "balance.summary.1"
JUNE_1 = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
FORM = {
    "report_type": SUMMARY,
    "parameters[interval_start]": str(JUNE_1),
    "parameters[interval_end]": str(JUNE_1 + 86_400),
}


@pytest.fixture
def sim() -> Simulator:
    return Simulator(ManualClock(), seed=7, run_seconds=0, opening=date(2026, 5, 1))


@pytest.fixture
def url(sim: Simulator) -> Iterator[str]:
    with serve(sim) as url:
        yield url


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, auth=(SIMULATED_KEY, "")) as client:
        yield client


def exchange(url: str, request: bytes) -> bytes:
    """Everything the server says until it closes the connection."""
    with socket.create_connection((httpx.URL(url).host, httpx.URL(url).port or 80)) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_report_travels_over_the_wire(sim: Simulator, url: str, http: httpx.Client) -> None:
    run = http.post(RUNS, data=FORM).json()
    body = http.get(run["result"]["url"])

    assert run["result"]["url"].startswith(f"{url}/v1/files/")
    assert body.content == sim.csv(SUMMARY, interval_start=JUNE_1, interval_end=JUNE_1 + 86_400)
    assert [seen.status for seen in sim.requests] == [200, 200]


def test_there_is_one_date_and_it_is_the_simulators(http: httpx.Client) -> None:
    assert http.get(TYPES).headers.get_list("Date") == ["Wed, 10 Jun 2026 15:30:00 GMT"]


def test_connections_are_kept_open(sim: Simulator, url: str) -> None:
    get = f"GET {TYPES} HTTP/1.1\r\nHost: here\r\n".encode()
    answer = exchange(url, get + b"\r\n" + get + b"Connection: close\r\n\r\n")

    assert answer.count(b"HTTP/1.1 401") == 2


def test_head_has_no_body(http: httpx.Client) -> None:
    assert http.head(TYPES).content == b""
    assert http.get(TYPES).status_code == 200, "and the connection is still in step"


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("POST /v1/x HTTP/1.1\r\nHost: h\r\nContent-Length: many\r\n\r\n", 400),
        ("POST /v1/x HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n", 413),
        ("POST /v1/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        ("GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_is_refused(url: str, request_text: str, status: int) -> None:
    assert exchange(url, request_text.encode()).startswith(f"HTTP/1.1 {status}".encode())


KEY_AND_MORE = f"Bearer {SIMULATED_KEY}é".encode("iso-8859-1")
HEADERS = ["Authorization", "Idempotency-Key", "Stripe-Account", "Stripe-Version", "Range", "X-Any"]


@pytest.mark.parametrize(
    "value",
    [
        "café".encode(),
        b"caf\xe9",
        "\u20ac".encode(),
        b"a\r\n b",
        b"\x85\x00",
        b"",
        b"x" * 60_000,
        KEY_AND_MORE,
    ],
    ids=["utf-8", "latin-1", "beyond-latin-1", "folded", "control", "empty", "long", "key-and-more"],
)
def test_whatever_stands_in_a_header_is_answered(
    sim: Simulator, url: str, capfd: pytest.CaptureFixture[str], value: bytes
) -> None:
    head = f"POST {RUNS} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n".encode()
    own = f"Authorization: Bearer {SIMULATED_KEY}\r\n".encode()
    answers = [
        exchange(url, head + own * (name != "Authorization") + name.encode() + b": " + value + b"\r\n\r\n")
        for name in HEADERS
    ]

    assert answers[0].startswith(b"HTTP/1.1 401")
    assert {answer[:11] for answer in answers} == {b"HTTP/1.1 40"}, "a report run needs a type"
    assert [answer.count(b"HTTP/1.1 ") for answer in answers] == [1] * len(HEADERS)
    assert len(sim.requests) == len(HEADERS)
    assert not capfd.readouterr().err


@pytest.mark.parametrize("fault", [Reset(), Refuse(), Silence(0.01)])
def test_a_connection_may_end_without_an_answer(
    sim: Simulator, http: httpx.Client, fault: Reset | Refuse | Silence
) -> None:
    sim.faults.add(fault)

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        http.get(TYPES)
    assert http.get(TYPES).status_code == 200


def test_an_answer_may_be_lost_after_the_run_was_made(sim: Simulator, http: httpx.Client) -> None:
    sim.faults.add(Reset(stage=Stage.AFTER), "POST")

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        http.post(RUNS, data=FORM)
    assert len(sim.runs) == 1


@pytest.mark.parametrize("fault", [Cut(at=200), WrongLength(50)])
def test_a_body_may_end_too_soon(sim: Simulator, http: httpx.Client, fault: Cut | WrongLength) -> None:
    contents = http.post(RUNS, data=FORM).json()["result"]["url"]
    sim.faults.add(fault, "GET */contents")

    with pytest.raises(httpx.RemoteProtocolError):
        http.get(contents)
    assert http.get(contents).status_code == 200


def test_a_body_may_drip(sim: Simulator, http: httpx.Client) -> None:
    contents = http.post(RUNS, data=FORM).json()["result"]["url"]
    sim.faults.add(Drip(chunk=100, pause=0.001), "GET */contents")

    assert http.get(contents).content == http.get(contents).content


def test_no_thread_stays_behind_whoever_is_waiting(sim: Simulator) -> None:
    before = threading.active_count()
    sim.faults.add(Silence(3_600))
    with contextlib.ExitStack() as clients:
        with serve(sim) as url:
            idle = clients.enter_context(httpx.Client(base_url=url, auth=(SIMULATED_KEY, "")))
            sim.faults.clear()
            idle.get(TYPES)
            sim.faults.add(Silence(3_600))
            address = (httpx.URL(url).host, httpx.URL(url).port or 80)
            waiting = clients.enter_context(socket.create_connection(address))
            waiting.sendall(f"GET {TYPES} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        assert threading.active_count() == before
