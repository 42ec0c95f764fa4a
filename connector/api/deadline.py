"""One deadline over a whole exchange, from the first byte sent to the last one read.

httpx limits each wait for the network, but not their sum: a server that sends a header line every half
second, or one `103 Early Hints` after the other, is never late. Below, each wait also ends at the deadline of
the exchange that this thread is in.
"""

import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

#: When the exchange has to be over, in seconds of the monotonic clock; None where there is no limit.
_until: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def deadline(seconds: float, *, monotonic: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """What is sent and read here is over after so many seconds, or at the deadline around this one."""
    around, own = _until.get(), monotonic() + seconds
    token = _until.set(own if around is None else min(own, around))
    try:
        yield
    finally:
        _until.reset(token)


def heed_deadlines(client: httpx.Client) -> httpx.Client:
    """The client, whose connections end at the deadline. Call it before the first request.

    httpx has no parameter for httpcore's network backend, so it is put where httpx keeps it.
    """
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool
            pool._network_backend = _Backend(pool._network_backend)
    return client


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    until = _until.get()
    if until is None:
        return timeout
    left = until - time.monotonic()
    if left <= 0:
        raise late("the exchange took longer than allowed")
    return left if timeout is None else min(timeout, left)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
