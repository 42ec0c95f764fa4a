"""The simulator behind httpx: a reply becomes a response, or the error of a broken connection."""

from collections.abc import Iterator
from typing import Protocol

import httpx

from connector.simulator.protocol.messages import Outcome, Reply, Sleep

_CHUNK = 65_536


class Server(Protocol):
    """What a transport sends requests to."""

    def answer(
        self, method: str, url: httpx.URL, headers: httpx.Headers, body: bytes, *, sleep: Sleep
    ) -> Reply: ...


def exchange(server: Server, request: httpx.Request, sleep: Sleep) -> httpx.Response:
    """Answer `request`; what `sleep` takes meanwhile counts against its read timeout."""
    timeout = request.extensions.get("timeout", {}).get("read")
    waited = 0.0

    def wait(seconds: float) -> None:
        nonlocal waited
        waited += seconds
        sleep(seconds)

    reply = server.answer(request.method, request.url, request.headers, request.read(), sleep=wait)
    delivery = reply.delivery
    if delivery.outcome is Outcome.TIMED_OUT:
        sleep(delivery.hold if timeout is None else min(delivery.hold, timeout))
        raise httpx.ReadTimeout("no answer in time", request=request)
    if timeout is not None and waited > timeout:
        raise httpx.ReadTimeout("the answer came too late", request=request)
    if delivery.outcome is Outcome.RESET:
        raise httpx.ReadError("connection reset by peer", request=request)
    if delivery.outcome is Outcome.REFUSED:
        raise httpx.ConnectError("connection refused", request=request)
    return httpx.Response(
        reply.status,
        headers=list(reply.headers.items()),
        stream=_Body(reply, sleep, head=request.method == "HEAD"),
        request=request,
    )


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body as it arrives: in chunks, slowly, or only in part."""

    def __init__(self, reply: Reply, sleep: Sleep, *, head: bool) -> None:
        self._reply = reply
        self._sleep = sleep
        self._head = head

    def __iter__(self) -> Iterator[bytes]:
        body, delivery = self._reply.body, self._reply.delivery
        declared = len(body) if self._head else int(self._reply.headers.get("Content-Length", len(body)))
        end = min(len(body), declared)
        if delivery.cut_at is not None:
            end = min(end, delivery.cut_at)
        step = delivery.chunk or _CHUNK
        for start in range(0, end, step):
            if delivery.pause and start:
                self._sleep(delivery.pause)
            yield body[start : min(start + step, end)]
        if end < declared:
            raise httpx.RemoteProtocolError(
                "peer closed connection without sending complete message body "
                f"(received {end} bytes, expected {declared})"
            )

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        for chunk in self:
            yield chunk
