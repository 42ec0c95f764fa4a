"""Each wait for the network ends at the deadline of the exchange it is part of."""
# ruff: noqa: ARG002 - all have the signature of the base; few use all of it

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx
import pytest

from connector.api.deadline import deadline, heed_deadlines

STEPS = ["connect", "tls", "write", "read"]


class Network(httpcore.NetworkBackend, httpcore.NetworkStream):
    """A network that answers each request at once, and notes how long it was allowed to take."""

    def __init__(self) -> None:
        self.bounds: list[tuple[str, float | None]] = []
        self.sent: list[str] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.bounds.append(("connect", timeout))
        self.sent.append(f"{host}:{port}")
        return self

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self.bounds.append(("tls", timeout))
        self.sent.append(str(server_hostname))
        return self

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.bounds.append(("write", timeout))
        self.sent.append(buffer.decode())

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.bounds.append(("read", timeout))
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    def close(self) -> None:
        pass

    def get_extra_info(self, info: str) -> Any:
        return None


def exchange(timeout: float | None) -> Network:
    """One request over connections that have this bound of their own for each wait."""
    network = Network()
    with httpx.Client(timeout=timeout, trust_env=False) as client:
        # Where httpx keeps it.
        vars(client)["_transport"]._pool._network_backend = network
        assert heed_deadlines(client).get("https://stripe.example/").status_code == 204
    return network


def test_no_step_of_an_exchange_may_take_longer_than_is_left_of_its_time() -> None:
    with deadline(3.0):
        network = exchange(None)

    assert list(dict.fromkeys(step for step, _ in network.bounds)) == STEPS
    assert all(bound is not None and 2.0 < bound <= 3.0 for _, bound in network.bounds)
    assert network.sent[:2] == ["stripe.example:443", "stripe.example"]
    assert network.sent[2].startswith("GET / HTTP/1.1")


@pytest.mark.parametrize(("outer", "inner"), [(3.0, 60.0), (60.0, 3.0)])
def test_of_two_deadlines_the_nearer_one_counts(outer: float, inner: float) -> None:
    with deadline(outer), deadline(inner):
        network = exchange(None)

    assert all(bound is not None and bound <= 3.0 for _, bound in network.bounds)


def test_a_shorter_bound_of_the_connections_stays() -> None:
    with deadline(60.0):
        bounded = exchange(1.0)

    assert {bound for _, bound in bounded.bounds} == {1.0}


def test_without_a_deadline_the_connections_decide() -> None:
    with deadline(60.0):
        pass

    assert {bound for _, bound in exchange(None).bounds} == {None}


def test_at_the_deadline_nothing_more_is_waited_for() -> None:
    with deadline(0.0), pytest.raises(httpx.ConnectTimeout, match="took longer than allowed"):
        exchange(None)
