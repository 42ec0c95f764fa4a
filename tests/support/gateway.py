"""A gateway between a client and an HTTP server: it counts what is asked, takes its time, and has bad days.

It passes on every byte as it is, since requests are signed.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import unquote, urlsplit

_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its method, and its path with the query, decoded."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Refused:
    """Another answer than the server's, as S3 has it; the server never hears of the request."""

    status: int
    code: str


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection closes when so many bytes of a request's body have been passed on."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class AnswerCut:
    """The request is carried out, and the connection closes when so many bytes of the answer have come."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Late:
    """The request waits for so many seconds before it is passed on."""

    seconds: float


BadDay = Refused | Cut | AnswerCut | Late

SLOW_DOWN = Refused(503, "SlowDown")
DENIED = Refused(403, "AccessDenied")
NO_SUCH_KEY = Refused(404, "NoSuchKey")


class Gateway:
    """What stands between, while `gateway` serves.

    Attributes:
        endpoint: where it listens.
        asked: the requests so far, in the order in which they came.
        latency: how many seconds each takes longer.
    """

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self._days: list[tuple[str, BadDay, list[int]]] = []
        self._open: set[asyncio.StreamWriter] = set()
        self.endpoint = ""
        self.asked: list[Asked] = []
        self.latency = 0.0

    def add(self, day: BadDay, aim: str = "*", *, times: int | None = 1) -> None:
        """A fault for requests whose `METHOD path` is like a pattern, so many times; always where None."""
        self._days.append((aim, day, [-1 if times is None else times]))

    def clear(self) -> None:
        """From now on all days are good; what was asked so far is forgotten."""
        self._days.clear()
        self.asked.clear()

    def count(self, aim: str = "*") -> int:
        """How many requests were like a pattern."""
        return sum(fnmatchcase(str(each), aim) for each in self.asked)

    def _day_for(self, asked: Asked) -> BadDay | None:
        for aim, day, left in self._days:
            if left[0] and fnmatchcase(str(asked), aim):
                left[0] -= 1
                return day
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client, with one of its own to the server."""
        upstream = await asyncio.open_connection(self._server.hostname, self._server.port)
        both = {writer, upstream[1]}
        self._open |= both
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await self._exchange(reader, writer, *upstream):
                pass
        self._open -= both
        for each in both:
            each.close()

    def close(self) -> None:
        """End the connections that are still open."""
        for each in self._open:
            each.transport.abort()

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        requests: asyncio.StreamWriter,
    ) -> bool:
        """Pass on one request and its answer; whether the connection goes on."""
        head = await reader.readuntil(b"\r\n\r\n")
        method, target = head.split(b" ", 2)[:2]
        asked = Asked(method.decode(), unquote(target.decode()))
        self.asked.append(asked)
        day = self._day_for(asked)
        await asyncio.sleep(self.latency + (day.seconds if isinstance(day, Late) else 0))
        if isinstance(day, Refused):
            await _copy(reader, None, _length(head))
            writer.write(_refusal(day, asked.method))
            await writer.drain()
            return True
        requests.write(head)
        if _header(head, b"expect"):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if isinstance(day, Cut):
            await _copy(reader, requests, min(day.after, _length(head)))
            return False
        await _copy(reader, requests, _length(head))
        answer = await answers.readuntil(b"\r\n\r\n")
        while answer.startswith(b"HTTP/1.1 100"):
            answer = await answers.readuntil(b"\r\n\r\n")
        if isinstance(day, AnswerCut) and not day.after:
            return False
        writer.write(answer)
        if method == b"HEAD" or answer.split(b" ", 2)[1] in {b"204", b"304"}:
            await writer.drain()
        elif b"chunked" in _header(answer, b"transfer-encoding"):
            await _copy_chunks(answers, writer)
        else:
            length = _length(answer)
            await _copy(answers, writer, min(day.after, length) if isinstance(day, AnswerCut) else length)
        return not isinstance(day, AnswerCut) and b"close" not in _header(answer, b"connection")


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        field, _, value = line.partition(b":")
        if field.lower() == name:
            return value.strip().lower()
    return b""


def _length(head: bytes) -> int:
    return int(_header(head, b"content-length") or 0)


async def _copy(source: asyncio.StreamReader, to: asyncio.StreamWriter | None, length: int) -> None:
    while length:
        piece = await source.read(min(length, _PIECE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", length)
        length -= len(piece)
        if to is not None:
            to.write(piece)
            await to.drain()
    if to is not None:
        await to.drain()


async def _copy_chunks(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    size = -1
    while size:
        line = await source.readuntil(b"\r\n")
        size = int(line, 16)
        to.write(line + await source.readexactly(size + 2))
        await to.drain()


def _refusal(day: Refused, method: str) -> bytes:
    body = f"<Error><Code>{day.code}</Code><Message>{day.code}</Message></Error>".encode()
    head = f"HTTP/1.1 {day.status} {day.code}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + (b"" if method == "HEAD" else body)


@contextlib.contextmanager
def gateway(server: str) -> Iterator[Gateway]:
    """Serves in a thread until the block ends.

    Args:
        server: the URL of what it stands before.
    """
    it = Gateway(server)
    started: Future[Callable[[], object]] = Future()
    serving = threading.Thread(target=asyncio.run, args=(_serve(it, started),))
    serving.start()
    stop = started.result()
    try:
        yield it
    finally:
        stop()
        serving.join()


async def _serve(it: Gateway, started: "Future[Callable[[], object]]") -> None:
    stopped = asyncio.Event()
    listening = await asyncio.start_server(it.serve, "127.0.0.1", 0, limit=1 << 20)
    it.endpoint = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    loop = asyncio.get_running_loop()
    started.set_result(lambda: loop.call_soon_threadsafe(stopped.set))
    await stopped.wait()
    listening.close()
    it.close()
    await asyncio.sleep(0)
