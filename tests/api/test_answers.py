"""Whatever a server sends, over a real socket: an answer or an error of ours, in time and within memory."""

import gzip
import itertools
import json
import threading
import tracemalloc
from collections.abc import Iterable, Iterator
from functools import cache, partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.api.client import StripeClient
from connector.api.credentials import Hosts
from connector.api.deadline import deadline
from connector.api.models import ReportFile
from connector.api.retry import RetryPolicy
from connector.clock import SystemClock
from connector.errors import ConnectionFailedError, ReportingError, UnexpectedAnswerError
from tests.support.raw_server import Answer, raw_server

ONCE = RetryPolicy(give_up_after=0)

TYPES = json.dumps({"object": "list", "data": [], "has_more": False}).encode()


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


def ask(answer: Answer, seconds: float = 5.0) -> int:
    """How many report types a server that answers so has."""
    with (
        raw_server(answer) as url,
        StripeClient("rk_test_51Abc", hosts=Hosts.of(url), retry=ONCE, clock=SystemClock()) as client,
        deadline(seconds),
    ):
        return len(client.report_types())


def test_an_answer_is_read_over_a_real_socket() -> None:
    assert ask(lambda: [response(TYPES)]) == 0
    assert ask(lambda: [response(gzip.compress(TYPES), "Content-Encoding: gzip")]) == 0


def paused(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Slowly, so that each wait for the network is short and their sum is not."""
    pause = threading.Event()
    for each in pieces:
        yield each
        pause.wait(0.02)


ENDLESS = {
    "early hints": lambda: itertools.repeat(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    "header lines": lambda: paused(
        itertools.chain([b"HTTP/1.1 200 OK\r\n"], (f"X-{n}: 1\r\n".encode() for n in itertools.count()))
    ),
    "a status line": lambda: paused(itertools.chain([b"HTTP/1.1 200 "], itertools.repeat(b"O"))),
    "a body": lambda: paused(itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n{"], itertools.repeat(b" "))),
    "chunks": lambda: paused(
        itertools.chain(
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"1\r\n \r\n")
        )
    ),
    "silence": lambda: paused(itertools.repeat(b"")),
}


@pytest.mark.parametrize("endless", ENDLESS.values(), ids=ENDLESS)
def test_an_answer_without_end_ends_at_the_deadline(endless: Answer) -> None:
    with pytest.raises(ConnectionFailedError):
        ask(endless, seconds=0.3)


@cache
def shrunk() -> bytes:
    """64 MiB of spaces."""
    return gzip.compress(b" " * (64 << 20))


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip,identity", "deflate", "br", "zstd", "\x01"])
def test_an_encoding_that_nobody_asked_for_is_refused(encoding: str) -> None:
    twice = gzip.compress(shrunk())
    tracemalloc.start()

    with pytest.raises(ReportingError):
        ask(lambda: [response(twice, f"Content-Encoding: {encoding}")])

    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


def test_an_encoding_that_nobody_asked_for_is_named() -> None:
    with pytest.raises(UnexpectedAnswerError, match="the Content-Encoding 'deflate', which nobody asked for"):
        ask(lambda: [response(b"", "Content-Encoding: deflate")])


def test_a_bomb_is_unpacked_only_as_far_as_an_answer_may_be_long() -> None:
    bomb = response(gzip.compress(b" " * (256 << 20)), "Content-Encoding: gzip")
    tracemalloc.start()

    with pytest.raises(UnexpectedAnswerError, match="more than 32 MiB"):
        ask(lambda: [bomb], seconds=60)

    assert tracemalloc.get_traced_memory()[1] < 80 << 20
    tracemalloc.stop()


NOT_PACKED = {
    "nothing": b"",
    "a beginning": b"\x1f\x8b",
    "without its end": gzip.compress(TYPES)[:-6],
    "plain": b"plain",
}


@pytest.mark.parametrize("body", NOT_PACKED.values(), ids=NOT_PACKED)
def test_a_body_that_is_not_packed_as_it_says_broke_off(body: bytes) -> None:
    with pytest.raises(ReportingError):
        ask(lambda: [response(body, "Content-Encoding: gzip")])


# Anything at all

PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([
        *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 429 Slow\r\n", b"HTTP/1.1 999 \r\n", b"HTTP/2 200\r\n"),
        *(b"HTTP/1.1 302 Found\r\nLocation: https:x\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n", b"\r\n"),
        *(b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n", b"Content-Encoding: br\r\n"),
        *(b"Retry-After: 1e400\r\n", b"Date: Fri, 99 Foo 2026 00:00:00 GMT\r\n"),
        *(b"5\r\nhello\r\n", b"0\r\n\r\n", b"FFFFFFFFFFFFFFFF\r\n", gzip.compress(TYPES), TYPES),
        *(b'{"error": {"message": 1}}', b'{"error": []}', b"[" * 5000, b'{"data": [{"id": 1e999}]}'),
        *(b'{"data": {}}', b'{"data": [[]], "has_more": "x"}', b"NaN", b"\xff\xfe", b'"\\ud800"'),
    ]),
)  # fmt: skip


def answers_are_errors_of_ours(pieces: list[bytes]) -> None:
    """An answer, or an error that says what is wrong; and so for the contents of a file."""
    file = ReportFile("file_1", SystemClock().now(), 5, "finance_report_run")
    with (
        raw_server(lambda: pieces) as url,
        StripeClient("rk_test_51Abc", hosts=Hosts.of(url), retry=ONCE, clock=SystemClock()) as client,
        deadline(2),
    ):
        for call in (client.report_types, partial(read, client, file)):
            try:
                call()
            except ReportingError as error:
                assert str(error)  # noqa: PT017 - any error of ours is as good as an answer


def read(client: StripeClient, file: ReportFile) -> bytes:
    with client.contents(file) as contents:
        return b"".join(contents.chunks)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES, max_size=12))
def test_whatever_comes_is_an_answer_or_an_error_of_ours(pieces: list[bytes]) -> None:
    answers_are_errors_of_ours(pieces)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_whatever_comes_for_ten_minutes_is_an_answer_or_an_error_of_ours() -> None:
    until = SystemClock().monotonic() + 600

    @settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(PIECES, max_size=12))
    def some(pieces: list[bytes]) -> None:
        answers_are_errors_of_ours(pieces)

    while SystemClock().monotonic() < until:
        some()
