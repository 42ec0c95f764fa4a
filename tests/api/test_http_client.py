"""What is wrong with proxies and certificates is said with the name of the variable, before sending."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from connector.api.credentials import Hosts
from connector.api.http_client import build_http_client
from connector.errors import ConfigurationError
from tests.conftest import ClientFor
from tests.support.files import FILE, FileHost

STRIPE, LOCAL = Hosts.of(), Hosts.of("http://127.0.0.1:8123")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().endswith("_PROXY") or name.startswith("SSL"):
            monkeypatch.delenv(name)


WRONG = [
    pytest.param("ALL_PROXY", "socks5://proxy:1080", "ALL_PROXY names a SOCKS proxy", id="socks"),
    pytest.param("HTTPS_PROXY", "ftp://proxy", "HTTPS_PROXY is not the URL of a proxy", id="another-scheme"),
    pytest.param("https_proxy", "http://[::1", "HTTPS_PROXY is not the URL of a proxy", id="half-a-bracket"),
    pytest.param("HTTP_PROXY", "http://proxy:port", "HTTP_PROXY is not the URL of a proxy", id="no-port"),
    pytest.param("NO_PROXY", "[::1", "NO_PROXY cannot be read", id="half-a-bracket-in-the-exceptions"),
    pytest.param("SSL_CERT_FILE", "/does/not/exist", "SSL_CERT_FILE", id="no-certificates"),
    pytest.param("SSL_CERT_FILE", __file__, "SSL_CERT_FILE", id="certificates-that-are-none"),
    pytest.param("SSLKEYLOGFILE", "/does/not/exist/log", "SSLKEYLOGFILE", id="no-place-for-a-log-of-keys"),
]


@pytest.mark.parametrize(("variable", "value", "said"), WRONG)
def test_a_variable_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError, match=said):
        build_http_client(STRIPE)


def test_the_password_of_a_proxy_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://user:s3cret@proxy")

    with pytest.raises(ConfigurationError) as caught:
        build_http_client(STRIPE)

    assert "s3cret" not in str(caught.value)


def test_a_server_on_this_machine_is_reached_whatever_proxies_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "ftp://proxy")

    build_http_client(LOCAL).close()


def test_a_proxy_that_can_be_used_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pass@proxy:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,.example.org")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    build_http_client(STRIPE).close()


def test_a_server_that_says_nothing_is_not_waited_for_for_ever() -> None:
    """Stripe answers within 80 seconds, or not at all."""
    with build_http_client(STRIPE) as http:
        assert http.timeout == httpx.Timeout(connect=10.0, read=80.0, write=80.0, pool=80.0)


def test_requests_say_which_program_sends_them_and_go_over_as_many_connections_as_run_at_once() -> None:
    with build_http_client(STRIPE) as http:
        assert http.headers["user-agent"] == "dagster-stripe-reports"
        assert isinstance(http._transport, httpx.HTTPTransport)
        pool = http._transport._pool
        assert (pool._max_connections, pool._max_keepalive_connections) == (32, 32)


class Tape:
    """What is heard of requests and their answers, in order."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def asks(self, method: str, url: str, *, part: bool) -> "Tape":
        self.heard.append((method, url, part))
        return self

    def heads(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        self.heard.append((status, dict(headers)["etag"]))

    def receives(self, chunk: bytes) -> None:
        self.heard.append(chunk)

    def ends(self) -> None:
        self.heard.append("the end")


def test_who_listens_hears_what_is_asked_and_all_that_is_answered(client_for: ClientFor) -> None:
    client, tape = client_for(FileHost(b"ab").handle), Tape()
    file = replace(FILE, size=2)
    client.listen(tape)

    for offset in (0, 1):
        with client.contents(file, offset=offset) as contents:
            assert b"".join(contents.chunks) == b"ab"[offset:]

    assert tape.heard == [
        *(("GET", FILE.url, False), (200, '"v1"'), b"ab", "the end"),
        *(("GET", FILE.url, True), (206, '"v1"'), b"b", "the end"),
    ]
